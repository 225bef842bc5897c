package controllers

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// TestReconcile_RemovesReaderThatNeverServed: AWS accepts the creation of a reader and then fails. The operator deletes the reader and
// tries again, also when AWS shows a creation time of the reader and the process has restarted.
func TestReconcile_RemovesReaderThatNeverServed(t *testing.T) {
	h := newHarness(t, "createTimeAtAcceptance: true\n"+overloadedCluster())
	h.aws.WithWorld(func(w *model.World) {
		if err := w.FailNextCreate("eu-west-1", "orders", "incompatible-network"); err != nil {
			t.Fatal(err)
		}
	})
	h.applyPolicy(horizontalReadersPolicy)
	p := h.runUntil("p", "failed", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	failed := p.Status.History[0]
	if len(failed.Instances) != 1 || failed.Instances[0].Effect != v1alpha1.EffectNone {
		t.Fatalf("the record is %+v, want one reader without an effect", failed)
	}
	h.restartReconciler()
	p = h.runUntil("p", "scaled up", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return hasSucceeded(p) && p.Status.History[0].Direction == v1alpha1.DirectionUp
	})
	if got := h.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.large" {
		t.Errorf("the cluster is %s; status:\n%s", got, statusYAML(p))
	}
	h.aws.WithWorld(func(w *model.World) {
		if i, err := w.Instance("eu-west-1", failed.Instances[0].Identifier); err == nil {
			t.Errorf("%s is still %s", i.Identifier, i.Status)
		}
	})
}
