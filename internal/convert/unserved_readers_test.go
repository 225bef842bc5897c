package convert

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The readers that nobody has seen in service are in the record as long as it is kept, until one is in service.
func TestSetUnservedReaders(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	op := scaling.Operation{ID: "0a1b2c3d", Pool: scaling.Readers, Direction: scaling.Up, Steps: []scaling.Step{
		{Action: scaling.CreateReader, Instance: "served", LastAttemptAt: at, CompletedAt: at},
		{Action: scaling.CreateReader, Instance: "failed", LastAttemptAt: at},
		{Action: scaling.CreateReader, Instance: "planned"},
	}}
	history := AppendHistory(nil, OperationRecord(op, v1alpha1.OutcomeFailed, "StepFailed", "no", at), at)
	expect := func(when string, instances int, want ...string) {
		t.Helper()
		got := History(history)[len(history)-1].UnservedReaders
		if !slices.Equal(got, want) || len(history[len(history)-1].Instances) != instances {
			t.Errorf("%s: unserved are %v of %+v, want %v", when, got, history[len(history)-1].Instances, want)
		}
	}
	expect("when the operation ends", 2, "failed")
	later := OperationRecord(scaling.Operation{ID: "1a1b2c3d", Pool: scaling.Readers, Direction: scaling.Up}, v1alpha1.OutcomeFailed, "StepFailed", "no", at)
	history = AppendHistory(history, later, at.Add(48*time.Hour))
	expect("two days later", 1, "failed")
	SetUnservedReaders(history, History(history))
	expect("when nothing has changed", 1, "failed")
	known := History(history)
	known[1].UnservedReaders = nil
	SetUnservedReaders(history, known)
	expect("when it is in service", 1)
}
