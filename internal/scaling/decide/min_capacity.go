package decide

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// minCapacityRaiseFactor is the least factor by which the minimum capacity is raised, so that a slowly rising load needs few
	// changes.
	minCapacityRaiseFactor = 1.5
	// minCapacityLead is how long before a predicted load the minimum capacity is raised: the time that one sample of the history
	// covers. Aurora applies a higher minimum within a minute.
	minCapacityLead = quarterHour
	// minCapacityLookahead is how far ahead a predicted load prevents that the minimum capacity is lowered.
	minCapacityLookahead = time.Hour
	// atMinimumShare is the share of the samples that must be at the minimum capacity before it is lowered.
	atMinimumShare = 0.9
	// atMinimumTolerance is how far from the minimum capacity, in ACUs, a sample at the minimum may be: half a step, since a sample is
	// a mean of five minutes.
	atMinimumTolerance = 0.25
	// minCapacityLowerDelay is how long a raised minimum capacity is kept, so that it does not go up and down all day.
	minCapacityLowerDelay = 24 * time.Hour
)

// capacityUse is the capacity that the busiest instance of an Aurora Serverless v2 cluster used over the scale-down window.
type capacityUse struct {
	// median is in ACUs.
	median float64
	// samples is the number of samples, atMinimum that of those at the present minimum capacity.
	samples, atMinimum int
}

// isAtMinimum reports whether the instance needed no more than the minimum capacity. Samples below the minimum are from before it was
// raised, so that they do not count.
func (u capacityUse) isAtMinimum() bool {
	return float64(u.atMinimum) >= atMinimumShare*float64(u.samples)
}

// minCapacityChange decides on the minimum capacity of an Aurora Serverless v2 cluster. All capacities are in ACUs.
type minCapacityChange struct {
	policy      *scaling.Policy
	observation *scaling.Observation
	now         time.Time
	// steps are the minimum capacities that may be chosen, lowest first.
	steps []float64
	use   capacityUse
	// useKnown says whether there are enough samples of the capacity.
	useKnown bool
}

// proposeMinCapacity proposes at most one change of the minimum capacity of an Aurora Serverless v2 cluster, whose instances the
// observation has merged into one (see mergeInstances); nil for none.
//
//   - The minimum is raised to the median capacity that the busiest instance used over the scale-down window, and to the demand that
//     earlier days predict for the next quarter of an hour at the target utilization, when that is at least half as much again. A
//     higher minimum keeps the buffer pool in memory while the load pauses, and Aurora scales up faster from a higher capacity
//     (Aurora user guide, "Choosing the minimum Aurora Serverless v2 capacity setting for a cluster").
//   - It is lowered by one step when the capacity was at the minimum during the whole window and no demand above the lower step is
//     predicted for the next hour. How far below the minimum the need is, cannot be seen.
//   - It stays within the bounds of the policy and never exceeds the maximum capacity.
func proposeMinCapacity(p *scaling.Policy, o *scaling.Observation, now time.Time) *scaling.Proposal {
	if p.MinCapacity == nil || !o.Serverless || len(o.Instances) != 1 || p.ManualControl.ActiveOverride(now) != nil {
		return nil
	}
	maxACUs, known := catalog.ParseACUs(o.Instances[0].Class)
	c := minCapacityChange{policy: p, observation: o, now: now}
	c.steps = catalog.CapacitySteps(p.MinCapacity.Lowest, min(p.MinCapacity.Highest, maxACUs))
	if !catalog.SupportsAutoPause(o.Engine, o.EngineVersion) {
		c.steps = slices.DeleteFunc(c.steps, func(acus float64) bool { return acus == 0 })
	}
	if !known || len(c.steps) == 0 {
		return nil
	}
	c.use, c.useKnown = measureCapacityUse(o, p.ScaleDown.Window, now)
	if o.MinCapacity < c.steps[0] {
		return c.newProposal(scaling.ReasonBelowMinimum, scaling.Up, c.steps[0], "The policy requires a higher minimum capacity", fmt.Sprintf(
			"spec.serverless.minCapacity.min is %s, and the minimum capacity is %s", formatACUs(c.steps[0]), formatACUs(o.MinCapacity)))
	}
	if proposal := c.proposeRaise(); proposal != nil {
		return proposal
	}
	return c.proposeLower()
}

// proposeRaise proposes a higher minimum; nil when the present one is high enough or too little is known.
func (c minCapacityChange) proposeRaise() *scaling.Proposal {
	lowest := max(minCapacityRaiseFactor*c.observation.MinCapacity, 1)
	if to := c.stepBelow(c.use.median); c.useKnown && to >= lowest {
		return c.newProposal(scaling.ReasonScaleUp, scaling.Up, to, "The cluster usually needs more than its minimum capacity", fmt.Sprintf(
			"The busiest instance used a median of %.1f ACU over %s, and the minimum capacity is %s", c.use.median,
			scaling.FormatDuration(c.policy.ScaleDown.Window), formatACUs(c.observation.MinCapacity)))
	}
	if predicted := c.predictACUs(minCapacityLead); c.stepBelow(predicted) >= lowest {
		return c.newProposal(scaling.ReasonPredictiveScaleUp, scaling.Up, c.stepBelow(predicted),
			"Earlier days predict that the cluster needs more than its minimum capacity", fmt.Sprintf(
				"Earlier days predict a demand for %.1f ACU at %d%% CPU within %s, and the minimum capacity is %s", predicted, c.policy.CPU.Target,
				scaling.FormatDuration(minCapacityLead), formatACUs(c.observation.MinCapacity)))
	}
	return nil
}

// proposeLower proposes the next lower minimum, or the highest that the policy allows; nil when the present one is needed or too little
// is known.
func (c minCapacityChange) proposeLower() *scaling.Proposal {
	current := c.observation.MinCapacity
	if highest := c.steps[len(c.steps)-1]; current > highest {
		return c.newProposal(scaling.ReasonScaleDown, scaling.Down, highest, "The policy requires a lower minimum capacity", fmt.Sprintf(
			"spec.serverless.minCapacity.max is %s, and the minimum capacity is %s", formatACUs(highest), formatACUs(current)))
	}
	n, _ := slices.BinarySearch(c.steps, current)
	if n == 0 || !c.useKnown || !c.use.isAtMinimum() || inUpgradeWatch(c.policy, c.observation, c.now) {
		return nil
	}
	// The need below the minimum cannot be seen, so that a minimum that was raised for the need is tried lower only once a day.
	raised := c.observation.History.LastCompleted(func(r scaling.OperationRecord) bool {
		return r.Pool == scaling.MinCapacity && r.Direction == scaling.Up && r.Succeeded
	})
	if raised != nil && c.now.Sub(raised.CompletedAt) < minCapacityLowerDelay {
		return nil
	}
	to := c.steps[n-1]
	if c.stepBelow(c.predictACUs(minCapacityLookahead)) > to || c.limitsConnections(to) {
		return nil
	}
	return c.newProposal(scaling.ReasonScaleDown, scaling.Down, to, "The cluster has not needed more than its minimum capacity", fmt.Sprintf(
		"The busiest instance was at the minimum capacity of %s in %d of %d samples over %s", formatACUs(current), c.use.atMinimum, c.use.samples,
		scaling.FormatDuration(c.policy.ScaleDown.Window)))
}

// stepBelow is the highest step that is not above a capacity; zero when there is none.
func (c minCapacityChange) stepBelow(acus float64) float64 {
	n, exact := slices.BinarySearch(c.steps, acus)
	if exact {
		return acus
	}
	if n == 0 {
		return 0
	}
	return c.steps[n-1]
}

// predictACUs is the capacity at which the highest demand that earlier days predict runs at the target utilization; zero when nothing
// is predicted.
func (c minCapacityChange) predictACUs(ahead time.Duration) float64 {
	if !c.policy.PredictiveScaling.History {
		return 0
	}
	return predictSeasonal(c.observation, scaling.Writer, c.now, ahead) * catalog.ACUsPerVCPU * 100 / float64(c.policy.CPU.Target)
}

// limitsConnections reports whether a lower minimum would allow fewer connections than are in use, after the next restart, or whether
// that is not known.
func (c minCapacityChange) limitsConnections(to float64) bool {
	o := c.observation
	if !catalog.IsLowMinimum(o.Engine, to) || catalog.IsLowMinimum(o.Engine, o.MinCapacity) {
		return false
	}
	_, inUse, known := seriesRange(o.Instances[0].Connections, c.now.Add(-max(c.policy.ScaleDown.Window, maxSlowSampleAge)), c.now)
	return !known || inUse > (1-connectionReserveRatio)*catalog.MaxConnectionsWithLowMinimum
}

// newProposal is the proposal to change the minimum capacity.
func (c minCapacityChange) newProposal(
	reason scaling.Reason, direction scaling.Direction, to float64, message, cause string,
) *scaling.Proposal {
	change := fmt.Sprintf(": %s → %s", formatACUs(c.observation.MinCapacity), formatACUs(to))
	return &scaling.Proposal{
		Reason: reason, Message: message + change, Cause: cause + change,
		Change: scaling.Change{
			Pool: scaling.MinCapacity, Direction: direction,
			From: scaling.Shape{InstanceClass: formatACUs(c.observation.MinCapacity), Count: 1},
			To:   scaling.Shape{InstanceClass: formatACUs(to), Count: 1},
		},
	}
}

// formatACUs writes a capacity: "0.5 ACU".
func formatACUs(acus float64) string { return catalog.ServerlessClassName(acus) }

// measureCapacityUse describes the capacity in use over a window; false when samples are missing: at least minCoverage of them must be
// there, the newest no older than maxSlowSampleAge. It is false too when the minimum has changed within the window: no instance used
// less than the minimum of that time.
func measureCapacityUse(o *scaling.Observation, window time.Duration, now time.Time) (capacityUse, bool) {
	from := now.Add(-window)
	last := o.History.LastCompleted(func(r scaling.OperationRecord) bool { return r.Pool == scaling.MinCapacity && !r.NothingChanged })
	if last != nil && last.CompletedAt.After(from.Add(-slowSamplePeriod)) {
		return capacityUse{}, false
	}
	series := o.Instances[0].UsedCapacity
	if _, _, known := seriesRange(series, from, now); !known {
		return capacityUse{}, false
	}
	var values []float64
	var use capacityUse
	for _, value := range series.From(from).All() {
		values = append(values, value)
		if math.Abs(value-o.MinCapacity) <= atMinimumTolerance {
			use.atMinimum++
		}
	}
	slices.Sort(values)
	use.samples, use.median = len(values), values[(len(values)-1)/2]
	return use, true
}
