package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// withMinutes replaces the samples of some minutes, counted from the newest; gap removes them.
func withMinutes(percents []float64, value float64, ago ...int) []float64 {
	out := append([]float64(nil), percents...)
	for _, n := range ago {
		out[len(out)-1-n] = value
	}
	return out
}

// A scale-down window of two hours has 120 minutes, of which two may be missing.
func TestEvaluate_GapsInTheScaleDownWindow(t *testing.T) {
	idle := repeated(10, 125)
	for _, test := range []struct {
		name     string
		a, b     []float64
		want     scaling.Reason
		wantPeak float64 // vCPUs, where the window is complete
	}{
		{"no gap", idle, idle, scaling.ReasonScaleDown, 0.4},
		{"one minute of one instance", withMinutes(idle, gap, 30), idle, scaling.ReasonScaleDown, 0.4},
		{"two minutes at different times", withMinutes(idle, gap, 30), withMinutes(idle, gap, 90), scaling.ReasonScaleDown, 0.4},
		{"three minutes are more than 2 %", withMinutes(idle, gap, 30, 60), withMinutes(idle, gap, 90), scaling.ReasonWithinThresholds, 0},
		{"two minutes in a row", withMinutes(idle, gap, 30, 31), idle, scaling.ReasonScaleDown, 0.4},
		{"the newest minute", withMinutes(idle, gap, 0), idle, scaling.ReasonScaleDown, 0.4}, // not published yet: the window ends before it
		{"the first minute", withMinutes(idle, gap, 119), idle, scaling.ReasonWithinThresholds, 0},
		{"high before the gap", withMinutes(withMinutes(idle, gap, 30), 30, 31), idle, scaling.ReasonScaleDown, 0.8},
		{"the other instance was busy in the gap: both are assumed to have been", withMinutes(idle, gap, 30), withMinutes(idle, 25, 30),
			scaling.ReasonScaleDown, 1.0},
		{"the other instance was too busy in the gap", withMinutes(idle, gap, 30), withMinutes(idle, 36, 30), scaling.ReasonWithinThresholds, 1.44},
		{"the other instance was saturated in the gap", withMinutes(idle, gap, 30), withMinutes(idle, 96, 30), scaling.ReasonWithinThresholds, 3.84},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(withReaders(1, 4, large))
			p.ScaleDown.Window = 2 * time.Hour
			o := newObservation(writer(large, recentSamples(idle...)),
				ownReader("a", large, recentSamples(test.a...)), ownReader("b", large, recentSamples(test.b...)))
			d := Evaluate(p, o, now)
			if reason(d) != test.want {
				t.Errorf("got %s, want %s: %s", reason(d), test.want, d.Hold.Message)
			}
			w := d.Pools[0].Load.ScaleDownWindow
			if complete := test.wantPeak > 0; w.Complete != complete || complete && (w.PeakDemand < test.wantPeak-1e-9 || w.PeakDemand > test.wantPeak+1e-9) {
				t.Errorf("complete %t with a peak of %.2f vCPU, want a peak of %.2f", w.Complete, w.PeakDemand, test.wantPeak)
			}
		})
	}
}

// A long window allows many missing minutes, but no long gap.
func TestEvaluate_LongGapInTheScaleDownWindow(t *testing.T) {
	idle := repeated(10, 245)
	p := newPolicy(withReaders(1, 4, large))
	p.ScaleDown.Window = 4 * time.Hour
	for missing, want := range map[int]scaling.Reason{3: scaling.ReasonScaleDown, 4: scaling.ReasonWithinThresholds} {
		percents := idle
		for n := range missing {
			percents = withMinutes(percents, gap, 100+n)
		}
		o := newObservation(writer(large, recentSamples(idle...)), ownReader("a", large, recentSamples(percents...)),
			ownReader("b", large, recentSamples(idle...)))
		if d := Evaluate(p, o, now); reason(d) != want {
			t.Errorf("%d minutes: got %s, want %s", missing, reason(d), want)
		}
	}
}
