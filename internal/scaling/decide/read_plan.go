package decide

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// How often the one-minute samples of a database are read. CloudWatch keeps them and charges for each read of a metric, whatever the
// number of samples.
const (
	// ReadAsPublished is for a database that may need a change soon: each sample is read as soon as it is published.
	ReadAsPublished = 15 * time.Second
	// ReadEveryMinute is for a database whose load could cross a threshold within a few minutes, as far as is known.
	ReadEveryMinute = time.Minute
	// ReadQuiet is for all others. A longer interval would let the newest sample become older than scaling.MaxSampleAge: it is
	// publicationDelay old when it is read.
	ReadQuiet = 2 * time.Minute
)

const (
	// quietShare of the demand at the scale-up threshold is near it: the load of a quiet database does not reach it before the next read. It
	// also covers the lower threshold after an upgrade of the engine.
	quietShare = 0.8
	// riseWindow is the time in which a rise is not noticed: the interval of ReadQuiet, and the minute whose sample is not published.
	riseWindow = ReadQuiet + samplePeriod
	// minuteRiseMargin times the largest rise of the last day, and quarterRiseMargin times the largest rise between two quarters of an
	// hour, is the rise to expect. A burst that begins in the middle of a quarter shows half of its rise.
	minuteRiseMargin, quarterRiseMargin = 1.25, 2.0
	// quietnessInterval is how often the past is looked at again.
	quietnessInterval = quarterHour
)

// ReadPlan says how often a database is read. It remembers what the past says of its pools. The zero value is ready to use.
type ReadPlan struct {
	// limits are by pool: of the writer and of the readers.
	limits [2]quietLimit
}

// quietLimit is the demand, in vCPUs, below which a pool is quiet, and when and for which capacity it was computed.
type quietLimit struct {
	demand, capacity float64
	computedAt       time.Time
}

// IntervalFor is Interval for a decision, and at most ReadEveryMinute when something is to change.
func (r *ReadPlan) IntervalFor(d scaling.Decision, p scaling.Policy, o scaling.Observation, now time.Time) time.Duration {
	interval := r.Interval(p, o, d.Pools, now)
	if len(d.Proposals) > 0 {
		interval = min(interval, ReadEveryMinute)
	}
	return interval
}

// Interval is how often the samples of a database are to be read until the next evaluation, given its pools as Evaluate has assessed them.
// A database is quiet when no rise that its last day and its known past have would bring it near the scale-up threshold before the next
// read. What is not known is not quiet.
func (r *ReadPlan) Interval(p scaling.Policy, o scaling.Observation, pools []scaling.PoolAssessment, now time.Time) time.Duration {
	interval := ReadQuiet
	if p.ScaleUp.Window < ReadQuiet {
		interval = ReadEveryMinute
	}
	for n := range pools {
		load := &pools[n].Load
		if !pools[n].Scaled {
			continue
		}
		demand := max(load.Demand, load.RisingDemand, load.TrendDemand, load.SeasonalDemand)
		switch threshold := thresholdDemand(&p, load); {
		case !load.Fresh, load.IsLowerBound, load.Emergency, load.Saturated, demand >= quietShare*threshold, load.HottestDemand > 0:
			return ReadAsPublished
		case demand >= r.quietDemand(&p, &o, load, now):
			interval = ReadEveryMinute
		}
	}
	return interval
}

// thresholdDemand is the demand of a pool at the scale-up threshold, in vCPUs.
func thresholdDemand(p *scaling.Policy, l *scaling.Load) float64 {
	return float64(p.CPU.ScaleUp) / 100 * l.UsableCapacity
}

// quietDemand is the demand below which a pool is quiet, in vCPUs.
func (r *ReadPlan) quietDemand(p *scaling.Policy, o *scaling.Observation, l *scaling.Load, now time.Time) float64 {
	limit := &r.limits[0]
	if l.Pool == scaling.Readers {
		limit = &r.limits[1]
	}
	if age := now.Sub(limit.computedAt); age < 0 || age >= quietnessInterval || limit.capacity != l.Capacity {
		*limit = quietLimit{quietShare*thresholdDemand(p, l) - largestRise(o, l, now), l.Capacity, now}
	}
	return limit.demand
}

// largestRise is how far the demand of a pool may rise within riseWindow, in vCPUs, by its last day and its known past; infinite when less
// than nearly a day of the past is known. Where the size of the pool in the past is not known, the present one counts: a mistake costs one
// minute.
func largestRise(o *scaling.Observation, l *scaling.Load, now time.Time) float64 {
	pool := l.Pool
	past := pastDemandsOr(o, pool, l.Capacity)
	if time.Duration(len(past))*quarterHour < minHistory-time.Hour { // the newest quarters are not complete
		return math.Inf(1)
	}
	rise := 0.0
	for n := 1; n < len(past); n++ {
		if change := past[n] - past[n-1]; change > 0 { // false where one is NaN
			rise = max(rise, quarterRiseMargin*change)
		}
	}
	instances, err := poolInstances(o, pool)
	if err != nil {
		return math.Inf(1)
	}
	return max(rise, minuteRiseMargin*newTimeline(instances, o.SamplesSince(pool), now, day).largestRise(riseWindow))
}

// largestRise is the largest difference between a minute and an earlier one within a window, in vCPUs, of the minutes in which all
// instances have samples.
func (t timeline) largestRise(window time.Duration) float64 {
	rise, minutes := 0.0, minutesCovering(window)
	for n := range t.minutes {
		if !t.isComplete(n) {
			continue
		}
		for earlier := max(0, n-minutes); earlier < n; earlier++ {
			if t.isComplete(earlier) {
				rise = max(rise, t.minutes[n].demand-t.minutes[earlier].demand)
			}
		}
	}
	return rise
}
