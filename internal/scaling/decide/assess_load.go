package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// emergencyDuration is how long a pool must be saturated as a whole to be an emergency.
	emergencyDuration = 3 * time.Minute
	// emergencyDemandFactor is how far above the capacity the demand then is, where something shows it.
	emergencyDemandFactor = 1.25
)

// assessLoad sums up what a pool carries.
func assessLoad(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, instances []poolInstance, now time.Time) scaling.Load {
	since := o.ChangedAt(pool)
	load := scaling.Load{Pool: pool, NewestSampleAt: newestCommonSample(instances)}
	if !since.IsZero() {
		load.StableAt = since.Add(WarmUp + time.Duration(minutesCovering(p.ScaleUp.Window))*samplePeriod + publicationDelay)
	}
	load.Capacity = totalVCPUs(instances)
	load.UsableCapacity = load.Capacity
	if pool == scaling.Readers && p.Readers != nil && p.Readers.Redundancy == scaling.OneReaderLost {
		load.UsableCapacity -= maxVCPUs(instances)
	}
	if load.Capacity == 0 {
		return load
	}
	window := max(p.ScaleUp.Window, emergencyDuration)
	if isScaled(p, pool) {
		window = max(window, p.ScaleDown.Window, trendWindow)
	}
	t := newTimeline(instances, since, now, window)
	up := t.lastMinutes(p.ScaleUp.Window)
	s := up.summarize()
	load.Fresh = s.hasCoverage(len(up.minutes)) && now.Sub(s.newestMinute) <= scaling.MaxSampleAge
	if !load.Fresh {
		return load
	}
	load.UtilizationPercent = utilizationPercent(s.meanDemand, load.UsableCapacity)
	load.Demand, load.Saturated, load.Censored = s.peakDemand, s.saturated, s.censored
	load.HottestPercent, load.HottestDemand = hottestInstanceLoad(instances, up, since)
	load.Emergency = isEmergency(t.lastMinutes(emergencyDuration), load.Capacity)
	if !isScaled(p, pool) {
		return load // what is foreseen, and how low it has been, is of no use to a pool that is left alone
	}
	lead := estimateLeadTime(o.History, pool)
	if p.PredictiveScaling.Trend {
		load.TrendDemand = predictTrend(t.lastMinutes(trendWindow), now.Add(lead))
	}
	if p.PredictiveScaling.History {
		load.SeasonalDemand = predictSeasonal(o, pool, now, lead)
	}
	load.ScaleDownWindow = summarizeScaleDownWindow(t.lastMinutes(p.ScaleDown.Window), now)
	if p.PredictiveScaling.History && isTooLarge(p, load) {
		load.ScaleDownWindow.SeasonalDemand = predictSeasonal(o, pool, now, time.Hour)
	}
	return load
}

// summarizeScaleDownWindow sums up a scale-down window.
func summarizeScaleDownWindow(t timeline, now time.Time) scaling.ScaleDownWindow {
	s := t.summarize()
	return scaling.ScaleDownWindow{
		// Every minute, up to the newest that must have been published by now.
		Complete:  s.completeMinutes == len(t.minutes) && now.Sub(s.newestMinute) <= publicationDelay+samplePeriod,
		Saturated: s.saturated, PeakDemand: s.peakDemand,
	}
}

// isTooLarge says whether a pool was below the lower threshold in every single minute of the scale-down window, with no minute
// missing and none saturated.
func isTooLarge(p *scaling.Policy, l scaling.Load) bool {
	return l.ScaleDownWindow.Complete && !l.ScaleDownWindow.Saturated && utilizationPercent(l.ScaleDownWindow.PeakDemand, l.UsableCapacity) < float64(p.CPU.ScaleDown)-roundingTolerance
}

// isEmergency says whether a pool was saturated as a whole in every minute, with a demand far above its capacity wherever
// that is known.
func isEmergency(t timeline, capacity float64) bool {
	for n, m := range t.minutes {
		saturated := 100*m.demand >= SaturationPercent*capacity
		if !t.isComplete(n) || !saturated || !m.censored && m.demand < emergencyDemandFactor*capacity {
			return false
		}
	}
	return true
}

// hottestInstanceLoad is the mean of the hottest instance over a timeline, in percent, and the highest demand of those that are too hot,
// in vCPUs.
func hottestInstanceLoad(instances []poolInstance, t timeline, since time.Time) (percent, demand float64) {
	if len(instances) == 1 { // it is the pool
		s := t.summarize()
		if percent = utilizationPercent(s.meanDemand, instances[0].vcpus); percent >= hotReaderPercent-roundingTolerance {
			demand = s.peakDemand
		}
		return percent, demand
	}
	instance := timeline{start: t.start, instanceCount: 1, minutes: make([]minuteLoad, len(t.minutes))}
	for n := range instances {
		clear(instance.minutes)
		instance.addSamples(&instances[n], laterOf(t.start, since.Add(WarmUp)))
		s := instance.summarize()
		mean := utilizationPercent(s.meanDemand, instances[n].vcpus)
		percent = max(percent, mean)
		if mean >= hotReaderPercent-roundingTolerance {
			demand = max(demand, s.peakDemand)
		}
	}
	return percent, demand
}

func totalVCPUs(instances []poolInstance) float64 {
	total := 0.0
	for n := range instances {
		total += instances[n].vcpus
	}
	return total
}

func maxVCPUs(instances []poolInstance) float64 {
	highest := 0.0
	for n := range instances {
		highest = max(highest, instances[n].vcpus)
	}
	return highest
}

// maxUtilizationPercent is the utilization that stands for any load on no capacity at all, in percent.
const maxUtilizationPercent = 10000

// utilizationPercent is a demand in percent of so many vCPUs.
func utilizationPercent(demand, vcpus float64) float64 {
	if vcpus <= 0 {
		return maxUtilizationPercent
	}
	return min(100*demand/vcpus, maxUtilizationPercent)
}
