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
	// failureBackoff is the minimum time between a failed operation and the next one of its kind: AWS would refuse again what it
	// has just refused.
	failureBackoff = 5 * time.Minute
	// nonDisruptiveFactor multiplies guardrails.maxOperationsPerDay for operations that only add or remove readers, since they
	// disrupt nothing.
	nonDisruptiveFactor = 4
	// scaleUpReserveDivisor reserves a third of the operations of a day for scaling up, so that earlier scale-downs cannot prevent
	// a scale-up.
	scaleUpReserveDivisor = 3
)

// outOfBounds enforces the limits of the policy, whatever the decision engine proposes. An override may exceed the limits of the
// policy, but not those of AWS.
func outOfBounds(in Input) (string, time.Duration, error) {
	to := in.Proposal.To
	if in.Proposal.Direction == scaling.Cleanup {
		return "", 0, nil // it removes only surge readers
	}
	if in.Proposal.Reason == scaling.ReasonOverride {
		return overrideOutOfBounds(in)
	}
	if in.Policy.Allows(in.Proposal.Pool, to) {
		return "", 0, nil
	}
	return fmt.Sprintf("%s is outside the limits of the policy: change the policy to allow it", to), 0, nil
}

// overrideOutOfBounds vetoes an override to a shape that AWS does not support.
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
		return fmt.Sprintf("the override requests %d instances, and the pool can have from 1 to %d: "+
			"correct the annotation, or end the override: %s", to.Count, maxCount,
			scaling.PluginCommand(in.Policy.Name, "override", "--end")), 0, nil
	case in.Observation.Serverless != class.IsServerless():
		return fmt.Sprintf("the override requests %q, and a database has either maximum capacities, such as 16 ACU, or instance classes: "+
			"correct the annotation, or end the override: %s", to.InstanceClass,
			scaling.PluginCommand(in.Policy.Name, "override", "--end")), 0, nil
	case !class.Supports(in.Observation.Engine):
		return fmt.Sprintf("%s does not run on %s: choose another class for the override", in.Observation.Engine, to.InstanceClass), 0, nil
	}
	return "", 0, nil
}

// stepTooLarge limits the factor by which one operation changes the vCPUs of a pool.
func stepTooLarge(in Input) (string, time.Duration, error) {
	factor := float64(in.Policy.Guardrails.MaxStepFactor)
	if factor == 0 || in.Proposal.Direction == scaling.Cleanup || in.Proposal.Reason == scaling.ReasonOverride ||
		in.Proposal.Pool == scaling.MinCapacity { // it changes no vCPUs
		return "", 0, nil
	}
	before, err := totalVCPUs(in.Observation.Engine, in.Observation.WithoutStaticReaders().PoolInstances(in.Proposal.Pool))
	if err != nil {
		return "", 0, err
	}
	class, err := catalog.Lookup(in.Proposal.To.InstanceClass)
	if err != nil {
		return "", 0, err
	}
	after := float64(in.Proposal.To.Count) * class.VCPUFor(in.Observation.Engine)
	if before == 0 || after <= factor*before && after*factor >= before {
		return "", 0, nil
	}
	return fmt.Sprintf("a change from %g to %g vCPUs exceeds guardrails.maxStepFactor (%.0f): raise it to allow the change in one "+
		"operation", before, after, factor), 0, nil
}

// totalVCPUs returns the vCPUs of the instances. The error names a class that is not in the catalog.
func totalVCPUs(engine string, instances []scaling.Instance) (float64, error) {
	total := 0.0
	for _, i := range instances {
		class, err := catalog.Lookup(i.Class)
		if err != nil {
			return 0, err
		}
		total += class.VCPUFor(engine)
	}
	return total, nil
}

// budget limits the hourly cost of the target. An unknown price counts as too high, except for a scale-down by load.
func budget(in Input) (string, time.Duration, error) {
	maxCost := in.Policy.Guardrails.MaxHourlyCost
	if maxCost == 0 || in.Proposal.Direction == scaling.Cleanup || in.Proposal.Pool == scaling.MinCapacity { // the maximum is budgeted
		return "", 0, nil
	}
	after, known := costAfterOperation(in)
	scalesDown := in.Proposal.Direction == scaling.Down
	switch {
	case known && after <= maxCost, !known && scalesDown && in.Proposal.Reason == scaling.ReasonScaleDown: // stays in its class family
		return "", 0, nil
	case !known:
		return fmt.Sprintf("guardrails.maxHourlyCostUSD is set, and the price of %s is unknown: add it to spec.prices, give the operator "+
			"a price file, or let it read the Pricing API", in.Proposal.To.InstanceClass), 0, nil
	}
	if before, priced := currentCost(in); scalesDown && priced && after < before {
		return "", 0, nil
	}
	return fmt.Sprintf("the database would cost %s an hour, more than guardrails.maxHourlyCostUSD (%s): raise it to allow the change",
		after, maxCost), 0, nil
}

// costAfterOperation returns the hourly cost of the target when every step is done, and false when a price is unknown.
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
		case scaling.Failover, scaling.ModifyPromotionTier, scaling.ModifyMinCapacity:
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

// currentCost returns the hourly cost of the target now, and false when a price is unknown.
func currentCost(in Input) (scaling.Money, bool) {
	total, known := scaling.Money(0), true
	for _, i := range in.Observation.Instances {
		money, priced := scaling.ClassPrice(&in.Policy, &in.Observation, i.Class)
		total += money
		known = known && priced
	}
	return total, known
}

// operationsPerDay limits how many operations start within 24 hours. Disruptive operations have a limit of their own.
func operationsPerDay(in Input) (string, time.Duration, error) {
	if in.Proposal.Direction == scaling.Cleanup || in.Proposal.Reason == scaling.ReasonOverride {
		return "", 0, nil
	}
	history, since := in.Observation.History, in.Now.Add(-day)
	limit, started, kind := in.Policy.Guardrails.MaxOperationsPerDay, history.CountDisruptiveSince(since), "disruptive operations"
	if !scaling.IsDisruptive(in.Proposal.Pool, in.Proposal.From, in.Proposal.To) {
		limit, started, kind = nonDisruptiveFactor*limit, history.CountStartedSince(since), "operations"
	}
	allowed, note := limit, ""
	if in.Proposal.Direction == scaling.Down {
		allowed, note = limit-limit/scaleUpReserveDivisor, " for scaling down and reserves the rest for scaling up"
	}
	if started < allowed {
		return "", 0, nil
	}
	return fmt.Sprintf("%d %s were started in the last 24 h, and guardrails.maxOperationsPerDay allows %d%s: raise it, or wait",
		started, kind, allowed, note), 0, nil
}

// cooldown waits until the effect of a change is visible before the next one:
//   - A scale-up waits for the last scale-up of its pool, and for the last failed operation, but not for a scale-down.
//   - In an emergency a scale-up does not wait for a successful one that itself started outside a cooldown.
//   - A scale-down waits for any operation.
//   - A cleanup and an override wait only after a failure.
func cooldown(in Input) (string, time.Duration, error) {
	if in.Proposal.Direction == scaling.Cleanup || in.Proposal.Reason == scaling.ReasonOverride {
		return failureCooldown(in)
	}
	wait, behavior := in.Policy.ScaleUp.Cooldown, "scaleUp"
	waitsFor := func(r scaling.OperationRecord) bool {
		return r.Pool == in.Proposal.Pool && r.Direction == scaling.Up || !r.Succeeded && r.Direction != scaling.Cleanup
	}
	if in.Proposal.Direction == scaling.Down {
		wait, behavior = in.Policy.ScaleDown.Cooldown, "scaleDown"
		waitsFor = func(scaling.OperationRecord) bool { return true }
	}
	last := in.Observation.History.LastCompleted(func(r scaling.OperationRecord) bool { return !r.NothingChanged && waitsFor(r) })
	if last != nil && !last.Succeeded && wait < failureBackoff {
		return remainingBackoff(in, last)
	}
	if last == nil || !in.Now.Before(last.CompletedAt.Add(wait)) {
		return "", 0, nil
	}
	if in.Proposal.Emergency && in.Proposal.Direction == scaling.Up && last.Succeeded && !startedInCooldown(in, *last) {
		return "", 0, nil
	}
	end := last.CompletedAt.Add(wait)
	return fmt.Sprintf("the cooldown after the last operation (behavior.%s.cooldownSeconds) ends at %s", behavior,
		end.UTC().Format(time.RFC3339)), end.Sub(in.Now), nil
}

// failureCooldown delays a cleanup or an override after a failure of its kind, so that the operator does not repeat at once a
// request that AWS has just refused.
func failureCooldown(in Input) (string, time.Duration, error) {
	isCleanup := in.Proposal.Direction == scaling.Cleanup
	return remainingBackoff(in, in.Observation.History.LastCompleted(func(r scaling.OperationRecord) bool {
		return !r.Succeeded && !r.NothingChanged && (r.Direction == scaling.Cleanup) == isCleanup
	}))
}

// remainingBackoff vetoes until failureBackoff has passed since a failed operation; nil means that none failed.
func remainingBackoff(in Input, failed *scaling.OperationRecord) (string, time.Duration, error) {
	if failed == nil || !in.Now.Before(failed.CompletedAt.Add(failureBackoff)) {
		return "", 0, nil
	}
	end := failed.CompletedAt.Add(failureBackoff)
	return fmt.Sprintf("the last operation failed; the next one can start at %s", end.UTC().Format(time.RFC3339)), end.Sub(in.Now), nil
}

// startedInCooldown reports whether a scale-up was started within the cooldown of the scale-up of its pool before it.
func startedInCooldown(in Input, last scaling.OperationRecord) bool {
	return slices.ContainsFunc(in.Observation.History, func(r scaling.OperationRecord) bool {
		return r.Pool == last.Pool && r.Direction == scaling.Up && !r.CompletedAt.After(last.StartedAt) &&
			last.StartedAt.Before(r.CompletedAt.Add(in.Policy.ScaleUp.Cooldown))
	})
}

// disruptionWindow allows an interruption of the writer, which includes a moment of suspended I/O, only within the windows of the
// policy, unless the policy lets an emergency override them.
func disruptionWindow(in Input) (string, time.Duration, error) {
	overridesWindows := in.Proposal.Emergency && in.Policy.Guardrails.AllowEmergencyDisruption
	suspends := suspendsSource(in.Observation, in.Operation)
	if (in.Proposal.Pool != scaling.Writer || !in.Operation.IsDisruptive()) && !suspends || overridesWindows {
		return "", 0, nil
	}
	what := "the change interrupts the writer"
	if suspends {
		what = "the snapshot for a new read replica suspends the I/O of the source, which is not taken from a standby"
	}
	open, next, err := schedule.IsOpen(in.Policy.DisruptionWindows, in.Now)
	if err != nil || open {
		return "", 0, err
	}
	if next.IsZero() {
		return what + ", and no window of spec.disruptionWindows ever opens: correct the schedules", 0, nil
	}
	return fmt.Sprintf("%s; the next disruption window opens at %s", what, next.UTC().Format(time.RFC3339)),
		next.Sub(in.Now), nil
}
