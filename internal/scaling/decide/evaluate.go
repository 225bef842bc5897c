// Package decide works out which shape a database should have. It is pure: the same policy, observation and time give
// the same decision.
package decide

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RequeueInterval is how often a decision wants to be made again: RDS publishes a new sample every minute.
const RequeueInterval = time.Minute

// Evaluate says what should change, or why nothing should. It knows nothing of cooldowns, limits on operations and busy
// databases: those are guards. Readers come first on the way up and last on the way down, so that the writer always has
// a reader that can take over.
func Evaluate(p scaling.Policy, o scaling.Observation, now time.Time) scaling.Decision {
	d := scaling.Decision{RequeueAfter: RequeueInterval, Pools: make([]scaling.PoolAssessment, 0, 2)}
	if o.ResizedAsUnit {
		o = mergeInstances(o)
	}
	for _, pool := range []scaling.Pool{scaling.Readers, scaling.Writer} {
		assessment, proposal := evaluatePool(&p, &o, pool, now)
		if proposal != nil {
			d.Proposals = append(d.Proposals, *proposal)
		}
		d.Pools = append(d.Pools, assessment)
	}
	if vcpus := requiredCandidateVCPUs(&p, &o, &d); vcpus > 0 {
		proposePromotionCandidate(&p, &o, &d, vcpus, now)
	}
	if proposal := proposeSurgeCleanup(&p, &o, now); proposal != nil {
		d.Proposals = append(d.Proposals, *proposal)
	}
	sortByUrgency(d.Proposals)
	if len(d.Proposals) == 0 {
		d.Hold = mostSevereHold(d.Pools)
	}
	return d
}

// evaluatePool looks at one pool.
func evaluatePool(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) (scaling.PoolAssessment, *scaling.Proposal) {
	a := scaling.PoolAssessment{Load: scaling.Load{Pool: pool}, Scaled: isScaled(p, pool)}
	override := p.ManualControl.DesiredShape(pool, now)
	e, err := newPoolEvaluation(p, o, pool, now)
	if err != nil {
		if a.Scaled || override != nil {
			a.Hold = scaling.Hold{Reason: scaling.ReasonUnknownClass, Message: fmt.Sprintf(
				"The %s cannot be sized: %v. Nothing changes", poolNoun(pool), err)}
		}
		return a, nil
	}
	a.Load = e.load
	var proposal *scaling.Proposal
	switch {
	case override != nil:
		proposal, a.Hold = e.proposeOverride(*override, formatTime(p.ManualControl.Override.ExpiresAt))
	case a.Scaled:
		proposal, a.Hold = e.proposeScaling()
	default:
		return a, nil
	}
	a.RequiredVCPUs = e.load.Demand
	if proposal != nil {
		a.RequiredVCPUs = proposal.Demand
	}
	a.Candidates = e.reported
	return a, proposal
}

// isScaled says whether the policy scales a pool.
func isScaled(p *scaling.Policy, pool scaling.Pool) bool {
	if pool == scaling.Writer {
		return p.Writer != nil
	}
	return p.Readers != nil
}

// newPoolEvaluation looks everything up that the candidates of a pool are held against. The error says which class is not known.
func newPoolEvaluation(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time) (*poolEvaluation, error) {
	instances, err := poolInstances(o, pool)
	if err != nil {
		return nil, err
	}
	e := &poolEvaluation{policy: p, observation: o, now: now, pool: pool, instances: instances, load: assessLoad(p, o, pool, instances, now)}
	if !isScaled(p, pool) {
		return e, nil
	}
	if e.ladder, err = resolveLadder(p, o, pool, instances, now); err != nil {
		return nil, err
	}
	return e, nil
}

// listCandidates lists the candidates, with what they are held against, unless that was done.
func (e *poolEvaluation) listCandidates() {
	if e.candidates == nil {
		e.pricing = newPricing(e.policy, e.observation, e.instances, e.ladder)
		e.promotionLimit = promotionLimit(e.policy, e.observation, e.pool)
		e.candidates, e.reported = enumerateCandidates(e.policy, e.instances, e.pool, e.ladder)
	}
}

// proposeScaling looks at the load, then at the limits and schedules.
func (e *poolEvaluation) proposeScaling() (*scaling.Proposal, scaling.Hold) {
	open, err := scheduledMinimum(e.policy, e.observation.Engine, e.pool, e.now)
	upcoming, errUpcoming := scheduledMinimum(e.policy, e.observation.Engine, e.pool, e.now.Add(scheduleLookahead))
	if err := cmp.Or(err, errUpcoming); err != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonInvalidSchedule, Message: fmt.Sprintf("%v. Nothing changes", err)}
	}
	e.minimum = open
	hold := e.checkMetrics()
	if hold.Reason == "" {
		if trigger := e.detectTooSmall(); trigger != nil {
			proposal, scaleUpHold := e.proposeScaleUp(*trigger)
			if proposal != nil || scaleUpHold.Reason == scaling.ReasonScalingIneffective {
				return proposal, scaleUpHold
			}
			hold = scaleUpHold
		}
	}
	proposal, minimumHold := e.proposeRaiseToMinimum(open)
	if proposal != nil {
		return proposal, scaling.Hold{}
	}
	if hold = cmp.Or(hold, minimumHold); hold.Reason != "" {
		return nil, hold
	}
	if isTooLarge(e.policy, e.load) {
		e.minimum = open.combineWith(upcoming)
		return e.proposeScaleDown()
	}
	return nil, scaling.Hold{Reason: scaling.ReasonWithinThresholds, Message: fmt.Sprintf(
		"The %s (%s) stay between %d%% and %d%% CPU, or have not been below for %s", poolNoun(e.pool), e.currentShape(), e.policy.CPU.ScaleDown,
		e.scaleUpThreshold(), formatDuration(e.policy.ScaleDown.Window))}
}

// checkMetrics says why the load of a pool is not known, or nothing.
func (e *poolEvaluation) checkMetrics() scaling.Hold {
	switch {
	case e.load.Fresh:
		return scaling.Hold{}
	case e.load.StableAt.IsZero():
		return scaling.Hold{Reason: scaling.ReasonStabilizing, Message: fmt.Sprintf(
			"The %s (%s) are changing: watching what they carry once all are in service", poolNoun(e.pool), e.currentShape())}
	case e.now.Before(e.load.StableAt):
		return scaling.Hold{Reason: scaling.ReasonStabilizing, Message: fmt.Sprintf(
			"The %s (%s) have just changed, or were just seen for the first time: watching what they carry until %s",
			poolNoun(e.pool), e.currentShape(), formatTime(e.load.StableAt))}
	}
	return scaling.Hold{Reason: scaling.ReasonMetricsUnavailable, Message: fmt.Sprintf(
		"CPU samples of the %s are missing: at least %.0f%% of the last %s must have been published and be newer than %s. "+
			"Nothing changes until they are back", poolNoun(e.pool), 100*minCoverage, formatDuration(e.policy.ScaleUp.Window), formatDuration(scaling.MaxSampleAge))}
}

// proposeSurgeCleanup proposes to remove surge readers that outlived their operation, once the others carry the load without them.
// It does so also where the policy otherwise leaves the readers alone: they are the operator's own.
func proposeSurgeCleanup(p *scaling.Policy, o *scaling.Observation, now time.Time) *scaling.Proposal {
	if !slices.ContainsFunc(o.Instances, func(i scaling.Instance) bool { return i.SurgeOperation() != "" }) {
		return nil
	}
	instances, err := poolInstances(o, scaling.Readers)
	if err != nil {
		return nil
	}
	remaining := slices.DeleteFunc(slices.Clone(instances), func(m poolInstance) bool { return m.SurgeOperation() != "" })
	minReaders := 1
	if p.Readers != nil {
		minReaders = p.Readers.Min
	}
	if len(remaining) == len(instances) || len(remaining) < minReaders {
		return nil
	}
	load := assessLoad(p, o, scaling.Readers, instances, now)
	if !load.Fresh || load.Saturated || utilizationPercent(load.Demand, totalVCPUs(remaining)) > float64(p.CPU.Target)+roundingTolerance {
		return nil
	}
	current, to := shapeOf(instances), shapeOf(remaining)
	text := fmt.Sprintf("%d surge reader(s) outlived their operation and the others carry the load: %s → %s",
		len(instances)-len(remaining), current, to)
	return &scaling.Proposal{Reason: scaling.ReasonLeftoverSurgeReader, Message: text, Cause: text, Change: scaling.Change{
		Pool: scaling.Readers, Direction: scaling.Cleanup, From: current, To: to, Demand: load.Demand, UtilizationPercent: load.UtilizationPercent,
	}}
}

// currentShape is what the pool consists of now.
func (e *poolEvaluation) currentShape() scaling.Shape { return shapeOf(e.instances) }

// shapeOf is what instances come to: without a class when they differ.
func shapeOf(instances []poolInstance) scaling.Shape {
	shape := scaling.Shape{Count: len(instances)}
	for n := range instances {
		if n == 0 {
			shape.InstanceClass = instances[n].Class
		} else if shape.InstanceClass != instances[n].Class {
			shape.InstanceClass = ""
		}
	}
	return shape
}

func (e *poolEvaluation) newProposal(reason scaling.Reason, direction scaling.Direction, to *candidate, message, cause string) *scaling.Proposal {
	return &scaling.Proposal{
		Reason: reason, Message: message, Cause: cause, Emergency: direction == scaling.Up && e.load.Emergency,
		Change: scaling.Change{
			Pool: e.pool, Direction: direction, From: e.currentShape(), To: to.Shape, Demand: e.load.Demand, UtilizationPercent: e.load.UtilizationPercent,
		},
	}
}
