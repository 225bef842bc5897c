package controllers

import (
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// deletePolicy deletes a policy as kubectl does.
func (h *harness) deletePolicy(name string) {
	h.t.Helper()
	if err := client.IgnoreNotFound(h.client.Delete(h.t.Context(), h.getPolicy(name))); err != nil {
		h.t.Fatal(err)
	}
}

// runUntilDeleted reconciles until the policy is gone, and returns it as it was before.
func (h *harness) runUntilDeleted(name string, timeout time.Duration) *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	last := &v1alpha1.DBScalingPolicy{}
	for end := h.clock.Now().Add(timeout); h.clock.Now().Before(end); {
		result, err := h.reconcile(name)
		if err != nil {
			h.t.Fatal(err)
		}
		p := &v1alpha1.DBScalingPolicy{}
		err = h.client.Get(h.t.Context(), types.NamespacedName{Namespace: h.namespace, Name: name}, p)
		if apierrors.IsNotFound(err) {
			return last
		}
		if err != nil {
			h.t.Fatal(err)
		}
		last = p
		h.clock.Step(max(result.RequeueAfter, time.Second))
	}
	h.t.Fatalf("the policy still exists after %s; status:\n%s\nAWS changes:\n%s", timeout, statusYAML(last), strings.Join(h.awsChanges(), "\n"))
	return nil
}

func hasFinalizer(p *v1alpha1.DBScalingPolicy) bool {
	return slices.Contains(p.Finalizers, surgeReaderFinalizer)
}

// TestFinalizer_PresentOnlyWithSurgeReader: a policy without a surge reader can be deleted without the operator.
func TestFinalizer_PresentOnlyWithSurgeReader(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.runFor("p", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		if !isIdle(p) != hasFinalizer(p) && (!isIdle(p) || !hasSucceeded(p)) { // the next reconcile removes it
			t.Errorf("finalizers are %v with operation %v", p.Finalizers, p.Status.Operation)
		}
		return hasSucceeded(p)
	})
	h.runFor("p", 5*time.Minute, nil)
	if p := h.getPolicy("p"); hasFinalizer(p) || !hasSucceeded(p) {
		t.Errorf("finalizers are %v after the operation, want none; history %v", p.Finalizers, p.Status.History)
	}
	h.deletePolicy("p")
	h.runUntilDeleted("p", time.Minute)
}

// TestReconcileDelete_RemovesSurgeReader: a policy deleted at any step of its operation removes its surge reader and nothing else.
func TestReconcileDelete_RemovesSurgeReader(t *testing.T) {
	for step, want := range []string{"db.r6g.xlarge + db.r6g.large", "db.r6g.xlarge + db.r6g.xlarge", "db.r6g.xlarge + db.r6g.xlarge"} {
		t.Run([]string{"deleted while the surge reader is created", "deleted while the reader is resized", "deleted while the surge reader is removed"}[step], func(t *testing.T) {
			// The load falls, so that the remaining reader carries it.
			h := newHarness(t, strings.Replace(overloadedCluster(), "readers: {points: [{at: 0h, vcpus: 1.7}]}",
				"readers: {points: [{at: 0h, vcpus: 1.7}, {at: 12m, vcpus: 1.7}, {at: 14m, vcpus: 0.4}]}", 1))
			h.applyPolicy(verticalReadersPolicy)
			h.runUntil("p", "in operation", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				op := p.Status.Operation
				return op != nil && op.Steps[step].LastAttemptTime != nil
			})
			h.deletePolicy("p")
			h.restartReconciler()
			last := h.runUntilDeleted("p", 6*time.Hour)
			if got := h.clusterShape("orders"); got != want {
				t.Errorf("the cluster is %s, want %s; last status:\n%s\nAWS changes:\n%s", got, want, statusYAML(last), strings.Join(h.awsChanges(), "\n"))
			}
		})
	}
}

// TestReconcileDelete_CompletesWithoutDatabase: a policy whose database does not exist any more is deleted.
func TestReconcileDelete_CompletesWithoutDatabase(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(verticalReadersPolicy)
	h.runUntil("p", "in operation", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return !isIdle(p) })
	h.deletePolicy("p")
	h.endpoint = newHarness(t, rdsInstance("db.m6g.large", 1, false)).endpoint // an account without the cluster
	h.restartReconciler()
	h.runUntilDeleted("p", 10*time.Minute)
}
