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
	// nearShare of the demand at the scale-up threshold is near it: the load of a quiet database does not reach it before the next read.
	nearShare = 0.8
	// riseWindow is the time in which a rise is not noticed: the interval of ReadQuiet, and the minute whose sample is not published.
	riseWindow = ReadQuiet + samplePeriod
	// minuteRiseMargin times the largest rise of the last day, and quarterRiseMargin times the largest rise between two quarters of an
	// hour, is the rise to expect. A burst that begins in the middle of a quarter shows half of its rise.
	minuteRiseMargin, quarterRiseMargin = 1.25, 2.0
	// quietnessInterval is how often the past is looked at again.
	quietnessInterval = quarterHour
	// minRisePercent of the capacity is the least rise for which a quiet database is read before its time: a load that hardly varied would
	// otherwise be read each minute.
	minRisePercent = 2
)

// ReadPlan says how often a database is read. It remembers what the past says of its pools. The zero value is ready to use.
type ReadPlan struct {
	writer, readers expectedRise
}

// expectedRise is how far the demand of a pool may rise before it is noticed, in vCPUs, and when and for which capacity it was computed.
// demand is that of the last evaluation, in vCPUs.
type expectedRise struct {
	vcpus, capacity, demand float64
	computedAt              time.Time
}

// IntervalFor is Interval for a decision, and at most ReadEveryMinute when something is to change.
func (r *ReadPlan) IntervalFor(d *scaling.Decision, p *scaling.Policy, o *scaling.Observation, now time.Time) time.Duration {
	interval := r.Interval(p, o, d.Pools, now)
	if len(d.Proposals) > 0 {
		interval = min(interval, ReadEveryMinute)
	}
	return interval
}

// Interval is how often the samples of a database are to be read until the next evaluation, given its pools as Evaluate has assessed them.
// A database is quiet when no rise that its last day and its known past have would bring it near the scale-up threshold before the next
// read. What is not known is not quiet. A demand that has risen further than that since the last evaluation may rise on.
func (r *ReadPlan) Interval(p *scaling.Policy, o *scaling.Observation, pools []scaling.PoolAssessment, now time.Time) time.Duration {
	interval := ReadQuiet
	if p.ScaleUp.Window < ReadQuiet {
		interval = ReadEveryMinute
	}
	for n := range pools {
		load := &pools[n].Load
		rise := &r.writer
		if load.Pool == scaling.Readers {
			rise = &r.readers
		}
		if !pools[n].Scaled {
			*rise = expectedRise{}
			continue
		}
		isUnexpected := rise.isExceededBy(load)
		rise.update(o, load, now)
		switch {
		case IsNearThreshold(p, o, load, now), load.IsLowerBound, load.Emergency, load.Saturated, load.HottestDemand > 0, isUnexpected:
			interval = ReadAsPublished
		case expectedDemand(load)+rise.vcpus >= nearThreshold(p, o, load, now):
			interval = min(interval, ReadEveryMinute)
		}
	}
	return interval
}

// RiseLimits are the utilizations above which the pools have to be evaluated before the next read, as far as the last evaluation tells.
func (r *ReadPlan) RiseLimits() scaling.RiseLimits {
	return scaling.RiseLimits{Writer: r.writer.limitPercent(), Readers: r.readers.limitPercent()}
}

// limitPercent is the utilization above which the demand has risen further than expected, in percent; zero where that is not known.
func (r *expectedRise) limitPercent() float64 {
	if r.demand <= 0 || r.capacity <= 0 || math.IsInf(r.vcpus, 1) {
		return 0
	}
	return utilizationPercent(r.demand, r.capacity) + max(minRisePercent, utilizationPercent(r.vcpus, r.capacity))
}

// isExceededBy reports whether the demand has risen further since the last evaluation than was expected; false where one is not known.
func (r *expectedRise) isExceededBy(load *scaling.Load) bool {
	return r.demand > 0 && load.Demand-r.demand > r.vcpus
}

// update remembers the demand, and looks at the past again where that is due.
func (r *expectedRise) update(o *scaling.Observation, l *scaling.Load, now time.Time) {
	if age := now.Sub(r.computedAt); age < 0 || age >= quietnessInterval || r.capacity != l.Capacity {
		r.vcpus, r.capacity, r.computedAt = largestRise(o, l, now), l.Capacity, now
	}
	r.demand = l.Demand
}

// IsNearThreshold reports whether the measured or the predicted demand of a pool is near the scale-up threshold. A load that is not known
// may be.
func IsNearThreshold(p *scaling.Policy, o *scaling.Observation, l *scaling.Load, now time.Time) bool {
	return !l.Fresh || expectedDemand(l) >= nearThreshold(p, o, l, now)
}

// nearThreshold is the demand from which on a pool is near the scale-up threshold, in vCPUs.
func nearThreshold(p *scaling.Policy, o *scaling.Observation, l *scaling.Load, now time.Time) float64 {
	return nearShare * float64(ScaleUpThreshold(p, o, l.Pool, now)) / 100 * l.UsableCapacity
}

// expectedDemand is the highest of the measured and the predicted demands of a pool, in vCPUs.
func expectedDemand(l *scaling.Load) float64 {
	return max(l.Demand, l.RisingDemand, l.TrendDemand, l.SeasonalDemand)
}

// largestRise is how far the demand of a pool may rise within riseWindow, in vCPUs, by its last day and its known past; infinite when less
// than nearly a day of the past is known. Where the size of the pool in the past is not known, the present one counts: a mistake costs one
// minute.
func largestRise(o *scaling.Observation, l *scaling.Load, now time.Time) float64 {
	pool := l.Pool
	rise, quarters, previous := 0.0, 0, math.NaN()
	for demand := range pastDemandsOr(o, pool, l.Capacity) {
		quarters++
		if change := quarterRiseMargin * (demand - previous); change > rise { // false where one is NaN
			rise = change
		}
		previous = demand
	}
	if time.Duration(quarters)*quarterHour < minHistory-time.Hour { // the newest quarters are not complete
		return math.Inf(1)
	}
	instances, err := poolInstances(o, pool)
	if err != nil {
		return math.Inf(1)
	}
	var buffer [day / samplePeriod]minuteLoad
	return max(rise, minuteRiseMargin*newTimeline(buffer[:], instances, o.SamplesSince(pool), now, day).largestRise(riseWindow))
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
			if change := t.minutes[n].demand - t.minutes[earlier].demand; change > rise && t.isComplete(earlier) {
				rise = change
			}
		}
	}
	return rise
}
