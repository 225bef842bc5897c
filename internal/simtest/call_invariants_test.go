package simtest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// checkCall looks at a call before it has its effect.
func (s *simulation) checkCall(m *manager, target scaling.Target, call scaling.Call) {
	w := s.checker
	w.calls++
	s.lastActivityAt = s.now
	name := target.Identifier
	s.logf("AWS is asked for %s %s %s", call.Action, call.Instance, call.InstanceClass)
	p := s.api.current(types.NamespacedName{Namespace: namespace, Name: name})
	if p == nil || p.Status.Operation == nil {
		s.violationf("%s of %s is asked for without an intent", call.Action, call.Instance)
		return
	}
	t := w.operations[p.Status.Operation.ID]
	n := slices.IndexFunc(p.Status.Operation.Steps, func(step v1alpha1.OperationStep) bool {
		return step.CompletionTime == nil && step.Attempts > 0 && string(step.Action) == string(call.Action) &&
			step.Instance == call.Instance && step.InstanceClass == call.InstanceClass
	})
	if n < 0 {
		s.violationf("%s of %s is asked for, and the intent does not say so", call.Action, call.Instance)
		return
	}
	if since, gone := w.optedOutSince[name]; gone && s.now.Sub(since) > 2*time.Minute {
		s.violationf("%s of %s is asked for, and %s has no opt-in tag", call.Action, call.Instance, name)
	}
	if p.Status.Ownership != nil && p.Status.Ownership.Conflict != nil && p.Status.Operation.Direction != v1alpha1.DirectionCleanup {
		s.violationf("%s of %s is asked for, and somebody else decides about %s", call.Action, call.Instance, name)
	}
	w.checkPause(m, p, call)
	w.checkIdle(name, call)
	w.checkSlots()
	switch call.Action {
	case scaling.DeleteReader:
		w.checkDelete(name, call)
	case scaling.CreateReader:
		w.checkCreate(name, t)
	case scaling.ModifyInstanceClass:
		w.checkResize(name, call, t)
		w.checkDisruptionWindow(p, call, t)
	case scaling.Failover:
		w.checkFailover(name, call, t)
		w.checkDisruptionWindow(p, call, t)
	case scaling.ModifyClusterClass:
		w.checkDisruptionWindow(p, call, t)
	}
}

// recordAnswer looks at what came of a call.
func (s *simulation) recordAnswer(target scaling.Target, call scaling.Call, err error) {
	p := s.api.current(types.NamespacedName{Namespace: namespace, Name: target.Identifier})
	if err != nil {
		s.logf("AWS refuses: %v", err)
		return
	}
	if call.Action == scaling.Failover {
		s.checker.failovers[target.Identifier]++
	}
	if p == nil || p.Status.Operation == nil {
		return
	}
	t := s.checker.operations[p.Status.Operation.ID]
	for n, step := range p.Status.Operation.Steps {
		if string(step.Action) != string(call.Action) || step.Instance != call.Instance || step.InstanceClass != call.InstanceClass {
			continue
		}
		t.failedOver = t.failedOver || call.Action == scaling.Failover
		if last, done := t.acceptedAt[n]; done && s.checker.undisturbedSince(t.name, last.Add(3*time.Minute)) { // else somebody has undone it
			s.violationf("%s of %s is done twice by operation %s", call.Action, call.Instance, t.id)
		}
		t.acceptedAt[n] = s.now
	}
}

// checkPause wants nothing to be asked for that a person has held back for a while.
func (w *invariantChecker) checkPause(m *manager, p *v1alpha1.DBScalingPolicy, call scaling.Call) {
	s := w.sim
	before := s.api.at(types.NamespacedName{Namespace: p.Namespace, Name: p.Name}, s.now.Add(-m.sim.plan.faultRates.maxCacheLag-90*time.Second))
	if before == nil || !p.DeletionTimestamp.IsZero() {
		return
	}
	policy, err := convert.Policy(before)
	if err == nil && policy.ManualControl.IsPaused(s.Now()) && before.Annotations[v1alpha1.AnnotationPausedUntil] == p.Annotations[v1alpha1.AnnotationPausedUntil] {
		s.violationf("%s of %s is asked for while %s is paused", call.Action, call.Instance, p.Name)
	}
}

// checkIdle wants nothing else to go on in a database, unless somebody else began it just now.
func (w *invariantChecker) checkIdle(name string, call scaling.Call) {
	if !w.undisturbedSince(name, w.sim.now) {
		return
	}
	for _, i := range w.sim.world.Instances(region) {
		if databaseOf(i) == name && i.Status != scaling.StatusAvailable {
			w.sim.violationf("%s of %s is asked for while %s is %s", call.Action, call.Instance, i.Identifier, i.Status)
		}
	}
}

// checkSlots wants no more operations that interrupt instances than the operator allows.
func (w *invariantChecker) checkSlots() {
	var busy []string
	for _, key := range w.sim.keys {
		if p := w.sim.api.current(key); p != nil {
			if op := convert.Operation(p.Status.Operation); op != nil && op.IsDisruptive() && op.HasRequests() {
				busy = append(busy, p.Name)
			}
		}
	}
	if len(busy) > w.sim.plan.slots {
		w.sim.violationf("%d operations that interrupt instances are under way, %v, and %d may be", len(busy), busy, w.sim.plan.slots)
	}
}

func (w *invariantChecker) checkDelete(name string, call scaling.Call) {
	i, err := w.sim.world.Instance(region, call.Instance)
	if err != nil {
		return
	}
	if i.Tags[scaling.TagCreatedBy] != scaling.TagCreatedByValue {
		w.sim.violationf("%s is to be deleted, which the operator did not create", call.Instance)
	}
	truth, _ := w.sim.world.GroundTruth(region, call.Instance)
	if truth.IsWriter && w.undisturbedSince(name, w.sim.now) {
		w.sim.violationf("the writer %s is to be deleted", call.Instance)
	}
	if truth.InService && w.readerVCPUs(name, call.Instance) == 0 && w.undisturbedSince(name, w.sim.now) {
		w.sim.violationf("%s is to be deleted, the last reader in service", call.Instance)
	}
}

func (w *invariantChecker) checkCreate(name string, t *trackedOperation) {
	p := w.sim.api.current(types.NamespacedName{Namespace: namespace, Name: name})
	count := 0
	for _, i := range w.sim.world.Instances(region) {
		if databaseOf(i) == name {
			count++
		}
	}
	limit := t.operation.From.Count + int(*p.Spec.Guardrails.SurgeReaders) // with the writer, there may be one more than readers
	if t.operation.Pool == scaling.Writer {
		limit = count
	}
	limit = max(limit, t.operation.To.Count+1)
	if r := p.Spec.Readers; r != nil && t.operation.Pool == scaling.Readers && len(p.Annotations) == 0 {
		limit = max(int(r.MaxReplicas), t.operation.From.Count) + 1
	}
	if readers := count - 1; readers+1 > max(limit, 1) && w.undisturbedSince(name, t.startedAt) || readers >= 15 {
		w.sim.violationf("a reader is added to the %d of %s", readers, name)
	}
}

func (w *invariantChecker) checkResize(name string, call scaling.Call, t *trackedOperation) {
	truth, exists := w.sim.world.GroundTruth(region, call.Instance)
	if !exists || truth.IsWriter || !w.undisturbedSince(name, t.startedAt) {
		return
	}
	switch remaining := w.readerVCPUs(name, call.Instance); {
	case remaining == 0:
		w.sim.violationf("%s is resized, the last reader in service", call.Instance)
	case t.hasSurgeReader && remaining < t.minVCPUs-0.01:
		w.sim.violationf("%s is resized, which leaves %g vCPUs of readers, and at the start there were %g (%s → %s)",
			call.Instance, remaining, t.startVCPUs, t.operation.From, t.operation.To)
	}
}

// checkFailover wants the new writer to be as large as the operation leads to.
func (w *invariantChecker) checkFailover(name string, call scaling.Call, t *trackedOperation) {
	candidate, exists := w.sim.world.GroundTruth(region, call.Instance)
	if exists && candidate.VCPUs != vcpus(t.operation.To.InstanceClass) && w.undisturbedSince(name, w.sim.now) {
		w.sim.violationf("%s of %g vCPUs is to become the writer of %s, which is to have %s", call.Instance, candidate.VCPUs, name, t.operation.To.InstanceClass)
	}
}

// checkDisruptionWindow wants the writer to be interrupted in a window only, unless the policy lets emergencies.
func (w *invariantChecker) checkDisruptionWindow(p *v1alpha1.DBScalingPolicy, call scaling.Call, t *trackedOperation) {
	truth, exists := w.sim.world.GroundTruth(region, call.Instance)
	if call.Action == scaling.ModifyInstanceClass && (!exists || !truth.IsWriter) {
		return
	}
	policy, err := convert.Policy(p)
	if err != nil || t.operation.Emergency && policy.Guardrails.AllowEmergencyDisruption {
		return
	}
	// The call may have taken some time on its way.
	for _, ago := range []time.Duration{0, 45 * time.Second, 2 * time.Minute} {
		if open, _, err := schedule.IsOpen(policy.DisruptionWindows, w.sim.Now().Add(-ago)); err == nil && open {
			return
		}
	}
	w.sim.violationf("%s of %s interrupts the writer outside the windows", call.Action, call.Instance)
}
