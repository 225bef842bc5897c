package convert

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

var now = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// roundTrip converts an operation to status, encodes it as JSON, and converts it back.
func roundTrip(t *testing.T, op scaling.Operation) scaling.Operation {
	t.Helper()
	text, err := json.Marshal(OperationStatus(op))
	if err != nil {
		t.Fatal(err)
	}
	back := &v1alpha1.OperationStatus{}
	if err := json.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	out := Operation(back)
	out.StartedAt = out.StartedAt.UTC()
	for n := range out.Steps {
		s := &out.Steps[n]
		for _, at := range []*time.Time{&s.StartedAt, &s.LastAttemptAt, &s.CompletedAt} {
			if !at.IsZero() {
				*at = at.UTC() // reflect.DeepEqual compares the location as well
			}
		}
	}
	return *out
}

func TestOperationStatus_RoundTrip(t *testing.T) {
	for name, op := range map[string]scaling.Operation{
		"every action at every stage": {
			ID: "0a1b2c3d", Pool: scaling.Readers, Direction: scaling.Up, Cause: "readers at 91% CPU", StartedAt: now,
			From: scaling.Shape{InstanceClass: "db.r6g.large", Count: 2}, To: scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 3},
			Steps: []scaling.Step{
				{Action: scaling.CreateReader, Instance: "s", InstanceClass: "db.r6g.xlarge", PromotionTier: 15, Surge: true, Attempts: 2,
					StartedAt: now, LastAttemptAt: now.Add(90 * time.Second), CompletedAt: now.Add(8 * time.Minute)},
				{Action: scaling.CreateReader, Instance: "n", InstanceClass: "db.r6g.xlarge", PromotionTier: 0},
				{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: "db.r6g.xlarge", Attempts: 1,
					StartedAt: now.Add(9 * time.Minute), LastAttemptAt: now.Add(9 * time.Minute)},
				{Action: scaling.ModifyPromotionTier, Instance: "a", PromotionTier: 0},
				{Action: scaling.ModifyPromotionTier, Instance: "b", PromotionTier: 7},
				{Action: scaling.Failover, Instance: "a"},
				{Action: scaling.DeleteReader, Instance: "s", Surge: true},
				{Action: scaling.DeleteReader, Instance: "n"},
			},
		},
		"mixed classes and no instances": {
			ID: "1", Pool: scaling.Writer, DecisionHash: "4d5e6f70", Direction: scaling.Down, StartedAt: now,
			From: scaling.Shape{Count: 2}, To: scaling.Shape{InstanceClass: "db.r6g.large"},
			Steps: []scaling.Step{{Action: scaling.Failover, Instance: "a"}},
		},
		"cleanup": {
			ID: "2", Pool: scaling.Readers, Direction: scaling.Cleanup, StartedAt: now, Steps: []scaling.Step{{Action: scaling.DeleteReader, Instance: "s", Surge: true}},
		},
	} {
		if got := roundTrip(t, op); !reflect.DeepEqual(got, op) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, got, op)
		}
	}
	if Operation(nil) != nil {
		t.Error("Operation(nil) is not nil")
	}
}

// TestOperationStatus_ResumesAtTheSameStep checks that a persisted operation has the same next step as the original, at every step.
func TestOperationStatus_ResumesAtTheSameStep(t *testing.T) {
	instance := func(name string) scaling.Instance {
		return scaling.Instance{Identifier: name, Class: "db.r6g.large", Status: scaling.StatusAvailable}
	}
	writer := instance("w")
	writer.Writer = true
	o := scaling.Observation{ObservedAt: now, Found: true, Status: scaling.StatusAvailable, Instances: []scaling.Instance{writer, instance("a"), instance("b")}}
	policy := scaling.Policy{Target: scaling.Target{Identifier: "engine"}, Guardrails: scaling.Guardrails{SurgeReaders: 1}}
	op, err := operation.Plan(policy, o, scaling.Proposal{Change: scaling.Change{
		Pool: scaling.Readers, Direction: scaling.Up, To: scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 2},
	}}, "0a1b2c3d", now)
	if err != nil {
		t.Fatal(err)
	}
	for n := range op.Steps {
		first := operation.Next("platform/engine", op, o, now)
		second := operation.Next("platform/engine", roundTrip(t, op), o, now)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("step %d: the original gives %+v, the persisted operation %+v", n+1, first, second)
		}
		op = first.Operation
		if again := operation.Next("platform/engine", roundTrip(t, op), o, now); again.Call != nil {
			t.Errorf("step %d is requested again after it was persisted", n+1)
		}
		op.Steps[n].CompletedAt = now
	}
}

func TestHistory(t *testing.T) {
	op := scaling.Operation{
		ID: "0a1b2c3d", Pool: scaling.Writer, Direction: scaling.Down, StartedAt: now, UtilizationPercent: 12, Emergency: true, DecisionHash: "4d5e6f70",
		From: scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}, To: scaling.Shape{InstanceClass: "db.r6g.large", Count: 1},
	}
	failed := OperationRecord(op, v1alpha1.OutcomeFailed, "StepFailed", strings.Repeat("x", 3000), now.Add(time.Hour))
	succeeded := OperationRecord(op, v1alpha1.OutcomeSucceeded, "", "", now.Add(2*time.Hour))
	if failed.ID != op.ID || failed.DecisionHash != op.DecisionHash || failed.Reason != "StepFailed" || len(failed.Message) > 2048 ||
		failed.From.InstanceClass != "db.r6g.xlarge" || ptr.Deref(failed.To.Replicas, 0) != 1 {
		t.Errorf("got the record %+v", failed)
	}
	succeeded.UtilizationAfterPercent = ptr.To[int32](40)
	want := scaling.History{
		{Pool: scaling.Writer, Direction: scaling.Down, Succeeded: true, StartedAt: now, CompletedAt: now.Add(2 * time.Hour),
			Disruptive: true, UtilizationBefore: ptr.To(12), UtilizationAfter: ptr.To(40)},
		{Pool: scaling.Writer, Direction: scaling.Down, Succeeded: false, StartedAt: now, CompletedAt: now.Add(time.Hour),
			Disruptive: true, UtilizationBefore: ptr.To(12)},
	}
	if got := History([]v1alpha1.OperationRecord{succeeded, failed}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := History(nil); len(got) != 0 {
		t.Errorf("History(nil) is %+v, want none", got)
	}
}

func TestTruncateMessage(t *testing.T) {
	for _, length := range []int{0, 1, 2047, 2048, 2049, 5000} {
		for _, letter := range []string{"a", "é", "→", "🙂"} { // of 1, 2, 3 and 4 bytes
			message := strings.Repeat(letter, length/len(letter)) + strings.Repeat("a", length%len(letter))
			got := TruncateMessage(message)
			if length <= 2048 && got != message {
				t.Errorf("%d bytes of %s became %d bytes, want the message unchanged", length, letter, len(got))
			}
			if len(got) > 2048 || !utf8.ValidString(got) {
				t.Errorf("%d bytes of %s became %d bytes, valid UTF-8: %t", length, letter, len(got), utf8.ValidString(got))
			}
			if length > 2048 && (!strings.HasSuffix(got, "…") || len(got) < 2048-4) {
				t.Errorf("%d bytes of %s became %d bytes that end in %q", length, letter, len(got), got[len(got)-3:])
			}
		}
	}
}

func TestPoolStatus(t *testing.T) {
	instance := func(name, class, status string) scaling.Instance {
		return scaling.Instance{Identifier: name, Class: class, Status: status}
	}
	own := instance("b", "db.r6g.large", "available")
	own.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	writer := instance("w", "db.r6g.xlarge", "available")
	writer.Writer = true
	observed := func(at time.Time, instances ...scaling.Instance) scaling.Observation {
		return scaling.Observation{ObservedAt: at, Instances: append([]scaling.Instance{writer}, instances...)}
	}
	a, b := instance("a", "db.r6g.large", "available"), own
	before := PoolStatus(nil, observed(now, b, a), scaling.Readers)
	later := now.Add(time.Hour + 300*time.Millisecond)

	if before.Shape != "2 × db.r6g.large" || !PoolState(before).ChangedAt.Equal(now) {
		t.Errorf("the first observation gives %s since %s", before.Shape, PoolState(before).ChangedAt)
	}
	if len(before.Instances) != 2 || before.Instances[0].Identifier != "a" || before.Instances[0].CreatedBy != "" ||
		before.Instances[1].Identifier != "b" || before.Instances[1].CreatedBy != "dbscaler" {
		t.Errorf("got the instances %+v", before.Instances)
	}
	laterSecond := later.Truncate(time.Second)
	for _, test := range []struct {
		name      string
		before    *v1alpha1.PoolStatus
		instances []scaling.Instance
		want      time.Time
	}{
		{"unchanged: keeps the time", before, []scaling.Instance{a, b}, now},
		{"another order: keeps the time", before, []scaling.Instance{b, a}, now},
		{"backing up: keeps the time", before, []scaling.Instance{a, instance("b", "db.r6g.large", "backing-up")}, now},
		{"rebooting: no time", before, []scaling.Instance{a, instance("b", "db.r6g.large", "rebooting")}, time.Time{}},
		{"unknown status: no time", before, []scaling.Instance{a, instance("b", "db.r6g.large", "defrosting")},
			time.Time{}},
		{"resized: new time", before, []scaling.Instance{a, instance("b", "db.r6g.xlarge", "available")}, laterSecond},
		{"instance added: new time", before, []scaling.Instance{a, b, instance("c", "db.r6g.large", "available")}, laterSecond},
		{"instance removed: new time", before, []scaling.Instance{a}, laterSecond},
		{"instance replaced: new time", before, []scaling.Instance{a, instance("c", "db.r6g.large", "available")}, laterSecond},
		{"back in service: new time", PoolStatus(before, observed(now, a, instance("b", "db.r6g.large", "rebooting")), scaling.Readers),
			[]scaling.Instance{a, b}, laterSecond},
		{"first observation: new time", nil, []scaling.Instance{a, b}, laterSecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := PoolStatus(test.before, observed(later, test.instances...), scaling.Readers)
			if !PoolState(got).ChangedAt.Equal(test.want) {
				t.Errorf("ChangedAt is %v, want %v", PoolState(got).ChangedAt, test.want)
			}
		})
	}
	if got := PoolStatus(before, observed(now), scaling.Readers); got != nil || !PoolState(got).ChangedAt.IsZero() {
		t.Errorf("the status without readers is %+v, want nil", got)
	}
	if got := PoolStatus(nil, observed(now, a), scaling.Writer); got.Shape != "1 × db.r6g.xlarge" {
		t.Errorf("the writer has the shape %s, want 1 × db.r6g.xlarge", got.Shape)
	}
	mixed := PoolStatus(nil, observed(now, a, instance("c", "db.r6g.xlarge", "available")), scaling.Readers)
	if mixed.Shape != "2 × mixed classes" {
		t.Errorf("mixed readers have the shape %s, want 2 × mixed classes", mixed.Shape)
	}
}
