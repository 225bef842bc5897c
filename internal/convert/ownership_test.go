package convert

import (
	"reflect"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/drift"
)

// TestCompletedOperations_LastStepOfEachInstance checks that the last attempted step of each instance counts, and that a failover sets no
// class.
func TestCompletedOperations_LastStepOfEachInstance(t *testing.T) {
	at := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	op := scaling.Operation{ID: "1", Pool: scaling.Writer, Steps: []scaling.Step{
		{Action: scaling.CreateReader, Instance: "s", InstanceClass: "db.r6g.large", CompletedAt: at},
		{Action: scaling.ModifyInstanceClass, Instance: "a", InstanceClass: "db.r6g.xlarge", CompletedAt: at},
		{Action: scaling.Failover, Instance: "a", CompletedAt: at},
		{Action: scaling.ModifyInstanceClass, Instance: "w", InstanceClass: "db.r6g.large", LastAttemptAt: at},
		{Action: scaling.DeleteReader, Instance: "s"},
	}}
	convertRecord := func(op scaling.Operation, outcome v1alpha1.Outcome) drift.CompletedOperation {
		return CompletedOperations([]v1alpha1.OperationRecord{OperationRecord(op, outcome, "", "", at)})[0]
	}
	a := drift.ExpectedInstance{Instance: "a", Action: scaling.ModifyInstanceClass, InstanceClass: "db.r6g.xlarge"}
	w := drift.ExpectedInstance{Instance: "w", Action: scaling.ModifyInstanceClass, InstanceClass: "db.r6g.large"}
	want := drift.CompletedOperation{ID: "1", Pool: scaling.Writer, CompletedAt: at, Expected: []drift.ExpectedInstance{
		{Instance: "s", Action: scaling.CreateReader, InstanceClass: "db.r6g.large"}, a, w,
	}}
	if got := convertRecord(op, v1alpha1.OutcomeFailed); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
	op.Steps[4].CompletedAt = at
	want.Succeeded, want.Expected[0] = true, drift.ExpectedInstance{Instance: "s", Action: scaling.DeleteReader}
	if got := convertRecord(op, v1alpha1.OutcomeSucceeded); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// TestOwnershipStatus_RoundTrip checks that the conversion to status and back is lossless.
func TestOwnershipStatus_RoundTrip(t *testing.T) {
	at := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	for _, state := range []drift.State{
		{},
		{ResolvedAt: at},
		{
			Reverts:  []drift.Revert{{DetectedAt: at, Operation: "1", Pool: scaling.Readers, Instance: "a", ExpectedClass: "db.r6g.xlarge", ObservedClass: "db.r6g.large"}},
			Conflict: &drift.Conflict{DetectedAt: at, Generation: 3, ResolveAnnotation: "x"},
		},
	} {
		if got := OwnershipState(OwnershipStatus(state)); !reflect.DeepEqual(got, state) {
			t.Errorf("got %+v, want %+v", got, state)
		}
	}
	if OwnershipStatus(drift.State{}) != nil {
		t.Error("the status of an empty state is not nil")
	}
}
