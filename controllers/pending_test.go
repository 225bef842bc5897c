package controllers

import (
	"context"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// unreadObserver has read nothing yet.
type unreadObserver struct{ scaling.Observer }

// Observe implements scaling.Observer.
func (unreadObserver) Observe(_ context.Context, targets []scaling.Target, _ time.Time) []scaling.ObservationResult {
	results := make([]scaling.ObservationResult, len(targets))
	for n := range results {
		results[n].Err = scaling.ErrNotRead
	}
	return results
}

// TestReconcile_WaitsUntilRead: while a database is being read, its policy is not reconciled again and again, and nothing is written.
// Where an operation is in progress it is sooner.
func TestReconcile_WaitsUntilRead(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 0.4, 3, "db.r6g.large"))
	h.applyPolicy(saturatedPolicy(saturatedDatabases[0].spec))
	reader := h.reconciler.Observer
	expect := func(want time.Duration) {
		t.Helper()
		h.reconciler.Observer = unreadObserver{reader}
		writes := *h.statusWrites
		result, err := h.reconcile("p")
		if err != nil || result.RequeueAfter != want || *h.statusWrites != writes {
			t.Errorf("reconciled again after %s, error %v, %d writes of status; want %s and none", result.RequeueAfter, err, *h.statusWrites-writes, want)
		}
		h.reconciler.Observer = reader
	}
	expect(backgroundRequeueInterval)
	h.clock.Step(2 * time.Hour)
	h.runUntil("p", "in an operation", 30*time.Minute, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	expect(awsUnavailableInterval)
}

// TestReconcile_NewLeaderWritesNothing: after a change of the leader, all policies are evaluated at once. Where nothing has changed, that is
// no write.
func TestReconcile_NewLeaderWritesNothing(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 0.6, 1.2, "db.r6g.large"))
	h.clock.Step(2 * time.Hour)
	h.applyPolicy(`
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  readers: {instanceClasses: [db.r6g.large], maxReplicas: 3}
`)
	h.runFor("p", time.Hour, nil)
	h.restartReconciler()
	h.expectNoStatusWrites("p", 10*time.Minute)
}
