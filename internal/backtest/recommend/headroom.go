package recommend

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/recording"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// headroomFactor is how many times the highest demand that was fitted on the largest shape of a policy must carry: a ladder without its upper
// rungs costs the least, as long as nothing new happens. It is the factor by which a saturated pool grows whose demand nothing shows.
const headroomFactor = 2

// requiredVCPUs is the vCPUs that the largest shape of a policy must have: what carries the headroom at the target, and no more than the policy
// has that the search begins with.
func requiredVCPUs(s backtest.Setup, splitAt time.Time) float64 {
	return min(largestShapeVCPUs(s, s.Policy), headroomFactor*peakDemand(s.Recording, splitAt)*100/float64(s.Policy.CPU.Target))
}

// alternatives are the alternatives to a policy in a dimension that have room for what was not seen yet, and whose smallest shape one
// operation reaches: it would otherwise cost what it forbids.
func (s *searcher) alternatives(vary dimension, candidate Candidate) []Candidate {
	var out []Candidate
	for _, policy := range vary(s.setup, candidate.Policy) {
		if largestShapeVCPUs(s.setup, policy) >= s.minLargestVCPUs && smallestShapeVCPUs(s.setup, policy) <= s.maxSmallestVCPUs {
			out = append(out, Candidate{Policy: policy, InitialShape: candidate.InitialShape, Changes: describeChanges(s.setup.Policy, policy)})
		}
	}
	return out
}

// poolLimits are the classes that a policy allows the pool that is played, smallest first, and how many instances.
func poolLimits(s backtest.Setup, p scaling.Policy) (classes []string, minCount, maxCount int) {
	switch {
	case s.Pool == scaling.Readers && p.Readers != nil:
		return p.Readers.InstanceClasses, p.Readers.Min, p.Readers.Max
	case s.Pool == scaling.Writer && p.Writer != nil:
		return p.Writer.InstanceClasses, 1, 1
	}
	return nil, 0, 0
}

// largestShapeVCPUs and smallest are the vCPUs of the largest and the smallest shape of a policy; readers that there are stay.
func largestShapeVCPUs(s backtest.Setup, p scaling.Policy) float64 {
	classes, _, maxCount := poolLimits(s, p)
	if len(classes) == 0 {
		return 0
	}
	return float64(maxCount) * classVCPUs(s, classes[len(classes)-1])
}

func smallestShapeVCPUs(s backtest.Setup, p scaling.Policy) float64 {
	classes, minCount, _ := poolLimits(s, p)
	if len(classes) == 0 {
		return 0
	}
	return float64(max(minCount, s.InitialShape.Count)) * classVCPUs(s, classes[0])
}

// classVCPUs of a class; zero when nobody knows it, which is said when it is played.
func classVCPUs(s backtest.Setup, name string) float64 {
	class, err := catalog.Lookup(name)
	if err != nil {
		return 0
	}
	return float64(class.VCPUFor(s.Engine))
}

// peakDemand is the highest demand of a recording before a moment, in vCPUs.
func peakDemand(r *recording.Recording, until time.Time) float64 {
	peak := 0.0
	for n, demand := range r.Demand {
		if demand > peak && r.Start.Add(time.Duration(n)*r.Interval).Before(until) { // which a gap is not
			peak = demand
		}
	}
	return peak
}
