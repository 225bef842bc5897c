package simtest

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// checkCall checks a call before it takes effect.
func (s *simulation) checkCall(m *manager, target scaling.Target, call scaling.Call) {
	ic := s.checker
	ic.calls++
	s.lastActivityAt = s.now
	name := target.Identifier
	s.logf("AWS call: %s %s %s", call.Action, call.Instance, call.InstanceClass)
	p := s.api.current(types.NamespacedName{Namespace: namespace, Name: name})
	if p == nil || p.Status.Operation == nil {
		s.violationf("%s of %s is requested without an intent", call.Action, call.Instance)
		return
	}
	t := ic.operations[p.Status.Operation.ID]
	n := slices.IndexFunc(p.Status.Operation.Steps, func(step v1alpha1.OperationStep) bool {
		return step.CompletionTime == nil && step.Attempts > 0 && string(step.Action) == string(call.Action) &&
			step.Instance == call.Instance && step.InstanceClass == call.InstanceClass
	})
	if n < 0 {
		s.violationf("%s of %s is requested, but is not in the intent", call.Action, call.Instance)
		return
	}
	if since, optedOut := ic.optedOutSince[name]; optedOut && s.now.Sub(since) > 2*time.Minute {
		s.violationf("%s of %s is requested, and %s has no opt-in tag", call.Action, call.Instance, name)
	}
	if p.Status.Ownership != nil && p.Status.Ownership.Conflict != nil && p.Status.Operation.Direction != v1alpha1.DirectionCleanup {
		s.violationf("%s of %s is requested during the ownership conflict of %s", call.Action, call.Instance, name)
	}
	ic.checkPause(m, p, call)
	ic.checkIdle(name, call, t)
	ic.checkNotRefused(p, call)
	ic.checkDeferred(name, call)
	ic.checkTopology(name, call, t)
	ic.checkSlots()
	switch call.Action {
	case scaling.DeleteReader:
		ic.checkDelete(name, call, t)
	case scaling.CreateReader:
		ic.checkCreate(name, t)
	case scaling.ModifyInstanceClass:
		ic.checkResize(name, call, t)
		ic.checkIO(name, call, t)
		ic.checkDisruptionWindow(p, call, t)
	case scaling.Failover:
		ic.checkFailover(name, call, t)
		ic.checkDisruptionWindow(p, call, t)
	case scaling.ModifyClusterClass:
		ic.checkIO(name, call, t)
		ic.checkDisruptionWindow(p, call, t)
	case scaling.ModifyCapacity, scaling.ModifyMinCapacity:
		ic.checkCapacity(p, call)
	}
}

// checkCapacity requires that a capacity of Serverless v2 is within the bounds of the policy, and the minimum never above the maximum.
func (ic *invariantChecker) checkCapacity(p *v1alpha1.DBScalingPolicy, call scaling.Call) {
	c, err := ic.sim.world.Cluster(region, p.Name)
	policy, errPolicy := convert.Policy(p)
	acus, ok := catalog.ParseACUs(call.InstanceClass)
	if err != nil || errPolicy != nil || c.Capacity == nil || !ok {
		ic.sim.violationf("%s of %s to %s: it has no capacity", call.Action, call.Instance, call.InstanceClass)
		return
	}
	lowest, highest := c.Capacity.Min, acus
	if call.Action == scaling.ModifyMinCapacity {
		lowest, highest = acus, c.Capacity.Max
		if limits := policy.MinCapacity; limits == nil || acus < limits.Lowest || acus > limits.Highest {
			ic.sim.violationf("%s of %s to %s is outside the policy", call.Action, call.Instance, call.InstanceClass)
		}
	}
	if lowest > highest && ic.undisturbedSince(p.Name, ic.sim.now) {
		ic.sim.violationf("%s of %s to %s: the minimum would be %g and the maximum %g", call.Action, call.Instance, call.InstanceClass, lowest, highest)
	}
}

// recordAnswer records the result of a call.
func (s *simulation) recordAnswer(target scaling.Target, call scaling.Call, err error) {
	p := s.api.current(types.NamespacedName{Namespace: namespace, Name: target.Identifier})
	if err != nil {
		s.logf("AWS rejects the call: %v", err)
		return
	}
	if call.Action == scaling.Failover {
		s.checker.failovers[target.Identifier]++
	}
	if p == nil || p.Status.Operation == nil {
		return
	}
	t := s.checker.operations[p.Status.Operation.ID]
	done := string(call.Action) + " " + call.Instance + " " + call.InstanceClass
	for _, step := range p.Status.Operation.Steps {
		if string(step.Action) != string(call.Action) || step.Instance != call.Instance || step.InstanceClass != call.InstanceClass {
			continue
		}
		t.failedOver = t.failedOver || call.Action == scaling.Failover
		if last, before := t.acceptedAt[done]; before && s.checker.undisturbedSince(t.name, last.Add(3*time.Minute)) { // otherwise somebody else has reverted it
			s.violationf("%s of %s is done twice by operation %s", call.Action, call.Instance, t.id)
		}
		t.acceptedAt[done] = s.now
	}
}

// checkPause requires that nothing is requested while the policy has been paused for a while.
func (ic *invariantChecker) checkPause(m *manager, p *v1alpha1.DBScalingPolicy, call scaling.Call) {
	s := ic.sim
	before := s.api.at(types.NamespacedName{Namespace: p.Namespace, Name: p.Name}, s.now.Add(-m.sim.plan.faultRates.maxCacheLag-90*time.Second))
	if before == nil || !p.DeletionTimestamp.IsZero() {
		return
	}
	policy, err := convert.Policy(before)
	if err == nil && policy.ManualControl.IsPaused(s.Now()) && before.Annotations[v1alpha1.AnnotationPausedUntil] == p.Annotations[v1alpha1.AnnotationPausedUntil] {
		s.violationf("%s of %s is requested while %s is paused", call.Action, call.Instance, p.Name)
	}
}

// checkIdle requires that no other change is in progress in a database, unless somebody else has just started it. An operation creates
// several readers at once.
func (ic *invariantChecker) checkIdle(name string, call scaling.Call, t *trackedOperation) {
	if !ic.undisturbedSince(name, ic.sim.now) {
		return
	}
	for _, i := range ic.sim.world.Instances(region) {
		isCreatedBeside := call.Action == scaling.CreateReader && strings.Contains(i.Identifier, scaling.ReaderNameInfix+t.id+"-")
		if databaseOf(i) == name && !isIdle(i) && !ic.sim.createFailed(i) && !isCreatedBeside {
			ic.sim.violationf("%s of %s is requested while %s is %s", call.Action, call.Instance, i.Identifier, i.Status)
		}
	}
}

// checkSlots requires that no more disruptive operations are in progress than the operator allows.
func (ic *invariantChecker) checkSlots() {
	var disruptive []string
	for _, key := range ic.sim.keys {
		if p := ic.sim.api.current(key); p != nil {
			if op := convert.Operation(p.Status.Operation); op != nil && op.IsDisruptive() && op.HasRequests() {
				disruptive = append(disruptive, p.Name)
			}
		}
	}
	if len(disruptive) > ic.sim.plan.slots {
		ic.sim.violationf("%d disruptive operations are in progress (%v), more than %d", len(disruptive), disruptive, ic.sim.plan.slots)
	}
}

// isIdle reports whether an instance can be changed.
func isIdle(i *model.Instance) bool {
	return slices.Contains([]string{"available", "storage-initialization", "storage-optimization"}, i.Status)
}

// createFailed reports whether AWS failed to create an instance, which is not being deleted.
func (s *simulation) createFailed(i *model.Instance) bool {
	actual, _ := s.world.GroundTruth(region, i.Identifier)
	return actual.CreateFailed && i.Status != "deleting"
}

// checkDeleteOfFailedReader requires that a cleanup deletes, apart from surge readers, only readers that AWS failed to create.
func (ic *invariantChecker) checkDeleteOfFailedReader(i *model.Instance, t *trackedOperation) {
	actual, _ := ic.sim.world.GroundTruth(region, i.Identifier)
	isSurge := slices.ContainsFunc(t.operation.Steps, func(s scaling.Step) bool { return s.Instance == i.Identifier && s.Surge })
	if t.operation.Direction == scaling.Cleanup && !isSurge && !actual.CreateFailed {
		ic.sim.violationf("deletion of %s as a failed reader, and it is %s", i.Identifier, i.Status)
	}
}

func (ic *invariantChecker) checkDelete(name string, call scaling.Call, t *trackedOperation) {
	i, err := ic.sim.world.Instance(region, call.Instance)
	if err != nil {
		return
	}
	if i.Tags[scaling.TagCreatedBy] != scaling.TagCreatedByValue {
		ic.sim.violationf("deletion of %s, which the operator did not create", call.Instance)
	}
	if len(i.Replicas) > 0 {
		ic.sim.violationf("deletion of %s, the source of %v", call.Instance, i.Replicas)
	}
	ic.checkDeleteOfFailedReader(i, t)
	actual, _ := ic.sim.world.GroundTruth(region, call.Instance)
	if actual.IsWriter && ic.undisturbedSince(name, ic.sim.now) {
		ic.sim.violationf("deletion of the writer %s", call.Instance)
	}
	if actual.InService && ic.readerVCPUs(name, call.Instance) == 0 && ic.undisturbedSince(name, ic.sim.now) {
		ic.sim.violationf("deletion of %s, the last reader in service", call.Instance)
	}
}

func (ic *invariantChecker) checkCreate(name string, t *trackedOperation) {
	p := ic.sim.api.current(types.NamespacedName{Namespace: namespace, Name: name})
	count := 0
	for _, i := range ic.sim.world.Instances(region) {
		if databaseOf(i) == name && !ic.sim.createFailed(i) && !ic.sim.isStaticReader(i) {
			count++
		}
	}
	limit := t.operation.From.Count + int(*p.Spec.Guardrails.SurgeReaders) // the surge reader counts
	if t.operation.Pool == scaling.Writer {
		limit = count
	}
	limit = max(limit, t.operation.To.Count+1)
	if r := p.Spec.Readers; r != nil && t.operation.Pool == scaling.Readers {
		limit = max(limit, max(int(r.MaxReplicas), t.operation.From.Count)+1)
	}
	if readers := count - 1; readers+1 > max(limit, 1) && ic.undisturbedSince(name, t.startedAt) || readers >= 15 {
		ic.sim.violationf("a reader is added to the %d readers of %s", readers, name)
	}
}

func (ic *invariantChecker) checkResize(name string, call scaling.Call, t *trackedOperation) {
	actual, exists := ic.sim.world.GroundTruth(region, call.Instance)
	if !exists || actual.IsWriter || !ic.undisturbedSince(name, t.startedAt) {
		return
	}
	switch remaining := ic.readerVCPUs(name, call.Instance); {
	case remaining == 0:
		ic.sim.violationf("resize of %s, the last reader in service", call.Instance)
	case t.hasSurgeReader && remaining < t.minVCPUs-0.01:
		ic.sim.violationf("the resize of %s leaves %g vCPUs of readers; there were %g at the start (%s → %s)",
			call.Instance, remaining, t.startVCPUs, t.operation.From, t.operation.To)
	}
}

// checkFailover requires that the new writer has the desired class.
func (ic *invariantChecker) checkFailover(name string, call scaling.Call, t *trackedOperation) {
	candidate, exists := ic.sim.world.GroundTruth(region, call.Instance)
	if exists && candidate.VCPUs != vcpus(t.operation.To.InstanceClass) && ic.undisturbedSince(name, ic.sim.now) {
		ic.sim.violationf("failover to %s with %g vCPUs as the writer of %s, which should have %s", call.Instance, candidate.VCPUs, name, t.operation.To.InstanceClass)
	}
}

// checkDisruptionWindow requires that the writer is interrupted only in a window, unless the policy allows emergencies to override it.
func (ic *invariantChecker) checkDisruptionWindow(p *v1alpha1.DBScalingPolicy, call scaling.Call, t *trackedOperation) {
	actual, exists := ic.sim.world.GroundTruth(region, call.Instance)
	if call.Action == scaling.ModifyInstanceClass && (!exists || !actual.IsWriter) {
		return
	}
	policy, err := convert.Policy(p)
	if err != nil || t.operation.Emergency && policy.Guardrails.AllowEmergencyDisruption {
		return
	}
	// The request may have been delayed.
	for _, ago := range []time.Duration{0, 45 * time.Second, 2 * time.Minute} {
		if open, _, err := schedule.IsOpen(policy.DisruptionWindows, ic.sim.Now().Add(-ago)); err == nil && open {
			return
		}
	}
	ic.sim.violationf("%s of %s interrupts the writer outside the windows", call.Action, call.Instance)
}
