package decide

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// proposeOverride proposes the shape of a manual override. A larger shape is always accepted; a smaller one must carry the
// current load.
func (e *poolEvaluation) proposeOverride(to scaling.Shape, until string) (*scaling.Proposal, scaling.Hold) {
	if e.currentShape() == to {
		return nil, scaling.Hold{Reason: scaling.ReasonOverridden, Message: fmt.Sprintf(
			"The manual override keeps the %s at %s until %s", poolNoun(e.pool), to, until)}
	}
	class, err := catalog.Lookup(to.InstanceClass)
	if err != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonUnknownClass, Message: fmt.Sprintf(
			"The manual override cannot be applied: %v. Correct the annotation, or end the override: %s", err,
			scaling.PluginCommand(e.policy.Name, "override", "--end"))}
	}
	l := &ladderClass{name: to.InstanceClass, spec: &class, vcpus: class.VCPUFor(e.observation.Engine)}
	e.reported = []scaling.Candidate{{Shape: to, VCPUs: float64(to.Count) * l.vcpus, Verdict: scaling.VerdictChosen}}
	c := &candidate{&e.reported[0], l}
	c.PredictedUtilization = e.predictUtilization(c, e.load.Demand)
	direction := scaling.Up
	if c.VCPUs < totalVCPUs(e.instances) {
		direction = scaling.Down
	}
	if problem := e.checkOverride(c, direction); problem != "" {
		return nil, scaling.Hold{Reason: scaling.ReasonOverridden, Message: fmt.Sprintf(
			"The manual override to %s until %s is not applied: it is smaller than the current shape, and %s. The %s stays at %s",
			to, until, problem, poolNoun(e.pool), e.currentShape())}
	}
	text := fmt.Sprintf("Manual override until %s: %s → %s", until, e.currentShape(), to)
	return e.newProposal(scaling.ReasonOverride, direction, c, text, text), scaling.Hold{}
}

// checkOverride returns why an override must not be applied; empty when it may be. A shape with fewer vCPUs must carry the load;
// one with smaller instances, or fewer, must fit the memory, connections and I/O in use.
func (e *poolEvaluation) checkOverride(c *candidate, direction scaling.Direction) string {
	switch {
	case direction == scaling.Up:
	case !e.load.Fresh:
		return "recent CPU samples that show the load are missing"
	case e.load.Saturated:
		return "an instance is saturated"
	case c.PredictedUtilization > float64(e.policy.CPU.ScaleUp):
		return fmt.Sprintf("it would run above %d%% CPU", e.policy.CPU.ScaleUp)
	}
	if v := e.checkResources(c); v != "" {
		return e.describeRejections(v)
	}
	return ""
}
