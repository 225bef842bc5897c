package guard

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestCheck_FleetSlot(t *testing.T) {
	waiting := func(name string, emergency bool, ago time.Duration) scaling.WaitingPolicy {
		return scaling.WaitingPolicy{Policy: name, Emergency: emergency, WaitingSince: now.Add(-ago)}
	}
	fleet := func(f scaling.Fleet) func(*Input) {
		return func(in *Input) { in.Policy.Name, in.Observation.Fleet = "platform/engine", f }
	}
	emergency := func(in *Input) { in.Proposal.Emergency = true }
	for _, test := range []struct {
		name    string
		edits   []func(*Input)
		message string // empty: no veto
	}{
		{"no limit", []func(*Input){fleet(scaling.Fleet{Holders: []string{"a/a", "b/b"}})}, ""},
		{"free slot", []func(*Input){fleet(scaling.Fleet{Slots: 2, Holders: []string{"a/a"}})}, ""},
		{"all slots in use", []func(*Input){fleet(scaling.Fleet{Slots: 2, Holders: []string{"a/a", "b/b"}})}, "(2) are in use by a/a, b/b"},
		{"all slots in use in an emergency", []func(*Input){emergency, fleet(scaling.Fleet{Slots: 1, Holders: []string{"a/a"}})}, "(1) are in use by a/a"},
		{"non-disruptive operation needs no slot", []func(*Input){
			fleet(scaling.Fleet{Slots: 1, Holders: []string{"a/a"}}), targetShape(3, large), withSteps(createStep("c")),
		}, ""},
		{"another policy waits longer", []func(*Input){fleet(scaling.Fleet{Slots: 1, Waiting: []scaling.WaitingPolicy{waiting("z/z", false, time.Minute)}})},
			"ahead in the queue"},
		{"free slots for both policies", []func(*Input){fleet(scaling.Fleet{Slots: 2, Waiting: []scaling.WaitingPolicy{waiting("z/z", false, time.Minute)}})}, ""},
		{"another policy waits for a shorter time", []func(*Input){fleet(scaling.Fleet{
			Slots: 1, WaitingSince: now.Add(-time.Hour), Waiting: []scaling.WaitingPolicy{waiting("z/z", false, time.Minute)},
		})}, ""},
		{"another policy waits as long, later name", []func(*Input){fleet(scaling.Fleet{
			Slots: 1, WaitingSince: now.Add(-time.Minute), Waiting: []scaling.WaitingPolicy{waiting("z/z", false, time.Minute)},
		})}, ""},
		{"another policy waits as long, earlier name", []func(*Input){fleet(scaling.Fleet{
			Slots: 1, WaitingSince: now.Add(-time.Minute), Waiting: []scaling.WaitingPolicy{waiting("a/a", false, time.Minute)},
		})}, "ahead in the queue"},
		{"emergency precedes a waiting policy", []func(*Input){emergency, fleet(scaling.Fleet{
			Slots: 1, Waiting: []scaling.WaitingPolicy{waiting("a/a", false, time.Hour)},
		})}, ""},
		{"emergency behind a waiting emergency", []func(*Input){emergency, fleet(scaling.Fleet{
			Slots: 1, Waiting: []scaling.WaitingPolicy{waiting("a/a", true, time.Minute)},
		})}, "ahead in the queue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			veto := firstVeto(approvedInput(test.edits...))
			switch {
			case test.message == "" && veto == nil:
			case test.message == "" || veto == nil || veto.Guard != FleetSlot || !strings.Contains(veto.Message, test.message):
				t.Errorf("got %+v, want %q", veto, test.message)
			case veto.RetryAfter != slotRetryInterval:
				t.Errorf("RetryAfter is %s", veto.RetryAfter)
			}
		})
	}
}
