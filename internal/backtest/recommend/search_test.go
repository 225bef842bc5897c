package recommend

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newSetup has a week of a daily cycle from 0.6 to 3.4 vCPUs.
func newSetup() backtest.Setup {
	r := &recording.Recording{Start: time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC), Interval: 5 * time.Minute}
	for n := range 7 * 24 * 12 {
		r.Demand = append(r.Demand, 2+1.4*math.Sin((float64(n)/12-8)/24*2*math.Pi))
	}
	return backtest.Setup{
		Recording: r, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1,
		Policy: scaling.Policy{
			Name: "shop/orders", Target: scaling.Target{Scope: scaling.Scope{Region: "eu-west-1"}, Kind: scaling.DBCluster, Identifier: "orders"},
			Readers: &scaling.ReaderLimits{
				InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}, Min: 1, Max: 3, Preference: scaling.Cheapest,
				Redundancy: scaling.AllReaders,
			},
			CPU:     scaling.CPU{Target: 45, ScaleUp: 60, ScaleDown: 20},
			ScaleUp: scaling.Behavior{Window: 3 * time.Minute}, ScaleDown: scaling.Behavior{Window: 4 * time.Hour}, ScaleDownClassWindow: 24 * time.Hour,
			Guardrails:        scaling.Guardrails{MaxOperationsPerDay: 6, SurgeReaders: 1, MaxStepFactor: 4},
			PredictiveScaling: scaling.PredictiveScaling{Trend: true, History: true},
			Prices:            map[string]scaling.Money{"db.r6g.large": 260_000, "db.r6g.xlarge": 520_000, "db.r6g.2xlarge": 1_040_000},
		},
	}
}

func TestSearch(t *testing.T) {
	tried := 0
	limits := Limits{MaxOverloadedMinutesPerWeek: 10, MaxDisruptionsPerWeek: 3}
	r, err := Search(t.Context(), newSetup(), limits, func(n int) {
		if tried++; n != tried {
			t.Errorf("onEvaluated was called with %d, want %d", n, tried)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	best, base := r.Best[0], r.Base
	if !best.MeetsLimits || best.TrainingScore.OverloadedMinutes > 10 || len(best.Changes) == 0 ||
		base.MeetsLimits && best.TrainingScore.Cost > base.TrainingScore.Cost {
		t.Errorf("the best is %+v, the base %+v", best, base)
	}
	// More policies than the random ones and the base were simulated, so the best of them was improved.
	if want := time.Date(2024, 3, 8, 21, 0, 0, 0, time.UTC); r.SplitAt != want || r.EvaluatedPolicies <= randomPolicies+1 ||
		tried == 0 || len(r.Best) != maxRecommendations {
		t.Errorf("split at %s, %d policies evaluated, %d calls of onEvaluated, %d recommendations", r.SplitAt, r.EvaluatedPolicies, tried,
			len(r.Best))
	}
	// The two parts cover the recording and do not overlap.
	training, validation := best.TrainingScore.ScoredMinutes, best.ValidationScore.ScoredMinutes
	if training+validation != 7*24*60 || validation != 51*60 {
		t.Errorf("the training part has %d minutes, the validation part %d", training, validation)
	}
	s := searcher{limits: limits}
	for n := 1; n < len(r.Best); n++ {
		if s.compare(r.Best[n-1], r.Best[n]) > 0 {
			t.Errorf("recommendation %d is better than the one before", n)
		}
	}
	again, err := Search(t.Context(), newSetup(), limits, nil)
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("a second search has another result; error %v", err)
	}
}

// If no policy meets the limits, the one nearest to them is recommended.
func TestSearch_ReturnsNearestWhenNoneMeetsLimits(t *testing.T) {
	r, err := Search(t.Context(), newSetup(), Limits{MaxMonthlyCost: 1}, nil)
	if err != nil || r.Best[0].MeetsLimits {
		t.Errorf("a limit of $0.000001 a month is met by %+v; error %v", r.Best, err)
	}
	if month := MonthlyCost(r.Best[0].TrainingScore); month < 189*scaling.Dollar || month > 800*scaling.Dollar { // one large costs $0.26 × 730
		t.Errorf("a month costs %s, want $189 to $800", month)
	}
}

func TestSearch_RefusesInvalidInput(t *testing.T) {
	s := newSetup()
	s.Recording.Demand = s.Recording.Demand[:3*24*12]
	if _, err := Search(t.Context(), s, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "four days") {
		t.Errorf("recording of three days: got error %v", err)
	}
	s = newSetup()
	s.Policy.Readers.InstanceClasses = []string{"db.r99.large"}
	if _, err := Search(t.Context(), s, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "db.r99.large") {
		t.Errorf("unknown class: got error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Search(ctx, newSetup(), Limits{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled context: got error %v", err)
	}
}

// The largest shape of each alternative carries twice the highest demand of the training part, or as much as the base policy
// allows. The validation part does not count.
func TestAlternatives_HaveHeadroom(t *testing.T) {
	s := newSetup() // the peak is 3.4 vCPUs, the target 45 %, and three 2xlarge have 24 vCPUs
	split := s.Recording.Start.Add(48 * time.Hour)
	s.Recording.Demand[3] = math.NaN()
	s.Recording.Demand[48*12] = 100 // after the split
	if got := requiredVCPUs(s, split); math.Abs(got-2*3.4/0.45) > 0.1 {
		t.Errorf("the required size is %.2f vCPUs, want %.2f", got, 2*3.4/0.45)
	}
	x := searcher{setup: s, minLargestVCPUs: requiredVCPUs(s, split), maxSmallestVCPUs: 24}
	for _, f := range x.alternatives(ladderVariants, Candidate{Policy: s.Policy, InitialShape: s.InitialShape}) {
		if !slices.Contains(f.Policy.Readers.InstanceClasses, "db.r6g.2xlarge") { // three xlarge have 12
			t.Errorf("the classes %v are an alternative", f.Policy.Readers.InstanceClasses)
		}
	}
	if n := len(x.alternatives(readerCountVariants, Candidate{Policy: s.Policy, InitialShape: s.InitialShape})); n != 5 { // all but 1 to 1
		t.Errorf("%d reader counts are alternatives, want 5", n)
	}
	s.Policy.Readers.Max = 1
	if got := requiredVCPUs(s, split); got != 8 {
		t.Errorf("the required size is %.2f vCPUs, want the base policy's maximum of 8", got)
	}
}

// Each dimension's difference is described. The whole ladder and all reader counts of the base policy remain alternatives of a
// variant.
func TestDescribeChanges(t *testing.T) {
	s := newSetup()
	x := searcher{setup: s, maxSmallestVCPUs: 24}
	base := Candidate{Policy: s.Policy, InitialShape: s.InitialShape}
	f := base
	for _, d := range dimensions {
		f = x.alternatives(d, f)[0]
	}
	want := []string{"instance classes db.r6g.large", "1 to 1 readers", "CPU target 45%, scale up at 60%, scale down at 30%",
		"scale-up window of 1 min", "scale-down window of 30 min", "scale-down class window of 240 min"}
	if !slices.Equal(f.Changes, want) {
		t.Errorf("the changes are %q, want %q", f.Changes, want)
	}
	if changes := describeChanges(s.Policy, base.Policy); len(changes) != 0 {
		t.Errorf("the changes of an equal policy are %q", changes)
	}
	hasWholeLadder := func(f Candidate) bool { return len(f.Policy.Readers.InstanceClasses) == 3 }
	if !slices.ContainsFunc(x.alternatives(ladderVariants, f), hasWholeLadder) {
		t.Error("the whole ladder is not an alternative to a part of it")
	}
	hasAllReaders := func(f Candidate) bool { return f.Policy.Readers.Max == 3 }
	if !slices.ContainsFunc(x.alternatives(readerCountVariants, f), hasAllReaders) {
		t.Error("three readers are not an alternative to one")
	}
	twoReaders := s
	twoReaders.InitialShape.Count = 2
	hasFewerReaders := func(p scaling.Policy) bool { return p.Readers.Min < 2 }
	if slices.ContainsFunc(readerCountVariants(twoReaders, s.Policy), hasFewerReaders) {
		t.Error("a minimum of one reader is a variant, with two initial readers")
	}
}

// Limits are compared before cost. Without prices, the cost is in vCPU hours.
func TestCompare_PutsLimitsBeforeCost(t *testing.T) {
	x := searcher{limits: Limits{MaxOverloadedMinutesPerWeek: 7, MaxDisruptionsPerWeek: 2}}
	day := func(overloaded, disruptions int, hours float64) Candidate {
		return Candidate{TrainingScore: backtest.Score{ScoredMinutes: 24 * 60, OverloadedMinutes: overloaded, Disruptions: disruptions, VCPUHours: hours}}
	}
	for n, pair := range [][2]Candidate{
		{day(1, 0, 50), day(2, 0, 40)}, // one overloaded minute a day meets the limit
		{day(1, 0, 50), day(0, 1, 40)}, // one disruption a day exceeds the limit by 5/7
		{day(2, 0, 50), day(4, 0, 40)}, // both exceed the limit: the nearer one
		{day(1, 0, 40), day(0, 0, 50)}, // both meet the limit: the cheaper one
		{day(0, 0, 40), day(1, 0, 40)}, // equal cost: the less overloaded one
		{day(0, 0, 40), func() Candidate { f := day(0, 0, 40); f.Changes = []string{"a"}; return f }()}, // the one with fewer changes
	} {
		if x.compare(pair[0], pair[1]) >= 0 || x.compare(pair[1], pair[0]) <= 0 {
			t.Errorf("pair %d: the first candidate is not the better one", n)
		}
	}
}

// The limits apply to the validation part too. Its demand may exceed the capacity.
func TestValidate_AppliesLimits(t *testing.T) {
	s := newSetup()
	split := s.Recording.Start.Add(4 * 24 * time.Hour)
	for _, heavier := range []bool{false, true} {
		if heavier {
			for n := 4 * 24 * 12; n < len(s.Recording.Demand); n++ {
				s.Recording.Demand[n] *= 10
			}
		}
		x := searcher{setup: s, splitAt: split, limits: Limits{MaxOverloadedMinutesPerWeek: 60, MaxDisruptionsPerWeek: 10}}
		validated, err := x.validate(t.Context(), []Candidate{{Policy: s.Policy, InitialShape: s.InitialShape}})
		if err != nil {
			t.Fatal(err)
		}
		if c := validated[0]; c.MeetsLimitsInValidation == heavier || c.ValidationScore.ScoredMinutes != 3*24*60 {
			t.Errorf("tenfold demand: %t, meets the limits: %t, score %+v", heavier, c.MeetsLimitsInValidation, c.ValidationScore)
		}
	}
}

// Of several candidates that differ in their windows only, or have the same score, the first is kept.
func TestDistinctCandidates(t *testing.T) {
	with := func(target int, window time.Duration, overloaded int) Candidate {
		f := Candidate{Policy: newSetup().Policy, TrainingScore: backtest.Score{OverloadedMinutes: overloaded}}
		f.Policy.CPU.Target, f.Policy.ScaleUp.Window = target, window
		return f
	}
	got := distinctCandidates([]Candidate{with(40, 1, 0), with(40, 2, 1), with(45, 1, 0), with(50, 1, 2)})
	if len(got) != 2 || got[0].Policy.CPU.Target != 40 || got[1].Policy.CPU.Target != 50 {
		t.Errorf("%d candidates are kept, want the targets 40 and 50: %+v", len(got), got)
	}
}

// Only the recorded pool is varied.
func TestLadderVariants_VaryScaledPoolOnly(t *testing.T) {
	s := newSetup()
	s.Pool, s.Policy.Writer = scaling.Writer, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.xlarge", "db.r6g.2xlarge"}}
	all := ladderVariants(s, s.Policy)
	for _, p := range all {
		if len(p.Readers.InstanceClasses) != 3 || len(p.Writer.InstanceClasses) == 0 {
			t.Errorf("the readers are %v and the writer %v, want unchanged readers", p.Readers, p.Writer)
		}
	}
	if len(all) != 3 || len(readerCountVariants(s, s.Policy)) != 0 {
		t.Errorf("%d variants of a ladder of two classes, want 3; %d reader counts for a writer, want 0", len(all),
			len(readerCountVariants(s, s.Policy)))
	}
}

// A policy is no alternative if MaxStepFactor blocks the step to its smallest shape: two or three 2xlarge have more than four times
// the vCPUs of one large.
func TestAlternatives_RespectMaxStepFactor(t *testing.T) {
	s := newSetup()
	x := searcher{setup: s, maxSmallestVCPUs: 4 * 2}
	x.setup.InitialShape.Count = 1
	policy := s.Policy
	readers := *policy.Readers
	readers.InstanceClasses = []string{"db.r6g.2xlarge"}
	policy.Readers = &readers
	for _, f := range x.alternatives(readerCountVariants, Candidate{Policy: policy}) {
		if f.Policy.Readers.Min > 1 {
			t.Errorf("%d to %d 2xlarge are an alternative", f.Policy.Readers.Min, f.Policy.Readers.Max)
		}
	}
	x.setup.InitialShape.Count = 2 // the initial readers stay
	if n := len(x.alternatives(readerCountVariants, Candidate{Policy: policy})); n != 0 {
		t.Errorf("%d alternatives from two readers, want none", n)
	}
}

// All candidates have the same initial shape. Costs are compared in money if every class has a price, otherwise in vCPU hours.
func TestSearch_UsesSameInitialShape(t *testing.T) {
	s := newSetup()
	s.InitialShape = scaling.Shape{}
	delete(s.Policy.Prices, "db.r6g.2xlarge")
	r, err := Search(t.Context(), s, Limits{MaxOverloadedMinutesPerWeek: 10, MaxDisruptionsPerWeek: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, f := range r.Best {
		if f.InitialShape != (scaling.Shape{InstanceClass: "db.r6g.large", Count: 1}) {
			t.Errorf("the initial shape of %v is %s", f.Changes, f.InitialShape)
		}
		if n > 0 && r.Best[n-1].MeetsLimits && f.TrainingScore.VCPUHours < r.Best[n-1].TrainingScore.VCPUHours && f.MeetsLimits {
			t.Errorf("%v costs less than the candidate before", f.Changes)
		}
	}
}
