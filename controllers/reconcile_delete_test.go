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
func (l *harness) deletePolicy(name string) {
	l.t.Helper()
	if err := client.IgnoreNotFound(l.client.Delete(l.t.Context(), l.getPolicy(name))); err != nil {
		l.t.Fatal(err)
	}
}

// runUntilDeleted looks until the policy is gone, and gives what it was last.
func (l *harness) runUntilDeleted(name string, most time.Duration) *v1alpha1.DBScalingPolicy {
	l.t.Helper()
	last := &v1alpha1.DBScalingPolicy{}
	for end := l.clock.Now().Add(most); l.clock.Now().Before(end); {
		result, err := l.reconcile(name)
		if err != nil {
			l.t.Fatal(err)
		}
		p := &v1alpha1.DBScalingPolicy{}
		err = l.client.Get(l.t.Context(), types.NamespacedName{Namespace: l.namespace, Name: name}, p)
		if apierrors.IsNotFound(err) {
			return last
		}
		if err != nil {
			l.t.Fatal(err)
		}
		last = p
		l.clock.Step(max(result.RequeueAfter, time.Second))
	}
	l.t.Fatalf("after %s the policy is still there; status:\n%s\nchanges:\n%s", most, statusYAML(last), strings.Join(l.awsChanges(), "\n"))
	return nil
}

func hasFinalizer(p *v1alpha1.DBScalingPolicy) bool {
	return slices.Contains(p.Finalizers, surgeReaderFinalizer)
}

// TestFinalizer_PresentOnlyWithSurgeReader.
func TestFinalizer_PresentOnlyWithSurgeReader(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.runFor("p", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		if !isIdle(p) != hasFinalizer(p) && (!isIdle(p) || !hasSucceeded(p)) { // one look later it is taken off
			t.Errorf("operation %v, finalizers %v", p.Status.Operation, p.Finalizers)
		}
		return hasSucceeded(p)
	})
	l.runFor("p", 5*time.Minute, nil)
	if p := l.getPolicy("p"); hasFinalizer(p) || !hasSucceeded(p) {
		t.Errorf("finalizers %v, history %v", p.Finalizers, p.Status.History)
	}
	l.deletePolicy("p")
	l.runUntilDeleted("p", time.Minute)
}

// TestReconcileDelete_RemovesSurgeReader, at each step, and leaves everything else as it is.
func TestReconcileDelete_RemovesSurgeReader(t *testing.T) {
	for step, want := range []string{"db.r6g.xlarge + db.r6g.large", "db.r6g.xlarge + db.r6g.xlarge", "db.r6g.xlarge + db.r6g.xlarge"} {
		t.Run([]string{"while it is created", "while the other is resized", "while it is removed"}[step], func(t *testing.T) {
			// The load falls, so that the reader that is left carries it.
			l := newHarness(t, strings.Replace(overloadedCluster(), "readers: {points: [{at: 0h, vcpus: 1.7}]}",
				"readers: {points: [{at: 0h, vcpus: 1.7}, {at: 12m, vcpus: 1.7}, {at: 14m, vcpus: 0.4}]}", 1))
			l.applyPolicy(verticalReadersPolicy)
			l.runUntil("p", "under way", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				op := p.Status.Operation
				return op != nil && op.Steps[step].LastAttemptTime != nil
			})
			l.deletePolicy("p")
			l.restartReconciler()
			last := l.runUntilDeleted("p", 6*time.Hour)
			if got := l.clusterShape("orders"); got != want {
				t.Errorf("the cluster is %s, want %s; it was last\n%s\nand AWS was asked for\n%s", got, want, statusYAML(last), strings.Join(l.awsChanges(), "\n"))
			}
		})
	}
}

// TestReconcileDelete_CompletesWithoutDatabase.
func TestReconcileDelete_CompletesWithoutDatabase(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.runUntil("p", "under way", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return !isIdle(p) })
	l.deletePolicy("p")
	l.endpoint = newHarness(t, rdsInstance("db.m6g.large", 1, false)).endpoint // an account without the cluster
	l.restartReconciler()
	l.runUntilDeleted("p", 10*time.Minute)
}
