package controllers

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
)

// maxReconcileObjects and maxReconcileBytes are what a reconcile of a quiet cluster may allocate on the heap.
const maxReconcileObjects, maxReconcileBytes = 280, 32 << 10

// quietReconcile returns one reconcile of a cluster of a writer and a reader with an hour of samples, in which nothing changes and nothing
// is read from AWS: what an operator of many policies does most of the time.
func quietReconcile(tb testing.TB) func() {
	tb.Helper()
	scenario := auroraCluster("db.r6g.large", 0.6, 1.2, "db.r6g.large")
	h := newHarness(tb, strings.Replace(scenario, "  instances:", "  performanceInsights: true\n  instances:", 1))
	h.clock.Step(2 * time.Hour)
	h.applyPolicy(`
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  readers: {instanceClasses: [db.r6g.large], maxReplicas: 3}
`)
	h.runFor("p", time.Hour, nil)
	if p := h.getPolicy("p"); p.Status.Decision == nil || p.Status.Decision.Reason != "WithinThresholds" {
		tb.Fatalf("the policy is not quiet; its status is\n%s", statusYAML(p))
	}
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: h.namespace, Name: "p"}}
	if _, err := h.reconciler.Reconcile(tb.Context(), request); err != nil { // it reads AWS
		tb.Fatal(err)
	}
	return func() {
		if _, err := h.reconciler.Reconcile(tb.Context(), request); err != nil {
			tb.Fatal(err)
		}
	}
}

func BenchmarkReconcile(b *testing.B) {
	reconcile := quietReconcile(b)
	b.ReportAllocs()
	for b.Loop() {
		reconcile()
	}
}

// TestReconcile_Allocations: garbage is collected for every object, and with 10,000 policies that takes more CPU time than all the rest.
func TestReconcile_Allocations(t *testing.T) {
	reconcile := quietReconcile(t)
	result := testing.Benchmark(func(b *testing.B) {
		b.Helper()
		for b.Loop() {
			reconcile()
		}
	})
	if objects := result.AllocsPerOp(); objects > maxReconcileObjects {
		t.Errorf("a reconcile allocates %d objects, want at most %d", objects, maxReconcileObjects)
	}
	if bytes := result.AllocedBytesPerOp(); bytes > maxReconcileBytes {
		t.Errorf("a reconcile allocates %d bytes, want at most %d", bytes, maxReconcileBytes)
	}
}
