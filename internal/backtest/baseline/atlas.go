package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	atlasScaleDownPause = 24 * time.Hour
	atlasRestartPause   = 12 * time.Hour
)

// atlasRule is the compute auto-scaling of MongoDB Atlas, for M30 and up. It uses CPU only: there are no memory samples here, so its
// conditions on memory and cache neither scale up nor prevent scaling down.
//
//   - Up one size, when the busiest node's average is above 90 % over the newest 10 minutes and there was no scale-up within
//     10 minutes, or above 75 % over the newest 60 minutes and there was none within 60 minutes.
//   - Down one size, when no scale-down was ordered and nothing was created (the first evaluation) for 24 h, nothing was restarted
//     for 12 h, and the busiest node's average is below 45 % over the newest 10 minutes and over the newest 240.
//   - A window with a missing minute is ignored.
//
// A node is an instance, and the busiest of each minute is HottestPercent. Its average is at least that of any one node, so scaling
// down is slightly slower than in Atlas if different nodes are the busiest. Atlas does not document when its pauses start: here, the
// pauses after a change start with the order. A restart is any change, which ends at ChangedAt, or at the order if that is later.
type atlasRule struct {
	// startedAt is the first evaluation; the others are the times of the orders.
	startedAt, scaledUpAt, scaledDownAt, changedAt time.Time
}

func newAtlas() Autoscaler {
	return Autoscaler{
		Name:     "MongoDB Atlas",
		ID:       "atlas",
		Source:   "MongoDB Atlas documentation, Configure Auto-Scaling, M30 and up; its thresholds, CPU only",
		Interval: time.Minute,
		Lookback: 4*time.Hour + maxPublishedAge,
		Method:   MethodClasses,
		NewRule:  func() Rule { return &atlasRule{} },
	}
}

// DesiredSizeIndex implements Rule.
func (r *atlasRule) DesiredSizeIndex(o Observation) int {
	if r.startedAt.IsZero() {
		r.startedAt = o.Now
	}
	switch {
	case o.ChangeInProgress:
		return o.SizeIndex
	case o.SizeIndex < len(o.LadderVCPUs)-1 && (r.isHot(o, 10, 90) || r.isHot(o, 60, 75)):
		r.scaledUpAt, r.changedAt = o.Now, o.Now
		return o.SizeIndex + 1
	case o.SizeIndex > 0 && r.isRested(o) && isCold(o.HottestPercent, o.Now, 10) && isCold(o.HottestPercent, o.Now, 240):
		r.scaledDownAt, r.changedAt = o.Now, o.Now
		return o.SizeIndex - 1
	}
	return o.SizeIndex
}

// isHot says that the average over so many minutes is above a percentage and that there was no scale-up in this time.
func (r *atlasRule) isHot(o Observation, minutes int, percent float64) bool {
	if o.Now.Sub(r.scaledUpAt) < time.Duration(minutes)*time.Minute {
		return false
	}
	average, ok := mean(newestMinutes(o.HottestPercent, o.Now, minutes))
	return ok && average > percent+roundingTolerance
}

// isRested says that the pauses before a scale-down are over.
func (r *atlasRule) isRested(o Observation) bool {
	return o.Now.Sub(laterOf(r.startedAt, r.scaledDownAt)) >= atlasScaleDownPause &&
		o.Now.Sub(laterOf(r.changedAt, o.ChangedAt)) >= atlasRestartPause
}

// isCold says that the average over so many minutes is below 45 %.
func isCold(s scaling.Series, now time.Time, minutes int) bool {
	average, ok := mean(newestMinutes(s, now, minutes))
	return ok && average < 45-roundingTolerance
}
