package guard

import (
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

const (
	day = 24 * time.Hour
	// maxReaders is how many readers an Aurora cluster can have (Aurora user guide, "Quotas and constraints").
	maxReaders = 15
	// failureBackoff is how long at least nothing of its kind is tried again after an operation has failed: whatever AWS has just
	// refused it would refuse again.
	failureBackoff = 5 * time.Minute
)

const (
	// nonDisruptiveFactor is how many times guardrails.maxOperationsPerDay there may be of operations that add or remove readers alone, since they
	// interrupt nothing.
	nonDisruptiveFactor = 4
	// scaleUpReserveDivisor is the part of a day's operations that is kept for growing, as its divisor: to have shrunk too often must never keep a
	// database from growing.
	scaleUpReserveDivisor = 3
)

// outOfBounds is the last line before the limits of the policy, whatever the engine decided. An override by a person may
// leave the policy's limits, and not those of AWS.
func outOfBounds(in Input) (string, time.Duration, error) {
	to := in.Proposal.To
	if in.Proposal.Direction == scaling.Cleanup {
		return "", 0, nil // it removes only what an operation of ours added
	}
	if in.Proposal.Reason == scaling.ReasonOverride {
		return overrideOutOfBounds(in)
	}
	if in.Policy.Allows(in.Proposal.Pool, to) {
		return "", 0, nil
	}
	return fmt.Sprintf("%s is outside what the policy allows", to), 0, nil
}

// overrideOutOfBounds says what of an override no database can be.
func overrideOutOfBounds(in Input) (string, time.Duration, error) {
	to := in.Proposal.To
	class, err := catalog.Lookup(to.InstanceClass)
	if err != nil {
		return "", 0, err
	}
	maxCount := 1
	if in.Proposal.Pool == scaling.Readers {
		maxCount = maxReaders
	}
	switch {
	case to.Count < 1 || to.Count > maxCount:
		return fmt.Sprintf("the override asks for %d instances, where there may be from 1 to %d", to.Count, maxCount), 0, nil
	case !class.Supports(in.Observation.Engine):
		return fmt.Sprintf("%s does not run on %s", in.Observation.Engine, to.InstanceClass), 0, nil
	}
	return "", 0, nil
}

// stepTooLarge bounds how far one operation goes.
func stepTooLarge(in Input) (string, time.Duration, error) {
	factor := float64(in.Policy.Guardrails.MaxStepFactor)
	if factor == 0 || in.Proposal.Direction == scaling.Cleanup || in.Proposal.Reason == scaling.ReasonOverride {
		return "", 0, nil
	}
	before, err := totalVCPUs(in.Observation.Engine, in.Observation.PoolInstances(in.Proposal.Pool))
	if err != nil {
		return "", 0, err
	}
	class, err := catalog.Lookup(in.Proposal.To.InstanceClass)
	if err != nil {
		return "", 0, err
	}
	after := float64(in.Proposal.To.Count * class.VCPUFor(in.Observation.Engine))
	if before == 0 || after <= factor*before && after*factor >= before {
		return "", 0, nil
	}
	return fmt.Sprintf("from %.0f to %.0f vCPUs is further than guardrails.maxStepFactor (%.0f) lets one operation go",
		before, after, factor), 0, nil
}

func totalVCPUs(engine string, instances []scaling.Instance) (float64, error) {
	total := 0
	for _, i := range instances {
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return 0, err
		}
		total += class.VCPUFor(engine)
	}
	return float64(total), nil
}

// budget bounds what an hour of the target costs. A price that is not known is too high, except on the way down.
func budget(in Input) (string, time.Duration, error) {
	maxCost := in.Policy.Guardrails.MaxHourlyCost
	if maxCost == 0 || in.Proposal.Direction == scaling.Cleanup {
		return "", 0, nil
	}
	after, known := costAfterOperation(in)
	scalesDown := in.Proposal.Direction == scaling.Down
	switch {
	case known && after <= maxCost, !known && scalesDown && in.Proposal.Reason == scaling.ReasonScaleDown: // which stays in its family
		return "", 0, nil
	case !known:
		return fmt.Sprintf("guardrails.maxHourlyCostUSD is set, and the price of %s is not known. Name it in spec.prices, give the operator "+
			"a price file, or let it read the Pricing API", in.Proposal.To.InstanceClass), 0, nil
	}
	if before, priced := currentCost(in); scalesDown && priced && after < before {
		return "", 0, nil
	}
	return fmt.Sprintf("the database would cost %s an hour, and guardrails.maxHourlyCostUSD is %s", after, maxCost), 0, nil
}

// costAfterOperation is what an hour of the target costs once every step is done.
func costAfterOperation(in Input) (scaling.Money, bool) {
	classes := map[string]string{}
	for _, i := range in.Observation.Instances {
		classes[i.Identifier] = i.Class
	}
	for _, s := range in.Operation.Steps {
		switch s.Action {
		case scaling.CreateReader, scaling.ModifyInstanceClass:
			classes[s.Instance] = s.InstanceClass
		case scaling.DeleteReader:
			delete(classes, s.Instance)
		case scaling.ModifyClusterClass, scaling.ModifyCapacity:
			for instance := range classes {
				classes[instance] = s.InstanceClass
			}
		case scaling.Failover, scaling.ModifyPromotionTier:
		}
	}
	total, known := scaling.Money(0), true
	for _, class := range classes {
		money, priced := scaling.ClassPrice(&in.Policy, &in.Observation, class)
		total += money
		known = known && priced
	}
	return total, known
}

// currentCost is what an hour of the target costs as it is.
func currentCost(in Input) (scaling.Money, bool) {
	total, known := scaling.Money(0), true
	for _, i := range in.Observation.Instances {
		money, priced := scaling.ClassPrice(&in.Policy, &in.Observation, i.Class)
		total += money
		known = known && priced
	}
	return total, known
}

// operationsPerDay bounds how often a database is changed.
func operationsPerDay(in Input) (string, time.Duration, error) {
	if in.Proposal.Direction == scaling.Cleanup || in.Proposal.Reason == scaling.ReasonOverride {
		return "", 0, nil
	}
	h, since := in.Observation.History, in.Now.Add(-day)
	limit, started, subject := in.Policy.Guardrails.MaxOperationsPerDay, h.CountDisruptiveSince(since), "operations that interrupt instances"
	if !scaling.IsDisruptive(in.Proposal.Pool, in.Proposal.From, in.Proposal.To) {
		limit, started, subject = nonDisruptiveFactor*limit, h.CountStartedSince(since), "operations"
	}
	allowed, note := limit, ""
	if in.Proposal.Direction == scaling.Down {
		allowed, note = limit-limit/scaleUpReserveDivisor, "; the rest is kept for growing"
	}
	if started < allowed {
		return "", 0, nil
	}
	return fmt.Sprintf("%d %s were started in the last 24 h, and guardrails.maxOperationsPerDay allows %d%s",
		started, subject, allowed, note), 0, nil
}

// cooldown lets the effect of a change show before the next one. Growing waits for what grew the same pool, and for what
// failed; shrinking waits for any change. A cleanup and a person's override wait only after a failure, and growing does not wait for
// what shrank. In an emergency growing need not wait either, once: not when the last growth was itself begun in a cooldown.
func cooldown(in Input) (string, time.Duration, error) {
	if in.Proposal.Direction == scaling.Cleanup || in.Proposal.Reason == scaling.ReasonOverride {
		return failureCooldown(in)
	}
	wait, behavior := in.Policy.ScaleUp.Cooldown, "scaleUp"
	match := func(p scaling.OperationRecord) bool {
		return p.Pool == in.Proposal.Pool && p.Direction == scaling.Up || !p.Succeeded && p.Direction != scaling.Cleanup
	}
	blocks := func(p scaling.OperationRecord) bool { return !p.NothingChanged && match(p) }
	if in.Proposal.Direction == scaling.Down {
		wait, behavior = in.Policy.ScaleDown.Cooldown, "scaleDown"
		match = func(scaling.OperationRecord) bool { return true }
	}
	last := in.Observation.History.LastCompleted(blocks)
	if last != nil && !last.Succeeded && wait < failureBackoff {
		return remainingBackoff(in, last)
	}
	if last == nil || !in.Now.Before(last.CompletedAt.Add(wait)) {
		return "", 0, nil
	}
	if in.Proposal.Emergency && in.Proposal.Direction == scaling.Up && last.Succeeded && !startedInCooldown(in, *last) {
		return "", 0, nil
	}
	ends := last.CompletedAt.Add(wait)
	return fmt.Sprintf("behavior.%s.cooldownSeconds after the last operation ends at %s", behavior, ends.UTC().Format(time.RFC3339)),
		ends.Sub(in.Now), nil
}

// failureCooldown paces what waits for nothing else, so that AWS is not asked again at once for what it has just refused.
func failureCooldown(in Input) (string, time.Duration, error) {
	isCleanup := in.Proposal.Direction == scaling.Cleanup
	return remainingBackoff(in, in.Observation.History.LastCompleted(func(p scaling.OperationRecord) bool {
		return !p.Succeeded && !p.NothingChanged && (p.Direction == scaling.Cleanup) == isCleanup
	}))
}

// remainingBackoff says when it makes sense to try again after an operation that failed, if there was one.
func remainingBackoff(in Input, last *scaling.OperationRecord) (string, time.Duration, error) {
	if last == nil || !in.Now.Before(last.CompletedAt.Add(failureBackoff)) {
		return "", 0, nil
	}
	ends := last.CompletedAt.Add(failureBackoff)
	return fmt.Sprintf("the last operation failed; the next is begun at %s", ends.UTC().Format(time.RFC3339)), ends.Sub(in.Now), nil
}

// startedInCooldown says whether a growth was begun within the cooldown of the one before it.
func startedInCooldown(in Input, last scaling.OperationRecord) bool {
	return slices.ContainsFunc(in.Observation.History, func(p scaling.OperationRecord) bool {
		return p.Pool == last.Pool && p.Direction == scaling.Up && !p.CompletedAt.After(last.StartedAt) &&
			last.StartedAt.Before(p.CompletedAt.Add(in.Policy.ScaleUp.Cooldown))
	})
}

// disruptionWindow keeps what interrupts the writer inside the windows of the policy, unless the policy lets an emergency
// override them.
func disruptionWindow(in Input) (string, time.Duration, error) {
	if in.Proposal.Pool != scaling.Writer || !in.Operation.IsDisruptive() || in.Proposal.Emergency && in.Policy.Guardrails.AllowEmergencyDisruption {
		return "", 0, nil
	}
	open, next, err := schedule.IsOpen(in.Policy.DisruptionWindows, in.Now)
	if err != nil || open {
		return "", 0, err
	}
	if next.IsZero() {
		return "the writer would be interrupted, and none of spec.disruptionWindows will ever open", 0, nil
	}
	return fmt.Sprintf("the writer would be interrupted; the next disruption window opens at %s", next.UTC().Format(time.RFC3339)),
		next.Sub(in.Now), nil
}
