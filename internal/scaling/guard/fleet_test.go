package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestCheck_FleetSlot(t *testing.T) {
	waiter := func(name string, emergency bool, ago time.Duration) scaling.WaitingPolicy {
		return scaling.WaitingPolicy{Policy: name, Emergency: emergency, WaitingSince: now.Add(-ago)}
	}
	fleet := func(f scaling.Fleet) func(*Input) {
		return func(in *Input) { in.Policy.Name, in.Observation.Fleet = "platform/engine", f }
	}
	emergency := func(in *Input) { in.Proposal.Emergency = true }
	for _, test := range []struct {
		name  string
		edits []func(*Input)
		says  string // nothing: it may begin
	}{
		{"no bound", []func(*Input){fleet(scaling.Fleet{Holders: []string{"a/a", "b/b"}})}, ""},
		{"a slot is free", []func(*Input){fleet(scaling.Fleet{Slots: 2, Holders: []string{"a/a"}})}, ""},
		{"none is", []func(*Input){fleet(scaling.Fleet{Slots: 2, Holders: []string{"a/a", "b/b"}})}, "allows, 2: a/a, b/b"},
		{"not in an emergency either", []func(*Input){emergency, fleet(scaling.Fleet{Slots: 1, Holders: []string{"a/a"}})}, "allows, 1: a/a"},
		{"what interrupts nothing needs none", []func(*Input){
			fleet(scaling.Fleet{Slots: 1, Holders: []string{"a/a"}}), targetShape(3, large), withSteps(createStep("c")),
		}, ""},
		{"somebody waits", []func(*Input){fleet(scaling.Fleet{Slots: 1, Waiting: []scaling.WaitingPolicy{waiter("z/z", false, time.Minute)}})},
			"come first"},
		{"there is room for both", []func(*Input){fleet(scaling.Fleet{Slots: 2, Waiting: []scaling.WaitingPolicy{waiter("z/z", false, time.Minute)}})}, ""},
		{"somebody waits less long", []func(*Input){fleet(scaling.Fleet{
			Slots: 1, WaitingSince: now.Add(-time.Hour), Waiting: []scaling.WaitingPolicy{waiter("z/z", false, time.Minute)},
		})}, ""},
		{"as long, and comes later by name", []func(*Input){fleet(scaling.Fleet{
			Slots: 1, WaitingSince: now.Add(-time.Minute), Waiting: []scaling.WaitingPolicy{waiter("z/z", false, time.Minute)},
		})}, ""},
		{"as long, and comes first by name", []func(*Input){fleet(scaling.Fleet{
			Slots: 1, WaitingSince: now.Add(-time.Minute), Waiting: []scaling.WaitingPolicy{waiter("a/a", false, time.Minute)},
		})}, "come first"},
		{"an emergency goes before those that wait", []func(*Input){emergency, fleet(scaling.Fleet{
			Slots: 1, Waiting: []scaling.WaitingPolicy{waiter("a/a", false, time.Hour)},
		})}, ""},
		{"and not before another one", []func(*Input){emergency, fleet(scaling.Fleet{
			Slots: 1, Waiting: []scaling.WaitingPolicy{waiter("a/a", true, time.Minute)},
		})}, "come first"},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case test.says == "" && veto == nil:
			case test.says == "" || veto == nil || veto.Guard != FleetSlot || !strings.Contains(veto.Message, test.says):
				t.Errorf("got %+v, want %q", veto, test.says)
			case veto.RetryAfter != slotRetryInterval:
				t.Errorf("it looks again after %s", veto.RetryAfter)
			}
		})
	}
}
