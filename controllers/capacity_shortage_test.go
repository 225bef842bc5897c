package controllers

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// TestReconcile_FailsResizeWithoutCapacity: the operation fails with a reason, and the surge reader still carries the load.
func TestReconcile_FailsResizeWithoutCapacity(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "ModifyDBInstance", Code: "InsufficientDBInstanceCapacity", HTTPStatus: 400,
		Message: "no instances of the requested class", ExpiresAt: scenarioStart.Add(40 * time.Minute)})
	h.applyPolicy(verticalReadersPolicy)
	p := h.runUntil("p", "failed", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	if got := p.Status.History[0]; got.Reason != v1alpha1.ReasonInsufficientCapacity || got.Outcome != v1alpha1.OutcomeFailed {
		t.Errorf("the record is %+v, want it failed for insufficient capacity", got)
	}
	if got := h.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.xlarge" {
		t.Errorf("the cluster is %s, want the surge reader still there", got)
	}
	if len(h.events.withReason(events.OperationFailed)) != 1 {
		t.Errorf("events are %v, want one %s", h.events.events, events.OperationFailed)
	}
	if got := p.Status.CapacityShortages; len(got) != 1 || got[0].InstanceClass != "db.r6g.xlarge" || got[0].AvailabilityZone == "" {
		t.Errorf("capacity shortages are %+v, want db.r6g.xlarge in one zone", got)
	}
	h.runFor("p", 2*time.Hour, nil)
	if got := h.getPolicy("p").Status.CapacityShortages; len(got) > 0 {
		t.Errorf("capacity shortages are %+v two hours later, want none", got)
	}
}

// TestReconcile_CreatesReaderInAnotherZone: one operation tries the zones until one has capacity.
func TestReconcile_CreatesReaderInAnotherZone(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.WithWorld(func(w *model.World) { w.SetCapacityShortage("db.r6g.large", "eu-west-1c") }) // the zone without an instance, which AWS prefers
	h.applyPolicy(horizontalReadersPolicy)
	p := h.runUntil("p", "scaled up", 2*time.Hour, hasSucceeded)
	if got := h.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.large" || len(p.Status.History) != 1 {
		t.Errorf("the cluster is %s after %d operations, want 2 readers after 1", got, len(p.Status.History))
	}
	changes := h.awsChanges()
	if len(changes) != 2 || !strings.Contains(changes[0], "InsufficientDBInstanceCapacity") || strings.Contains(changes[1], "Insufficient") {
		t.Errorf("AWS changes are\n%s\nwant one without capacity and one with", strings.Join(changes, "\n"))
	}
	if got := h.events.withReason(events.InsufficientCapacity); len(got) != 1 || !strings.Contains(got[0], "eu-west-1c") {
		t.Errorf("events are %v, want one that names eu-west-1c", got)
	}
}

// TestReconcile_TriesAnotherClassWithoutCapacity: the next operation chooses another class at once.
func TestReconcile_TriesAnotherClassWithoutCapacity(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.aws.WithWorld(func(w *model.World) { w.SetCapacityShortage("db.r6g.xlarge") })
	h.applyPolicy(verticalReadersPolicy)
	p := h.runUntil("p", "scaled up", 2*time.Hour, hasSucceeded)
	if got := h.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.2xlarge" {
		t.Errorf("the cluster is %s, want one reader of db.r6g.2xlarge; status:\n%s", got, statusYAML(p))
	}
	if n := len(p.Status.History); n != 2 || p.Status.History[1].Reason != v1alpha1.ReasonInsufficientCapacity {
		t.Errorf("%d operations, want 2, the first without capacity", n)
	}
	if gap := p.Status.History[0].StartTime.Sub(p.Status.History[1].CompletionTime.Time); gap > 2*time.Minute {
		t.Errorf("the other class was tried %s later, want at most 2 minutes", gap)
	}
}
