package backtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/backtest/oracle"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// What follows is worked out by hand.

// A minute is overloaded at 90 %, or when work was refused though nobody was busy, as while nothing is in service; each restart counts.
func TestScorer_ScoresMinute(t *testing.T) {
	for _, test := range []struct {
		name        string
		minute      model.MinuteSummary
		overloaded  int
		unserved    float64
		disruptions int
	}{
		{"idle", model.MinuteSummary{HottestReaderPercent: 89.9, WriterPercent: 89.9}, 0, 0, 0},
		{"a reader", model.MinuteSummary{HottestReaderPercent: 90}, 1, 0, 0},
		{"the writer", model.MinuteSummary{WriterPercent: 90}, 1, 0, 0},
		{"nothing in service", model.MinuteSummary{ReaderUnservedVCPUSeconds: 30, WriterUnservedVCPUSeconds: 60}, 1, 1.5, 0},
		{"what sums of fractions are off by", model.MinuteSummary{ReaderUnservedVCPUSeconds: 1e-9}, 0, 0, 0},
		{"two at once", model.MinuteSummary{Disruptions: 2}, 0, 0, 2},
	} {
		m := &scorer{setup: newFixedSetup("db.r6g.large", newHourlyRecording(1)), billedSize: func() (float64, float64) { return 3, 600 }}
		m.startTimeline()
		test.minute.Time = monday.Add(time.Minute)
		m.scoreMinute(test.minute)
		s := m.score
		if s.ScoredMinutes != 1 || s.OverloadedMinutes != test.overloaded || math.Abs(s.UnservedVCPUMinutes-test.unserved) > 1e-6 || s.Disruptions != test.disruptions ||
			s.VCPUHours != 0.05 || m.microdollars != 10 {
			t.Errorf("%s: %+v", test.name, s)
		}
	}
}

// While the only instance restarts nothing is in service: the minutes without are overloaded, whatever the CPU shows.
func TestRunPolicy_CountsOutageAsOverload(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer, p.Target.Kind = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}, scaling.DBInstance
	s := runPolicy(t, Setup{Policy: p, Recording: newHourlyRecording(0.5, 1.6, 1.6, 1.6), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1}).Score
	if s.Changes != 1 || s.Disruptions != 1 || s.OverloadedMinutes == 0 || s.UnservedVCPUMinutes < 1.6 || s.UnservedVCPUMinutes > 1.6*float64(s.OverloadedMinutes) {
		t.Errorf("got %+v", s)
	}
}

// The oracle, and the sizes that never changed, are held against the very demand that is played.
func TestMinuteDemand_MatchesSimulatedDemand(t *testing.T) {
	r := &recording.Recording{Start: monday.Add(40 * time.Second), Interval: 5 * time.Minute, Demand: []float64{0.2, 1, 0.4, 0.9, math.NaN(), 0.5, 0.7}}
	s, err := newFixedSetup("db.r6g.large", r).validated()
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(s.endTime().Truncate(time.Minute))
	wanted := minuteDemand(r)
	played := w.MinutesSince("eu-west-1", "orders", monday)
	if len(played) != len(wanted) || len(wanted) != 35 {
		t.Fatalf("%d minutes were played, %d are reckoned with", len(played), len(wanted))
	}
	for n, m := range played {
		if !math.IsNaN(wanted[n]) && math.Abs(m.ReaderDemandVCPUs-wanted[n]) > 0.03 {
			t.Errorf("minute %d: %.3f vCPUs are played, %.3f reckoned with", n, m.ReaderDemandVCPUs, wanted[n])
		}
		if math.Abs(m.WriterDemandVCPUs-0.2) > 1e-6 { // a tenth of a large
			t.Errorf("minute %d: the writer is asked for %.3f vCPUs", n, m.WriterDemandVCPUs)
		}
	}
}

func TestSizeChange(t *testing.T) {
	size := func(class string, count int, vcpus float64) oracle.Size {
		return oracle.Size{Class: class, Count: count, VCPUs: vcpus, CostPerMinute: vcpus}
	}
	one, two, three, big := size("large", 1, 2), size("large", 2, 4), size("large", 3, 6), size("xlarge", 2, 8)
	for _, test := range []struct {
		name     string
		pool     scaling.Pool
		from, to oracle.Size
		want     oracle.Change
	}{
		{"a reader is counted on and paid for when it is there", scaling.Readers, one, three, oracle.Change{Minutes: 8, VCPUs: 2, CostPerMinute: 2}},
		{"one that leaves is not counted on and is paid for", scaling.Readers, three, one, oracle.Change{Minutes: 9, VCPUs: 2, CostPerMinute: 6}},
		// A surge reader of 4 vCPUs from the ninth of the 8 + 2 × 14 + 9 minutes on.
		{"one after the other", scaling.Readers, two, big, oracle.Change{Minutes: 45, VCPUs: 4, CostPerMinute: 8 + 4*37.0/45}},
		{"a reader becomes the writer", scaling.Writer, one, size("xlarge", 1, 4), oracle.Change{Minutes: 9, VCPUs: 2, CostPerMinute: 2}},
	} {
		s := Setup{Pool: test.pool, Policy: newPolicy("db.r6g.large"), OtherPoolShape: scaling.Shape{Count: 1}}
		if got := s.sizeChange()(test.from, test.to); math.Abs(got.CostPerMinute-test.want.CostPerMinute) > 1e-9 || got.Minutes != test.want.Minutes ||
			got.VCPUs != test.want.VCPUs {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

// From 1 to 5 vCPUs and back the oracle has three large in service when the load comes, and takes nine minutes to leave two.
func TestRunOracle_ScoresStepLoad(t *testing.T) {
	s, err := newStepSetup().validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runOracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := 6*2 + 12*6 + 0.15*6 + (36-0.15)*2
	if sc := run.Score; sc.OverloadedMinutes != 0 || sc.UnservedVCPUMinutes != 0 || sc.Changes != 2 || sc.Disruptions != 0 || math.Abs(sc.VCPUHours-want) > 1e-6 {
		t.Errorf("got %+v, want %.2f vCPU hours", sc, want)
	}
	grew, shrank := monday.Add(6*time.Hour-8*time.Minute), monday.Add(18*time.Hour)
	if len(run.Events) != 2 || run.Events[0].Time != grew || run.Events[0].Kind != EventScaleUp || run.Events[1].Time != shrank || run.Events[1].Kind != EventScaleDown {
		t.Errorf("events %+v", run.Events)
	}
}

// scriptedRule is a rule that goes by the minute alone: it has the rung of the last time that has come.
type scriptedRule struct{ rungs map[time.Duration]int }

func (w scriptedRule) DesiredRung(v baseline.Observation) int {
	rung, last := v.Rung, time.Duration(-1)
	for at, to := range w.rungs {
		if now := v.Now.Sub(monday); now >= at && at > last {
			rung, last = to, at
		}
	}
	return rung
}

func newScriptedAutoscaler(means baseline.Method, from map[time.Duration]int) baseline.Autoscaler {
	return baseline.Autoscaler{ID: "x", Name: "X", Interval: time.Minute, Method: means, ChangeDelay: 5 * time.Minute, NewRule: func() baseline.Rule { return scriptedRule{from} }}
}

// What changes without an interruption is paid for from when it is asked for, and until what it replaces is gone.
func TestRunBaseline_BillsSeamlessChange(t *testing.T) {
	s, err := Setup{
		Policy: newPolicy("db.r6g.large", "db.r6g.xlarge"), Recording: newHourlyRecording(1), Pool: scaling.Readers, Seed: 1,
		InitialShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}.validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runBaseline(t.Context(), s, newScriptedAutoscaler(baseline.MethodSeamless, map[time.Duration]int{10 * time.Minute: 1, 30 * time.Minute: 0}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := run.Score.VCPUHours*60, 10*2+25*4+25*2.0; math.Abs(got-want) > 4 || run.Score.Changes != 2 || run.Score.Disruptions != 0 {
		t.Errorf("%.0f vCPU minutes, want %.0f; %+v", got, want, run.Score)
	}
	if c := run.Timeline.CapacityVCPUs; c[14] != 2 || c[17] != 4 || c[33] != 4 || c[37] != 2 {
		t.Errorf("capacity %v", c)
	}
}

// The writer of a cluster is resized by a failover to a reader that got the class first: two interruptions.
func TestRunBaseline_ResizesWriterByFailover(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	s, err := Setup{
		Policy: p, Recording: newHourlyRecording(1, 1), Pool: scaling.Writer, Seed: 1, OtherPoolShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}.validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runBaseline(t.Context(), s, newScriptedAutoscaler(baseline.MethodClasses, map[time.Duration]int{10 * time.Minute: 1}))
	if err != nil {
		t.Fatal(err)
	}
	last := run.Timeline.CapacityVCPUs[len(run.Timeline.CapacityVCPUs)-1]
	if run.Score.Changes != 1 || run.Score.Disruptions != 2 || last != 4 {
		t.Errorf("%+v, %g vCPUs at the end", run.Score, last)
	}
}

// Readers that there were at the beginning are somebody's own: nobody goes below them.
func TestAllowedSizes_KeepInitialReaders(t *testing.T) {
	s := newStepSetup()
	s.InitialShape.Count = 2
	least := slices.MinFunc(s.allowedSizes(), func(a, b poolSize) int { return a.Count - b.Count })
	if n := len(s.allowedSizes()); least.Count != 2 || n != 3*3 {
		t.Errorf("the least is %v of %d", least.Shape, n)
	}
}

// An agent on the machine also sees what waits for a CPU, where CPU percent ends at 100.
func TestBaselineObserver_CountsBacklogAsLoad(t *testing.T) {
	s, err := newFixedSetup("db.r6g.large", newHourlyRecording(4)).validated()
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	e, view := newBaselineObserver(w, s, baseline.Autoscaler{Interval: 15 * time.Second}), baseline.Observation{}
	for now := monday; now.Before(monday.Add(20 * time.Minute)); now = now.Add(15 * time.Second) {
		w.Advance(now)
		e.observe(now, &view)
	}
	// Clients wait for a quarter of an hour, so that 15 × 2 vCPU minutes wait after twenty: within ten minutes they are asked for again.
	if newest, _ := view.CPUPercent.NewestSample(); math.Abs(view.RunningVCPUs-(4+30/10)) > 0.1 || newest.Value < 99 {
		t.Errorf("%.2f vCPUs run at %.0f %%", view.RunningVCPUs, newest.Value)
	}
}

// Where no size is large enough the oracle is overloaded too: at 88.5 % and more, and 98.5 % are all that is served.
func TestRunOracle_ScoresInsufficientSize(t *testing.T) {
	s, err := newFixedSetup("db.r6g.large", newHourlyRecording(1, 2.5, 1.78, 1.76)).validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runOracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if sc := run.Score; sc.OverloadedMinutes != 120 || math.Abs(sc.UnservedVCPUMinutes-60*(2.5-1.97)) > 1 || sc.Changes != 0 || math.Abs(sc.VCPUHours-8) > 1e-6 {
		t.Errorf("got %+v", sc)
	}
}

// Readers are added under new names and the newest leave first, so that the one that was there stays.
func TestBaselineRunner_RemovesNewestReadersFirst(t *testing.T) {
	s := newStepSetup()
	s, err := s.validated()
	if err != nil {
		t.Fatal(err)
	}
	w, m, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	p := newScriptedAutoscaler(baseline.MethodReaders, map[time.Duration]int{10 * time.Minute: 2, time.Hour: 1, 2 * time.Hour: 2})
	r, err := baselineLadder(s, p.Method)
	if err != nil {
		t.Fatal(err)
	}
	a := newBaselineRunner(w, s, p, r, m)
	seen := map[int][]string{}
	for now := monday; now.Before(monday.Add(3 * time.Hour)); now = now.Add(time.Minute) {
		w.Advance(now)
		a.evaluate(now)
		seen[int(now.Sub(monday).Minutes())] = a.poolInstances()
	}
	if changed := a.observation.ChangedAt.Sub(monday).Minutes(); changed < 123 || changed > 135 {
		t.Errorf("it is told that it changed after %.0f minutes", changed)
	}
	for minute, want := range map[int][]string{
		5: {"orders-2"}, 50: {"orders-2", "application-autoscaling-1", "application-autoscaling-2"}, 110: {"orders-2", "application-autoscaling-1"},
		170: {"orders-2", "application-autoscaling-1", "application-autoscaling-3"},
	} {
		if !slices.Equal(seen[minute], want) {
			t.Errorf("after %d minutes there are %v", minute, seen[minute])
		}
	}
	apart := 0.0 // since connections move to a new reader slowly
	for n, hottest := range a.observation.HottestPercent {
		apart = max(apart, hottest.Value-a.observation.CPUPercent[n].Value)
		if hottest.Value > 60 {
			t.Errorf("%s: of three that carry 1 of 6 vCPUs one is at %.0f %%", hottest.Time, hottest.Value)
		}
	}
	if apart < 5 {
		t.Errorf("the hottest is never more than %.1f %% above the mean", apart)
	}
}

// What is not sure about a recording is told by the minute.
func TestCompare_CountsDoubtfulMinutes(t *testing.T) {
	r := &recording.Recording{
		Start: monday, Interval: 5 * time.Minute, Demand: []float64{1, math.NaN(), 2, 2, 1}, Censored: []bool{false, false, true, true, false},
	}
	c, err := Compare(t.Context(), newFixedSetup("db.r6g.large", r), nil, nil)
	if err != nil || c.GapMinutes != 5 || c.UncertainMinutes != 10 {
		t.Errorf("%d minutes of gaps and %d uncertain, %v", c.GapMinutes, c.UncertainMinutes, err)
	}
}

// A change of class resizes each instance, with a surge reader for all but the first eight minutes; and money is counted in money.
func TestRunOracle_ChargesSurgeReaderForClassChange(t *testing.T) {
	s := newFixedSetup("db.r6g.large", newHourlyRecording(slices.Repeat([]float64{2}, 48)...))
	s.Policy.Readers.InstanceClasses, s.Policy.Readers.Max = []string{"db.r6g.large", "db.r6g.xlarge"}, 2
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 260_000, "db.r6g.xlarge": 600_000}
	s.InitialShape = scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 2}
	s, err := s.validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runOracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	const minutes, surge = 8 + 2*14 + 9, 2*14 + 9
	hours := (minutes*8.0+surge*2.0)/60 + (48-minutes/60.0)*4
	dollars := (minutes*2*0.6+surge*0.26)/60 + (48-minutes/60.0)*2*0.26
	sc := run.Score
	if sc.Disruptions != 2 || sc.Changes != 1 || sc.OverloadedMinutes != 0 || math.Abs(sc.VCPUHours-hours) > 1e-6 || !sc.CostKnown ||
		math.Abs(float64(sc.Cost)-1e6*dollars) > 2 {
		t.Errorf("got %+v, want %.3f vCPU hours and $%.4f", sc, hours, dollars)
	}
}

// A size that never changes: for the peak nothing is overloaded, for the mean the target is kept to on average.
func TestCompare_StaticSizes(t *testing.T) {
	s := newStepSetup()
	s.Policy.Readers.InstanceClasses = []string{"db.r6g.large"}
	s.Recording = newHourlyRecording(0.2, 5.5) // which would take six to 93 %; the mean takes four to 71 %
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

// An Aurora reader takes three to eight minutes to come, and what is seen reaches as far back as a rule looks.
func TestRunBaseline_DelaysAuroraReaders(t *testing.T) {
	s, err := newStepSetup().validated()
	if err != nil {
		t.Fatal(err)
	}
	s.Recording = newHourlyRecording(1, 1, 1, 1)
	p := newScriptedAutoscaler(baseline.MethodReaders, map[time.Duration]int{10 * time.Minute: 1})
	p.Lookback = 3 * time.Hour
	longest := time.Duration(0)
	inner := p.NewRule
	p.NewRule = func() baseline.Rule {
		return observedRule{inner(), func(v baseline.Observation) {
			if len(v.CPUPercent) > 0 {
				longest = max(longest, v.Now.Sub(v.CPUPercent[0].Time))
			}
		}}
	}
	run, err := runBaseline(t.Context(), s, p)
	if err != nil {
		t.Fatal(err)
	}
	if c := run.Timeline.CapacityVCPUs; c[12] != 2 || c[20] != 4 {
		t.Errorf("capacity %v", c)
	}
	if longest < p.Lookback {
		t.Errorf("what is seen reaches %s back", longest)
	}
}

// observedRule is a rule that shows what it sees.
type observedRule struct {
	baseline.Rule
	onObserve func(baseline.Observation)
}

func (l observedRule) DesiredRung(v baseline.Observation) int {
	l.onObserve(v)
	return l.Rule.DesiredRung(v)
}

// Where a shape has as many vCPUs as the one that it begins with, it begins with the latter all the same.
func TestNewSizeLadder_ContainsInitialShape(t *testing.T) {
	s := newStepSetup()
	s.InitialShape = scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 100, "db.r6g.xlarge": 300, "db.r6g.2xlarge": 600}
	r := s.newSizeLadder(func(poolSize) bool { return true })
	if r.startRung < 0 || r.sizes[r.startRung].Shape != s.InitialShape {
		t.Errorf("it begins with rung %d of %+v", r.startRung, r.sizes)
	}
	for n := 1; n < len(r.sizes); n++ {
		if r.sizes[n].vcpus <= r.sizes[n-1].vcpus {
			t.Errorf("rung %d is no larger than the one before", n)
		}
	}
}

func TestScore_CostRatioAndAdd(t *testing.T) {
	a := Score{ScoredMinutes: 1, OverloadedMinutes: 2, UnservedVCPUMinutes: 3, VCPUHours: 4, Cost: 30, CostKnown: true, Disruptions: 5, Changes: 6}
	b := Score{ScoredMinutes: 10, OverloadedMinutes: 20, UnservedVCPUMinutes: 30, VCPUHours: 40, Cost: 10, CostKnown: true, Disruptions: 50, Changes: 60}
	if got := a.CostRatio(b); got != 3 {
		t.Errorf("in money it costs %g times as much", got)
	}
	b.CostKnown = false
	if got := a.CostRatio(b); got != 0.1 {
		t.Errorf("in vCPU hours it costs %g times as much", got)
	}
	if got := a.CostRatio(Score{}); got != 0 {
		t.Errorf("beside nothing it costs %g times as much", got)
	}
	if got, want := a.Add(b), (Score{ScoredMinutes: 11, OverloadedMinutes: 22, UnservedVCPUMinutes: 33, VCPUHours: 44, Disruptions: 55, Changes: 66}); got != want {
		t.Errorf("together they are %+v", got)
	}
}

// A step that a guard holds back was not taken: the window has closed when the failover comes, the third step, and nothing is noted of
// it until the next day's.
func TestRunPolicy_BlocksStepOutsideDisruptionWindow(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	p.DisruptionWindows = []scaling.Window{{Schedule: "0 2 * * *", Duration: 10 * time.Minute, TimeZone: "UTC"}}
	held := 0
	run, err := RunPolicy(t.Context(), Setup{
		Policy: p, Recording: newHourlyRecording(slices.Repeat([]float64{1.6}, 28)...), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1,
		OtherPoolShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}, func(look ReconcileRecord) {
		if look.OperationID != "" && look.BlockedBy == "DisruptionWindow" {
			if held++; look.StepIndex != 1 || look.Attempts != 1 || look.Time.Hour() == 2 && look.Time.Minute() < 10 {
				t.Errorf("held back: %s", look)
			}
		}
	})
	if err != nil || held < 60 || run.Score.Changes != 1 {
		t.Errorf("%d looks were held back, %+v, %v", held, run.Score, err)
	}
}

// What growing brought is measured: where it brings nothing three times, as nothing shows how much is wanted, it is no longer tried.
func TestRunPolicy_StopsIneffectiveScaling(t *testing.T) {
	s := newStepSetup()
	s.PerformanceInsights = false
	s.Recording = newHourlyRecording(slices.Repeat([]float64{100}, 10)...)
	told := false
	if _, err := RunPolicy(t.Context(), s, func(look ReconcileRecord) { told = told || look.Reason == scaling.ReasonScalingIneffective }); err != nil || !told {
		t.Errorf("it is not told that growing brings nothing: %v", err)
	}
}

// To replace the writer takes the oracle what it takes at least, by what there is to fail over to.
func TestWriterChangeMinutes(t *testing.T) {
	cluster, alone := newPolicy(), newPolicy()
	alone.Target.Kind = scaling.DBInstance
	for _, test := range []struct {
		s    Setup
		want int
	}{
		{Setup{Policy: cluster, OtherPoolShape: scaling.Shape{Count: 2}}, 9}, {Setup{Policy: cluster}, 6},
		{Setup{Policy: alone, MultiAZ: true}, 5}, {Setup{Policy: alone}, 9},
	} {
		if got := test.s.writerChangeMinutes(); got != test.want {
			t.Errorf("%d minutes, want %d", got, test.want)
		}
	}
}

// Nobody who is played beats the oracle, on whatever there is to play.
func TestCompare_OracleIsBest(t *testing.T) {
	load := newHourlyRecording(slices.Concat(slices.Repeat([]float64{5}, 8), slices.Repeat([]float64{1}, 40))...)
	writer := newPolicy()
	writer.Readers, writer.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge"}}
	writer.ScaleDown.Window, writer.ScaleDownClassWindow = time.Hour, time.Hour
	alone := writer
	alone.Target.Kind = scaling.DBInstance
	for _, s := range []Setup{
		{Policy: writer, Pool: scaling.Writer, OtherPoolShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1}}, {Policy: writer, Pool: scaling.Writer},
		{Policy: alone, Pool: scaling.Writer}, {Policy: alone, Pool: scaling.Writer, MultiAZ: true},
	} {
		for seed := range int64(8) {
			s.Recording, s.Seed, s.PerformanceInsights = load, seed, true
			c, err := Compare(t.Context(), s, []string{CompareAll}, nil)
			if err != nil {
				t.Fatal(err)
			}
			oracle := c.Runs[len(c.Runs)-1].Score
			for _, run := range c.Runs {
				same := run.Score.OverloadedMinutes == oracle.OverloadedMinutes && run.Score.VCPUHours < oracle.VCPUHours-1e-6
				if !run.OtherPlatform && run.Kind != StaticRun && (run.Score.OverloadedMinutes < oracle.OverloadedMinutes || same) {
					t.Errorf("seed %d, %+v: %s %+v, the oracle %+v", seed, s.OtherPoolShape, run.Name, run.Score, oracle)
				}
			}
		}
	}
}

// What the writer's successor had to become is the writer's cost: the reader of 2 vCPUs costs nothing, the 2 that it grew by do.
func TestRun_ChargesPromotionCandidateToWriter(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	other := scaling.Shape{InstanceClass: "db.r6g.large", Count: 1}
	still := runPolicy(t, Setup{Policy: p, Recording: newHourlyRecording(1, 1), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1, OtherPoolShape: other})
	if math.Abs(still.Score.VCPUHours-4) > 1e-6 {
		t.Errorf("two hours of a large are %+v", still.Score)
	}
	s, err := Setup{Policy: p, Recording: newHourlyRecording(1, 1, 1, 1, 1, 1), Pool: scaling.Writer, Seed: 1, OtherPoolShape: other}.validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runBaseline(t.Context(), s, newScriptedAutoscaler(baseline.MethodClasses, map[time.Duration]int{0: 1}))
	if err != nil {
		t.Fatal(err)
	}
	// One of the two has 4 vCPUs after a quarter of an hour, and the other is what the writer was.
	if got := run.Score.VCPUHours; got < 6*2+5.5*2 || got > 6*2+6*2 {
		t.Errorf("six hours are %.1f vCPU hours", got)
	}
}

// A pool that begins outside of its limits is refused: the others' sizes would make no sense.
func TestCompare_RefusesInitialShapeOutsideLimits(t *testing.T) {
	for count, want := range map[int]bool{0: true, 1: false, 2: true, 4: true, 5: false} {
		s := newStepSetup()
		s.Policy.Readers.Min, s.InitialShape.Count = 2, count
		if _, err := Compare(t.Context(), s, nil, nil); (err == nil) != want {
			t.Errorf("%d of 2 to 4 readers: %v", count, err)
		}
	}
}

// In a gap nobody is told anything.
func TestBaselineObserver_HasNoLoadInGap(t *testing.T) {
	s, err := newFixedSetup("db.r6g.large", newHourlyRecording(1, math.NaN(), 1)).validated()
	if err != nil {
		t.Fatal(err)
	}
	w, _, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	e, view := newBaselineObserver(w, s, baseline.Autoscaler{Interval: time.Minute}), baseline.Observation{}
	for minute := range 170 {
		now := monday.Add(time.Duration(minute) * time.Minute)
		w.Advance(now)
		if e.observe(now, &view); math.IsNaN(view.RunningVCPUs) != (minute >= 60 && minute < 120) {
			t.Errorf("minute %d: %g vCPUs run", minute, view.RunningVCPUs)
		}
	}
}

// The readers of a DBInstance, which are not played, do not use up what its writer may do.
func TestRunPolicy_IgnoresReadReplicasOfInstance(t *testing.T) {
	p := newPolicy("db.r6g.large", "db.r6g.xlarge")
	p.Writer, p.Target.Kind = &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}, scaling.DBInstance
	run := runPolicy(t, Setup{Policy: p, Recording: newHourlyRecording(0.5, 1.6, 1.6, 1.6), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1})
	if last := run.Timeline.CapacityVCPUs[len(run.Timeline.CapacityVCPUs)-1]; run.Score.Changes != 1 || last != 4 {
		t.Errorf("%g vCPUs at the end, %+v", last, run.Score)
	}
}

// Of two ways that are alike the oracle takes the one that stays.
func TestRunOracle_PrefersNoChange(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Target.Kind = nil, scaling.DBInstance
	p.Writer = &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r7g.large", "db.r6g.xlarge"}} // two of 2 vCPUs
	s, err := Setup{Policy: p, Recording: newHourlyRecording(1, 1.2, 1), Pool: scaling.Writer, InitialShape: scaling.Shape{InstanceClass: "db.r7g.large"}}.validated()
	if err != nil {
		t.Fatal(err)
	}
	run, err := runOracle(t.Context(), s)
	if err != nil || run.Score.Changes != 0 || run.Score.Disruptions != 0 {
		t.Errorf("%+v, %v", run.Score, err)
	}
}
