package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// successor is the vCPUs that bind the class of a pool, or zero. While the largest reader at the best promotion tier is as
// large as the writer, it has to stay so, since it is who Aurora promotes when the writer fails (Aurora user guide, "Fault
// tolerance for an Aurora DB cluster"). The writer may grow to its size. Where the policy leaves the readers alone, a
// promotion makes the old writer the successor, and nothing is bound.
func successor(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool) float64 {
	heir := heirs(o)
	writer, err := members(o, scaling.Writer)
	if p.Readers == nil || heir == 0 || err != nil {
		return 0
	}
	if pool == scaling.Writer {
		return heir
	}
	if least := capacity(writer); heir >= least {
		return least
	}
	return 0
}

// heirs is the vCPUs of the largest reader at the best promotion tier; zero without readers, and of read replicas outside Aurora,
// which never succeed their source.
func heirs(o *scaling.Observation) float64 {
	if o.Kind == scaling.DBInstance {
		return 0
	}
	readers, err := members(o, scaling.Readers)
	if err != nil || len(readers) == 0 {
		return 0
	}
	best := slices.MinFunc(readers, func(a, b member) int {
		return cmp.Or(cmp.Compare(a.PromotionTier, b.PromotionTier), cmp.Compare(b.vcpus, a.vcpus))
	})
	return best.vcpus
}

// successorWanted is the vCPUs of the class that the writer has to grow to, or zero when it does not have to grow.
func successorWanted(p *scaling.Policy, o *scaling.Observation, d *scaling.Decision) float64 {
	if o.Kind == scaling.DBInstance {
		return 0
	}
	for n := range d.Proposals {
		if proposal := &d.Proposals[n]; proposal.Pool == scaling.Writer && proposal.Direction == scaling.Up {
			class, err := catalog.Lookup(proposal.To.InstanceClass)
			if err != nil {
				return 0
			}
			return float64(class.VCPUFor(o.Engine))
		}
	}
	fits, most := 0.0, 0.0 // of those that only lack a successor: the smallest that fits, and the largest
	for _, c := range d.Pools[1].Candidates {
		if d.Pools[1].Hold.Reason != scaling.ReasonNothingFits || c.Verdict != scaling.LosesSuccessor {
			continue
		}
		most = max(most, c.VCPUs)
		if c.Predicted <= float64(p.CPU.Target)+rounding && (fits == 0 || c.VCPUs < fits) {
			fits = c.VCPUs
		}
	}
	return cmp.Or(fits, most)
}

// raiseSuccessor lets the readers grow first where the writer has to grow and none of them could succeed it. While the writer
// waits for a disruption window they do not grow for it yet; nor do they become smaller than it will be.
func raiseSuccessor(p *scaling.Policy, o *scaling.Observation, d *scaling.Decision, vcpus float64, now time.Time) {
	growing := false
	d.Proposals = slices.DeleteFunc(d.Proposals, func(proposal scaling.Proposal) bool {
		growing = growing || proposal.Direction == scaling.Up // the writer itself, or the readers for their own load
		class, err := catalog.Lookup(proposal.To.InstanceClass)
		return proposal.Pool == scaling.Readers && proposal.Reason == scaling.ReasonScaleDown &&
			(err != nil || float64(class.VCPUFor(o.Engine)) < vcpus)
	})
	open, _, err := schedule.Open(p.Disruption, now)
	mayInterrupt := open && err == nil || d.Pools[1].Load.Emergency && p.Guardrails.EmergencyInterrupts
	if growing || !mayInterrupt || p.Readers == nil || p.Wish.Wanted(scaling.Readers, now) != nil {
		return
	}
	s, best := successors(p, o, vcpus, now)
	if best == nil {
		return
	}
	text := fmt.Sprintf("The writer has to grow, and no reader could succeed it: %s → %s", s.shape(), best.Shape)
	proposal := s.propose(scaling.ReasonSuccessor, scaling.Up, best, text, text)
	d.Proposals = slices.DeleteFunc(d.Proposals, func(p scaling.Proposal) bool { return p.Pool == scaling.Readers })
	d.Proposals = append(d.Proposals, *proposal)
}

// successors picks the preferred shape of the readers, no smaller and no fewer than they are, whose instances have so many
// vCPUs; nil when there is none.
func successors(p *scaling.Policy, o *scaling.Observation, vcpus float64, now time.Time) (*scene, *candidate) {
	s, err := newScene(p, o, scaling.Readers, now)
	least, errFloor := floorOf(p, o.Engine, scaling.Readers, now)
	if cmp.Or(err, errFloor) != nil {
		return nil, nil
	}
	s.floor = least
	s.list()
	var best *candidate
	for n := range s.candidates {
		c := &s.candidates[n]
		c.Predicted = s.predict(c, s.load.Demand)
		grows := c.rung.vcpus >= vcpus && c.VCPUs >= s.load.Capacity && c.Shape.Count >= len(s.all)
		if grows && s.refuse(c) == "" && s.fits(c) == "" && s.preferred(c, best) {
			best = c
		}
	}
	return s, best
}
