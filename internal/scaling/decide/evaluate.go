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

// Interval is how often a decision wants to be made again: RDS publishes a new sample every minute.
const Interval = time.Minute

// rounding is what sums of floating-point fractions may be off by, in percent: a load on a threshold counts as on it.
const rounding = 1e-6

// Evaluate says what should change, or why nothing should. It knows nothing of cooldowns, limits on operations and busy
// databases: those are guards. Readers come first on the way up and last on the way down, so that the writer always has
// a reader that can take over.
func Evaluate(p scaling.Policy, o scaling.Observation, now time.Time) scaling.Decision {
	d := scaling.Decision{RequeueAfter: Interval}
	d.Load = Assess(p, o, now)
	var holds []scaling.Hold
	for _, load := range d.Load {
		proposal, hold := evaluatePool(p, o, load, now)
		if proposal != nil {
			d.Proposals = append(d.Proposals, *proposal)
		} else {
			holds = append(holds, hold)
		}
	}
	if proposal := leftover(p, o, now); proposal != nil {
		d.Proposals = append(d.Proposals, *proposal)
	}
	urgentFirst(d.Proposals)
	if len(d.Proposals) == 0 {
		d.Hold = gravest(holds)
	}
	return d
}

func evaluatePool(p scaling.Policy, o scaling.Observation, load scaling.Load, now time.Time) (*scaling.Proposal, scaling.Hold) {
	all, err := candidates(p, o, load.Pool)
	if _, unknown := capacity(o.Engine, o.Pool(load.Pool)); err != nil || unknown != nil {
		return nil, scaling.Hold{Reason: scaling.ReasonUnknownClass, Message: fmt.Sprintf(
			"The %s cannot be sized: %v. Nothing changes", noun(load.Pool), cmp.Or(err, unknown))}
	}
	current := o.Shape(load.Pool)
	name := noun(load.Pool)
	if proposal := intoBounds(p, load, current, all); proposal != nil {
		return proposal, scaling.Hold{}
	}
	if !load.Fresh && settling(load, now) {
		return nil, scaling.Hold{Reason: scaling.ReasonSettling, Message: fmt.Sprintf(
			"The %s (%s) have just changed, or were just seen for the first time: watching what they carry until %s",
			name, current, until(load))}
	}
	if !load.Fresh {
		return nil, scaling.Hold{Reason: scaling.ReasonMetricsMissing, Message: fmt.Sprintf(
			"CPU samples of the %s are missing: at least %.0f%% of the last %s must have been published and be newer than %s. "+
				"Nothing changes until they are back", name, 100*coverage, seconds(p.ScaleUp.Window), seconds(scaling.Stale))}
	}
	if load.Utilization >= float64(p.CPU.ScaleUp)-rounding {
		return scaleUp(p, load, current, all)
	}
	if down := look(o.Engine, o.Pool(load.Pool), o.Since(load.Pool), now, p.ScaleDown.Window); isLow(p, load, down, now) {
		return scaleDown(p, load, current, all, down)
	}
	return nil, scaling.Hold{Reason: scaling.ReasonWithinBand, Message: fmt.Sprintf(
		"The %s (%s) stay between %d%% and %d%% CPU, or have not been below for %s",
		name, current, p.CPU.ScaleDown, p.CPU.ScaleUp, seconds(p.ScaleDown.Window))}
}

// settling says whether a pool has too few samples because it has changed, rather than because metrics are missing.
func settling(load scaling.Load, now time.Time) bool {
	return load.SettledAt.IsZero() || now.Before(load.SettledAt)
}

// until says when a pool is settled.
func until(load scaling.Load) string {
	if load.SettledAt.IsZero() {
		return "all are in service"
	}
	return load.SettledAt.UTC().Format(time.RFC3339)
}

// intoBounds proposes the fewest readers that the policy allows when the pool has fewer, none of them resized where that can
// be, and never with fewer vCPUs than now. Where no allowed shape has as many, the load decides.
func intoBounds(p scaling.Policy, load scaling.Load, current scaling.Shape, all []candidate) *scaling.Proposal {
	if load.Pool != scaling.Readers || current.Count >= p.Readers.Min {
		return nil
	}
	var best *candidate
	for n := range all {
		c := &all[n]
		better := best == nil || c.shape.Count < best.shape.Count ||
			c.shape.Count == best.shape.Count && c.resized == 0 && best.resized > 0
		if c.vcpus >= load.Capacity && better {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	text := fmt.Sprintf("The policy asks for at least %d readers: %s → %s", p.Readers.Min, current, best.shape)
	return propose(scaling.ReasonBelowMinimum, text, text, load, scaling.Up, current, best.shape)
}

// scaleUp proposes the first candidate that carries the peak of the window at the target utilization. A censored peak is
// taken as at least double: the truth cannot be seen, so grow by a bounded multiple and look again.
func scaleUp(p scaling.Policy, load scaling.Load, current scaling.Shape, all []candidate) (*scaling.Proposal, scaling.Hold) {
	need := load.Demand
	if load.Censored {
		need = max(need, 2*load.Capacity*float64(p.CPU.Target)/100)
	}
	var best *candidate
	for n := range all {
		c := &all[n]
		if c.vcpus <= load.Capacity {
			continue
		}
		if fits(c.vcpus, need, p.CPU.Target) {
			best = c
			break
		}
		if best == nil || c.vcpus > best.vcpus {
			best = c
		}
	}
	name := noun(load.Pool)
	if best == nil {
		return nil, scaling.Hold{Reason: scaling.ReasonAtMaximum, Message: fmt.Sprintf(
			"The %s (%s) average %d%% CPU or more and are already as large as the policy allows. Raise the limits in the policy, or lower the load",
			name, current, p.CPU.ScaleUp)}
	}
	message := fmt.Sprintf("The %s have averaged %d%% CPU or more for %s: %s → %s",
		name, p.CPU.ScaleUp, seconds(p.ScaleUp.Window), current, best.shape)
	cause := fmt.Sprintf("%s at %.0f%% CPU over %s (threshold %d%%), demand %.1f vCPU%s, %d%% is the target",
		name, load.Utilization, seconds(p.ScaleUp.Window), p.CPU.ScaleUp, load.Demand, atLeast(load.Censored), p.CPU.Target)
	return propose(scaling.ReasonScaleUp, message, cause, load, scaling.Up, current, best.shape), scaling.Hold{}
}

// isLow says whether the pool was below the lower threshold in every single minute of the scale-down window, with no
// minute missing.
func isLow(p scaling.Policy, load scaling.Load, down window, now time.Time) bool {
	return down.complete(now) && !down.censored() && 100*down.peak()/load.Capacity < float64(p.CPU.ScaleDown)-rounding
}

// scaleDown proposes the first candidate one step down that carries the peak of the window: one reader fewer, or the next
// smaller class.
func scaleDown(p scaling.Policy, load scaling.Load, current scaling.Shape, all []candidate, down window) (*scaling.Proposal, scaling.Hold) {
	var best *candidate
	for n := range all {
		if c := &all[n]; isStepDown(*c, all, current, load.Capacity) && fits(c.vcpus, down.peak(), p.CPU.Target) {
			best = c
			break
		}
	}
	name := noun(load.Pool)
	if best == nil {
		return nil, scaling.Hold{Reason: scaling.ReasonAtMinimum, Message: fmt.Sprintf(
			"The %s (%s) are below %d%% CPU and nothing smaller is allowed or would carry the load", name, current, p.CPU.ScaleDown)}
	}
	message := fmt.Sprintf("The %s have been below %d%% CPU for %s: %s → %s",
		name, p.CPU.ScaleDown, seconds(p.ScaleDown.Window), current, best.shape)
	cause := fmt.Sprintf("%s peaked at %.0f%% CPU over %s (threshold %d%%), demand %.1f vCPU",
		name, 100*down.peak()/load.Capacity, seconds(p.ScaleDown.Window), p.CPU.ScaleDown, down.peak())
	return propose(scaling.ReasonScaleDown, message, cause, load, scaling.Down, current, best.shape), scaling.Hold{}
}

// isStepDown says whether a candidate is the next smaller number of the same class, or as many of the next smaller class.
func isStepDown(c candidate, all []candidate, current scaling.Shape, capacity float64) bool {
	if c.vcpus >= capacity {
		return false
	}
	fewer := c.shape.InstanceClass == current.InstanceClass && c.shape.Count < current.Count
	if c.shape.Count != current.Count && !fewer {
		return false
	}
	return !slices.ContainsFunc(all, func(other candidate) bool {
		sameWay := fewer && other.shape.InstanceClass == current.InstanceClass || !fewer && other.shape.Count == current.Count
		return sameWay && other.vcpus < capacity && other.vcpus > c.vcpus
	})
}

// leftover proposes to remove surge readers that outlived their operation, once the others carry the load without them.
// It does so also where the policy otherwise leaves the readers alone: they are the operator's own.
func leftover(p scaling.Policy, o scaling.Observation, now time.Time) *scaling.Proposal {
	current := o.Shape(scaling.Readers)
	rest := o.Pool(scaling.Readers)
	rest = slices.DeleteFunc(rest, func(i scaling.Instance) bool { return i.Surge() != "" })
	least := 1
	if p.Readers != nil {
		least = p.Readers.Min
	}
	if len(rest) == current.Count || len(rest) < least {
		return nil
	}
	load := assess(p, o, scaling.Readers, now)
	vcpus, err := capacity(o.Engine, rest)
	if err != nil || !load.Fresh || load.Censored || !fits(vcpus, load.Demand, p.CPU.Target) {
		return nil
	}
	to := scaling.Observation{Instances: rest}.Shape(scaling.Readers)
	text := fmt.Sprintf("%d surge reader(s) outlived their operation and the others carry the load: %s → %s",
		current.Count-len(rest), current, to)
	return propose(scaling.ReasonSurgeLeftover, text, text, load, scaling.Cleanup, current, to)
}

// fits says whether vcpus carry a demand at or below the target percent.
func fits(vcpus, demand float64, target int) bool {
	return 100*demand <= (float64(target)+rounding)*vcpus
}

func propose(
	reason scaling.Reason, message, cause string, load scaling.Load, direction scaling.Direction, from, to scaling.Shape,
) *scaling.Proposal {
	return &scaling.Proposal{Reason: reason, Message: message, Cause: cause, Change: scaling.Change{
		Pool: load.Pool, Direction: direction, From: from, To: to, Demand: load.Demand,
	}}
}
