package decide

import "time"

const (
	// minScaleDownCoverage is the share of the minutes of a scale-down window that must have samples of every instance. CloudWatch
	// loses a minute now and then; with one lost minute an hour a window would never be complete.
	minScaleDownCoverage = 0.98
	// maxScaleDownGap is the longest gap in a scale-down window. CloudWatch gathers CPUUtilization from the hypervisor (RDS user
	// guide, "Enhanced Monitoring"), so that a busy instance does not lose its samples more often than an idle one; three minutes of
	// full load without a sample are still shorter than what the scale-up window acts on.
	maxScaleDownGap = 3 * time.Minute
)

// estimateGaps estimates the load in the minutes that lack a sample of an instance: the higher of the complete minutes before and
// after the gap, or what the instances with a sample had, when the others are assumed to have had as much. It returns the highest
// estimate, zero without gaps, and whether an instance was saturated in one of these minutes. It returns false when the window has
// too many such minutes or too many in a row, or when it begins or ends with one: then the load is not known.
func (t timeline) estimateGaps(completeMinutes int) (peakDemand float64, saturated, known bool) {
	last := len(t.minutes) - 1
	if last < 0 || float64(completeMinutes) < minScaleDownCoverage*float64(len(t.minutes)) || !t.isComplete(0) || !t.isComplete(last) {
		return 0, false, false
	}
	before := 0 // the last complete minute
	for n := 1; n <= last && completeMinutes <= last; n++ {
		m := &t.minutes[n]
		if t.isComplete(n) {
			if n > before+1 {
				peakDemand = max(peakDemand, t.minutes[before].demand, m.demand)
			}
			before = n
			continue
		}
		if time.Duration(n-before)*samplePeriod > maxScaleDownGap {
			return 0, false, false
		}
		saturated = saturated || m.saturated
		if m.reporting > 0 {
			peakDemand = max(peakDemand, m.demand*float64(t.instanceCount)/float64(m.reporting))
		}
	}
	return peakDemand, saturated, true
}
