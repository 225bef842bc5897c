package operation

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// addTwo is an operation that adds two readers and then resizes one.
func addTwo() scaling.Operation {
	return scaling.Operation{ID: operationID, Pool: scaling.Readers, Direction: scaling.Up, StartedAt: start, Steps: []scaling.Step{
		{Action: scaling.CreateReader, Instance: "new-1", InstanceClass: xlarge},
		{Action: scaling.CreateReader, Instance: "new-2", InstanceClass: xlarge},
		{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: xlarge},
	}}
}

// newReaderWith is a reader that the operation creates, with a status.
func newReaderWith(name, status string) scaling.Instance {
	i := reader(name, xlarge)
	i.Status, i.Tags = status, map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	return i
}

// Readers are requested without waiting for each other, one call at a time, and everything else waits for all of them.
func TestNext_CreatesReadersAtOnce(t *testing.T) {
	op := addTwo()
	at := start
	next := func(instances ...scaling.Instance) Progress {
		at = at.Add(PollInterval)
		o := auroraCluster(append([]scaling.Instance{writer(large), reader("a", large)}, instances...)...)
		o.ObservedAt = at
		progress := Next("platform/engine", op, o, at)
		op = progress.Operation
		return progress
	}
	if p := next(); p.Call == nil || p.Call.Instance != "new-1" || p.RequeueAfter != nextCreateInterval {
		t.Fatalf("the first call is %+v, the next reconcile after %s", p.Call, p.RequeueAfter)
	}
	if p := next(); p.Call == nil || p.Call.Instance != "new-2" || p.RequeueAfter != PollInterval {
		t.Fatalf("the second call, before the first reader appears, is %+v, the next reconcile after %s", p.Call, p.RequeueAfter)
	}
	for _, p := range []Progress{
		next(newReaderWith("new-1", "creating"), newReaderWith("new-2", "creating")),
		next(newReaderWith("new-1", "creating"), newReaderWith("new-2", scaling.StatusAvailable)),
		next(newReaderWith("new-1", "creating"), newReaderWith("new-2", scaling.StatusAvailable)),
	} {
		if p.Call != nil || !strings.Contains(p.Message, "new-1") {
			t.Fatalf("while new-1 is created the call is %+v and the message %q", p.Call, p.Message)
		}
	}
	if op.Steps[1].CompletedAt.IsZero() {
		t.Error("the second reader is in service, and its step is not done")
	}
	next(newReaderWith("new-1", scaling.StatusAvailable), newReaderWith("new-2", scaling.StatusAvailable))
	if p := next(newReaderWith("new-1", scaling.StatusAvailable), newReaderWith("new-2", scaling.StatusAvailable)); p.Call == nil || p.Call.Instance != "a" {
		t.Errorf("with both readers in service the call is %+v, want the resize of a", p.Call)
	}
}

// A reader is not requested while anything but the operation's own new readers changes.
func TestNext_CreatesNothingDuringOtherChanges(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*scaling.Observation)
	}{
		{"the cluster is modified", func(o *scaling.Observation) { o.Status = "modifying" }},
		{"another reader is created", func(o *scaling.Observation) {
			o.Instances = append(o.Instances, newReaderWith("someone-else", "creating"))
		}},
		{"the writer restarts", func(o *scaling.Observation) { o.Instances[0].Status = "rebooting" }},
	} {
		op := addTwo()
		op.Steps[0].Attempts, op.Steps[0].StartedAt, op.Steps[0].LastAttemptAt = 1, start, start
		o := auroraCluster(writer(large), reader("a", large), newReaderWith("new-1", "creating"))
		o.ObservedAt = start.Add(time.Minute)
		test.edit(&o)
		if p := Next("platform/engine", op, o, o.ObservedAt); p.Call != nil || p.Outcome != Running {
			t.Errorf("%s: got %+v", test.name, p)
		}
	}
}

// The answer to a call is kept in its step, also when it is not the first that is not done.
func TestRecordAnswer_OfLaterCreate(t *testing.T) {
	op := addTwo()
	got := RecordAnswer(op, callOf(op.Steps[1]), scaling.ErrBusy)
	if got.Steps[0].Answer != "" || got.Steps[1].Answer == "" {
		t.Errorf("the answers are %q and %q", got.Steps[0].Answer, got.Steps[1].Answer)
	}
}
