package decide

import (
	"iter"
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// minHistory is how much of the past must be known before it decides about a class.
	minHistory = day
	// quarterHours and quarterMinutes are the length of a quarter of an hour.
	quarterHours, quarterMinutes = 0.25, 15
)

// isCheaperOverHistory reports whether a smaller class would have cost less over the known past than the present one: what it saves in
// quiet hours against the minutes in which as many instances as the policy allows would have been overloaded. It is true when too little
// of the past is known, and when the policy ignores it.
func (e *poolEvaluation) isCheaperOverHistory(smaller *ladderClass) bool {
	if e.policy.OverloadedMinuteVCPUHours == 0 {
		return true
	}
	if e.pastDemands == nil {
		e.pastDemands = pastDemands(e.observation, e.pool)
	}
	if time.Duration(len(e.pastDemands))*quarterHour < minHistory {
		return true
	}
	if smaller.pastCost == 0 {
		smaller.pastCost = e.costOverHistory(smaller.vcpus)
	}
	if e.presentPastCost == 0 {
		e.presentPastCost = e.costOverHistory(e.largestVCPUs)
	}
	return smaller.pastCost < e.presentPastCost
}

// costOverHistory is the cost of a class with a number of vCPUs over the known past, in vCPU hours.
func (e *poolEvaluation) costOverHistory(vcpus float64) float64 {
	minCount, maxCount := countLimits(e.policy, e.instances, e.pool)
	limit := float64(maxCount) * vcpus * hotReaderPercent / 100
	instanceHours, overloaded := 0.0, 0
	for _, demand := range e.pastDemands {
		if math.IsNaN(demand) {
			continue
		}
		count := math.Ceil(demand / (vcpus * float64(e.policy.CPU.Target) / 100))
		instanceHours += min(max(count, float64(minCount)), float64(maxCount))
		if demand > limit {
			overloaded++
		}
	}
	price := float64(e.policy.OverloadedMinuteVCPUHours)
	return instanceHours*quarterHours*vcpus + float64(overloaded)*quarterMinutes*price
}

// pastDemands lists the demands of the quarters of an hour of the past that are known, in vCPUs, with NaN where some are missing.
// While the pool changed, the larger of its two capacities counts: those are the quarters in which it had to grow.
func pastDemands(o *scaling.Observation, pool scaling.Pool) []float64 {
	cpu, _ := poolHistory(o, pool)
	demands := make([]float64, 0, cpu.Len())
	for demand := range pastDemandsOr(o, pool, 0) {
		demands = append(demands, demand)
	}
	return demands
}

// pastDemandsOr is pastDemands with a capacity for the quarters of which it is not known, in vCPUs; zero leaves them out.
func pastDemandsOr(o *scaling.Observation, pool scaling.Pool, unknownCapacity float64) iter.Seq[float64] {
	return func(yield func(float64) bool) {
		cpu, periods := poolHistory(o, pool)
		p := newPast(cpu, periods, cpu.Start(), math.Max)
		next := math.MaxInt // the quarter after the last one that is known
		for n, percent := range p.cpu.Known() {
			vcpus, known := p.capacity(n)
			if !known {
				vcpus, known = unknownCapacity, unknownCapacity > 0
			}
			if !known {
				continue
			}
			if n > next && !yield(math.NaN()) || !yield(min(percent, 100)/100*vcpus) {
				return
			}
			next = n + 1
		}
	}
}
