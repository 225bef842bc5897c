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

// TestReconcile_FailsResizeWithoutCapacity: the operation is given up with a reason; the surge reader still carries the load.
func TestReconcile_FailsResizeWithoutCapacity(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "ModifyDBInstance", Code: "InsufficientDBInstanceCapacity", HTTPStatus: 400,
		Message: "no instances of the requested class", ExpiresAt: scenarioStart.Add(40 * time.Minute)})
	l.applyPolicy(verticalReadersPolicy)
	p := l.runUntil("p", "given up", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	if got := p.Status.History[0]; got.Reason != v1alpha1.ReasonInsufficientCapacity || got.Outcome != v1alpha1.OutcomeFailed {
		t.Errorf("the record is %+v", got)
	}
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.xlarge" {
		t.Errorf("the cluster is %s; the surge reader should still carry the load", got)
	}
	if len(l.events.withReason(events.OperationFailed)) != 1 {
		t.Errorf("events: %v", l.events.events)
	}
	if got := p.Status.CapacityShortages; len(got) != 1 || got[0].InstanceClass != "db.r6g.xlarge" || got[0].AvailabilityZone == "" {
		t.Errorf("remembered is %+v", got)
	}
	l.runFor("p", 2*time.Hour, nil)
	if got := l.getPolicy("p").Status.CapacityShortages; len(got) > 0 {
		t.Errorf("two hours later %+v is still remembered", got)
	}
}

// TestReconcile_CreatesReaderInAnotherZone: a new reader goes to another zone, within the same operation.
func TestReconcile_CreatesReaderInAnotherZone(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.aws.WithWorld(func(w *model.World) { w.SetCapacityShortage("db.r6g.large", "eu-west-1c") }) // the zone that has no member yet
	l.applyPolicy(horizontalReadersPolicy)
	p := l.runUntil("p", "grown", 2*time.Hour, hasSucceeded)
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.large" || len(p.Status.History) != 1 {
		t.Errorf("the cluster is %s after %d operations", got, len(p.Status.History))
	}
	changes := l.awsChanges()
	if len(changes) != 2 || !strings.Contains(changes[0], "InsufficientDBInstanceCapacity") || strings.Contains(changes[1], "Insufficient") {
		t.Errorf("AWS was asked for\n%s", strings.Join(changes, "\n"))
	}
	if got := l.events.withReason(events.InsufficientCapacity); len(got) != 1 || !strings.Contains(got[0], "eu-west-1c") {
		t.Errorf("events: %v", got)
	}
}

// TestReconcile_TriesAnotherClassWithoutCapacity: another class is tried at once, and the first one again when it is worth it.
func TestReconcile_TriesAnotherClassWithoutCapacity(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.aws.WithWorld(func(w *model.World) { w.SetCapacityShortage("db.r6g.xlarge") })
	l.applyPolicy(verticalReadersPolicy)
	p := l.runUntil("p", "grown", 2*time.Hour, hasSucceeded)
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.2xlarge" {
		t.Errorf("the cluster is %s:\n%s", got, statusYAML(p))
	}
	if n := len(p.Status.History); n != 2 || p.Status.History[1].Reason != v1alpha1.ReasonInsufficientCapacity {
		t.Errorf("it took %d operations", n)
	}
	if gap := p.Status.History[0].StartTime.Sub(p.Status.History[1].CompletionTime.Time); gap > 2*time.Minute {
		t.Errorf("the other class was tried %s later", gap)
	}
}
