package backtest

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The expected scores of a pool of 2 vCPUs that cannot change are computed by hand: it serves 1.97 vCPUs, and 1.77 vCPUs are 90 %.
func TestRunPolicy_ScoresFixedPool(t *testing.T) {
	nan := math.NaN()
	for _, test := range []struct {
		name       string
		demand     []float64
		minutes    int
		overloaded int
		unserved   float64
	}{
		{"no overload below 90 %", []float64{1.7, 1.7}, 120, 0, 0},
		{"an hour at 90 % is overloaded", []float64{1.5, 1.78, 1.5}, 180, 60, 0},
		// A backlog of 60 × 0.53 vCPU min is served in the next hour: 1.97 − 1 a minute at most, as clients retry.
		{"demand above capacity is unserved", []float64{1, 2.5}, 120, 60, 60 * 0.53},
		{"a gap is not scored", []float64{1, nan, 1}, 120, 0, 0},
		{"a gap after saturation is not scored", []float64{2.5, nan}, 60, 60, 60 * 0.53},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := runPolicy(t, newFixedSetup("db.r6g.large", newHourlyRecording(test.demand...))).Score
			isNear := func(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }
			if s.ScoredMinutes != test.minutes || !isNear(float64(s.OverloadedMinutes), float64(test.overloaded), 2) ||
				!isNear(s.UnservedVCPUMinutes, test.unserved, 0.6) || !isNear(s.VCPUHours, float64(test.minutes)/30, 1e-6) ||
				s.Changes != 0 || s.Disruptions != 0 {
				t.Errorf("the score is %+v, want %+v", s, test)
			}
		})
	}
	s := newFixedSetup("db.r6g.large", newHourlyRecording(1, 1))
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 260_000}
	if got := runPolicy(t, s).Score; !got.CostKnown || got.Cost != 520_000 {
		t.Errorf("two hours at $0.26 cost %s", got.Cost)
	}
}

// Each change is recorded with its reason. The pool returns to its initial size.
func TestRunPolicy_RecordsEvents(t *testing.T) {
	run := runPolicy(t, newStepSetup())
	kinds := map[EventKind]int{}
	for _, e := range run.Events {
		kinds[e.Kind]++
		if e.Message == "" || e.Time.Before(monday) || e.Time.After(monday.Add(54*time.Hour)) {
			t.Errorf("event %+v", e)
		}
	}
	up, down := kinds[EventScaleUp], kinds[EventScaleDown]
	if up+down != run.Score.Changes || up == 0 || down == 0 || run.Score.Changes > 6 {
		t.Errorf("events %v, %d changes", kinds, run.Score.Changes)
	}
	if last := run.Timeline.CapacityVCPUs[len(run.Timeline.CapacityVCPUs)-1]; last != 2 {
		t.Errorf("the pool ends with %g vCPUs, want 2", last)
	}
}

// A load that never rose is read every other minute. When it rises, the readers are added as soon as the sample of that minute is published,
// whichever minute it is.
func TestRunPolicy_NoticesFirstRiseAtOnce(t *testing.T) {
	for offset := range 2 {
		rise := 2*24*60 + offset
		r := &recording.Recording{Start: monday, Interval: time.Minute, Demand: slices.Repeat([]float64{0.7}, rise)}
		r.Demand = append(r.Demand, slices.Repeat([]float64{3.2}, 60)...)
		setup := newStepSetup()
		setup.Recording = r
		run := runPolicy(t, setup)
		if run.Score.QuietMinutes < 12*60 {
			t.Fatalf("the load is quiet for %d minutes", run.Score.QuietMinutes)
		}
		first := run.Events[0]
		if delay := first.Time.Sub(monday.Add(time.Duration(rise) * time.Minute)); first.Kind != EventScaleUp || delay < 0 || delay > 3*time.Minute {
			t.Errorf("with the rise in minute %d, %s comes %s after it: %s", rise, first.Kind, delay, first.Message)
		}
	}
}

func TestRunPolicy_IsDeterministicPerSeed(t *testing.T) {
	first, second := runPolicy(t, newStepSetup()), runPolicy(t, newStepSetup())
	first.Timeline.DemandVCPUs, second.Timeline.DemandVCPUs = nil, nil // NaN does not equal NaN
	if !reflect.DeepEqual(first, second) {
		t.Error("two runs with the same seed differ")
	}
	other := newStepSetup()
	other.Seed = 2
	if run := runPolicy(t, other); reflect.DeepEqual(run.Events, first.Events) {
		t.Error("two runs with different seeds have the same events")
	}
}

// BenchmarkRunPolicy_LiveMemory reports the live heap of a run without the recording. It is the same for a month and for a year.
func BenchmarkRunPolicy_LiveMemory(b *testing.B) {
	for _, days := range []int{30, 60, 360} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
			s := newDailySetup(days)
			for b.Loop() {
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				peak, reconciles := uint64(0), 0
				_, err := RunPolicy(b.Context(), s, func(ReconcileRecord) {
					if reconciles++; reconciles%20_000 == 0 {
						runtime.GC()
						runtime.ReadMemStats(&after)
						peak = max(peak, after.HeapAlloc-min(before.HeapAlloc, after.HeapAlloc))
					}
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(peak)/(1<<20), "live-MB")
			}
		})
	}
}

// BenchmarkRunPolicy runs a recording of two months, one value a minute.
func BenchmarkRunPolicy(b *testing.B) {
	s := newDailySetup(61)
	b.ReportAllocs()
	for b.Loop() {
		run, err := RunPolicy(b.Context(), s, nil)
		if err != nil || run.Score.Changes == 0 {
			b.Fatal(run.Score, err)
		}
		b.ReportMetric(float64(run.Score.Changes), "changes")
	}
}

// While the only instance restarts, no instance is in service: these minutes are overloaded, whatever the CPU is.
func TestRunPolicy_CountsOutageAsOverload(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer, p.Target.Kind = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}, scaling.DBInstance
	setup := Setup{Policy: p, Recording: newHourlyRecording(0.5, 1.6, 1.6, 1.6), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1}
	s := runPolicy(t, setup).Score
	if s.Changes != 1 || s.Disruptions != 1 || s.OverloadedMinutes == 0 || s.UnservedVCPUMinutes < 1.6 ||
		s.UnservedVCPUMinutes > 1.6*float64(s.OverloadedMinutes) {
		t.Errorf("the score is %+v", s)
	}
}

// A blocked step is not started: the disruption window has closed when the failover, the third step, is next. The operation stays at the
// step before until the window of the next day.
func TestRunPolicy_BlocksStepOutsideDisruptionWindow(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	p.DisruptionWindows = []scaling.Window{{Schedule: "0 2 * * *", Duration: 10 * time.Minute, TimeZone: "UTC"}}
	blocked := 0
	run, err := RunPolicy(t.Context(), Setup{
		Policy: p, Recording: newHourlyRecording(slices.Repeat([]float64{1.6}, 28)...), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1,
		OtherPoolShape: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}, func(record ReconcileRecord) {
		if record.OperationID != "" && record.BlockedBy == "DisruptionWindow" {
			if blocked++; record.StepIndex != 1 || record.Attempts != 1 || record.Time.Hour() == 2 && record.Time.Minute() < 10 {
				t.Errorf("blocked: %s", record)
			}
		}
	})
	if err != nil || blocked < 60 || run.Score.Changes != 1 {
		t.Errorf("%d reconciles were blocked, the score is %+v, error %v", blocked, run.Score, err)
	}
}

// The effect of each scale-up is measured. Without DBLoadCPU the demand is unknown, and after three scale-ups without effect, scaling stops.
func TestRunPolicy_StopsIneffectiveScaling(t *testing.T) {
	s := newStepSetup()
	s.PerformanceInsights = false
	s.Recording = newHourlyRecording(slices.Repeat([]float64{100}, 10)...)
	stopped := false
	_, err := RunPolicy(t.Context(), s, func(record ReconcileRecord) {
		stopped = stopped || record.Reason == scaling.ReasonScalingIneffective
	})
	if err != nil || !stopped {
		t.Errorf("no reconcile has the reason %s; error %v", scaling.ReasonScalingIneffective, err)
	}
}

// The read replicas of a DBInstance are not simulated, and must not affect the decisions about its writer.
func TestRunPolicy_IgnoresReadReplicasOfInstance(t *testing.T) {
	p := newPolicy("db.r6g.large", "db.r6g.xlarge")
	p.Writer, p.Target.Kind = &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}, scaling.DBInstance
	setup := Setup{Policy: p, Recording: newHourlyRecording(0.5, 1.6, 1.6, 1.6), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1}
	run := runPolicy(t, setup)
	if last := run.Timeline.CapacityVCPUs[len(run.Timeline.CapacityVCPUs)-1]; run.Score.Changes != 1 || last != 4 {
		t.Errorf("%g vCPUs at the end and the score %+v, want 4 vCPUs after 1 change", last, run.Score)
	}
}
