package decide

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// readersLoad is the assessed load of the readers at a time.
func readersLoad(t *testing.T, p scaling.Policy, o scaling.Observation, at time.Time) scaling.Load {
	t.Helper()
	return Evaluate(p, o, at).Pools[0].Load
}

func TestAssessLoad_MeanPeakAndCapacityOfSamples(t *testing.T) {
	// A large (2 vCPU) and an xlarge (4): 20, 30, 40 % and 50, 60, 40 % are 0.4+2.0, 0.6+2.4 and 0.8+1.6 vCPU.
	o := newObservation(ownReader("a", large, recentSamples(20, 30, 40)), ownReader("b", xlarge, recentSamples(50, 60, 40)))
	got := readersLoad(t, newPolicy(), o, now)
	if !got.Fresh || got.Capacity != 6 || got.Saturated {
		t.Errorf("fresh %t, capacity %.1f, censored %t; want fresh, 6 and not censored", got.Fresh, got.Capacity, got.Saturated)
	}
	if math.Abs(got.Demand-3.0) > 1e-9 { // the peak is in the second minute
		t.Errorf("the demand is %.3f, want 3.0", got.Demand)
	}
	if math.Abs(got.UtilizationPercent-100*(2.4+3.0+2.4)/3/6) > 1e-9 { // 43.3 %
		t.Errorf("the utilization is %.3f, want 43.333", got.UtilizationPercent)
	}
	if !got.NewestSampleAt.Equal(newestMinute) {
		t.Errorf("the newest sample is of %s", got.NewestSampleAt)
	}
}

func TestAssessLoad_Saturated(t *testing.T) {
	for percent, want := range map[float64]bool{94.9: false, 95: true, 100: true} {
		o := newObservation(ownReader("a", large, recentSamples(10, percent, 10)), ownReader("b", large, recentSamples(10, 10, 10)))
		if got := readersLoad(t, newPolicy(), o, now); got.Saturated != want {
			t.Errorf("one reader at %.1f%% for a minute: censored is %t", percent, got.Saturated)
		}
	}
}

func TestEvaluate_AssessesUnscaledPools(t *testing.T) {
	o := newObservation(writer(large, constantLoad(50)), ownReader("a", large, constantLoad(50)))
	for name, test := range map[string]struct {
		policy          scaling.Policy
		readers, writer bool
	}{
		"no pool is scaled":      {newPolicy(withoutReaders), false, false},
		"the writer is scaled":   {newPolicy(withoutReaders, withWriter(large)), false, true},
		"the readers are scaled": {newPolicy(), true, false},
		"both pools are scaled":  {newPolicy(withWriter(large)), true, true},
	} {
		pools := Evaluate(test.policy, o, now).Pools
		if len(pools) != 2 || pools[0].Load.Pool != scaling.Readers || pools[1].Load.Pool != scaling.Writer {
			t.Fatalf("%s: got %d pools", name, len(pools))
		}
		if pools[0].Scaled != test.readers || pools[1].Scaled != test.writer || !pools[0].Load.Fresh || !pools[1].Load.Fresh {
			t.Errorf("%s: scaled %t and %t, fresh %t and %t", name, pools[0].Scaled, pools[1].Scaled, pools[0].Load.Fresh, pools[1].Load.Fresh)
		}
	}
}

func TestAssessLoad_SampleCoverage(t *testing.T) {
	five, ten := withScaleUpWindow(5*time.Minute), withScaleUpWindow(10*time.Minute)
	for _, test := range []struct {
		name   string
		window func(*scaling.Policy)
		a, b   scaling.Series
		want   bool
	}{
		{"3 of 3 minutes are enough", withScaleUpWindow(3 * time.Minute), recentSamples(50, 50, 50), constantLoad(50), true},
		{"2 of 3 minutes (67 %) are too few", withScaleUpWindow(3 * time.Minute), recentSamples(50, gap, 50), constantLoad(50), false},
		{"4 of 5 minutes (80 %) are enough", five, recentSamples(50, gap, 50, 50, 50), constantLoad(50), true},
		{"3 of 5 minutes (60 %) are too few", five, recentSamples(50, gap, gap, 50, 50), constantLoad(50), false},
		{"8 of 10 minutes are enough", ten, recentSamples(50, 50, 50, gap, 50, 50, gap, 50, 50, 50), constantLoad(50), true},
		{"7 of 10 minutes are too few", ten, recentSamples(50, 50, 50, gap, gap, 50, gap, 50, 50, 50), constantLoad(50), false},
		{"8 of 10 minutes in which every reader has a sample", ten, withoutMinute(constantLoad(50), 2), withoutMinute(constantLoad(50), 7), true},
		{"7 of 10 minutes in which every reader has a sample", ten, withoutMinute(withoutMinute(constantLoad(50), 3), 2),
			withoutMinute(constantLoad(50), 7), false},
		{"a gap of both readers in the same minute counts once", ten, withoutMinute(withoutMinute(constantLoad(50), 3), 2),
			withoutMinute(constantLoad(50), 3), true},
		{"gaps before the window do not count", five, recentSamples(gap, gap, gap, 50, 50, 50, 50, 50), constantLoad(50), true},
		{"newest minute not published yet, 3 minutes before it", withScaleUpWindow(3 * time.Minute), recentSamples(50, 50, 50, gap),
			constantLoad(50), true},
		{"two newest minutes not published yet, 3 minutes before them", withScaleUpWindow(3 * time.Minute),
			recentSamples(50, 50, 50, gap, gap), constantLoad(50),
			true},
		{"newest minute not published yet, 2 minutes before it", withScaleUpWindow(3 * time.Minute), recentSamples(50, 50, gap), constantLoad(50),
			false},
		{"one reader has no samples", five, scaling.Series{}, constantLoad(50), false},
		{"1 of 1 minute is enough", withScaleUpWindow(time.Minute), recentSamples(50), recentSamples(50), true},

		// Windows that are not whole minutes are rounded up.
		{"90 s window with 2 of 2 minutes", withScaleUpWindow(90 * time.Second), recentSamples(50, 50), constantLoad(50), true},
		{"90 s window with 1 of 2 minutes", withScaleUpWindow(90 * time.Second), recentSamples(gap, 50), constantLoad(50), false},
		{"200 s window with 4 of 4 minutes", withScaleUpWindow(200 * time.Second), recentSamples(50, 50, 50, 50), constantLoad(50), true},
		{"200 s window with 3 of 4 minutes", withScaleUpWindow(200 * time.Second), recentSamples(50, gap, 50, 50), constantLoad(50), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newObservation(ownReader("a", large, test.a), ownReader("b", large, test.b))
			if got := readersLoad(t, newPolicy(test.window), o, now); got.Fresh != test.want {
				t.Errorf("fresh is %t, want %t", got.Fresh, test.want)
			}
		})
	}
}

func TestScaleDown_WindowOfPartialMinutes(t *testing.T) {
	p := newPolicy(func(p *scaling.Policy) { p.ScaleDown.Window = 9*time.Minute + 30*time.Second }) // rounded up to 10 minutes
	if got := Evaluate(p, newObservation(twoReaders(xlarge, constantLoad(20))...), now); reason(got) != scaling.ReasonScaleDown {
		t.Errorf("with every minute: %s", reason(got))
	}
	if got := Evaluate(p, newObservation(twoReaders(xlarge, withoutMinute(constantLoad(20), 9))...), now); reason(got) != scaling.ReasonWithinThresholds {
		t.Errorf("without the tenth minute: %s", reason(got))
	}
}

// A minute is used once it ended at least a minute ago.
func TestNewestFinalMinute(t *testing.T) {
	for _, test := range []struct {
		now, want string
	}{
		{"10:00:00", "09:58"},
		{"10:00:59", "09:58"},
		{"10:01:00", "09:59"},
		{"10:01:30", "09:59"},
	} {
		at, err := time.Parse("15:04:05", test.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := newestFinalMinute(at).Format("15:04"); got != test.want {
			t.Errorf("at %s the newest final minute is %s, want %s", test.now, got, test.want)
		}
	}
}

func TestAssessLoad_StaleSamples(t *testing.T) {
	for _, test := range []struct {
		name    string
		missing int // newest minutes
		now     time.Time
		want    bool
	}{
		{"the newest minute has a sample", 0, now, true},
		{"newest sample of 09:55, 5 min old", 3, now, true},
		{"newest sample of 09:55, 5 min 1 s old", 3, now.Add(time.Second), false},
		{"newest sample of 09:54, 6 min old", 4, now, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cpu := constantLoad(50)
			o := newObservation(ownReader("a", large, cpu.Before(cpu.TimeAt(cpu.Len()-test.missing))))
			// A window of 20 minutes has enough coverage in every case.
			if got := readersLoad(t, newPolicy(withScaleUpWindow(20*time.Minute)), o, test.now); got.Fresh != test.want {
				t.Errorf("fresh is %t, want %t", got.Fresh, test.want)
			}
		})
	}
}

func TestEvaluate_WarmUpAfterChange(t *testing.T) {
	for _, test := range []struct {
		name  string
		since time.Time
		want  scaling.Reason
		fresh bool
	}{
		// The window is 09:56, 09:57 and 09:58. A warm-up of five minutes that started at 09:51 excludes none of them.
		{"changed 9 min ago: the window is full", now.Add(-9 * time.Minute), scaling.ReasonScaleUp, true},
		{"changed a second later: the window is not full", now.Add(-9*time.Minute + time.Second), scaling.ReasonStabilizing, false},
		{"changed now", now, scaling.ReasonStabilizing, false},
		{"still changing", time.Time{}, scaling.ReasonStabilizing, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newObservation(ownReader("a", large, constantLoad(90)))
			o.ReadersChangedAt = test.since
			d := Evaluate(newPolicy(), o, now)
			if reason(d) != test.want || d.Pools[0].Load.Fresh != test.fresh {
				t.Errorf("got %s, fresh %t; want %s, %t", reason(d), d.Pools[0].Load.Fresh, test.want, test.fresh)
			}
		})
	}
}

// When every sample is published as soon as it is final, the load is known at StableAt at the latest: a change alone never
// leads to MetricsUnavailable.
func TestAssessLoad_StableAtWhenWindowIsFull(t *testing.T) {
	for _, window := range []time.Duration{time.Minute, 90 * time.Second, 200 * time.Second, 4 * time.Minute} {
		for offset := range 60 {
			changedAt := now.Add(time.Duration(offset) * time.Second)
			o := newObservation(ownReader("a", large, samplesUntil(now.Add(time.Hour), repeated(50, 120)...)))
			o.ReadersChangedAt = changedAt
			stableAt := readersLoad(t, newPolicy(withScaleUpWindow(window)), o, changedAt).StableAt
			if got := readersLoad(t, newPolicy(withScaleUpWindow(window)), o, stableAt); !got.Fresh {
				t.Errorf("a window of %s since %s is not full at %s", window, changedAt, stableAt)
			}
			if got := readersLoad(t, newPolicy(withScaleUpWindow(window)), o, stableAt.Add(-4*time.Minute)); got.Fresh {
				t.Errorf("a window of %s since %s is already full at %s, four minutes before StableAt", window, changedAt, stableAt.Add(-4*time.Minute))
			}
		}
	}
}

func repeated(value float64, count int) []float64 {
	out := make([]float64, count)
	for n := range out {
		out[n] = value
	}
	return out
}

// The warm-up after a change is also excluded from the scale-down window, which is then incomplete.
func TestScaleDown_WindowExcludesWarmUp(t *testing.T) {
	p := newPolicy(func(p *scaling.Policy) { p.ScaleDown.Window = 70 * time.Minute })
	o := newObservation(twoReaders(xlarge, recentSamples(repeated(20, 120)...))...)
	o.ReadersChangedAt = now.Add(-76 * time.Minute) // the window starts at 08:49, when the warm-up ended
	if got := Evaluate(p, o, now); reason(got) != scaling.ReasonScaleDown {
		t.Errorf("got %s, want ScaleDown", reason(got))
	}
	o.ReadersChangedAt = o.ReadersChangedAt.Add(time.Second)
	if got := Evaluate(p, o, now); reason(got) != scaling.ReasonWithinThresholds {
		t.Errorf("a second later: got %s, want WithinThresholds", reason(got))
	}
}

// However short the window is, no pool is scaled down for an hour after a change, a failover or a restart.
func TestScaleDown_DelayedAfterChange(t *testing.T) {
	o := newObservation(twoReaders(xlarge, constantLoad(20))...)
	o.ReadersChangedAt = now.Add(-time.Hour)
	if got := Evaluate(newPolicy(), o, now); reason(got) != scaling.ReasonScaleDown {
		t.Errorf("after an hour: %s", reason(got))
	}
	o.ReadersChangedAt = now.Add(-time.Hour + time.Second)
	got := Evaluate(newPolicy(), o, now)
	if reason(got) != scaling.ReasonStabilizing || !strings.Contains(got.Hold.Message, "no scale-down until 2026-02-05T10:00:01Z") {
		t.Errorf("a second before: %s, %s", reason(got), got.Hold.Message)
	}
}

func TestNewestCommonSample(t *testing.T) {
	rebooting := ownReader("r", large, scaling.Series{})
	rebooting.Status = "rebooting"
	for _, test := range []struct {
		name      string
		instances []scaling.Instance
		want      time.Time
	}{
		{"no instances", nil, time.Time{}},
		{"the oldest of the instances' newest samples", []scaling.Instance{
			ownReader("a", large, recentSamples(1)), ownReader("b", large, samplesUntil(newestMinute.Add(-3*time.Minute), 1)),
		}, newestMinute.Add(-3 * time.Minute)},
		{"one instance has no samples", []scaling.Instance{ownReader("a", large, recentSamples(1)), ownReader("b", large, scaling.Series{})}, time.Time{}},
		{"an instance that is not in service does not count", []scaling.Instance{ownReader("a", large, recentSamples(1)), rebooting},
			newestMinute},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, err := poolInstances(&scaling.Observation{Engine: "aurora-postgresql", Instances: test.instances}, scaling.Readers)
			if err != nil {
				t.Fatal(err)
			}
			if got := newestCommonSample(all); !got.Equal(test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAssessLoad_Emergency(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  scaling.Series
		load scaling.Series
		want bool
	}{
		{"saturated for 3 min, demand unknown", constantLoad(100), scaling.Series{}, true},
		{"saturated for 2 min", withMinute(constantLoad(100), 2, 94), scaling.Series{}, false},
		{"demand of 1.25 × capacity", constantLoad(100), constantLoad(2.5), true},
		{"demand of 1.2 × capacity", constantLoad(100), constantLoad(2.4), false},
		{"not saturated", constantLoad(94), constantLoad(9), false},
	} {
		d := Evaluate(newPolicy(), newObservation(readerWithDBLoad("a", large, test.cpu, test.load)), now)
		if d.Pools[0].Load.Emergency != test.want || onlyProposal(t, d).Emergency != test.want {
			t.Errorf("%s: emergency is %t", test.name, d.Pools[0].Load.Emergency)
		}
	}
	t.Run("an emergency does not wait for a long window", func(t *testing.T) {
		cpu := recentSamples(append(repeated(40, 57), 100, 100, 100)...)
		got := onlyProposal(t, Evaluate(newPolicy(withScaleUpWindow(time.Hour)), newObservation(ownReader("a", large, cpu)), now))
		if got.Reason != scaling.ReasonScaleUp || !strings.Contains(got.Message, "is saturated") {
			t.Errorf("got %s: %s", got.Reason, got.Message)
		}
	})
}
