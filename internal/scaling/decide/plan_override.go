package decide

import (
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// OverridePlan is what an override to a shape leads to, for a source without samples.
type OverridePlan struct {
	// Proposals are the changes, in the order in which the operator carries them out; none for a pool that has the shape already.
	Proposals []scaling.Proposal
	// Unchecked are the pools whose shape is smaller in some way, so that the operator applies the override only if samples show that it
	// carries the load and fits the memory, the connections and the I/O in use.
	Unchecked []scaling.Pool
}

// PlanOverride returns what the override of a policy leads to, as Evaluate does, but for the checks of a smaller shape by samples: those
// are left to the caller. The error names a class that the catalog lacks.
func PlanOverride(p scaling.Policy, o scaling.Observation, now time.Time) (OverridePlan, error) {
	var plan OverridePlan
	override := p.ManualControl.ActiveOverride(now)
	o = o.WithoutFailedReaders().WithoutStaticReaders()
	if o.ResizedAsUnit {
		o = mergeInstances(o)
	}
	for _, pool := range []scaling.Pool{scaling.Readers, scaling.Writer} {
		to := p.ManualControl.DesiredShape(pool, now)
		if to == nil {
			continue
		}
		e, err := newPoolEvaluation(&p, &o, pool, now, new(poolBuffers))
		if err != nil {
			return plan, err
		}
		class, err := catalog.Lookup(to.InstanceClass)
		if err != nil {
			return plan, err
		}
		if e.currentShape() == *to {
			continue
		}
		vcpus := class.VCPUFor(o.Engine)
		direction := scaling.Up
		if float64(to.Count)*vcpus < totalVCPUs(e.instances) {
			direction = scaling.Down
		}
		isSmaller := direction == scaling.Down || to.Count < len(e.instances) || vcpus < maxVCPUs(e.instances)
		for n := range e.instances {
			isSmaller = isSmaller || float64(class.MemoryBytes) < e.instances[n].memoryBytes
		}
		if isSmaller {
			plan.Unchecked = append(plan.Unchecked, pool)
		}
		text := fmt.Sprintf("Manual override until %s: %s → %s", formatTime(override.ExpiresAt), e.currentShape(), *to)
		c := &candidate{&scaling.Candidate{Shape: *to}, &ladderClass{name: to.InstanceClass, spec: &class, vcpus: vcpus}}
		plan.Proposals = append(plan.Proposals, *e.newProposal(scaling.ReasonOverride, direction, c, text, text))
	}
	sortByUrgency(plan.Proposals)
	return plan, nil
}
