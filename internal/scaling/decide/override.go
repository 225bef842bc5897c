package decide

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// proposeOverride proposes the shape that a person wants for a time. More is taken as it is; less must carry what the pool carries now.
func (e *poolEvaluation) proposeOverride(to scaling.Shape, until string) (*scaling.Proposal, scaling.Hold) {
	if e.currentShape() == to {
		return nil, scaling.Hold{Reason: scaling.ReasonOverridden, Message: fmt.Sprintf(
			"The %s are held at %s until %s, as a person asked", poolNoun(e.pool), to, until)}
	}
	class, err := catalog.Lookup(to.InstanceClass)
	if err != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonUnknownClass, Message: fmt.Sprintf(
			"The override cannot be followed: %v. Correct the annotation", err)}
	}
	r := &ladderClass{name: to.InstanceClass, spec: class, vcpus: float64(class.VCPUFor(e.observation.Engine))}
	e.reported = []scaling.Candidate{{Shape: to, VCPUs: float64(to.Count) * r.vcpus, Verdict: scaling.VerdictChosen}}
	c := &candidate{&e.reported[0], r}
	c.PredictedUtilization = e.predictUtilization(c, e.load.Demand)
	direction := scaling.Up
	if c.VCPUs < e.load.Capacity {
		direction = scaling.Down
	}
	if problem := e.checkOverride(c, direction); problem != "" {
		return nil, scaling.Hold{Reason: scaling.ReasonOverridden, Message: fmt.Sprintf(
			"The override to %s until %s is smaller than what there is, and %s. The %s stay %s", to, until, problem, poolNoun(e.pool), e.currentShape())}
	}
	text := fmt.Sprintf("A person wants %s until %s: %s → %s", to, until, e.currentShape(), to)
	return e.newProposal(scaling.ReasonOverride, direction, c, text, text), scaling.Hold{}
}

// checkOverride says why the pool must not be made as small as a candidate, whoever wants it: in vCPUs, or in memory or number although
// it has more vCPUs.
func (e *poolEvaluation) checkOverride(c *candidate, direction scaling.Direction) string {
	switch {
	case direction == scaling.Up:
	case !e.load.Fresh:
		return "there are no recent CPU samples that show what they carry"
	case e.load.Saturated:
		return "an instance is saturated"
	case c.PredictedUtilization > float64(e.policy.CPU.ScaleUp):
		return fmt.Sprintf("it would run above %d%% CPU", e.policy.CPU.ScaleUp)
	}
	if v := e.checkMemoryAndConnections(c); v != "" {
		return describeRejections(v)
	}
	return ""
}
