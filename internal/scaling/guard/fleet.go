package guard

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// FleetSlot is the name of the guard that bounds the operations that interrupt instances, over all policies.
const FleetSlot = "FleetSlot"

// slotRetryInterval is how soon a policy that waits for a slot looks again.
const slotRetryInterval = 30 * time.Second

// fleetSlot lets only so many databases be interrupted at once, whatever befalls them all: a mistake, or a bad day of AWS, then
// reaches a few. Emergencies go first, then those that have waited longest.
func fleetSlot(in Input) (string, time.Duration, error) {
	f := in.Observation.Fleet
	if f.Slots == 0 || !in.Operation.IsDisruptive() {
		return "", 0, nil
	}
	if len(f.Holders) >= f.Slots {
		return SlotsInUseMessage(f), slotRetryInterval, nil
	}
	candidate := scaling.WaitingPolicy{Policy: in.Policy.Name, Emergency: in.Proposal.Emergency, WaitingSince: f.WaitingSince}
	if candidate.WaitingSince.IsZero() {
		candidate.WaitingSince = in.Now
	}
	ahead := 0
	for _, w := range f.Waiting {
		if w.IsBefore(candidate) {
			ahead++
		}
	}
	if len(f.Holders)+ahead >= f.Slots {
		return "other policies wait for one of the slots for operations that interrupt instances and come first", slotRetryInterval, nil
	}
	return "", 0, nil
}

// SlotsInUseMessage says who has the slots.
func SlotsInUseMessage(f scaling.Fleet) string {
	shown := f.Holders[:min(len(f.Holders), 10)]
	return fmt.Sprintf("as many operations that interrupt instances are under way as --max-disruptive-operations allows, %d: %s",
		f.Slots, cmp.Or(strings.Join(shown, ", "), "none"))
}
