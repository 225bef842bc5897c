package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// VerdictText says in a sentence what a verdict on a candidate means: why it was rejected, or that it was chosen or fits.
func VerdictText(v scaling.Verdict) string {
	switch v {
	case scaling.VerdictChosen:
		return "it fits, and is the preferred one of those that fit"
	case scaling.VerdictFits:
		return "it fits, and another one is preferred"
	case scaling.VerdictWrongDirection:
		return "it is no change in the direction that is needed"
	default: // a rejection: TestVerdictText_ForEachVerdict checks that each has a text
		return verdictTexts[v]
	}
}

// MinuteDemand is the demand of a pool in one minute.
type MinuteDemand struct {
	// Time is the start of the minute.
	Time time.Time
	// VCPUs is the demand of all instances, in vCPUs. It means nothing unless Known.
	VCPUs float64
	// Known says that every instance in service has a sample of the minute that may be used: it is not from before the last change of
	// the pool and the warm-up after it.
	Known bool
	// Saturated says that an instance was saturated, and Censored that nothing showed its demand above its vCPUs: the true demand is at
	// least VCPUs.
	Saturated, Censored bool
}

// DemandByMinute lists the demand of a pool over the window up to the newest minute that decisions use, oldest first: the samples from
// which Evaluate computes the load. It is empty when the catalog lacks a class of the pool, and when the pool is empty.
func DemandByMinute(
	p scaling.Policy, o scaling.Observation, pool scaling.Pool, now time.Time, window time.Duration,
) []MinuteDemand {
	o = o.WithoutFailedReaders()
	if len(o.StaticReaders()) > 0 {
		o = o.WithoutStaticReaders()
	}
	if o.ResizedAsUnit {
		o = mergeInstances(o)
	}
	instances, err := poolInstances(&o, pool)
	if err != nil || len(instances) == 0 {
		return nil
	}
	byHottest := false
	if pool == scaling.Readers {
		instances = excludeInstances(instances, o.ReplicasWithoutClients(p.ScaleDown.Window, now))
		byHottest = o.Kind == scaling.DBInstance && len(instances) > 1
	}
	t := newLoadTimeline(nil, byHottest, instances, o.SamplesSince(pool), now, window)
	minutes := make([]MinuteDemand, len(t.minutes))
	for n, m := range t.minutes {
		minutes[n] = MinuteDemand{
			Time: t.start.Add(time.Duration(n) * samplePeriod).UTC(), VCPUs: m.demand, Known: t.isComplete(n), Saturated: m.saturated,
			Censored: m.censored,
		}
	}
	return minutes
}

// Headroom is the time until the demand of a pool reaches the utilization at which its instances are saturated, by the line through its
// last half hour. rising is false when the demand does not rise, so that there is no such time, and known is false without enough samples.
// A pool that is saturated already has none left: zero.
func Headroom(
	p scaling.Policy, o scaling.Observation, l scaling.Load, now time.Time,
) (left time.Duration, rising, known bool) {
	if !l.Fresh || l.UsableCapacity <= 0 {
		return 0, false, false
	}
	limit := l.UsableCapacity * SaturationPercent / 100
	if l.Censored || l.UtilizationPercent >= SaturationPercent || l.Demand >= limit {
		return 0, true, true
	}
	var x, y []float64
	for n, m := range DemandByMinute(p, o, l.Pool, now, trendWindow) {
		if m.Known {
			x, y = append(x, float64(n)), append(y, m.VCPUs)
		}
	}
	if float64(len(x)) < minCoverage*float64(minutesCovering(trendWindow)) {
		return 0, false, false
	}
	slope, intercept := fitLine(x, y)
	if slope <= 0 {
		return 0, false, true
	}
	reached := intercept + slope*x[len(x)-1]
	minutes := max(0, (limit-reached)/slope)
	const maxMinutes = 24 * 60
	if minutes > maxMinutes {
		return 0, false, true // noise on a constant demand
	}
	return time.Duration(minutes * float64(time.Minute)), true, true
}

// fitLine fits a line by least squares.
func fitLine(x, y []float64) (slope, intercept float64) {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for k := range x {
		sx, sy, sxx, sxy = sx+x[k], sy+y[k], sxx+x[k]*x[k], sxy+x[k]*y[k]
	}
	slope = (sxy - sx*sy/n) / (sxx - sx*sx/n)
	return slope, (sy - slope*sx) / n
}
