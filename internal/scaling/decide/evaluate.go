package decide

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// RequeueInterval is the time after which Evaluate should be called again: RDS publishes a new sample every minute.
const RequeueInterval = time.Minute

// Evaluate returns the changes that a database needs, or the reason why it needs none. Cooldowns, limits on operations and
// busy databases are left to the guards. Readers are scaled up before the writer and down after it, so that the writer
// always has a reader that can be promoted.
func Evaluate(p scaling.Policy, o scaling.Observation, now time.Time) scaling.Decision {
	return new(Evaluator).Evaluate(&p, &o, now)
}

// poolEvaluation is the input of one pool's evaluation and what is computed from it on the way.
type poolEvaluation struct {
	policy      *scaling.Policy
	observation *scaling.Observation
	now         time.Time
	pool        scaling.Pool
	// buffers hold the instances and what listCandidates sets.
	buffers   *poolBuffers
	instances []poolInstance
	load      scaling.Load
	ladder    []ladderClass
	// minimum is what the schedules of the policy require.
	minimum poolMinimum
	// vcpus and largestVCPUs are those of all instances and of the largest one. They are set by listCandidates, as are ladder, pricing,
	// promotionLimit, candidates and reported.
	vcpus, largestVCPUs float64
	pricing             pricing
	// promotionLimit bounds the vCPUs of an instance so that a reader can be promoted to writer; zero for no bound.
	promotionLimit float64
	candidates     []candidate
	// reported is what the assessment shows of the candidates.
	reported []scaling.Candidate
	// classChangeWindow is set by carriesDailyPeak when it is first needed.
	classChangeWindow *scaling.ScaleDownWindow
	// pastDemands, and the cost of the largest present class with them, are set by isCheaperOverHistory when they are first needed.
	pastDemands     []float64
	presentPastCost float64
	// dailyWork is the work that readers are kept for, and nil without it.
	dailyWork *dailyWork
	// usage is set by checkMemoryAndConnections when it is first needed.
	usage *poolUsage
	// parameters is set by limitsOf when it is first needed.
	parameters []scaling.Parameters
	// standby is set by lowersStandby when it is first needed.
	standby *standbyLimits
	// io is set by checkIO when it is first needed.
	io *poolIO
}

// evaluatePool assesses the load of one pool and proposes at most one change of it.
func evaluatePool(
	p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time, buffers *poolBuffers,
) (scaling.PoolAssessment, *scaling.Proposal) {
	a := scaling.PoolAssessment{Load: scaling.Load{Pool: pool}, Scaled: isScaled(p, pool)}
	override := p.ManualControl.DesiredShape(pool, now)
	e, err := newPoolEvaluation(p, o, pool, now, buffers)
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
	if a.Scaled && override == nil && a.Hold.Reason == scaling.ReasonStabilizing && proposal == nil {
		if early, least := e.proposeEarlyGrowth(); early != nil {
			proposal, a.Hold, a.Load, e.load = early, scaling.Hold{}, least, least
		}
	}
	a.RequiredVCPUs = e.load.Demand
	if proposal != nil {
		a.RequiredVCPUs = proposal.Demand
	}
	a.Candidates = e.reported
	e.mentionReplicasWithoutClients(&a.Hold, proposal)
	return a, proposal
}

// isScaled reports whether the policy scales a pool.
func isScaled(p *scaling.Policy, pool scaling.Pool) bool {
	if pool == scaling.Writer {
		return p.Writer != nil
	}
	return p.Readers != nil
}

// newPoolEvaluation looks up the classes of the instances, and assesses the load. The error names the class, of the instances or of the
// ladder, that the catalog does not have.
func newPoolEvaluation(
	p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, now time.Time, buffers *poolBuffers,
) (poolEvaluation, error) {
	instances, err := appendPoolInstances(buffers.instances[:0], o, pool)
	if err != nil {
		return poolEvaluation{}, err
	}
	buffers.instances = instances
	e := poolEvaluation{
		policy: p, observation: o, now: now, pool: pool, instances: instances, load: assessLoad(p, o, pool, instances, now), buffers: buffers,
	}
	if !isScaled(p, pool) {
		return e, nil
	}
	e.waitForDailyWork()
	return e, checkAllowedClasses(p, pool)
}

// listCandidates lists the candidates, and what they are compared by, on its first call.
func (e *poolEvaluation) listCandidates() {
	if e.candidates == nil {
		e.vcpus, e.largestVCPUs = totalVCPUs(e.instances), maxVCPUs(e.instances)
		e.resolveLadder()
		e.pricing = newPricing(e.policy, e.observation, e.instances, e.ladder)
		e.promotionLimit = promotionLimit(e.policy, e.observation, e.pool, e.instances)
		e.enumerateCandidates()
	}
}

// proposeScaling proposes a change by load, minimum and schedule: up when the pool is too small, to the minimum when it is
// below that, and down when it is too large. Without a proposal it returns the reason.
func (e *poolEvaluation) proposeScaling() (*scaling.Proposal, scaling.Hold) {
	open, err := scheduledMinimum(e.policy, e.observation.Engine, e.pool, e.now)
	upcoming, errUpcoming := scheduledMinimum(e.policy, e.observation.Engine, e.pool, e.now.Add(scheduleLookahead))
	if err := cmp.Or(err, errUpcoming); err != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonInvalidSchedule, Message: fmt.Sprintf(
			"%v. Nothing changes until it is corrected", err)}
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
	if hold.Reason == "" {
		if proposal := e.proposeReadersForDailyWork(); proposal != nil {
			return proposal, scaling.Hold{}
		}
	}
	proposal, minimumHold := e.proposeRaiseToMinimum(open)
	if proposal != nil {
		return proposal, scaling.Hold{}
	}
	if hold = cmp.Or(hold, minimumHold); hold.Reason != "" {
		return nil, hold
	}
	e.minimum = open.combineWith(upcoming)
	if isTooLarge(e.policy, e.load) {
		return e.proposeScaleDown()
	}
	if proposal = e.proposeEarlyRemoval(); proposal != nil {
		return proposal, scaling.Hold{}
	}
	return nil, e.withinThresholdsHold()
}

// withinThresholdsHold says why a pool stays as it is when it is neither too small nor too large. Most decisions are this one, so that it
// does without fmt.
func (e *poolEvaluation) withinThresholdsHold() scaling.Hold {
	scaleDown := strconv.Itoa(e.policy.CPU.ScaleDown)
	return scaling.Hold{Reason: scaling.ReasonWithinThresholds, Message: "The " + poolNoun(e.pool) + " (" + e.currentShape().String() +
		") is between " + scaleDown + "% and " + strconv.Itoa(e.scaleUpThreshold()) + "% CPU, or has not been below " + scaleDown + "% for " +
		scaling.FormatDuration(e.policy.ScaleDown.Window)}
}

// checkMetrics returns why the load of a pool is not known; an empty Hold when it is.
func (e *poolEvaluation) checkMetrics() scaling.Hold {
	switch {
	case e.load.Fresh:
		return scaling.Hold{}
	case e.load.StableAt.IsZero():
		return scaling.Hold{Reason: scaling.ReasonStabilizing, Message: fmt.Sprintf(
			"The %s (%s) is changing: its load is measured once all instances are in service", poolNoun(e.pool), e.currentShape())}
	case e.now.Before(e.load.StableAt):
		return scaling.Hold{Reason: scaling.ReasonStabilizing, Message: fmt.Sprintf(
			"The %s (%s) has just changed, or was observed for the first time: no decision before %s, while samples of its load are collected",
			poolNoun(e.pool), e.currentShape(), formatTime(e.load.StableAt))}
	}
	return scaling.Hold{Reason: scaling.ReasonMetricsUnavailable, Message: fmt.Sprintf(
		"CPU samples of the %s are missing: at least %.0f%% of the last %s must be published, and the newest must be at most %s old. "+
			"Nothing changes until they are", poolNoun(e.pool), 100*minCoverage, scaling.FormatDuration(e.policy.ScaleUp.Window),
		scaling.FormatDuration(scaling.MaxSampleAge))}
}

// currentShape is the shape of the pool now.
func (e *poolEvaluation) currentShape() scaling.Shape { return shapeOf(e.instances) }

// shapeOf is the shape that the instances form: without a class when their classes differ.
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

// newProposal is the proposal to change the pool to a candidate.
func (e *poolEvaluation) newProposal(
	reason scaling.Reason, direction scaling.Direction, to *candidate, message, cause string,
) *scaling.Proposal {
	return &scaling.Proposal{
		Reason: reason, Message: message, Cause: cause, Emergency: direction == scaling.Up && e.load.Emergency,
		Change: scaling.Change{
			Pool: e.pool, Direction: direction, From: e.currentShape(), To: to.Shape, Demand: e.load.Demand,
			UtilizationPercent: e.load.UtilizationPercent,
		},
	}
}
