package backtest

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// scriptedRule requests sizes by a timetable: each key is the time since monday from which on its size is desired.
type scriptedRule struct{ indexes map[time.Duration]int }

func (r scriptedRule) DesiredSizeIndex(o baseline.Observation) int {
	desired, latest := o.SizeIndex, time.Duration(-1)
	for start, index := range r.indexes {
		if now := o.Now.Sub(monday); now >= start && start > latest {
			desired, latest = index, start
		}
	}
	return desired
}

func newScriptedAutoscaler(method baseline.Method, indexes map[time.Duration]int) baseline.Autoscaler {
	return baseline.Autoscaler{
		ID: "x", Name: "X", Interval: time.Minute, Method: method, ChangeDelay: 5 * time.Minute,
		NewRule: func() baseline.Rule { return scriptedRule{indexes} },
	}
}

// A seamless scale-up is paid for from its start, a scale-down until its end.
func TestRunBaseline_BillsSeamlessChange(t *testing.T) {
	s := mustValidate(t, Setup{
		Policy: newPolicy("db.r6g.large", "db.r6g.xlarge"), Recording: newHourlyRecording(1), Pool: scaling.Readers, Seed: 1,
		InitialShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	})
	indexes := map[time.Duration]int{10 * time.Minute: 1, 30 * time.Minute: 0}
	run, err := runBaseline(t.Context(), s, newScriptedAutoscaler(baseline.MethodSeamless, indexes))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := run.Score.VCPUHours*60, 10*2+25*4+25*2.0; math.Abs(got-want) > 4 || run.Score.Changes != 2 || run.Score.Disruptions != 0 {
		t.Errorf("%.0f vCPU minutes, want %.0f; the score is %+v", got, want, run.Score)
	}
	if c := run.Timeline.CapacityVCPUs; c[14] != 2 || c[17] != 4 || c[33] != 4 || c[37] != 2 {
		t.Errorf("the capacity by minute is %v", c)
	}
}

// The writer of a cluster is replaced by a failover to a reader that is resized first: two disruptions.
func TestRunBaseline_ResizesWriterByFailover(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	s := mustValidate(t, Setup{
		Policy: p, Recording: newHourlyRecording(1, 1), Pool: scaling.Writer, Seed: 1, OtherPoolShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	})
	run, err := runBaseline(t.Context(), s, newScriptedAutoscaler(baseline.MethodClasses, map[time.Duration]int{10 * time.Minute: 1}))
	if err != nil {
		t.Fatal(err)
	}
	last := run.Timeline.CapacityVCPUs[len(run.Timeline.CapacityVCPUs)-1]
	if run.Score.Changes != 1 || run.Score.Disruptions != 2 || last != 4 {
		t.Errorf("the score is %+v, with %g vCPUs at the end; want 1 change, 2 disruptions and 4 vCPUs", run.Score, last)
	}
}

// Created readers have new names, and the newest are deleted first, so that the initial reader stays.
func TestBaselineRunner_RemovesNewestReadersFirst(t *testing.T) {
	s := newStepSetup()
	s = mustValidate(t, s)
	w, sc, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	autoscaler := newScriptedAutoscaler(baseline.MethodReaders, map[time.Duration]int{10 * time.Minute: 2, time.Hour: 1, 2 * time.Hour: 2})
	ladder, err := baselineLadder(s, autoscaler.Method)
	if err != nil {
		t.Fatal(err)
	}
	runner := newBaselineRunner(w, s, autoscaler, ladder, sc)
	readers := map[int][]string{} // by minute
	for now := monday; now.Before(monday.Add(3 * time.Hour)); now = now.Add(time.Minute) {
		w.Advance(now)
		runner.evaluate(now)
		readers[int(now.Sub(monday).Minutes())] = runner.poolInstances()
	}
	if changed := runner.observation.ChangedAt.Sub(monday).Minutes(); changed < 123 || changed > 135 {
		t.Errorf("the last change was completed after %.0f minutes, want 123 to 135", changed)
	}
	for minute, want := range map[int][]string{
		5: {"orders-2"}, 50: {"orders-2", "application-autoscaling-1", "application-autoscaling-2"}, 110: {"orders-2", "application-autoscaling-1"},
		170: {"orders-2", "application-autoscaling-1", "application-autoscaling-3"},
	} {
		if !slices.Equal(readers[minute], want) {
			t.Errorf("after %d minutes the readers are %v, want %v", minute, readers[minute], want)
		}
	}
	maxDifference := 0.0 // since connections move to a new reader slowly
	for at, hottest := range runner.observation.HottestPercent.All() {
		mean, known := runner.observation.CPUPercent.ValueAt(at)
		if maxDifference = max(maxDifference, hottest-mean); !known || hottest > 60 {
			t.Errorf("%s: the demand is 1 vCPU of 6, and the busiest reader is at %.0f %%, the mean at %.0f %%", at, hottest, mean)
		}
	}
	if maxDifference < 5 {
		t.Errorf("the busiest reader is at most %.1f percentage points above the mean, want 5 or more", maxDifference)
	}
}

// Aurora Auto Scaling creates a reader in three to eight minutes. The observation reaches as far back as the autoscaler's Lookback.
func TestRunBaseline_DelaysAuroraReaders(t *testing.T) {
	s := mustValidate(t, newStepSetup())
	s.Recording = newHourlyRecording(1, 1, 1, 1)
	autoscaler := newScriptedAutoscaler(baseline.MethodReaders, map[time.Duration]int{10 * time.Minute: 1})
	autoscaler.Lookback = 3 * time.Hour
	longest := time.Duration(0)
	newRule := autoscaler.NewRule
	autoscaler.NewRule = func() baseline.Rule {
		return observedRule{newRule(), func(o baseline.Observation) {
			if !o.CPUPercent.IsEmpty() {
				longest = max(longest, o.Now.Sub(o.CPUPercent.Start()))
			}
		}}
	}
	run, err := runBaseline(t.Context(), s, autoscaler)
	if err != nil {
		t.Fatal(err)
	}
	if c := run.Timeline.CapacityVCPUs; c[12] != 2 || c[20] != 4 {
		t.Errorf("the capacity is %g vCPUs after 12 minutes and %g after 20, want 2 and 4", c[12], c[20])
	}
	if longest < autoscaler.Lookback {
		t.Errorf("the observations reach %s back, want %s", longest, autoscaler.Lookback)
	}
}

// RunBaseline plays the named autoscaler, and shows the world before each evaluation and at the end.
func TestRunBaseline(t *testing.T) {
	s := newStepSetup()
	var times []time.Time
	run, err := RunBaseline(t.Context(), s, "aurora-h3", func(w *model.World) { times = append(times, w.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Recording.Demand); run.ID != "aurora-h3" || run.Score.Changes == 0 || len(times) != n+1 || !times[n].Equal(s.Recording.End()) {
		t.Errorf("%s had %d changes; the world was shown %d times, want %d", run.ID, run.Score.Changes, len(times), n+1)
	}
	tooMany, ofWriter := newStepSetup(), newStepSetup()
	tooMany.InitialShape.Count = 5
	ofWriter.Pool, ofWriter.Policy.Writer = scaling.Writer, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	for _, test := range []struct {
		setup Setup
		id    string
		want  string
	}{
		{s, "aurora", `unknown autoscaler "aurora"`}, {tooMany, "aurora-h3", "starts with 5 readers"}, {Setup{}, "aurora-h3", "no recording"},
		{ofWriter, "aurora-h3", errPoolNotScaled.Error()},
	} {
		if _, err := RunBaseline(t.Context(), test.setup, test.id, func(*model.World) {}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.id, err, test.want)
		}
	}
}

// observedRule passes each observation to a function.
type observedRule struct {
	baseline.Rule
	onObserve func(baseline.Observation)
}

func (r observedRule) DesiredSizeIndex(o baseline.Observation) int {
	r.onObserve(o)
	return r.Rule.DesiredSizeIndex(o)
}
