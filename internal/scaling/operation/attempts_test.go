package operation

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// callOf returns the call of a step.
func callOf(s scaling.Step) scaling.Call {
	return scaling.Call{Action: s.Action, Instance: s.Instance}
}

func TestRetractAttempt(t *testing.T) {
	op := scaling.Operation{Steps: []scaling.Step{
		{Instance: "engine-1", Attempts: 1, LastAttemptAt: start, CompletedAt: start}, {Instance: "engine-2", Attempts: 2, LastAttemptAt: start},
	}}
	got := RetractAttempt(op, callOf(op.Steps[1]))
	if s := got.Steps[1]; s.Attempts != 1 || !s.LastAttemptAt.IsZero() {
		t.Errorf("current step is %+v, want one attempt and no time", s)
	}
	if got.Steps[0] != op.Steps[0] || op.Steps[1].Attempts != 2 {
		t.Errorf("steps are %+v, were %+v; want only the current one of the result changed", got.Steps, op.Steps)
	}
}

func TestWaitForRequestedReader(t *testing.T) {
	create := scaling.Step{Action: scaling.CreateReader, Instance: "engine-surge", LastAttemptAt: start}
	created, notRequested, resize := create, create, create
	created.CompletedAt = start.Add(time.Minute)
	notRequested.LastAttemptAt = time.Time{}
	resize.Action = scaling.ModifyInstanceClass
	for _, test := range []struct {
		name   string
		steps  []scaling.Step
		exists bool
		after  time.Duration
		want   time.Duration
	}{
		{"requested reader that has not appeared", []scaling.Step{create}, false, 4 * time.Minute, 6 * time.Minute},
		{"requested reader that has appeared", []scaling.Step{create}, true, 4 * time.Minute, 0},
		{"requested reader that does not appear in time", []scaling.Step{create}, false, 10 * time.Minute, 0},
		{"reader that was created", []scaling.Step{created, resize}, false, time.Minute, 0},
		{"reader that was not requested", []scaling.Step{notRequested}, false, 0, 0},
		{"no reader to create", []scaling.Step{resize}, false, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var o scaling.Observation
			if test.exists {
				o.Instances = []scaling.Instance{{Identifier: "engine-surge"}}
			}
			if got := WaitForRequestedReader(scaling.Operation{Steps: test.steps}, o, start.Add(test.after)); got != test.want {
				t.Errorf("waits %s, want %s", got, test.want)
			}
		})
	}
}

func TestReasonInProgress(t *testing.T) {
	for direction, want := range map[scaling.Direction]scaling.Reason{
		scaling.Up: ReasonScalingUp, scaling.Down: ReasonScalingDown, scaling.Cleanup: ReasonCleaningUp,
	} {
		if got := ReasonInProgress(direction); got != want {
			t.Errorf("%s has the reason %s, want %s", direction, got, want)
		}
	}
}
