package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

var monday = time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)

// newHourlyRecording is a recording by the minute that has each demand for an hour.
func newHourlyRecording(demands ...float64) *recording.Recording {
	r := &recording.Recording{Start: monday, Interval: time.Minute}
	for _, d := range demands {
		r.Demand = append(r.Demand, slices.Repeat([]float64{d}, 60)...)
	}
	return r
}

// newFixedSetup is a setup whose pool may only be what it is.
func newFixedSetup(class string, r *recording.Recording) Setup {
	p := newPolicy(class)
	p.Readers.Max = 1
	return Setup{Policy: p, Recording: r, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1}
}

func runPolicy(t *testing.T, s Setup) Run {
	t.Helper()
	run, err := RunPolicy(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// The score of a pool that cannot change, by hand: of 2 vCPUs 1.97 serve, and 1.77 are 90 %.
func TestRunPolicy_ScoresFixedPool(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name       string
		demand     []float64
		minutes    int
		overloaded int
		unserved   float64
	}{
		{"busy", []float64{1.7, 1.7}, 120, 0, 0},
		{"an hour at 90 %", []float64{1.5, 1.78, 1.5}, 180, 60, 0},
		// A queue of 60 × 0.53 vCPU min is worked off in the hour after: 1.97 − 1 a minute at most, as clients come back.
		{"more than it can serve", []float64{1, 2.5}, 120, 60, 60 * 0.53},
		{"a gap counts for nothing", []float64{1, nan, 1}, 120, 0, 0},
		{"nor does it when it was saturated before", []float64{2.5, nan}, 60, 60, 60 * 0.53},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := runPolicy(t, newFixedSetup("db.r6g.large", newHourlyRecording(test.demand...))).Score
			near := func(a, b, by float64) bool { return math.Abs(a-b) <= by }
			if s.ScoredMinutes != test.minutes || !near(float64(s.OverloadedMinutes), float64(test.overloaded), 2) || !near(s.UnservedVCPUMinutes, test.unserved, 0.6) ||
				!near(s.VCPUHours, float64(test.minutes)/30, 1e-6) || s.Changes != 0 || s.Disruptions != 0 {
				t.Errorf("got %+v", s)
			}
		})
	}
	s := newFixedSetup("db.r6g.large", newHourlyRecording(1, 1))
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 260_000}
	if got := runPolicy(t, s).Score; !got.CostKnown || got.Cost != 520_000 {
		t.Errorf("two hours of 26 cents are %s", got.Cost)
	}
}

// A load that steps up and down again, played by everybody who can scale the pool.
func newStepSetup() Setup {
	r := newHourlyRecording(slices.Concat(slices.Repeat([]float64{1}, 6), slices.Repeat([]float64{5}, 12), slices.Repeat([]float64{1}, 36))...)
	return Setup{
		Policy: newPolicy("db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"), Recording: r, Pool: scaling.Readers, PerformanceInsights: true, Seed: 1,
		InitialShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}
}

func TestCompare_RunsEveryBaseline(t *testing.T) {
	var done []string
	c, err := Compare(t.Context(), newStepSetup(), []string{CompareAll}, func(name string, of int) { done = append(done, fmt.Sprintf("%s of %d", name, of)) })
	if err != nil {
		t.Fatal(err)
	}
	all := len(baseline.All()) + 4
	if len(c.Runs) != all || len(done) != all || !strings.HasSuffix(done[0], fmt.Sprintf(" of %d", all)) || c.Runs[0].Kind != PolicyRun ||
		c.Runs[all-1].Kind != OracleRun || c.Start != monday || c.End.Sub(c.Start) != 54*time.Hour {
		t.Fatalf("%d runs, told %v", len(c.Runs), done)
	}
	scores := map[string]Score{}
	for _, run := range c.Runs {
		scores[run.ID] = run.Score
		if n := len(run.Timeline.DemandVCPUs); n != 54*60/2 || len(run.Timeline.CapacityVCPUs) != n || len(run.Timeline.OverloadedMinutes) != n || run.Score.ScoredMinutes != 54*60 {
			t.Errorf("%s: %d buckets, %d minutes", run.ID, n, run.Score.ScoredMinutes)
		}
		total := 0
		for _, minutes := range run.Timeline.OverloadedMinutes {
			total += minutes
		}
		if total != run.Score.OverloadedMinutes {
			t.Errorf("%s: %d minutes are drawn as overloaded, and %d were", run.ID, total, run.Score.OverloadedMinutes)
		}
	}
	oracle := scores["oracle"]
	for id, s := range scores {
		changes := id != "static-peak" && id != "static-mean"
		switch {
		case changes && s.Changes == 0, !changes && s.Changes != 0:
			t.Errorf("%s made %d changes", id, s.Changes)
		case s.OverloadedMinutes < oracle.OverloadedMinutes, s.OverloadedMinutes == 0 && s.VCPUHours < oracle.VCPUHours:
			t.Errorf("%s is better than the oracle: %+v, %+v", id, s, oracle)
		}
	}
	if scores["atlas"].Disruptions == 0 || scores["hpa"].Disruptions != 0 || scores["aurora-h3"].Disruptions != 0 || oracle.OverloadedMinutes != 0 {
		t.Errorf("disruptions: Atlas %d, HPA %d, Aurora Auto Scaling %d; the oracle is overloaded for %d min", scores["atlas"].Disruptions,
			scores["hpa"].Disruptions, scores["aurora-h3"].Disruptions, oracle.OverloadedMinutes)
	}
	if peak := scores["static-peak"]; peak.OverloadedMinutes != 0 || math.Abs(peak.VCPUHours-54*6) > 1e-6 {
		t.Errorf("for 5 vCPU the smallest is 6: %+v", peak)
	}
}

// Each change and what held one back is told with its reason; the readers are never fewer than those that somebody created.
func TestRunPolicy_RecordsEvents(t *testing.T) {
	run := runPolicy(t, newStepSetup())
	kinds := map[EventKind]int{}
	for _, e := range run.Events {
		kinds[e.Kind]++
		if e.Message == "" || e.Time.Before(monday) || e.Time.After(monday.Add(54*time.Hour)) {
			t.Errorf("event %+v", e)
		}
	}
	if kinds[EventScaleUp]+kinds[EventScaleDown] != run.Score.Changes || kinds[EventScaleUp] == 0 || kinds[EventScaleDown] == 0 || run.Score.Changes > 6 {
		t.Errorf("%v, %d changes", kinds, run.Score.Changes)
	}
	if last := run.Timeline.CapacityVCPUs[len(run.Timeline.CapacityVCPUs)-1]; last != 2 {
		t.Errorf("at the end there are %g vCPUs", last)
	}
}

func TestRunPolicy_IsDeterministicPerSeed(t *testing.T) {
	one, again := runPolicy(t, newStepSetup()), runPolicy(t, newStepSetup())
	other := newStepSetup()
	other.Seed = 2
	one.Timeline.DemandVCPUs, again.Timeline.DemandVCPUs = nil, nil // NaN is not NaN
	if !reflect.DeepEqual(one, again) {
		t.Error("the same again is another")
	}
	if run := runPolicy(t, other); reflect.DeepEqual(run.Events, one.Events) {
		t.Error("another seed draws the same durations")
	}
}

func TestCompare_RefusesInvalidSetup(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*Setup)
		want string
	}{
		"no recording":         {func(s *Setup) { s.Recording = nil }, "no recording"},
		"a pool that stays":    {func(s *Setup) { s.Pool = scaling.Writer }, "spec.writer"},
		"readers that stay":    {func(s *Setup) { s.Policy.Readers = nil }, "spec.readers"},
		"serverless":           {func(s *Setup) { s.Policy.Serverless = true }, "Serverless"},
		"read replicas":        {func(s *Setup) { s.Policy.Target.Kind = scaling.DBInstance }, "read replicas"},
		"a Multi-AZ cluster":   {func(s *Setup) { s.Engine = "postgres" }, "Multi-AZ"},
		"a class nobody knows": {func(s *Setup) { s.InitialShape.InstanceClass = "db.r6g.huge" }, "db.r6g.huge"},
		"a class of another":   {func(s *Setup) { s.OtherPoolShape.InstanceClass = "db.m6gd.large" }, "db.m6gd.large"},
	} {
		s := newStepSetup()
		test.edit(&s)
		if _, err := Compare(t.Context(), s, nil, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := Compare(t.Context(), newStepSetup(), []string{"everything"}, nil); err == nil || !strings.Contains(err.Error(), "static-peak") {
		t.Errorf("a name nobody knows: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compare(ctx, newStepSetup(), []string{CompareAll}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("when it was interrupted: %v", err)
	}
}

// A recording at longer intervals is drawn by straight lines through the middle of each, and the sum stays what it was.
func TestMinuteDemand_InterpolatesLongIntervals(t *testing.T) {
	r := &recording.Recording{Start: monday.Add(20 * time.Second), Interval: 4 * time.Minute, Demand: []float64{2, 4, math.NaN(), 8}}
	got := fmt.Sprintf("%.2f", minuteDemand(r))
	// The values stand at 2:20, 6:20 and 14:20, a minute at its middle; the last one ends 20 s after the last whole minute.
	if want := "[2.00 2.00 2.08 2.58 3.08 3.58 4.08 4.58 5.08 NaN NaN NaN NaN 7.58 8.00 8.00]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	day := newHourlyRecording(1, 2, 3)
	if got := minuteDemand(day); len(got) != 180 || got[10] != 1 || got[100] != 2 || got[170] != 3 {
		t.Errorf("by the minute: %v", got)
	}
}

// BenchmarkRunPolicy_LiveMemory is what lives in memory during a run, apart from the recording: the same for a month and for a year.
func BenchmarkRunPolicy_LiveMemory(b *testing.B) {
	for _, days := range []int{30, 60, 360} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			s := newDailySetup(days)
			for b.Loop() {
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				most, looks := uint64(0), 0
				_, err := RunPolicy(b.Context(), s, func(ReconcileRecord) {
					if looks++; looks%20_000 == 0 {
						runtime.GC()
						runtime.ReadMemStats(&after)
						most = max(most, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(most)/(1<<20), "live-MB")
			}
		})
	}
}
