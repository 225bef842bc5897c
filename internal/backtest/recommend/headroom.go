package recommend

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// headroomFactor is the factor of the training part's highest demand that the largest shape of a policy must carry. Without it, a
// policy without the upper classes would be the cheapest, as long as the demand does not rise. It is the factor by which a
// saturated pool grows while its demand is unknown.
const headroomFactor = 2

// requiredVCPUs is the minimum of the vCPUs of a policy's largest shape: enough for the headroom at the target utilization, but not
// more than the base policy has.
func requiredVCPUs(s backtest.Setup, splitAt time.Time) float64 {
	return min(largestShapeVCPUs(s, s.Policy), headroomFactor*peakDemand(s.Recording, splitAt)*100/float64(s.Policy.CPU.Target))
}

// alternatives are the variants of a candidate in one dimension. It omits policies without enough headroom, and policies whose
// smallest shape MaxStepFactor would block from the initial shape: such a policy would pay for a shape below its own limits.
func (s *searcher) alternatives(vary dimension, candidate Candidate) []Candidate {
	var out []Candidate
	for _, policy := range vary(s.setup, candidate.Policy) {
		if largestShapeVCPUs(s.setup, policy) >= s.minLargestVCPUs && smallestShapeVCPUs(s.setup, policy) <= s.maxSmallestVCPUs {
			changes := describeChanges(s.setup.Policy, policy)
			out = append(out, Candidate{Policy: policy, InitialShape: candidate.InitialShape, Changes: changes})
		}
	}
	return out
}

// poolLimits are the classes and instance counts that a policy allows the recorded pool, the smallest class first.
func poolLimits(s backtest.Setup, p scaling.Policy) (classes []string, minCount, maxCount int) {
	switch {
	case s.Pool == scaling.Readers && p.Readers != nil:
		return p.Readers.InstanceClasses, p.Readers.Min, p.Readers.Max
	case s.Pool == scaling.Writer && p.Writer != nil:
		return p.Writer.InstanceClasses, 1, 1
	}
	return nil, 0, 0
}

// largestShapeVCPUs is the vCPUs of a policy's largest shape.
func largestShapeVCPUs(s backtest.Setup, p scaling.Policy) float64 {
	classes, _, maxCount := poolLimits(s, p)
	if len(classes) == 0 {
		return 0
	}
	return float64(maxCount) * classVCPUs(s, classes[len(classes)-1])
}

// smallestShapeVCPUs is the vCPUs of a policy's smallest shape. It has at least the initial readers, which are not removed.
func smallestShapeVCPUs(s backtest.Setup, p scaling.Policy) float64 {
	classes, minCount, _ := poolLimits(s, p)
	if len(classes) == 0 {
		return 0
	}
	return float64(max(minCount, s.InitialShape.Count)) * classVCPUs(s, classes[0])
}

// classVCPUs is the number of vCPUs of a class; zero if it is unknown, which the simulation reports.
func classVCPUs(s backtest.Setup, name string) float64 {
	class, err := catalog.Lookup(name)
	if err != nil {
		return 0
	}
	return class.VCPUFor(s.Engine)
}

// peakDemand is the highest demand of a recording before a time, in vCPUs.
func peakDemand(r *recording.Recording, until time.Time) float64 {
	peak := 0.0
	for n, demand := range r.Demand {
		if demand > peak && r.Start.Add(time.Duration(n)*r.Interval).Before(until) { // false in a gap (NaN)
			peak = demand
		}
	}
	return peak
}
