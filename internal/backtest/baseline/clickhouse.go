package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	clickhouseTargetShare    = 0.53
	clickhouseScaleUpShare   = 0.75
	clickhouseScaleDownShare = 0.375
	clickhouseLongWindow     = 30 * time.Hour
	clickhouseShortWindow    = 3 * time.Hour
)

// clickhouseRule is the vertical autoscaling of ClickHouse Cloud, its two-window recommender, by CPU alone.
//
//   - A minute's usage is its CPU times the size that it was measured at, in vCPUs.
//   - Up, when the highest usage of the last 3 h is above 75 % of the present size: to the highest usage of the last 30 h divided
//     by 0.53, rounded up to the ladder.
//   - Down, when the highest usage of the last 3 h is below 37.5 % of the present size: to that usage divided by 0.53, rounded up
//     to the ladder.
//   - In between nothing happens.
//
// ClickHouse says that the long window is for going up and the short one for going down, and not which of them the band is held
// against. It is the short one here: with the long one, each step down would be undone by the next look, which still sees the
// old peak. It does not say either what happens before there are 3 h of samples (nothing goes down here), when minutes are
// missing (they have no usage; with none in 3 h nothing happens), and how often it looks (every minute here, as samples come).
// There is no cooldown. A minute that began before View.Changed counts with the size from before; what was measured before the
// first Look counts with the size of then.
type clickhouseRule struct {
	usage windowMaximum
	// firstSampleAt and last are the minutes that usage was taken of.
	firstSampleAt, lastSampleAt time.Time
	// currentVCPUs is the present one in vCPUs, which there is since a time, and before is the one before it.
	currentVCPUs, previousVCPUs float64
	currentSince                time.Time
}

func newClickHouse() Autoscaler {
	return Autoscaler{
		Name: "ClickHouse Cloud",
		ID:   "clickhouse",
		Source: "ClickHouse Cloud documentation, Scaling recommendations; target 53 %, band from 37.5 to 75 %, windows 3 h and 30 h " +
			"(as published), CPU alone, make before break",
		Interval:    time.Minute,
		Lookback:    clickhouseLongWindow,
		Method:      MethodSeamless,
		ChangeDelay: 5 * time.Minute,
		NewRule:     func() Rule { return &clickhouseRule{} },
	}
}

// DesiredRung implements Rule.
func (r *clickhouseRule) DesiredRung(v Observation) int {
	r.recordUsage(v)
	peak, ok := r.usage.maxSince(v.Now.Add(-clickhouseShortWindow))
	switch {
	case v.ChangeInProgress || !ok:
		return v.Rung
	case peak > clickhouseScaleUpShare*r.currentVCPUs+roundingTolerance:
		peak, _ = r.usage.maxSince(v.Now.Add(-clickhouseLongWindow))
		return max(v.Rung, smallestRung(v.LadderVCPUs, peak/clickhouseTargetShare))
	case peak < clickhouseScaleDownShare*r.currentVCPUs-roundingTolerance && !r.firstSampleAt.After(v.Now.Add(-clickhouseShortWindow)):
		return min(v.Rung, smallestRung(v.LadderVCPUs, peak/clickhouseTargetShare))
	}
	return v.Rung
}

// recordUsage remembers the usage of the minutes that are new.
func (r *clickhouseRule) recordUsage(v Observation) {
	switch size := v.LadderVCPUs[v.Rung]; {
	case r.currentVCPUs == 0:
		r.previousVCPUs, r.currentVCPUs, r.currentSince = size, size, v.ChangedAt
	case size != r.currentVCPUs:
		r.previousVCPUs, r.currentVCPUs = r.currentVCPUs, size
		if v.ChangedAt.After(r.currentSince) {
			r.currentSince = v.ChangedAt
		} else { // nobody says when
			r.currentSince = v.Now
		}
	}
	oldest := v.Now.Add(-clickhouseLongWindow)
	r.usage.dropBefore(oldest)
	for n := v.CPUPercent.IndexFrom(laterOf(oldest, r.lastSampleAt.Add(1))); n < len(v.CPUPercent); n++ {
		sample := v.CPUPercent[n]
		if !scaling.IsValidSample(sample.Value) {
			continue
		}
		if r.firstSampleAt.IsZero() {
			r.firstSampleAt = sample.Time
		}
		size := r.currentVCPUs
		if sample.Time.Before(r.currentSince) {
			size = r.previousVCPUs
		}
		r.lastSampleAt = sample.Time
		r.usage.add(sample.Time, sample.Value/100*size)
	}
}
