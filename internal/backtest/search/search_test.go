package search

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

// setup is a week of a load that follows the hours, from 0.6 to 3.4 vCPUs.
func setup() backtest.Setup {
	r := &recording.Recording{Start: time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC), Interval: 5 * time.Minute}
	for n := range 7 * 24 * 12 {
		r.Demand = append(r.Demand, 2+1.4*math.Sin((float64(n)/12-8)/24*2*math.Pi))
	}
	return backtest.Setup{
		Recording: r, Pool: scaling.Readers, Insights: true, Seed: 1,
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
	limits := Limits{OverloadedPerWeek: 10, DisruptionsPerWeek: 3}
	r, err := Search(t.Context(), setup(), limits, func(n int) {
		if tried++; n != tried {
			t.Errorf("%d were played, and it is told %d", tried, n)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	best, base := r.Best[0], r.Base
	if !best.Keeps || best.Fitted.Overloaded > 10 || len(best.Changed) == 0 || base.Keeps && best.Fitted.Cost > base.Fitted.Cost {
		t.Errorf("the best is %+v, began with %+v", best, base)
	}
	if want := time.Date(2024, 3, 8, 21, 0, 0, 0, time.UTC); r.Split != want || r.Tried <= draws+1 || // what was drawn is gone on from
		tried == 0 || len(r.Best) != shown {
		t.Errorf("split at %s, %d tried, %d told, %d given", r.Split, r.Tried, tried, len(r.Best))
	}
	// The two parts are the whole, and nothing is counted in both.
	if best.Fitted.Minutes+best.Judged.Minutes != 7*24*60 || best.Judged.Minutes != 51*60 {
		t.Errorf("%d minutes were fitted on, %d judged", best.Fitted.Minutes, best.Judged.Minutes)
	}
	x := searcher{limits: limits}
	for n := 1; n < len(r.Best); n++ {
		if x.compare(r.Best[n-1], r.Best[n]) > 0 {
			t.Errorf("runner-up %d did better", n)
		}
	}
	again, err := Search(t.Context(), setup(), limits, nil)
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("the same again is another: %v", err)
	}
}

// What cannot be is told, and the nearest is given.
func TestLimitsThatNothingKeepsTo(t *testing.T) {
	r, err := Search(t.Context(), setup(), Limits{PerMonth: 1}, nil)
	if err != nil || r.Best[0].Keeps {
		t.Errorf("got %+v, %v", r.Best, err)
	}
	if month := Monthly(r.Best[0].Fitted); month < 189*scaling.Dollar || month > 800*scaling.Dollar { // one large is 26 cents × 730
		t.Errorf("a month costs %s", month)
	}
}

func TestWhatCannotBeSearched(t *testing.T) {
	s := setup()
	s.Recording.Demand = s.Recording.Demand[:3*24*12]
	if _, err := Search(t.Context(), s, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "four days") {
		t.Errorf("three days: %v", err)
	}
	s = setup()
	s.Policy.Readers.InstanceClasses = []string{"db.r99.large"}
	if _, err := Search(t.Context(), s, Limits{}, nil); err == nil || !strings.Contains(err.Error(), "db.r99.large") {
		t.Errorf("a class nobody knows: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Search(ctx, setup(), Limits{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("when it was interrupted: %v", err)
	}
}

// A ladder without its upper rungs is no answer: the largest shape carries twice what was fitted on, or as much as the policy allows
// that the search began with. What was not fitted on does not count.
func TestHeadroom(t *testing.T) {
	s := setup() // 3.4 vCPUs at the highest; 45 % is the target, and three 2xlarge have 24
	split := s.Recording.Start.Add(48 * time.Hour)
	s.Recording.Demand[3] = math.NaN()
	s.Recording.Demand[48*12] = 100 // after the split
	if got := room(s, split); math.Abs(got-2*3.4/0.45) > 0.1 {
		t.Errorf("the largest shape must have %.2f vCPUs", got)
	}
	x := searcher{setup: s, least: room(s, split), reach: 24}
	for _, f := range x.choices(ladders, Found{Policy: s.Policy, Start: s.Start}) {
		if !slices.Contains(f.Policy.Readers.InstanceClasses, "db.r6g.2xlarge") { // three xlarge have 12
			t.Errorf("%v is a choice", f.Policy.Readers.InstanceClasses)
		}
	}
	if n := len(x.choices(counts, Found{Policy: s.Policy, Start: s.Start})); n != 5 { // all but one reader alone
		t.Errorf("there are %d choices of counts", n)
	}
	s.Policy.Readers.Max = 1
	if got := room(s, split); got != 8 {
		t.Errorf("the largest shape must have %.2f vCPUs where one 2xlarge is all that there may be", got)
	}
}

// What is said to be different is what is different, and a ladder that was cut short can be had whole again.
func TestChanges(t *testing.T) {
	s := setup()
	x := searcher{setup: s, reach: 24}
	base := Found{Policy: s.Policy, Start: s.Start}
	f := base
	for _, d := range dimensions {
		f = x.choices(d, f)[0]
	}
	want := []string{"ladder db.r6g.large", "1 to 1 readers", "target 45%, up at 60%, down at 30%", "scale-up window of 1 min",
		"scale-down window of 30 min", "window for classes of 240 min"}
	if !slices.Equal(f.Changed, want) {
		t.Errorf("changed is %q", f.Changed)
	}
	back := slices.ContainsFunc(x.choices(ladders, f), func(f Found) bool { return len(f.Policy.Readers.InstanceClasses) == 3 })
	more := slices.ContainsFunc(x.choices(counts, f), func(f Found) bool { return f.Policy.Readers.Max == 3 })
	two := s
	two.Start.Count = 2
	fewer := slices.ContainsFunc(counts(two, s.Policy), func(p scaling.Policy) bool { return p.Readers.Min < 2 })
	if !back || !more || fewer || len(changes(s.Policy, base.Policy)) != 0 {
		t.Errorf("whole again: %t, more readers again: %t", back, more)
	}
}

// The limits come first, then the cost; without prices it is counted in vCPU hours.
func TestCompare(t *testing.T) {
	x := searcher{limits: Limits{OverloadedPerWeek: 7, DisruptionsPerWeek: 2}}
	day := func(overloaded, disruptions int, hours float64) Found {
		return Found{Fitted: backtest.Score{Minutes: 24 * 60, Overloaded: overloaded, Disruptions: disruptions, VCPUHours: hours}}
	}
	for n, pair := range [][2]Found{
		{day(1, 0, 50), day(2, 0, 40)}, // a minute a day is allowed
		{day(1, 0, 50), day(0, 1, 40)}, // one disruption a day is 5/7 too many
		{day(2, 0, 50), day(4, 0, 40)}, // neither keeps to it: the nearer one
		{day(1, 0, 40), day(0, 0, 50)}, // both do: the cheaper one
		{day(0, 0, 40), day(1, 0, 40)}, // as cheap: the less overloaded one
		{day(0, 0, 40), func() Found { f := day(0, 0, 40); f.Changed = []string{"a"}; return f }()}, // the one that changes less
	} {
		if x.compare(pair[0], pair[1]) >= 0 || x.compare(pair[1], pair[0]) <= 0 {
			t.Errorf("pair %d is the wrong way round", n)
		}
	}
}

// A policy is judged by the limits too, on the rest: which may be more than it can carry.
func TestJudge(t *testing.T) {
	s := setup()
	split := s.Recording.Start.Add(4 * 24 * time.Hour)
	for _, heavier := range []bool{false, true} {
		if heavier {
			for n := 4 * 24 * 12; n < len(s.Recording.Demand); n++ {
				s.Recording.Demand[n] *= 10
			}
		}
		x := searcher{setup: s, split: split, limits: Limits{OverloadedPerWeek: 60, DisruptionsPerWeek: 10}}
		judged, err := x.judge(t.Context(), []Found{{Policy: s.Policy, Start: s.Start}})
		if err != nil || judged[0].KeepsJudged == heavier || judged[0].Judged.Minutes != 3*24*60 {
			t.Errorf("ten times as much: %t, it keeps to the limits: %t, %+v, %v", heavier, judged[0].KeepsJudged, judged[0].Judged, err)
		}
	}
}

// Of those that only wait differently, or did just the same, the first is shown.
func TestDifferent(t *testing.T) {
	with := func(target int, window time.Duration, overloaded int) Found {
		f := Found{Policy: setup().Policy, Fitted: backtest.Score{Overloaded: overloaded}}
		f.Policy.CPU.Target, f.Policy.ScaleUp.Window = target, window
		return f
	}
	got := different([]Found{with(40, 1, 0), with(40, 2, 1), with(45, 1, 0), with(50, 1, 2)})
	if len(got) != 2 || got[0].Policy.CPU.Target != 40 || got[1].Policy.CPU.Target != 50 {
		t.Errorf("%d are left: %+v", len(got), got)
	}
}

// The pool that is played is varied, and the other is left alone.
func TestPoolThatIsPlayed(t *testing.T) {
	s := setup()
	s.Pool, s.Policy.Writer = scaling.Writer, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.xlarge", "db.r6g.2xlarge"}}
	all := ladders(s, s.Policy)
	for _, p := range all {
		if len(p.Readers.InstanceClasses) != 3 || len(p.Writer.InstanceClasses) == 0 {
			t.Errorf("%v, %v", p.Readers, p.Writer)
		}
	}
	if len(all) != 3 || len(counts(s, s.Policy)) != 0 {
		t.Errorf("%d ladders of two classes, %d numbers of writers", len(all), len(counts(s, s.Policy)))
	}
}

// What no operation may reach is no choice: three 2xlarge at least are further from one large than four times, and so are two.
func TestReach(t *testing.T) {
	s := setup()
	x := searcher{setup: s, reach: 4 * 2}
	x.setup.Start.Count = 1
	with := s.Policy
	readers := *with.Readers
	readers.InstanceClasses = []string{"db.r6g.2xlarge"}
	with.Readers = &readers
	for _, f := range x.choices(counts, Found{Policy: with}) {
		if f.Policy.Readers.Min > 1 {
			t.Errorf("%d to %d 2xlarge is a choice", f.Policy.Readers.Min, f.Policy.Readers.Max)
		}
	}
	x.setup.Start.Count = 2 // and they stay
	if n := len(x.choices(counts, Found{Policy: with})); n != 0 {
		t.Errorf("from two readers there are %d choices", n)
	}
}

// All begin alike, whatever their ladders; and money counts where every class has a price, for all of them or for none.
func TestBeginsAlike(t *testing.T) {
	s := setup()
	s.Start = scaling.Shape{}
	delete(s.Policy.Prices, "db.r6g.2xlarge")
	r, err := Search(t.Context(), s, Limits{OverloadedPerWeek: 10, DisruptionsPerWeek: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for n, f := range r.Best {
		if f.Start != (scaling.Shape{InstanceClass: "db.r6g.large", Count: 1}) {
			t.Errorf("%v begins with %s", f.Changed, f.Start)
		}
		if n > 0 && r.Best[n-1].Keeps && f.Fitted.VCPUHours < r.Best[n-1].Fitted.VCPUHours && f.Keeps {
			t.Errorf("%v costs less and comes later", f.Changed)
		}
	}
}
