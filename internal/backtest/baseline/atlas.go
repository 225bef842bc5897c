package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	atlasScaleDownPause = 24 * time.Hour
	atlasRestartPause   = 12 * time.Hour
)

// atlasRule is the compute auto-scaling of MongoDB Atlas, for M30 and up. It goes by CPU alone: there are no memory samples here, so
// that the parts about memory and cache never want more and never forbid less.
//
//   - Up one rung, when the busiest node's average is above 90 % over the newest 10 minutes and there was no scale-up within
//     10 minutes, or above 75 % over the newest 60 minutes and there was none within 60 minutes.
//   - Down one rung, when no scale-down was ordered and nothing was created (the first Look) for 24 h, nothing was restarted
//     for 12 h, and the busiest node's average is below 45 % over the newest 10 minutes and over the newest 240.
//   - With a minute missing in a window, that window says nothing.
//
// A node is an instance, and the busiest of each minute is View.Hottest. Its average is at least that of any one node: down is
// a little slower than where the same node is not always the busiest. Atlas does not say from when its pauses count: those
// after a change count from the order. A restart is any change of its own, which ends at View.Changed, or the order if later.
type atlasRule struct {
	startedAt, scaledUpAt, scaledDownAt, changedAt time.Time
}

func newAtlas() Autoscaler {
	return Autoscaler{
		Name:     "MongoDB Atlas",
		ID:       "atlas",
		Source:   "MongoDB Atlas documentation, Configure Auto-Scaling, M30 and up; its thresholds, CPU alone",
		Interval: time.Minute,
		Lookback: 4*time.Hour + maxPublishedAge,
		Method:   MethodClasses,
		NewRule:  func() Rule { return &atlasRule{} },
	}
}

// DesiredRung implements Rule.
func (r *atlasRule) DesiredRung(v Observation) int {
	if r.startedAt.IsZero() {
		r.startedAt = v.Now
	}
	switch {
	case v.ChangeInProgress:
		return v.Rung
	case v.Rung < len(v.LadderVCPUs)-1 && (r.isHot(v, 10, 90) || r.isHot(v, 60, 75)):
		r.scaledUpAt, r.changedAt = v.Now, v.Now
		return v.Rung + 1
	case v.Rung > 0 && r.isRested(v) && isCold(v.HottestPercent, v.Now, 10) && isCold(v.HottestPercent, v.Now, 240):
		r.scaledDownAt, r.changedAt = v.Now, v.Now
		return v.Rung - 1
	}
	return v.Rung
}

// isHot says that the average over the window is above the limit and that there was no scale-up within it.
func (r *atlasRule) isHot(v Observation, minutes int, limit float64) bool {
	if v.Now.Sub(r.scaledUpAt) < time.Duration(minutes)*time.Minute {
		return false
	}
	average, ok := mean(newestMinutes(v.HottestPercent, v.Now, minutes))
	return ok && average > limit+roundingTolerance
}

// isRested says that nothing was changed lately, so that the size may go down.
func (r *atlasRule) isRested(v Observation) bool {
	return v.Now.Sub(laterOf(r.startedAt, r.scaledDownAt)) >= atlasScaleDownPause && v.Now.Sub(laterOf(r.changedAt, v.ChangedAt)) >= atlasRestartPause
}

// isCold says that the average over the window is below 45 %.
func isCold(s scaling.Series, now time.Time, minutes int) bool {
	average, ok := mean(newestMinutes(s, now, minutes))
	return ok && average < 45-roundingTolerance
}
