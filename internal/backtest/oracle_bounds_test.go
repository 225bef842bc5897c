package backtest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/oracle"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Values at longer intervals are joined by straight lines through the middle of each interval.
func TestMinuteDemand_InterpolatesLongIntervals(t *testing.T) {
	r := &recording.Recording{Start: monday.Add(20 * time.Second), Interval: 4 * time.Minute, Demand: []float64{2, 4, math.NaN(), 8}}
	got := fmt.Sprintf("%.2f", minuteDemand(r))
	// The values are at 2:20, 6:20 and 14:20, the minutes at their middle. The last interval ends 20 s after the last whole minute.
	if want := "[2.00 2.00 2.08 2.58 3.08 3.58 4.08 4.58 5.08 NaN NaN NaN NaN 7.58 8.00 8.00]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	day := newHourlyRecording(1, 2, 3)
	if got := minuteDemand(day); len(got) != 180 || got[10] != 1 || got[100] != 2 || got[170] != 3 {
		t.Errorf("one value a minute: got %v", got)
	}
}

// The oracle and the static sizes are computed from minuteDemand, so it must equal the simulated demand.
func TestMinuteDemand_MatchesSimulatedDemand(t *testing.T) {
	r := &recording.Recording{Start: monday.Add(40 * time.Second), Interval: 5 * time.Minute, Demand: []float64{0.2, 1, 0.4, 0.9, math.NaN(), 0.5, 0.7}}
	s := mustValidate(t, newFixedSetup("db.r6g.large", r))
	w, _, err := newSimulation(s)
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(s.endTime().Truncate(time.Minute))
	want := minuteDemand(r)
	simulated := w.MinutesSince("eu-west-1", "orders", monday)
	if len(simulated) != len(want) || len(want) != 35 {
		t.Fatalf("%d minutes were simulated, and minuteDemand has %d", len(simulated), len(want))
	}
	for n, m := range simulated {
		if !math.IsNaN(want[n]) && math.Abs(m.ReaderDemandVCPUs-want[n]) > 0.03 {
			t.Errorf("minute %d: the readers' demand is %.3f vCPUs, want %.3f", n, m.ReaderDemandVCPUs, want[n])
		}
		if math.Abs(m.WriterDemandVCPUs-0.2) > 1e-6 { // a tenth of a large
			t.Errorf("minute %d: the writer's demand is %.3f vCPUs, want 0.2", n, m.WriterDemandVCPUs)
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
		{"new readers count and cost when available", scaling.Readers, one, three, oracle.Change{Minutes: 8, VCPUs: 2, CostPerMinute: 2}},
		{"removed readers cost but do not count", scaling.Readers, three, one, oracle.Change{Minutes: 9, VCPUs: 2, CostPerMinute: 6}},
		// A surge reader of 4 vCPUs from the ninth of the 8 + 2 × 14 + 9 minutes on.
		{"readers are resized in sequence with a surge reader", scaling.Readers, two, big,
			oracle.Change{Minutes: 45, VCPUs: 4, CostPerMinute: 8 + 4*37.0/45}},
		{"a reader is promoted", scaling.Writer, one, size("xlarge", 1, 4), oracle.Change{Minutes: 9, VCPUs: 2, CostPerMinute: 2}},
	} {
		s := Setup{Pool: test.pool, Policy: newPolicy("db.r6g.large"), OtherPoolShape: scaling.Shape{Count: 1}}
		got, want := s.sizeChange()(test.from, test.to), test.want
		if math.Abs(got.CostPerMinute-want.CostPerMinute) > 1e-9 || got.Minutes != want.Minutes || got.VCPUs != want.VCPUs {
			t.Errorf("%s: got %+v, want %+v", test.name, got, want)
		}
	}
}

// For 1, 5 and again 1 vCPU, the oracle has three large readers when the load rises, and needs nine minutes to remove two of them.
func TestRunOracle_ScoresStepLoad(t *testing.T) {
	s := mustValidate(t, newStepSetup())
	run, err := runOracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := 6*2 + 12*6 + 0.15*6 + (36-0.15)*2
	if score := run.Score; score.OverloadedMinutes != 0 || score.UnservedVCPUMinutes != 0 || score.Changes != 2 || score.Disruptions != 0 ||
		math.Abs(score.VCPUHours-want) > 1e-6 {
		t.Errorf("the score is %+v, want %.2f vCPU hours", score, want)
	}
	up, down := monday.Add(6*time.Hour-8*time.Minute), monday.Add(18*time.Hour)
	if events := run.Events; len(events) != 2 || events[0].Time != up || events[0].Kind != EventScaleUp ||
		events[1].Time != down || events[1].Kind != EventScaleDown {
		t.Errorf("the events are %+v, want a scale-up at %s and a scale-down at %s", events, up, down)
	}
}

// If no size is large enough, the oracle is overloaded too: at a demand of 88.5 % of the vCPUs or more. It serves at most 98.5 %.
func TestRunOracle_ScoresInsufficientSize(t *testing.T) {
	s := mustValidate(t, newFixedSetup("db.r6g.large", newHourlyRecording(1, 2.5, 1.78, 1.76)))
	run, err := runOracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if score := run.Score; score.OverloadedMinutes != 120 || math.Abs(score.UnservedVCPUMinutes-60*(2.5-1.97)) > 1 || score.Changes != 0 ||
		math.Abs(score.VCPUHours-8) > 1e-6 {
		t.Errorf("the score is %+v, want 120 overloaded minutes and 8 vCPU hours", score)
	}
}

// A change of class resizes each instance in sequence, with a surge reader after the first eight minutes. The cost in dollars is computed
// from the prices.
func TestRunOracle_ChargesSurgeReaderForClassChange(t *testing.T) {
	s := newFixedSetup("db.r6g.large", newHourlyRecording(slices.Repeat([]float64{2}, 48)...))
	s.Policy.Readers.InstanceClasses, s.Policy.Readers.Max = []string{"db.r6g.large", "db.r6g.xlarge"}, 2
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 260_000, "db.r6g.xlarge": 600_000}
	s.InitialShape = scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 2}
	s = mustValidate(t, s)
	run, err := runOracle(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	const minutes, surge = 8 + 2*14 + 9, 2*14 + 9
	hours := (minutes*8.0+surge*2.0)/60 + (48-minutes/60.0)*4
	dollars := (minutes*2*0.6+surge*0.26)/60 + (48-minutes/60.0)*2*0.26
	score := run.Score
	if score.Disruptions != 2 || score.Changes != 1 || score.OverloadedMinutes != 0 || math.Abs(score.VCPUHours-hours) > 1e-6 ||
		!score.CostKnown || math.Abs(float64(score.Cost)-1e6*dollars) > 2 {
		t.Errorf("the score is %+v, want %.3f vCPU hours and $%.4f", score, hours, dollars)
	}
}

// The minimum time to replace the writer depends on the instances that a failover can promote.
func TestWriterChangeMinutes(t *testing.T) {
	cluster, standalone := newPolicy(), newPolicy()
	standalone.Target.Kind = scaling.DBInstance
	for _, test := range []struct {
		s    Setup
		want int
	}{
		{Setup{Policy: cluster, OtherPoolShape: scaling.Shape{Count: 2}}, 9}, {Setup{Policy: cluster}, 6},
		{Setup{Policy: standalone, MultiAZ: true}, 5}, {Setup{Policy: standalone}, 9},
	} {
		if got := test.s.writerChangeMinutes(); got != test.want {
			t.Errorf("%d minutes, want %d", got, test.want)
		}
	}
}

// Of two plans with the same cost, the oracle takes the one without a change.
func TestRunOracle_PrefersNoChange(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Target.Kind = nil, scaling.DBInstance
	p.Writer = &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r7g.large", "db.r6g.xlarge"}} // two of 2 vCPUs
	s := mustValidate(t, Setup{
		Policy: p, Recording: newHourlyRecording(1, 1.2, 1), Pool: scaling.Writer, InitialShape: scaling.Shape{InstanceClass: "db.r7g.large"},
	})
	run, err := runOracle(t.Context(), s)
	if err != nil || run.Score.Changes != 0 || run.Score.Disruptions != 0 {
		t.Errorf("the score is %+v, want no change; error %v", run.Score, err)
	}
}
