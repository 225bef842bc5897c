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

// newSetup is a week of a load that follows the hours, from 0.6 to 3.4 vCPUs.
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
			t.Errorf("%d were played, and it is told %d", tried, n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	best, base := r.Best[0], r.Base
	if !best.MeetsLimits || best.TrainingScore.OverloadedMinutes > 10 || len(best.Changes) == 0 || base.MeetsLimits && best.TrainingScore.Cost > base.TrainingScore.Cost {
		t.Errorf("the best is %+v, began with %+v", best, base)
	}
	if want := time.Date(2024, 3, 8, 21, 0, 0, 0, time.UTC); r.SplitAt != want || r.EvaluatedPolicies <= randomPolicies+1 || // what was drawn is gone on from
		tried == 0 || len(r.Best) != maxRecommendations {
		t.Errorf("split at %s, %d tried, %d told, %d given", r.SplitAt, r.EvaluatedPolicies, tried, len(r.Best))
	}
	// The two parts are the whole, and nothing is counted in both.
	if best.TrainingScore.ScoredMinutes+best.ValidationScore.ScoredMinutes != 7*24*60 || best.ValidationScore.ScoredMinutes != 51*60 {
		t.Errorf("%d minutes were fitted on, %d judged", best.TrainingScore.ScoredMinutes, best.ValidationScore.ScoredMinutes)
	}
	x := searcher{limits: limits}
	for n := 1; n < len(r.Best); n++ {
		if x.compare(r.Best[n-1], r.Best[n]) > 0 {
			t.Errorf("runner-up %d did better", n)
		}
	}
	again, err := Search(t.Context(), newSetup(), limits, nil)
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("the same again is another: %v", err)
	}
}

// What cannot be is told, and the nearest is given.
func TestSearch_ReturnsNearestWhenNoneMeetsLimits(t *testing.T) {
	r, err := Search(t.Context(), newSetup(), Limits{MaxMonthlyCost: 1}, nil)
	if err != nil || r.Best[0].MeetsLimits {
		t.Errorf("got %+v, %v", r.Best, err)
	}
	if month := MonthlyCost(r.Best[0].TrainingScore); month < 189*scaling.Dollar || month > 800*scaling.Dollar { // one large is 26 cents × 730
		t.Errorf("a month costs %s", month)
	}
}

func TestSearch_RefusesInvalidInput(t *testing.T) {
	s := newSetup()
	s.Recording.Demand = s.Recording.Demand[:3*24*12]
	if _, err := Search(t.Context(), s, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "four days") {
		t.Errorf("three days: %v", err)
	}
	s = newSetup()
	s.Policy.Readers.InstanceClasses = []string{"db.r99.large"}
	if _, err := Search(t.Context(), s, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "db.r99.large") {
		t.Errorf("a class nobody knows: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Search(ctx, newSetup(), Limits{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("when it was interrupted: %v", err)
	}
}

// A ladder without its upper rungs is no answer: the largest shape carries twice what was fitted on, or as much as the policy allows
// that the search began with. What was not fitted on does not count.
func TestAlternatives_HaveHeadroom(t *testing.T) {
	s := newSetup() // 3.4 vCPUs at the highest; 45 % is the target, and three 2xlarge have 24
	split := s.Recording.Start.Add(48 * time.Hour)
	s.Recording.Demand[3] = math.NaN()
	s.Recording.Demand[48*12] = 100 // after the split
	if got := requiredVCPUs(s, split); math.Abs(got-2*3.4/0.45) > 0.1 {
		t.Errorf("the largest shape must have %.2f vCPUs", got)
	}
	x := searcher{setup: s, minLargestVCPUs: requiredVCPUs(s, split), maxSmallestVCPUs: 24}
	for _, f := range x.alternatives(ladderVariants, Candidate{Policy: s.Policy, InitialShape: s.InitialShape}) {
		if !slices.Contains(f.Policy.Readers.InstanceClasses, "db.r6g.2xlarge") { // three xlarge have 12
			t.Errorf("%v is a choice", f.Policy.Readers.InstanceClasses)
		}
	}
	if n := len(x.alternatives(readerCountVariants, Candidate{Policy: s.Policy, InitialShape: s.InitialShape})); n != 5 { // all but one reader alone
		t.Errorf("there are %d choices of counts", n)
	}
	s.Policy.Readers.Max = 1
	if got := requiredVCPUs(s, split); got != 8 {
		t.Errorf("the largest shape must have %.2f vCPUs where one 2xlarge is all that there may be", got)
	}
}

// What is said to be different is what is different, and a ladder that was cut short can be had whole again.
func TestDescribeChanges(t *testing.T) {
	s := newSetup()
	x := searcher{setup: s, maxSmallestVCPUs: 24}
	base := Candidate{Policy: s.Policy, InitialShape: s.InitialShape}
	f := base
	for _, d := range dimensions {
		f = x.alternatives(d, f)[0]
	}
	want := []string{"ladder db.r6g.large", "1 to 1 readers", "target 45%, up at 60%, down at 30%", "scale-up window of 1 min",
		"scale-down window of 30 min", "window for classes of 240 min"}
	if !slices.Equal(f.Changes, want) {
		t.Errorf("changed is %q", f.Changes)
	}
	back := slices.ContainsFunc(x.alternatives(ladderVariants, f), func(f Candidate) bool { return len(f.Policy.Readers.InstanceClasses) == 3 })
	more := slices.ContainsFunc(x.alternatives(readerCountVariants, f), func(f Candidate) bool { return f.Policy.Readers.Max == 3 })
	two := s
	two.InitialShape.Count = 2
	fewer := slices.ContainsFunc(readerCountVariants(two, s.Policy), func(p scaling.Policy) bool { return p.Readers.Min < 2 })
	if !back || !more || fewer || len(describeChanges(s.Policy, base.Policy)) != 0 {
		t.Errorf("whole again: %t, more readers again: %t", back, more)
	}
}

// The limits come first, then the cost; without prices it is counted in vCPU hours.
func TestCompare_PutsLimitsBeforeCost(t *testing.T) {
	x := searcher{limits: Limits{MaxOverloadedMinutesPerWeek: 7, MaxDisruptionsPerWeek: 2}}
	day := func(overloaded, disruptions int, hours float64) Candidate {
		return Candidate{TrainingScore: backtest.Score{ScoredMinutes: 24 * 60, OverloadedMinutes: overloaded, Disruptions: disruptions, VCPUHours: hours}}
	}
	for n, pair := range [][2]Candidate{
		{day(1, 0, 50), day(2, 0, 40)}, // a minute a day is allowed
		{day(1, 0, 50), day(0, 1, 40)}, // one disruption a day is 5/7 too many
		{day(2, 0, 50), day(4, 0, 40)}, // neither keeps to it: the nearer one
		{day(1, 0, 40), day(0, 0, 50)}, // both do: the cheaper one
		{day(0, 0, 40), day(1, 0, 40)}, // as cheap: the less overloaded one
		{day(0, 0, 40), func() Candidate { f := day(0, 0, 40); f.Changes = []string{"a"}; return f }()}, // the one that changes less
	} {
		if x.compare(pair[0], pair[1]) >= 0 || x.compare(pair[1], pair[0]) <= 0 {
			t.Errorf("pair %d is the wrong way round", n)
		}
	}
}

// A policy is judged by the limits too, on the rest: which may be more than it can carry.
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
		judged, err := x.validate(t.Context(), []Candidate{{Policy: s.Policy, InitialShape: s.InitialShape}})
		if err != nil || judged[0].MeetsLimitsInValidation == heavier || judged[0].ValidationScore.ScoredMinutes != 3*24*60 {
			t.Errorf("ten times as much: %t, it keeps to the limits: %t, %+v, %v", heavier, judged[0].MeetsLimitsInValidation, judged[0].ValidationScore, err)
		}
	}
}

// Of those that only wait differently, or did just the same, the first is shown.
func TestDistinctCandidates(t *testing.T) {
	with := func(target int, window time.Duration, overloaded int) Candidate {
		f := Candidate{Policy: newSetup().Policy, TrainingScore: backtest.Score{OverloadedMinutes: overloaded}}
		f.Policy.CPU.Target, f.Policy.ScaleUp.Window = target, window
		return f
	}
	got := distinctCandidates([]Candidate{with(40, 1, 0), with(40, 2, 1), with(45, 1, 0), with(50, 1, 2)})
	if len(got) != 2 || got[0].Policy.CPU.Target != 40 || got[1].Policy.CPU.Target != 50 {
		t.Errorf("%d are left: %+v", len(got), got)
	}
}

// The pool that is played is varied, and the other is left alone.
func TestLadderVariants_VaryScaledPoolOnly(t *testing.T) {
	s := newSetup()
	s.Pool, s.Policy.Writer = scaling.Writer, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.xlarge", "db.r6g.2xlarge"}}
	all := ladderVariants(s, s.Policy)
	for _, p := range all {
		if len(p.Readers.InstanceClasses) != 3 || len(p.Writer.InstanceClasses) == 0 {
			t.Errorf("%v, %v", p.Readers, p.Writer)
		}
	}
	if len(all) != 3 || len(readerCountVariants(s, s.Policy)) != 0 {
		t.Errorf("%d ladders of two classes, %d numbers of writers", len(all), len(readerCountVariants(s, s.Policy)))
	}
}

// What no operation may reach is no choice: three 2xlarge at least are further from one large than four times, and so are two.
func TestAlternatives_RespectMaxStepFactor(t *testing.T) {
	s := newSetup()
	x := searcher{setup: s, maxSmallestVCPUs: 4 * 2}
	x.setup.InitialShape.Count = 1
	with := s.Policy
	readers := *with.Readers
	readers.InstanceClasses = []string{"db.r6g.2xlarge"}
	with.Readers = &readers
	for _, f := range x.alternatives(readerCountVariants, Candidate{Policy: with}) {
		if f.Policy.Readers.Min > 1 {
			t.Errorf("%d to %d 2xlarge is a choice", f.Policy.Readers.Min, f.Policy.Readers.Max)
		}
	}
	x.setup.InitialShape.Count = 2 // and they stay
	if n := len(x.alternatives(readerCountVariants, Candidate{Policy: with})); n != 0 {
		t.Errorf("from two readers there are %d choices", n)
	}
}

// All begin alike, whatever their ladders; and money counts where every class has a price, for all of them or for none.
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
			t.Errorf("%v begins with %s", f.Changes, f.InitialShape)
		}
		if n > 0 && r.Best[n-1].MeetsLimits && f.TrainingScore.VCPUHours < r.Best[n-1].TrainingScore.VCPUHours && f.MeetsLimits {
			t.Errorf("%v costs less and comes later", f.Changes)
		}
	}
}
