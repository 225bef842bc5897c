package operation

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// failedReader returns a reader that AWS failed to create.
func failedReader(name, status string) scaling.Instance {
	i := ownReader("engine-dbscaler-"+name, large, 1)
	i.Status, i.CreatedAt, i.ReplicaLag, i.AvailabilityZone = status, time.Time{}, nil, "eu-west-1a"
	return i
}

func cleanupOf(steps ...scaling.Step) scaling.Operation {
	return scaling.Operation{ID: operationID, Pool: scaling.Readers, Direction: scaling.Cleanup, StartedAt: start, Steps: steps}
}

func deleteFailedStep(name string) scaling.Step {
	return scaling.Step{Action: scaling.DeleteReader, Instance: "engine-dbscaler-" + name}
}

// A reader that AWS failed to create is deleted without a drain, after a second observation, even as the only one.
func TestNext_DeletesFailedReader(t *testing.T) {
	for _, status := range []string{"insufficient-capacity", "incompatible-network", "incompatible-create", "failed"} {
		o := auroraCluster(writer(large), failedReader("x-1", status))
		proposal := newProposal(scaling.Readers, scaling.Cleanup, o, newShape(0, ""))
		proposal.Reason = "FailedReader"
		op, err := Plan(surgePolicy(), o, proposal, operationID, start)
		if err != nil || describeSteps(op.Steps) != "remove the reader engine-dbscaler-x-1" {
			t.Fatalf("%s: plan %v, error %v", status, op.Steps, err)
		}
		if first := Next("platform/engine", op, o, start); first.Call != nil || !strings.Contains(first.Message, "second observation") {
			t.Errorf("%s: the first observation leads to %+v", status, first)
		}
		next := Next("platform/engine", op, observedAfter(15*time.Second, o), start.Add(15*time.Second))
		if next.Call == nil || next.Call.Action != scaling.DeleteReader || next.Call.Instance != "engine-dbscaler-x-1" {
			t.Errorf("%s: %+v", status, next)
		}
	}
}

// A plan and an operation treat a reader that AWS failed to create as if it did not exist.
func TestNext_IgnoresFailedReader(t *testing.T) {
	failed := failedReader("x-1", "insufficient-capacity")
	o := auroraCluster(writer(large), reader("a", large), failed)
	op := mustPlan(t, surgePolicy(), o, scaling.Readers, newShape(2, large))
	if got := describeSteps(op.Steps); got != "add the reader engine-dbscaler-0a1b2c3d-1, a db.r6g.large, at tier 1" {
		t.Errorf("the plan is\n%s", got)
	}
	if next := Next("platform/engine", op, o, start); next.Call == nil {
		t.Errorf("the operation waits: %s", next.Message)
	}
	removal := scaling.Operation{ID: operationID, Pool: scaling.Readers, Direction: scaling.Down, StartedAt: start, Steps: []scaling.Step{deleteStep("s")}}
	last := auroraCluster(writer(large), withoutConnections(ownReader("s", large, 1)), failed)
	if next := Next("platform/engine", removal, observedAfter(time.Hour, last), start.Add(time.Hour)); next.Outcome != Failed {
		t.Errorf("the last reader that serves is removed: %+v", next)
	}
	alone := auroraCluster(writer(large), failed)
	if got := describeSteps(mustPlan(t, surgePolicy(), alone, scaling.Writer, newShape(1, xlarge)).Steps); got != "resize w to db.r6g.xlarge" {
		t.Errorf("a writer without a reader to promote: the plan is\n%s", got)
	}
}

// A reader that is no longer a failed one is not deleted, and neither is one that has served.
func TestNext_KeepsReaderThatIsNotFailed(t *testing.T) {
	recovered := failedReader("x-1", "available")
	served := failedReader("x-1", "incompatible-parameters")
	served.CreatedAt = start.Add(-time.Hour)
	other := failedReader("x-1", "failed")
	other.Tags = nil
	for name, i := range map[string]scaling.Instance{"recovered": recovered, "has served": served, "created by somebody else": other} {
		o := observedAfter(time.Hour, auroraCluster(writer(large), reader("a", large), i))
		if next := Next("platform/engine", cleanupOf(deleteFailedStep("x-1")), o, start.Add(time.Hour)); next.Outcome != Failed || next.Call != nil {
			t.Errorf("%s: %+v", name, next)
		}
	}
}

// A creation that AWS accepted and then failed ends the operation; only for want of capacity it counts as a shortage.
func TestNext_FailsWhenCreationFails(t *testing.T) {
	for status, shortage := range map[string]bool{"insufficient-capacity": true, "incompatible-network": false} {
		o := auroraCluster(writer(large), reader("a", large), failedReader("x-1", status))
		op := scaling.Operation{ID: operationID, Pool: scaling.Readers, StartedAt: start, Steps: []scaling.Step{requested(createStep("engine-dbscaler-x-1"))}}
		next := Next("platform/engine", op, o, start.Add(10*time.Minute))
		if next.Outcome != Failed || next.InsufficientCapacity != shortage || !strings.Contains(next.Message, status) {
			t.Errorf("%s: %+v", status, next)
		}
	}
}

// While AWS works on the storage of an instance, the instance is available.
func TestNext_StorageWorkIsNotBusy(t *testing.T) {
	for _, status := range []string{"storage-optimization", "storage-initialization", "storage-config-upgrade"} {
		o := asReadReplicas(auroraCluster(withStatus(writer(large), status), reader("a", large), withStatus(ownReader("n", xlarge, 0), status)))
		o.Status = status
		op := scaling.Operation{ID: operationID, Pool: scaling.Readers, StartedAt: start, Steps: []scaling.Step{requested(createStep("n")), resizeStep("a")}}
		next := nextConfirmed(op, o, start.Add(10*time.Minute))
		if next.Call == nil || next.Call.Action != scaling.ModifyInstanceClass {
			t.Errorf("%s: %+v", status, next)
		}
	}
}

// A replica of an idle PostgreSQL source shows a lag of up to five minutes.
func TestNext_ReplicaLagOfNewReader(t *testing.T) {
	replicas := asReadReplicas(auroraCluster(writer(large), reader("a", large)))
	mysql := replicas
	mysql.Engine = "mysql"
	for _, test := range []struct {
		name        string
		observation scaling.Observation
		lag         time.Duration
		done        bool
	}{
		{"PostgreSQL, idle source", replicas, 270 * time.Second, true},
		{"PostgreSQL, behind", replicas, 331 * time.Second, false},
		{"replication not running", replicas, -time.Second, false},
		{"MySQL shows no lag on an idle source", mysql, 270 * time.Second, false},
		{"MySQL", mysql, 5 * time.Second, true},
		{"Aurora", auroraCluster(writer(large), reader("a", large)), 6 * time.Second, false},
	} {
		n := ownReader("n", xlarge, 0)
		n.ReplicaLag = &scaling.Lag{MeasuredAt: start, Value: test.lag}
		o := test.observation
		o.Instances = append(o.Instances[:2:2], n)
		op := scaling.Operation{ID: operationID, Pool: scaling.Readers, StartedAt: start, Steps: []scaling.Step{requested(createStep("n"))}}
		if next := nextConfirmed(op, o, start.Add(10*time.Minute)); (next.Outcome == Succeeded) != test.done {
			t.Errorf("%s: %s, %s", test.name, next.Outcome, next.Message)
		}
	}
}
