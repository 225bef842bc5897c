package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// emergencyDuration is how long the whole pool must be saturated to be an emergency.
	emergencyDuration = 3 * time.Minute
	// emergencyDemandFactor times the capacity is the least demand of an emergency, where DBLoadCPU shows the demand.
	emergencyDemandFactor = 1.25
	// hotReaderPercent is the utilization at which a single reader is too hot, whatever the mean of the pool: clients keep their
	// connections, so that load may stick to one reader.
	hotReaderPercent = 90
	// roundingTolerance is the error, in percent, that sums of floating-point fractions may have: a load exactly on a threshold
	// counts as on it.
	roundingTolerance = 1e-6
	// maxUtilizationPercent is the highest utilization reported. It also stands for any load on no capacity at all.
	maxUtilizationPercent = 10000
)

// assessLoad measures the load of a pool over the scale-up window and, when the policy scales the pool, over the scale-down
// window, and predicts its demand.
func assessLoad(
	p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, instances []poolInstance, now time.Time,
) scaling.Load {
	since := o.SamplesSince(pool)
	load := scaling.Load{Pool: pool}
	if pool == scaling.Readers {
		load.WithoutClients = o.ReplicasWithoutClients(p.ScaleDown.Window, now)
		instances = excludeInstances(instances, load.WithoutClients)
		load.ByHottest = o.Kind == scaling.DBInstance && len(instances) > 1
	}
	load.NewestSampleAt = newestCommonSample(instances)
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
	var buffer [usualScaleDownWindow / samplePeriod]minuteLoad
	t := newLoadTimeline(buffer[:], load.ByHottest, instances, since, now, window)
	recent := t.lastMinutes(p.ScaleUp.Window)
	s := recent.summarize()
	load.Fresh = s.hasCoverage(len(recent.minutes)) && now.Sub(s.newestMinute) <= scaling.MaxSampleAge
	if !load.Fresh {
		return load
	}
	load.UtilizationPercent = utilizationPercent(s.meanDemand, load.UsableCapacity)
	load.Demand, load.Saturated, load.Censored = s.peakDemand, s.saturated, s.censored
	load.HottestPercent, load.HottestDemand = hottestInstanceLoad(instances, recent, since)
	all := t
	if load.ByHottest { // one saturated replica of several is no emergency
		all = newTimeline(nil, instances, since, now, emergencyDuration)
	}
	load.Emergency = isEmergency(all.lastMinutes(emergencyDuration), load.Capacity)
	if !isScaled(p, pool) {
		return load // predictions and the scale-down window are not needed
	}
	lead := estimateLeadTime(o.History, pool)
	if p.PredictiveScaling.Trend {
		load.RisingDemand = predictRise(t)
		load.TrendDemand = predictTrend(t.lastMinutes(trendWindow), now.Add(lead))
	}
	var seasonal seasonalPrediction
	if p.PredictiveScaling.History {
		seasonal = newSeasonalPrediction(o, pool, now)
		load.SeasonalDemand = seasonal.highestWithin(lead)
	}
	changedAt := o.ChangedAt(pool)
	if since.Before(changedAt) && t.start.Before(changedAt.Add(WarmUp)) { // what only events say is no reason to scale down
		t = newLoadTimeline(nil, load.ByHottest, instances, changedAt, now, p.ScaleDown.Window)
	}
	load.ScaleDownWindow = summarizeScaleDownWindow(t.lastMinutes(p.ScaleDown.Window), now)
	if p.PredictiveScaling.History && isTooLarge(p, load) {
		load.ScaleDownWindow.SeasonalDemand = seasonal.highestWithin(time.Hour) // a lead time is at most that
	}
	return load
}

// summarizeScaleDownWindow describes the load over a scale-down window.
func summarizeScaleDownWindow(t timeline, now time.Time) scaling.ScaleDownWindow {
	s := t.summarize()
	gapDemand, gapSaturated, known := t.estimateGaps(s.completeMinutes)
	return scaling.ScaleDownWindow{
		// The newest minute that must have been published by now must be there, too.
		Complete:  known && now.Sub(s.newestMinute) <= publicationDelay+samplePeriod,
		Saturated: s.saturated || gapSaturated, PeakDemand: max(s.peakDemand, gapDemand),
	}
}

// isEmergency reports whether the whole pool was saturated in every minute, with a demand far above its capacity in each minute
// whose demand is known.
func isEmergency(t timeline, capacity float64) bool {
	for n, m := range t.minutes {
		saturated := 100*m.demand >= SaturationPercent*capacity
		if !t.isComplete(n) || !saturated || !m.censored && m.demand < emergencyDemandFactor*capacity {
			return false
		}
	}
	return true
}

// hottestInstanceLoad returns the mean utilization of the hottest instance over a timeline, in percent, and the highest demand
// of the instances at or above hotReaderPercent, in vCPUs.
func hottestInstanceLoad(instances []poolInstance, t timeline, changedAt time.Time) (percent, demand float64) {
	if len(instances) == 1 { // the instance is the pool
		s := t.summarize()
		if percent = utilizationPercent(s.meanDemand, instances[0].vcpus); reaches(percent, hotReaderPercent) {
			demand = s.peakDemand
		}
		return percent, demand
	}
	var buffer [usualScaleUpWindow / samplePeriod]minuteLoad
	instance := timeline{start: t.start, instanceCount: 1, minutes: emptyMinutes(buffer[:], len(t.minutes))}
	for n := range instances {
		clear(instance.minutes)
		instance.addSamples(&instances[n], laterOf(t.start, changedAt.Add(WarmUp)))
		s := instance.summarize()
		mean := utilizationPercent(s.meanDemand, instances[n].vcpus)
		percent = max(percent, mean)
		if reaches(mean, hotReaderPercent) {
			demand = max(demand, s.peakDemand)
		}
	}
	return percent, demand
}

// totalVCPUs is the vCPUs of all instances.
func totalVCPUs(instances []poolInstance) float64 {
	total := 0.0
	for n := range instances {
		total += instances[n].vcpus
	}
	return total
}

// maxVCPUs is the vCPUs of the largest instance.
func maxVCPUs(instances []poolInstance) float64 {
	highest := 0.0
	for n := range instances {
		highest = max(highest, instances[n].vcpus)
	}
	return highest
}

// utilizationPercent is the utilization that a demand, in vCPUs, causes on a number of vCPUs.
func utilizationPercent(demand, vcpus float64) float64 {
	if vcpus <= 0 {
		return maxUtilizationPercent
	}
	return min(100*demand/vcpus, maxUtilizationPercent)
}

// reaches reports whether a utilization, in percent, is at or above a threshold.
func reaches(utilization float64, threshold int) bool {
	return utilization >= float64(threshold)-roundingTolerance
}

// exceeds reports whether a utilization, in percent, is above a threshold.
func exceeds(utilization float64, threshold int) bool {
	return utilization > float64(threshold)+roundingTolerance
}
