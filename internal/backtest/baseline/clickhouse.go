package baseline

import "time"

const (
	clickhouseTargetShare    = 0.53
	clickhouseScaleUpShare   = 0.75
	clickhouseScaleDownShare = 0.375
	clickhouseLongWindow     = 30 * time.Hour
	clickhouseShortWindow    = 3 * time.Hour
)

// clickhouseRule is the vertical autoscaling of ClickHouse Cloud, its two-window recommender, with CPU only.
//
//   - A minute's usage is its CPU times the size at that time, in vCPUs.
//   - Up, when the highest usage of the last 3 h is above 75 % of the current size: to the highest usage of the last 30 h divided
//     by 0.53, rounded up to the ladder.
//   - Down, when the highest usage of the last 3 h is below 37.5 % of the current size: to that usage divided by 0.53, rounded up
//     to the ladder.
//   - In between nothing changes.
//
// ClickHouse documents that the long window is for scaling up and the short one for scaling down, but not which of them the band
// applies to. Here it is the short one: with the long one, the next evaluation would undo each scale-down, since it includes the
// old peak. Neither does it document what happens before there are 3 h of samples (here: no scale-down), when minutes are missing
// (they have no usage; with none in 3 h nothing changes), and how often the rule is evaluated (here: every minute, as samples
// arrive). There is no cooldown. A minute that started before ChangedAt counts with the previous size, and a minute before the
// first evaluation with the size at that evaluation.
type clickhouseRule struct {
	usage windowMaximum
	// firstSampleAt and lastSampleAt are the first and the last minute in usage.
	firstSampleAt, lastSampleAt time.Time
	// currentVCPUs is the size since currentSince, and previousVCPUs the size before.
	currentVCPUs, previousVCPUs float64
	currentSince                time.Time
}

func newClickHouse() Autoscaler {
	return Autoscaler{
		Name: "ClickHouse Cloud",
		ID:   "clickhouse",
		Source: "ClickHouse Cloud documentation, Scaling recommendations; target 53 %, band from 37.5 to 75 %, windows 3 h and 30 h " +
			"(as published), CPU only, make before break",
		Interval:    time.Minute,
		Lookback:    clickhouseLongWindow,
		Method:      MethodSeamless,
		ChangeDelay: 5 * time.Minute,
		NewRule:     func() Rule { return &clickhouseRule{} },
	}
}

// DesiredSizeIndex implements Rule.
func (r *clickhouseRule) DesiredSizeIndex(o Observation) int {
	r.recordUsage(o)
	peak, ok := r.usage.maxSince(o.Now.Add(-clickhouseShortWindow))
	switch {
	case o.ChangeInProgress || !ok:
		return o.SizeIndex
	case peak > clickhouseScaleUpShare*r.currentVCPUs+roundingTolerance:
		peak, _ = r.usage.maxSince(o.Now.Add(-clickhouseLongWindow))
		return max(o.SizeIndex, smallestSizeIndex(o.LadderVCPUs, peak/clickhouseTargetShare))
	case peak < clickhouseScaleDownShare*r.currentVCPUs-roundingTolerance && !r.firstSampleAt.After(o.Now.Add(-clickhouseShortWindow)):
		return min(o.SizeIndex, smallestSizeIndex(o.LadderVCPUs, peak/clickhouseTargetShare))
	}
	return o.SizeIndex
}

// recordUsage adds the usage of the new minutes.
func (r *clickhouseRule) recordUsage(o Observation) {
	switch size := o.LadderVCPUs[o.SizeIndex]; {
	case r.currentVCPUs == 0:
		r.previousVCPUs, r.currentVCPUs, r.currentSince = size, size, o.ChangedAt
	case size != r.currentVCPUs:
		r.previousVCPUs, r.currentVCPUs = r.currentVCPUs, size
		if o.ChangedAt.After(r.currentSince) {
			r.currentSince = o.ChangedAt
		} else { // the time of the change is unknown
			r.currentSince = o.Now
		}
	}
	oldest := o.Now.Add(-clickhouseLongWindow)
	r.usage.dropBefore(oldest)
	for at, percent := range o.CPUPercent.From(laterOf(oldest, r.lastSampleAt.Add(1))).All() {
		if r.firstSampleAt.IsZero() {
			r.firstSampleAt = at
		}
		size := r.currentVCPUs
		if at.Before(r.currentSince) {
			size = r.previousVCPUs
		}
		r.lastSampleAt = at
		r.usage.add(at, percent/100*size)
	}
}
