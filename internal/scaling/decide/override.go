package decide

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// obey proposes the shape that a person wants for a time. More is taken as it is; less must carry what the pool carries now.
func (s *scene) obey(to scaling.Shape, until string) (*scaling.Proposal, scaling.Hold) {
	if s.shape() == to {
		return nil, scaling.Hold{Reason: scaling.ReasonOverridden, Message: fmt.Sprintf(
			"The %s are held at %s until %s, as a person asked", noun(s.pool), to, until)}
	}
	class, err := catalog.Lookup(to.InstanceClass)
	if err != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonUnknownClass, Message: fmt.Sprintf(
			"The override cannot be followed: %v. Correct the annotation", err)}
	}
	r := &rung{name: to.InstanceClass, class: class, vcpus: float64(class.VCPUFor(s.observation.Engine))}
	s.shown = []scaling.Candidate{{Shape: to, VCPUs: float64(to.Count) * r.vcpus, Verdict: scaling.Chosen}}
	c := &candidate{&s.shown[0], r}
	c.Predicted = s.predict(c, s.load.Demand)
	direction := scaling.Up
	if c.VCPUs < s.load.Capacity {
		direction = scaling.Down
	}
	if problem := s.unsafe(c, direction); problem != "" {
		return nil, scaling.Hold{Reason: scaling.ReasonOverridden, Message: fmt.Sprintf(
			"The override to %s until %s is smaller than what there is, and %s. The %s stay %s", to, until, problem, noun(s.pool), s.shape())}
	}
	text := fmt.Sprintf("A person wants %s until %s: %s → %s", to, until, s.shape(), to)
	return s.propose(scaling.ReasonOverride, direction, c, text, text), scaling.Hold{}
}

// unsafe says why the pool must not be made as small as a candidate, whoever wants it: in vCPUs, or in memory or number although
// it has more vCPUs.
func (s *scene) unsafe(c *candidate, direction scaling.Direction) string {
	switch {
	case direction == scaling.Up:
	case !s.load.Fresh:
		return "there are no recent CPU samples that show what they carry"
	case s.load.Censored:
		return "an instance is saturated"
	case c.Predicted > float64(s.policy.CPU.ScaleUp):
		return fmt.Sprintf("it would run above %d%% CPU", s.policy.CPU.ScaleUp)
	}
	if v := s.fits(c); v != "" {
		return because(v)
	}
	return ""
}
