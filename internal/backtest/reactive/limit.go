// Package reactive is the reactive limit: the decisions of somebody who knows the present demand exactly and without delay, asks at once
// for the right size, and waits as long as AWS takes, but knows nothing of the future. It is a yardstick for loads that cannot be
// foreseen, not an autoscaler that could exist.
package reactive

import (
	"math"
	"time"
)

// Size is a possible size of the pool.
type Size struct {
	// VCPUs of all instances.
	VCPUs float64
	// HourlyCost is in any unit.
	HourlyCost float64
}

// Rule is the input of the reactive limit.
type Rule struct {
	// Sizes are the sizes to choose from, smallest first. Each costs more than the one before.
	Sizes []Size
	// TargetPercent is the utilization at which the right size runs at most.
	TargetPercent float64
	// GrowDuration is the time from the request of vCPUs until they serve. They are paid for from then on.
	GrowDuration time.Duration
	// KeepDuration is how long vCPUs must not have been needed before they are removed.
	KeepDuration time.Duration
	// RemoveDuration is how long vCPUs are paid for after they were taken out of service.
	RemoveDuration time.Duration
}

// RightSize is the index of the smallest size on which a demand in vCPUs runs at the target or below, or of the largest size.
func (r Rule) RightSize(demand float64) int {
	for n, size := range r.Sizes {
		if 100*demand <= r.TargetPercent*size.VCPUs {
			return n
		}
	}
	return len(r.Sizes) - 1
}

// increment is the difference between a size and the next smaller one.
type increment struct {
	vcpus, hourlyCost float64
	// isServing says that it serves. Otherwise readyAt is when it will; zero if it was not requested.
	isServing bool
	readyAt   time.Time
	// neededAt is when it was needed last.
	neededAt time.Time
	// paidUntil is the end of its removal.
	paidUntil time.Time
}

// Pool is the state of a pool under the rule.
type Pool struct {
	rule       Rule
	increments []increment
	// rightSize is the newest right size.
	rightSize int
}

// NewPool is a pool that runs with a size.
func NewPool(r Rule, start int) *Pool {
	p := &Pool{rule: r, rightSize: start}
	previous := Size{}
	for n, size := range r.Sizes {
		p.increments = append(p.increments, increment{
			vcpus: size.VCPUs - previous.VCPUs, hourlyCost: size.HourlyCost - previous.HourlyCost, isServing: n <= start,
		})
		previous = size
	}
	return p
}

// State is what a pool has at a time.
type State struct {
	// VCPUs serve. BilledVCPUs and HourlyCost also contain the vCPUs that are being removed.
	VCPUs, BilledVCPUs, HourlyCost float64
	// RightSize is the index of the size that carries the present demand.
	RightSize int
}

// Advance decides by the demand at now, in vCPUs: it requests every increment of the right size that neither serves nor was requested,
// and removes every increment that serves and was not part of the right size for the keep duration. A request is never withdrawn.
// With an unknown demand (NaN) the right size stays. Times must not decrease.
func (p *Pool) Advance(now time.Time, demand float64) State {
	if !math.IsNaN(demand) {
		p.rightSize = p.rule.RightSize(demand)
	}
	state := State{RightSize: p.rightSize}
	for n := range p.increments {
		inc := &p.increments[n]
		isNeeded := n <= p.rightSize
		if !inc.isServing && !inc.readyAt.IsZero() && !now.Before(inc.readyAt) {
			inc.isServing, inc.readyAt = true, time.Time{}
		}
		if isNeeded {
			inc.neededAt = now
		}
		switch {
		case inc.isServing && !isNeeded && now.Sub(inc.neededAt) >= p.rule.KeepDuration:
			inc.isServing, inc.paidUntil = false, now.Add(p.rule.RemoveDuration)
		case !inc.isServing && isNeeded && inc.readyAt.IsZero():
			inc.readyAt = now.Add(p.rule.GrowDuration)
		}
		if inc.isServing {
			state.VCPUs += inc.vcpus
		}
		if inc.isServing || now.Before(inc.paidUntil) {
			state.BilledVCPUs += inc.vcpus
			state.HourlyCost += inc.hourlyCost
		}
	}
	return state
}
