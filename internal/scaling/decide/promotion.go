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

// promotionLimit is the vCPUs that bind the class of a pool, or zero. While the largest reader at the best promotion tier is as
// large as the writer, it has to stay so, since it is who Aurora promotes when the writer fails (Aurora user guide, "Fault
// tolerance for an Aurora DB cluster"). The writer may grow to its size. Where the policy leaves the readers alone, a
// promotion makes the old writer the successor, and nothing is bound.
func promotionLimit(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool) float64 {
	candidateVCPUs := promotionCandidateVCPUs(o)
	writer, err := poolInstances(o, scaling.Writer)
	if p.Readers == nil || candidateVCPUs == 0 || err != nil {
		return 0
	}
	if pool == scaling.Writer {
		return candidateVCPUs
	}
	if writerVCPUs := totalVCPUs(writer); candidateVCPUs >= writerVCPUs {
		return writerVCPUs
	}
	return 0
}

// promotionCandidateVCPUs is the vCPUs of the largest reader at the best promotion tier; zero without readers, and of read replicas outside Aurora,
// which never succeed their source.
func promotionCandidateVCPUs(o *scaling.Observation) float64 {
	if o.Kind == scaling.DBInstance {
		return 0
	}
	readers, err := poolInstances(o, scaling.Readers)
	if err != nil || len(readers) == 0 {
		return 0
	}
	best := slices.MinFunc(readers, func(a, b poolInstance) int {
		return cmp.Or(cmp.Compare(a.PromotionTier, b.PromotionTier), cmp.Compare(b.vcpus, a.vcpus))
	})
	return best.vcpus
}

// requiredCandidateVCPUs is the vCPUs of the class that the writer has to grow to, or zero when it does not have to grow.
func requiredCandidateVCPUs(p *scaling.Policy, o *scaling.Observation, d *scaling.Decision) float64 {
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
	smallestFit, largest := 0.0, 0.0 // of those that only lack a successor: the smallest that fits, and the largest
	for _, c := range d.Pools[1].Candidates {
		if d.Pools[1].Hold.Reason != scaling.ReasonNoSuitableShape || c.Verdict != scaling.VerdictNoPromotionCandidate {
			continue
		}
		largest = max(largest, c.VCPUs)
		if c.PredictedUtilization <= float64(p.CPU.Target)+roundingTolerance && (smallestFit == 0 || c.VCPUs < smallestFit) {
			smallestFit = c.VCPUs
		}
	}
	return cmp.Or(smallestFit, largest)
}

// proposePromotionCandidate lets the readers grow first where the writer has to grow and none of them could succeed it. While the writer
// waits for a disruption window they do not grow for it yet; nor do they become smaller than it will be.
func proposePromotionCandidate(p *scaling.Policy, o *scaling.Observation, d *scaling.Decision, vcpus float64, now time.Time) {
	hasScaleUp := false
	d.Proposals = slices.DeleteFunc(d.Proposals, func(proposal scaling.Proposal) bool {
		hasScaleUp = hasScaleUp || proposal.Direction == scaling.Up // the writer itself, or the readers for their own load
		class, err := catalog.Lookup(proposal.To.InstanceClass)
		return proposal.Pool == scaling.Readers && proposal.Reason == scaling.ReasonScaleDown &&
			(err != nil || float64(class.VCPUFor(o.Engine)) < vcpus)
	})
	open, _, err := schedule.IsOpen(p.DisruptionWindows, now)
	disruptionAllowed := open && err == nil || d.Pools[1].Load.Emergency && p.Guardrails.AllowEmergencyDisruption
	if hasScaleUp || !disruptionAllowed || p.Readers == nil || p.ManualControl.DesiredShape(scaling.Readers, now) != nil {
		return
	}
	e, best := pickCandidateShape(p, o, vcpus, now)
	if best == nil {
		return
	}
	text := fmt.Sprintf("The writer has to grow, and no reader could succeed it: %s → %s", e.currentShape(), best.Shape)
	proposal := e.newProposal(scaling.ReasonPromotionCandidateTooSmall, scaling.Up, best, text, text)
	d.Proposals = slices.DeleteFunc(d.Proposals, func(p scaling.Proposal) bool { return p.Pool == scaling.Readers })
	d.Proposals = append(d.Proposals, *proposal)
}

// pickCandidateShape picks the preferred shape of the readers, no smaller and no fewer than they are, whose instances have so many
// vCPUs; nil when there is none.
func pickCandidateShape(p *scaling.Policy, o *scaling.Observation, vcpus float64, now time.Time) (*poolEvaluation, *candidate) {
	e, err := newPoolEvaluation(p, o, scaling.Readers, now)
	minimum, errMinimum := scheduledMinimum(p, o.Engine, scaling.Readers, now)
	if cmp.Or(err, errMinimum) != nil {
		return nil, nil
	}
	e.minimum = minimum
	e.listCandidates()
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.PredictedUtilization = e.predictUtilization(c, e.load.Demand)
		largeEnough := c.class.vcpus >= vcpus && c.VCPUs >= e.load.Capacity && c.Shape.Count >= len(e.instances)
		if largeEnough && e.checkLimits(c) == "" && e.checkMemoryAndConnections(c) == "" && e.isPreferred(c, best) {
			best = c
		}
	}
	return e, best
}
