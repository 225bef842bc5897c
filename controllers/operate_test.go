package controllers

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// TestReconcile_RestartAfterEveryReconcile: the operator restarts after every reconcile of a writer promotion, and makes each change
// once.
func TestReconcile_RestartAfterEveryReconcile(t *testing.T) {
	t.Parallel()
	h := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"))
	h.applyPolicy(writerPolicy)
	h.runFor("p", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		h.restartReconciler()
		return hasSucceeded(p)
	})
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
	seen := map[string]int{}
	for _, change := range h.awsChanges() {
		seen[change]++
	}
	for change, times := range seen {
		if times > 1 {
			t.Errorf("%s was called %d times, want 1", change, times)
		}
	}
	if len(seen) != 5 {
		t.Errorf("AWS changes are %v, want 5", seen)
	}
}

// TestReconcile_RepeatsNoChangeAfterLostResponse: the response to each change is lost once, whether AWS made the change or not. Each
// change is made once.
func TestReconcile_RepeatsNoChangeAfterLostResponse(t *testing.T) {
	t.Parallel()
	for _, kind := range []rdssim.FaultKind{rdssim.LostResponse, rdssim.LostRequest, rdssim.Throttle, rdssim.ServerError} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"))
			for _, operation := range []string{"CreateDBInstance", "ModifyDBInstance", "FailoverDBCluster", "DeleteDBInstance"} {
				h.aws.InjectFault(rdssim.Fault{Kind: kind, Operation: operation, Times: 1})
			}
			h.applyPolicy(writerPolicy)
			h.runUntil("p", "resized", 4*time.Hour, hasSucceeded)
			h.runFor("p", time.Hour, nil)
			h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
			want := map[bool]int{true: 5, false: 9}[kind == rdssim.LostResponse]
			if got := h.awsChanges(); len(got) != want {
				t.Errorf("%d AWS changes, want %d:\n%s", len(got), want, strings.Join(got, "\n"))
			}
		})
	}
}

// TestReconcile_ConflictMakesNoAWSChange: another client writes the object between reading it and persisting the intent.
func TestReconcile_ConflictMakesNoAWSChange(t *testing.T) {
	t.Parallel()
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", 7*time.Minute, nil)
	stale := h.getPolicy("p")
	h.reconciler.Client = staleClient{h.client, stale}
	fresh := h.getPolicy("p")
	fresh.Annotations = map[string]string{"another": "client"}
	if err := h.client.Update(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	h.runFor("p", 10*time.Minute, nil)
	h.expectChanges()
	h.reconciler.Client = h.client
	h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
}

// TestReconcile_FailsOperationAfterPolicyChange: an operation fails before its next step when the policy no longer allows its result.
func TestReconcile_FailsOperationAfterPolicyChange(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 0.5, 1.8, "db.r6g.large"))
	h.applyPolicy(verticalReadersPolicy)
	p := h.runUntil("p", "resizing", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	p.Spec.Readers.InstanceClasses = []v1alpha1.InstanceClass{"db.r6g.large"}
	if err := h.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	p = h.runUntil("p", "failed", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	if r := p.Status.History[0]; r.Outcome != v1alpha1.OutcomeFailed || r.Reason != v1alpha1.ReasonPolicyChanged {
		t.Errorf("the record is %+v, want it failed with PolicyChanged", r)
	}
	if got := h.awsChanges(); slices.ContainsFunc(got, func(c string) bool { return strings.HasPrefix(c, "Modify") }) {
		t.Errorf("AWS changes are %q, want no instance modified", got)
	}
}

// slowStatusClient calls beforePatch before each write of status, which can let time pass.
type slowStatusClient struct {
	client.Client
	beforePatch func()
}

// Status implements client.StatusClient.
func (c slowStatusClient) Status() client.SubResourceWriter {
	return slowStatusWriter{c.Client.Status(), c.beforePatch}
}

type slowStatusWriter struct {
	client.SubResourceWriter
	beforePatch func()
}

// Patch implements client.SubResourceWriter.
func (w slowStatusWriter) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	w.beforePatch()
	return w.SubResourceWriter.Patch(ctx, o, patch, opts...)
}

// TestReconcile_SkipsCallAfterSlowIntentWrite: an intent that took long to write is not carried out, because the next reconcile could
// take its time for that of the call and repeat the call. The call is made once it is observed that nothing happened.
func TestReconcile_SkipsCallAfterSlowIntentWrite(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 0.5, 1.8, "db.r6g.large"))
	h.applyPolicy(verticalReadersPolicy)
	delay := time.Duration(0)
	h.reconciler.Client = slowStatusClient{h.client, func() { h.clock.Step(delay) }}
	h.runFor("p", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		decision := p.Status.Decision
		if p.Status.Readers != nil && p.Status.Readers.LastChangeTime != nil && h.clock.Now().Sub(p.Status.Readers.LastChangeTime.Time) > 7*time.Minute {
			delay = 25 * time.Second
		}
		return decision != nil && p.Status.Operation != nil
	})
	p := h.getPolicy("p")
	if p.Status.Operation == nil || p.Status.Operation.Steps[0].Attempts != 1 || len(h.awsChanges()) > 0 {
		t.Fatalf("AWS changes are %q, want none after the first attempt; status:\n%s", h.awsChanges(), statusYAML(p))
	}
	delay = 0
	h.runUntil("p", "called", 5*time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return len(h.awsChanges()) > 0 })
	if p := h.getPolicy("p"); p.Status.Operation.Steps[0].Attempts != 2 {
		t.Errorf("AWS changes are %q, want one at the second attempt; status:\n%s", h.awsChanges(), statusYAML(p))
	}
}
