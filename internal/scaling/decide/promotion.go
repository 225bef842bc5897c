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

// promotionLimit bounds the vCPUs of a pool's instances, so that a reader can be promoted to writer; zero for no bound. The
// promotion candidate is the largest reader at the best promotion tier: Aurora promotes it when the writer fails (Aurora user
// guide, "Fault tolerance for an Aurora DB cluster"). While it is as large as the writer, it must stay so, and the writer must
// not become larger than it. Where the policy does not scale the readers there is no bound: the old writer becomes the promotion
// candidate.
//
// The instances are those of the pool. There is no bound for read replicas outside Aurora, which are never promoted by AWS.
func promotionLimit(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, instances []poolInstance) float64 {
	if p.Readers == nil || o.Kind == scaling.DBInstance {
		return 0
	}
	if pool == scaling.Writer {
		readers, err := poolInstances(o, scaling.Readers)
		if err != nil {
			return 0
		}
		return promotionCandidateVCPUs(readers)
	}
	writer, err := poolInstances(o, scaling.Writer)
	if err != nil {
		return 0
	}
	writerVCPUs := totalVCPUs(writer)
	if promotionCandidateVCPUs(instances) < writerVCPUs {
		return 0
	}
	return writerVCPUs
}

// promotionCandidateVCPUs is the vCPUs of the promotion candidate; zero without readers.
func promotionCandidateVCPUs(readers []poolInstance) float64 {
	if len(readers) == 0 {
		return 0
	}
	best := slices.MinFunc(readers, func(a, b poolInstance) int {
		return cmp.Or(cmp.Compare(a.PromotionTier, b.PromotionTier), cmp.Compare(b.vcpus, a.vcpus))
	})
	return best.vcpus
}

// requiredCandidateVCPUs is the vCPUs that the promotion candidate needs because the writer must scale up to a class of that
// size; zero when it must not. The read replicas of PostgreSQL need as many so that they allow as many connections as the source.
func requiredCandidateVCPUs(p *scaling.Policy, o *scaling.Observation, d *scaling.Decision) float64 {
	if o.Kind == scaling.DBInstance && o.Engine != "postgres" {
		return 0
	}
	for n := range d.Proposals {
		if proposal := &d.Proposals[n]; proposal.Pool == scaling.Writer && proposal.Direction == scaling.Up {
			class, err := catalog.Lookup(proposal.To.InstanceClass)
			if err != nil {
				return 0
			}
			return class.VCPUFor(o.Engine)
		}
	}
	smallestFit, largest := 0.0, 0.0 // of the writer's candidates that were rejected only because of the promotion candidate
	for _, c := range d.Pools[1].Candidates {
		isTooSmallReader := c.Verdict == scaling.VerdictNoPromotionCandidate || c.Verdict == scaling.VerdictStandbyTooSmall
		if d.Pools[1].Hold.Reason != scaling.ReasonNoSuitableShape || !isTooSmallReader {
			continue
		}
		largest = max(largest, c.VCPUs)
		if !exceeds(c.PredictedUtilization, p.CPU.Target) && (smallestFit == 0 || c.VCPUs < smallestFit) {
			smallestFit = c.VCPUs
		}
	}
	return cmp.Or(smallestFit, largest)
}

// proposePromotionCandidate replaces the proposals for the readers where the writer must scale up and no reader is large enough
// to be promoted: the readers scale up first. They do not scale down below the writer's new class, and do not scale up for it
// while the writer waits for a disruption window.
func proposePromotionCandidate(p *scaling.Policy, o *scaling.Observation, d *scaling.Decision, vcpus float64, now time.Time) {
	hasScaleUp := false
	d.Proposals = slices.DeleteFunc(d.Proposals, func(proposal scaling.Proposal) bool {
		hasScaleUp = hasScaleUp || proposal.Direction == scaling.Up // of the writer itself, or of the readers for their own load
		class, err := catalog.Lookup(proposal.To.InstanceClass)
		return proposal.Pool == scaling.Readers && proposal.Reason == scaling.ReasonScaleDown &&
			(err != nil || class.VCPUFor(o.Engine) < vcpus)
	})
	open, _, err := schedule.IsOpen(p.DisruptionWindows, now)
	disruptionAllowed := open && err == nil || d.Pools[1].Load.Emergency && p.Guardrails.AllowEmergencyDisruption
	if hasScaleUp || !disruptionAllowed || p.Readers == nil || p.ManualControl.DesiredShape(scaling.Readers, now) != nil {
		return
	}
	e, err := newPoolEvaluation(p, o, scaling.Readers, now, new(poolBuffers))
	if err != nil {
		return
	}
	best := e.pickCandidateShape(vcpus)
	if best == nil {
		return
	}
	cause := "no reader is large enough to be promoted to writer"
	if o.Kind == scaling.DBInstance {
		cause = "a read replica would then allow fewer connections than its source, which pauses the replication"
	}
	text := fmt.Sprintf("The writer must scale up, and %s: %s → %s", cause, e.currentShape(), best.Shape)
	proposal := e.newProposal(scaling.ReasonPromotionCandidateTooSmall, scaling.Up, best, text, text)
	d.Proposals = slices.DeleteFunc(d.Proposals, func(p scaling.Proposal) bool { return p.Pool == scaling.Readers })
	d.Proposals = append(d.Proposals, *proposal)
}

// pickCandidateShape returns the preferred shape of the readers whose instances have at least the given vCPUs, with no fewer
// vCPUs and no fewer readers than now; nil when there is none.
func (e *poolEvaluation) pickCandidateShape(vcpus float64) *candidate {
	var err error
	if e.minimum, err = scheduledMinimum(e.policy, e.observation.Engine, e.pool, e.now); err != nil {
		return nil
	}
	e.listCandidates()
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.PredictedUtilization = e.predictUtilization(c, e.load.Demand)
		largeEnough := c.class.vcpus >= vcpus && c.VCPUs >= e.load.Capacity && c.Shape.Count >= len(e.instances)
		if largeEnough && e.checkLimits(c) == "" && e.checkResources(c) == "" && e.isPreferred(c, best) {
			best = c
		}
	}
	return best
}
