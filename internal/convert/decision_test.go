package convert

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

func TestDecisionStatus_TimeMovesWithMeaning(t *testing.T) {
	blocked := Decision{
		Reason: "ScaleUp", Message: "readers are too small", Hash: "0a1b2c3d", Cause: "80% CPU", BlockedBy: []string{"Paused", "Cooldown"},
		Change:       &scaling.Change{Pool: scaling.Readers, To: scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 2}},
		Alternatives: []scaling.Candidate{{Verdict: scaling.VerdictChosen}}, Emergency: true,
	}
	for _, test := range []struct {
		name string
		edit func(*Decision)
		same bool
	}{
		{"same decision", func(*Decision) {}, true},
		{"other figures", func(d *Decision) { d.Message, d.Cause, d.Alternatives = "readers are still too small", "81% CPU", nil }, true},
		{"another guard in the second place", func(d *Decision) { d.BlockedBy = []string{"Paused", "FleetSlot"} }, true},
		{"another guard in the first place", func(d *Decision) { d.BlockedBy = []string{"Cooldown", "Paused"} }, false},
		{"no guard", func(d *Decision) { d.BlockedBy = nil }, false},
		{"another reason", func(d *Decision) { d.Reason = "BelowMinimum" }, false},
		{"another hash", func(d *Decision) { d.Hash = "3d2c1b0a" }, false},
		{"no change", func(d *Decision) { d.Change = nil }, false},
		{
			"another count",
			func(d *Decision) {
				d.Change = &scaling.Change{Pool: scaling.Readers, To: scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 3}}
			},
			false,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			previous, d := DecisionStatus(blocked, nil, now), blocked
			test.edit(&d)
			got := DecisionStatus(d, previous, now.Add(time.Minute))
			if IsSameDecision(previous, got) != test.same {
				t.Errorf("same decision: %t, want %t", !test.same, test.same)
			}
			if kept := got.Time.Time.Equal(now); kept != test.same {
				t.Errorf("time is %s; kept %t, want %t", got.Time, kept, test.same)
			}
			if test.same && (got.Cause != "80% CPU" || len(got.Alternatives) != 1 || got.Message != d.Message) {
				t.Errorf("got %+v, want the earlier cause and alternatives and the new message", got)
			}
		})
	}
}

func TestDecisionStatus_UrgencyOfBlockedChanges(t *testing.T) {
	if got := DecisionStatus(Decision{Emergency: true, BlockedBy: []string{"Paused"}}, nil, now); got.Urgency != v1alpha1.UrgencyEmergency {
		t.Errorf("urgency is %q, want Emergency", got.Urgency)
	}
	if got := DecisionStatus(Decision{Emergency: true}, nil, now); got.Urgency != "" {
		t.Errorf("urgency is %q of a change that nothing blocks, want none", got.Urgency)
	}
}

// The pure core cannot import the API, so that it has some of the API's reasons a second time.
func TestReasonsOfTheCoreAreThoseOfTheAPI(t *testing.T) {
	for core, api := range map[scaling.Reason]string{
		decide.ReasonTargetUnsupported: v1alpha1.ReasonUnsupported,
		decide.ReasonClassNotOffered:   v1alpha1.ReasonClassNotOffered, operation.ReasonScalingUp: v1alpha1.ReasonScalingUp,
		operation.ReasonScalingDown: v1alpha1.ReasonScalingDown, operation.ReasonCleaningUp: v1alpha1.ReasonCleaningUp,
	} {
		if string(core) != api {
			t.Errorf("the core's %q is %q in the API", core, api)
		}
	}
}
