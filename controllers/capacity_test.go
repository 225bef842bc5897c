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

// TestNoCapacityForAResize: the operation is given up with a reason; the surge reader still carries the load.
func TestNoCapacityForAResize(t *testing.T) {
	l := newLab(t, busyCluster())
	l.aws.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "ModifyDBInstance", Code: "InsufficientDBInstanceCapacity", HTTPStatus: 400,
		Message: "no instances of the requested class", ExpiresAt: start.Add(40 * time.Minute)})
	l.apply(readersVertical)
	p := l.until("p", "given up", time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) > 0 })
	if got := p.Status.History[0]; got.Reason != v1alpha1.ReasonInsufficientCapacity || got.Outcome != v1alpha1.OutcomeFailed {
		t.Errorf("the record is %+v", got)
	}
	if got := l.shape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.xlarge" {
		t.Errorf("the cluster is %s; the surge reader should still carry the load", got)
	}
	if len(l.events.with(events.OperationFailed)) != 1 {
		t.Errorf("events: %v", l.events.notes)
	}
	if got := p.Status.CapacityShortages; len(got) != 1 || got[0].InstanceClass != "db.r6g.xlarge" || got[0].AvailabilityZone == "" {
		t.Errorf("remembered is %+v", got)
	}
	l.run("p", 2*time.Hour, nil)
	if got := l.get("p").Status.CapacityShortages; len(got) > 0 {
		t.Errorf("two hours later %+v is still remembered", got)
	}
}

// TestNoCapacityInAZone: a new reader goes to another zone, within the same operation.
func TestNoCapacityInAZone(t *testing.T) {
	l := newLab(t, busyCluster())
	l.aws.WithWorld(func(w *model.World) { w.SetCapacityShortage("db.r6g.large", "eu-west-1c") }) // the zone that has no member yet
	l.apply(readersHorizontal)
	p := l.until("p", "grown", 2*time.Hour, succeeded)
	if got := l.shape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.large" || len(p.Status.History) != 1 {
		t.Errorf("the cluster is %s after %d operations", got, len(p.Status.History))
	}
	changes := l.changes()
	if len(changes) != 2 || !strings.Contains(changes[0], "InsufficientDBInstanceCapacity") || strings.Contains(changes[1], "Insufficient") {
		t.Errorf("AWS was asked for\n%s", strings.Join(changes, "\n"))
	}
	if got := l.events.with(events.NoCapacity); len(got) != 1 || !strings.Contains(got[0], "eu-west-1c") {
		t.Errorf("events: %v", got)
	}
}

// TestNoCapacityAnywhere: another class is tried at once, and the first one again when it is worth it.
func TestNoCapacityAnywhere(t *testing.T) {
	l := newLab(t, busyCluster())
	l.aws.WithWorld(func(w *model.World) { w.SetCapacityShortage("db.r6g.xlarge") })
	l.apply(readersVertical)
	p := l.until("p", "grown", 2*time.Hour, succeeded)
	if got := l.shape("orders"); got != "db.r6g.xlarge + db.r6g.2xlarge" {
		t.Errorf("the cluster is %s:\n%s", got, dump(p))
	}
	if n := len(p.Status.History); n != 2 || p.Status.History[1].Reason != v1alpha1.ReasonInsufficientCapacity {
		t.Errorf("it took %d operations", n)
	}
	if gap := p.Status.History[0].StartTime.Sub(p.Status.History[1].CompletionTime.Time); gap > 2*time.Minute {
		t.Errorf("the other class was tried %s later", gap)
	}
}
