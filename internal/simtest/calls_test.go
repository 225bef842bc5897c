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

// asked looks at a call before it has its effect.
func (s *sim) asked(m *manager, target scaling.Target, call scaling.Call) {
	w := s.witness
	w.calls++
	s.stirred = s.now
	name := target.Identifier
	s.tell("AWS is asked for %s %s %s", call.Action, call.Instance, call.InstanceClass)
	p := s.store.get(types.NamespacedName{Namespace: namespace, Name: name})
	if p == nil || p.Status.Operation == nil {
		s.violate("%s of %s is asked for without an intent", call.Action, call.Instance)
		return
	}
	t := w.trials[p.Status.Operation.ID]
	n := slices.IndexFunc(p.Status.Operation.Steps, func(step v1alpha1.OperationStep) bool {
		return step.CompletionTime == nil && step.Attempts > 0 && string(step.Action) == string(call.Action) &&
			step.Instance == call.Instance && step.InstanceClass == call.InstanceClass
	})
	if n < 0 {
		s.violate("%s of %s is asked for, and the intent does not say so", call.Action, call.Instance)
		return
	}
	if since, gone := w.untagged[name]; gone && s.now.Sub(since) > 2*time.Minute {
		s.violate("%s of %s is asked for, and %s has no opt-in tag", call.Action, call.Instance, name)
	}
	if p.Status.Ownership != nil && p.Status.Ownership.Conflict != nil && p.Status.Operation.Direction != v1alpha1.DirectionCleanup {
		s.violate("%s of %s is asked for, and somebody else decides about %s", call.Action, call.Instance, name)
	}
	w.paused(m, p, call)
	w.atRest(name, call)
	w.slots()
	switch call.Action {
	case scaling.DeleteReader:
		w.mayDelete(name, call)
	case scaling.CreateReader:
		w.mayCreate(name, t)
	case scaling.ModifyInstanceClass:
		w.mayModify(name, call, t)
		w.mayInterrupt(p, call, t)
	case scaling.Failover:
		w.mayFailOver(name, call, t)
		w.mayInterrupt(p, call, t)
	case scaling.ModifyClusterClass:
		w.mayInterrupt(p, call, t)
	}
}

// answered looks at what came of a call.
func (s *sim) answered(target scaling.Target, call scaling.Call, err error) {
	p := s.store.get(types.NamespacedName{Namespace: namespace, Name: target.Identifier})
	if err != nil {
		s.tell("AWS refuses: %v", err)
		return
	}
	if call.Action == scaling.Failover {
		s.witness.failovers[target.Identifier]++
	}
	if p == nil || p.Status.Operation == nil {
		return
	}
	t := s.witness.trials[p.Status.Operation.ID]
	for n, step := range p.Status.Operation.Steps {
		if string(step.Action) != string(call.Action) || step.Instance != call.Instance || step.InstanceClass != call.InstanceClass {
			continue
		}
		t.failedOver = t.failedOver || call.Action == scaling.Failover
		if last, done := t.accepted[n]; done && s.witness.calm(t.name, last.Add(3*time.Minute)) { // else somebody has undone it
			s.violate("%s of %s is done twice by operation %s", call.Action, call.Instance, t.id)
		}
		t.accepted[n] = s.now
	}
}

// paused wants nothing to be asked for that a person has held back for a while.
func (w *witness) paused(m *manager, p *v1alpha1.DBScalingPolicy, call scaling.Call) {
	s := w.sim
	before := s.store.at(types.NamespacedName{Namespace: p.Namespace, Name: p.Name}, s.now.Add(-m.sim.plan.faults.lag-90*time.Second))
	if before == nil || !p.DeletionTimestamp.IsZero() {
		return
	}
	policy, err := convert.Policy(before)
	if err == nil && policy.ManualControl.IsPaused(s.Now()) && before.Annotations[v1alpha1.AnnotationPausedUntil] == p.Annotations[v1alpha1.AnnotationPausedUntil] {
		s.violate("%s of %s is asked for while %s is paused", call.Action, call.Instance, p.Name)
	}
}

// atRest wants nothing else to go on in a database, unless somebody else began it just now.
func (w *witness) atRest(name string, call scaling.Call) {
	if !w.calm(name, w.sim.now) {
		return
	}
	for _, i := range w.sim.world.Instances(region) {
		if of(i) == name && i.Status != scaling.StatusAvailable {
			w.sim.violate("%s of %s is asked for while %s is %s", call.Action, call.Instance, i.Identifier, i.Status)
		}
	}
}

// slots wants no more operations that interrupt instances than the operator allows.
func (w *witness) slots() {
	var busy []string
	for _, key := range w.sim.keys {
		if p := w.sim.store.get(key); p != nil {
			if op := convert.Operation(p.Status.Operation); op != nil && op.IsDisruptive() && op.HasRequests() {
				busy = append(busy, p.Name)
			}
		}
	}
	if len(busy) > w.sim.plan.slots {
		w.sim.violate("%d operations that interrupt instances are under way, %v, and %d may be", len(busy), busy, w.sim.plan.slots)
	}
}

func (w *witness) mayDelete(name string, call scaling.Call) {
	i, err := w.sim.world.Instance(region, call.Instance)
	if err != nil {
		return
	}
	if i.Tags[scaling.TagCreatedBy] != scaling.TagCreatedByValue {
		w.sim.violate("%s is to be deleted, which the operator did not create", call.Instance)
	}
	truth, _ := w.sim.world.GroundTruth(region, call.Instance)
	if truth.IsWriter && w.calm(name, w.sim.now) {
		w.sim.violate("the writer %s is to be deleted", call.Instance)
	}
	if truth.InService && w.readers(name, call.Instance) == 0 && w.calm(name, w.sim.now) {
		w.sim.violate("%s is to be deleted, the last reader in service", call.Instance)
	}
}

func (w *witness) mayCreate(name string, t *trial) {
	p := w.sim.store.get(types.NamespacedName{Namespace: namespace, Name: name})
	count := 0
	for _, i := range w.sim.world.Instances(region) {
		if of(i) == name {
			count++
		}
	}
	most := t.op.From.Count + int(*p.Spec.Guardrails.SurgeReaders) // with the writer, there may be one more than readers
	if t.op.Pool == scaling.Writer {
		most = count
	}
	most = max(most, t.op.To.Count+1)
	if r := p.Spec.Readers; r != nil && t.op.Pool == scaling.Readers && len(p.Annotations) == 0 {
		most = max(int(r.MaxReplicas), t.op.From.Count) + 1
	}
	if readers := count - 1; readers+1 > max(most, 1) && w.calm(name, t.began) || readers >= 15 {
		w.sim.violate("a reader is added to the %d of %s", readers, name)
	}
}

func (w *witness) mayModify(name string, call scaling.Call, t *trial) {
	truth, exists := w.sim.world.GroundTruth(region, call.Instance)
	if !exists || truth.IsWriter || !w.calm(name, t.began) {
		return
	}
	switch left := w.readers(name, call.Instance); {
	case left == 0:
		w.sim.violate("%s is resized, the last reader in service", call.Instance)
	case t.surge && left < t.goal-0.01:
		w.sim.violate("%s is resized, which leaves %g vCPUs of readers, and at the start there were %g (%s → %s)",
			call.Instance, left, t.start, t.op.From, t.op.To)
	}
}

// mayFailOver wants the new writer to be as large as the operation leads to.
func (w *witness) mayFailOver(name string, call scaling.Call, t *trial) {
	heir, exists := w.sim.world.GroundTruth(region, call.Instance)
	if exists && heir.VCPUs != vcpus(t.op.To.InstanceClass) && w.calm(name, w.sim.now) {
		w.sim.violate("%s of %g vCPUs is to become the writer of %s, which is to have %s", call.Instance, heir.VCPUs, name, t.op.To.InstanceClass)
	}
}

// mayInterrupt wants the writer to be interrupted in a window only, unless the policy lets emergencies.
func (w *witness) mayInterrupt(p *v1alpha1.DBScalingPolicy, call scaling.Call, t *trial) {
	truth, exists := w.sim.world.GroundTruth(region, call.Instance)
	if call.Action == scaling.ModifyInstanceClass && (!exists || !truth.IsWriter) {
		return
	}
	policy, err := convert.Policy(p)
	if err != nil || t.op.Emergency && policy.Guardrails.AllowEmergencyDisruption {
		return
	}
	// The call may have taken some time on its way.
	for _, ago := range []time.Duration{0, 45 * time.Second, 2 * time.Minute} {
		if open, _, err := schedule.IsOpen(policy.DisruptionWindows, w.sim.Now().Add(-ago)); err == nil && open {
			return
		}
	}
	w.sim.violate("%s of %s interrupts the writer outside the windows", call.Action, call.Instance)
}
