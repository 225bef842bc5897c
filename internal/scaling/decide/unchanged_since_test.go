package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// threeHoursOf is a constant load for the last three hours.
func threeHoursOf(percent float64) scaling.Series {
	percents := make([]float64, 180)
	for n := range percents {
		percents[n] = percent
	}
	return recentSamples(percents...)
}

// firstObservedAt sets when both pools were first observed, and since when they are known to be unchanged.
func firstObservedAt(o *scaling.Observation, changedAt, unchangedSince time.Time) {
	o.WriterChangedAt, o.ReadersChangedAt = changedAt, changedAt
	o.WriterUnchangedSince, o.ReadersUnchangedSince = unchangedSince, unchangedSince
}

// A saturated pool scales up at its first observation when it is known to be unchanged for long enough, and otherwise waits.
func TestEvaluate_FirstObservationWithKnownPast(t *testing.T) {
	readers := newPolicy()
	writerOnly := newPolicy(withWriter(large, xlarge), withoutReaders)
	for name, test := range map[string]struct {
		policy scaling.Policy
		since  time.Duration // before the first observation; zero when it is not known
		want   scaling.Reason
	}{
		"readers, known":                      {readers, time.Hour, scaling.ReasonScaleUp},
		"readers, unknown":                    {readers, 0, scaling.ReasonStabilizing},
		"writer, known":                       {writerOnly, time.Hour, scaling.ReasonScaleUp},
		"writer, unknown":                     {writerOnly, 0, scaling.ReasonStabilizing},
		"writer, warm for the whole window":   {writerOnly, 9 * time.Minute, scaling.ReasonScaleUp},
		"writer, warm for part of the window": {writerOnly, 8 * time.Minute, scaling.ReasonStabilizing},
	} {
		o := newObservation(writer(large, threeHoursOf(97)), foreignReader("reader", large, threeHoursOf(97)))
		firstObservedAt(&o, now, time.Time{})
		if test.since > 0 {
			firstObservedAt(&o, now, now.Add(-test.since))
		}
		if got := reason(Evaluate(test.policy, o, now)); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// What only events say is no reason to scale down: a pool is scaled down as late as without them.
func TestEvaluate_KnownPastNeverScalesDownEarlier(t *testing.T) {
	p := newPolicy(func(p *scaling.Policy) { p.ScaleDown.Window = 2 * time.Hour })
	scaledDown := 0
	for age := time.Duration(0); age <= 3*time.Hour; age += time.Minute {
		o := newObservation(writer(large, threeHoursOf(5)), foreignReader("reader", large, threeHoursOf(5)),
			ownReader("reader-2", large, threeHoursOf(5)))
		isDown := func(since time.Time) bool {
			firstObservedAt(&o, now.Add(-age), since)
			d := Evaluate(p, o, now)
			return len(d.Proposals) > 0 && d.Proposals[0].Direction == scaling.Down
		}
		unknown, known := isDown(time.Time{}), isDown(now.Add(-age-scaling.EventLookBack))
		if known != unknown {
			t.Errorf("first observed %s ago: scaled down is %t with events, and %t without them", age, known, unknown)
		}
		if unknown {
			scaledDown++
		}
	}
	if scaledDown == 0 {
		t.Error("no pool was scaled down")
	}
}
