package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestCompare_RunsEveryBaseline(t *testing.T) {
	var done []string
	onDone := func(name string, total int) { done = append(done, fmt.Sprintf("%s of %d", name, total)) }
	c, err := Compare(t.Context(), newStepSetup(), []string{CompareAll}, onDone)
	if err != nil {
		t.Fatal(err)
	}
	want := len(baseline.All()) + 6
	if len(c.Runs) != want || len(done) != want || !strings.HasSuffix(done[0], fmt.Sprintf(" of %d", want)) || c.Runs[0].Kind != PolicyRun ||
		c.Runs[want-1].Kind != OracleRun || c.Start != monday || c.End.Sub(c.Start) != 54*time.Hour {
		t.Fatalf("%d runs, want %d; reported as done: %v", len(c.Runs), want, done)
	}
	scores := map[string]Score{}
	for _, run := range c.Runs {
		scores[run.ID] = run.Score
		timeline := run.Timeline
		if n := len(timeline.DemandVCPUs); n != 54*60/2 || len(timeline.CapacityVCPUs) != n || len(timeline.OverloadedMinutes) != n ||
			run.Score.ScoredMinutes != 54*60 {
			t.Errorf("%s: %d buckets, %d minutes", run.ID, n, run.Score.ScoredMinutes)
		}
		total := 0
		for _, minutes := range timeline.OverloadedMinutes {
			total += minutes
		}
		if total != run.Score.OverloadedMinutes {
			t.Errorf("%s: the timeline has %d overloaded minutes, the score %d", run.ID, total, run.Score.OverloadedMinutes)
		}
	}
	oracle := scores["oracle"]
	for id, s := range scores {
		changes := !strings.HasPrefix(id, "static-")
		switch {
		case changes && s.Changes == 0, !changes && s.Changes != 0:
			t.Errorf("%s made %d changes", id, s.Changes)
		case s.OverloadedMinutes < oracle.OverloadedMinutes, s.OverloadedMinutes == 0 && s.VCPUHours < oracle.VCPUHours:
			t.Errorf("%s is better than the oracle: %+v, the oracle's is %+v", id, s, oracle)
		}
	}
	if scores["atlas"].Disruptions == 0 || scores["hpa"].Disruptions != 0 || scores["aurora-h3"].Disruptions != 0 || oracle.OverloadedMinutes != 0 {
		t.Errorf("disruptions: Atlas %d, HPA %d, Aurora Auto Scaling %d; the oracle is overloaded for %d min", scores["atlas"].Disruptions,
			scores["hpa"].Disruptions, scores["aurora-h3"].Disruptions, oracle.OverloadedMinutes)
	}
	if peak := scores["static-peak"]; peak.OverloadedMinutes != 0 || math.Abs(peak.VCPUHours-54*6) > 1e-6 {
		t.Errorf("the smallest size for 5 vCPUs has 6 vCPUs, and the score is %+v", peak)
	}
}

func TestCompare_RefusesInvalidSetup(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*Setup)
		want string
	}{
		"no recording":                      {func(s *Setup) { s.Recording = nil }, "no recording"},
		"policy does not scale the writer":  {func(s *Setup) { s.Pool = scaling.Writer }, "spec.writer"},
		"policy does not scale the readers": {func(s *Setup) { s.Policy.Readers = nil }, "spec.readers"},
		"serverless":                        {func(s *Setup) { s.Policy.Serverless = true }, "Serverless"},
		"read replicas":                     {func(s *Setup) { s.Policy.Target.Kind = scaling.DBInstance }, "read replicas"},
		"Multi-AZ cluster":                  {func(s *Setup) { s.Engine = "postgres" }, "Multi-AZ"},
		"unknown class":                     {func(s *Setup) { s.InitialShape.InstanceClass = "db.r6g.huge" }, "db.r6g.huge"},
		"class of another engine":           {func(s *Setup) { s.OtherPoolShape.InstanceClass = "db.m6gd.large" }, "db.m6gd.large"},
	} {
		s := newStepSetup()
		test.edit(&s)
		if _, err := Compare(t.Context(), s, nil, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, test.want)
		}
	}
	if _, err := Compare(t.Context(), newStepSetup(), []string{"everything"}, nil); err == nil || !strings.Contains(err.Error(), "static-peak") {
		t.Errorf("unknown autoscaler: got error %v, want the list of names", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compare(ctx, newStepSetup(), []string{CompareAll}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled context: got error %v", err)
	}
}

// Gaps and censored intervals of a recording are counted in minutes.
func TestCompare_CountsDoubtfulMinutes(t *testing.T) {
	r := &recording.Recording{
		Start: monday, Interval: 5 * time.Minute, Demand: []float64{1, math.NaN(), 2, 2, 1}, Censored: []bool{false, false, true, true, false},
	}
	c, err := Compare(t.Context(), newFixedSetup("db.r6g.large", r), nil, nil)
	if err != nil || c.GapMinutes != 5 || c.UncertainMinutes != 10 {
		t.Errorf("%d gap minutes and %d uncertain minutes, want 5 and 10; error %v", c.GapMinutes, c.UncertainMinutes, err)
	}
}

// The static size for the peak is never overloaded; the one for the mean keeps the target on average.
func TestCompare_StaticSizes(t *testing.T) {
	s := newStepSetup()
	s.Policy.Readers.InstanceClasses = []string{"db.r6g.large"}
	s.Recording = newHourlyRecording(0.2, 5.5) // 93 % of 6 vCPUs at the peak, 71 % of 4 vCPUs on average
	c, err := Compare(t.Context(), s, []string{"static-peak", "static-mean"}, nil)
	if err != nil || len(c.Runs) != 3 {
		t.Fatal(c.Runs, err)
	}
	for n, want := range []float64{2 * 8, 2 * 6} {
		if got := c.Runs[1+n].Score.VCPUHours; math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %.1f vCPU hours, want %.1f", c.Runs[1+n].Name, got, want)
		}
	}
}

// Of 1,000 minutes, five are above the 99.5th percentile: 20 % above it has to fit, and the higher minutes do not count.
func TestCompare_StaticPercentile(t *testing.T) {
	r := &recording.Recording{Start: monday, Interval: time.Minute, Demand: slices.Repeat([]float64{1}, 1000)}
	for n := range 6 {
		r.Demand[100+n] = 2 + float64(n) // the sixth highest value is 2
	}
	s := newStepSetup()
	s.Recording = r
	for _, test := range []struct{ lowest, want float64 }{{2, 4}, {1.6, 2}} { // 2.4 and 1.92 vCPUs
		r.Demand[100] = test.lowest
		c, err := Compare(t.Context(), s, []string{"static-p99.5"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Runs[1].Score.VCPUHours * 60 / 1000; math.Abs(got-test.want) > 1e-6 {
			t.Errorf("%g vCPUs: the size is %g vCPUs, want %g", test.lowest, got, test.want)
		}
	}
}

// No simulated autoscaler of RDS has a better score than the oracle, for any kind of writer.
func TestCompare_OracleIsBest(t *testing.T) {
	load := newHourlyRecording(slices.Concat(slices.Repeat([]float64{5}, 8), slices.Repeat([]float64{1}, 40))...)
	writer := newPolicy()
	writer.Readers, writer.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}}
	writer.ScaleDown.Window, writer.ScaleDownClassWindow = time.Hour, time.Hour
	standalone := writer
	standalone.Target.Kind = scaling.DBInstance
	for _, s := range []Setup{
		{Policy: writer, Pool: scaling.Writer, OtherPoolShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1}}, {Policy: writer, Pool: scaling.Writer},
		{Policy: standalone, Pool: scaling.Writer}, {Policy: standalone, Pool: scaling.Writer, MultiAZ: true},
	} {
		for seed := range int64(8) {
			s.Recording, s.Seed, s.PerformanceInsights = load, seed, true
			c, err := Compare(t.Context(), s, []string{CompareAll}, nil)
			if err != nil {
				t.Fatal(err)
			}
			oracle := c.Runs[len(c.Runs)-1].Score
			for _, run := range c.Runs {
				cheaper := run.Score.OverloadedMinutes == oracle.OverloadedMinutes && run.Score.VCPUHours < oracle.VCPUHours-1e-6
				if !run.OtherPlatform && run.Kind != StaticRun && (run.Score.OverloadedMinutes < oracle.OverloadedMinutes || cheaper) {
					t.Errorf("seed %d, %+v: %s %+v, the oracle %+v", seed, s.OtherPoolShape, run.Name, run.Score, oracle)
				}
			}
		}
	}
}

// An initial reader count outside the policy's limits is refused: the baselines would have no sizes to choose from.
func TestCompare_RefusesInitialShapeOutsideLimits(t *testing.T) {
	for count, want := range map[int]bool{0: true, 1: false, 2: true, 4: true, 5: false} {
		s := newStepSetup()
		s.Policy.Readers.Min, s.InitialShape.Count = 2, count
		if _, err := Compare(t.Context(), s, nil, nil); (err == nil) != want {
			t.Errorf("%d readers with limits of 2 to 4: got error %v, want success: %t", count, err, want)
		}
	}
}
