package guard

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// FleetSlot is the name of the guard that limits concurrent disruptive operations over all policies.
const FleetSlot = "FleetSlot"

// slotRetryInterval is how often a policy that waits for a slot tries again.
const slotRetryInterval = 30 * time.Second

// fleetSlot limits how many databases are disrupted at once, so that a mistake, or an incident at AWS, affects only a few.
// Emergencies go first, then the policies that have waited longest.
func fleetSlot(in Input) (string, time.Duration, error) {
	f := in.Observation.Fleet
	if f.Slots == 0 || !in.Operation.IsDisruptive() {
		return "", 0, nil
	}
	if len(f.Holders) >= f.Slots {
		return SlotsInUseMessage(f), slotRetryInterval, nil
	}
	this := scaling.WaitingPolicy{Policy: in.Policy.Name, Emergency: in.Proposal.Emergency, WaitingSince: f.WaitingSince}
	if this.WaitingSince.IsZero() {
		this.WaitingSince = in.Now
	}
	ahead := 0
	for _, w := range f.Waiting {
		if w.IsBefore(this) {
			ahead++
		}
	}
	if len(f.Holders)+ahead >= f.Slots {
		return fmt.Sprintf("other policies are ahead in the queue for the slots of --max-disruptive-operations (%d); the operator retries",
			f.Slots), slotRetryInterval, nil
	}
	return "", 0, nil
}

// SlotsInUseMessage names the policies that hold the slots, ten at most.
func SlotsInUseMessage(f scaling.Fleet) string {
	shown := f.Holders[:min(len(f.Holders), 10)]
	return fmt.Sprintf("all slots of --max-disruptive-operations (%d) are in use by %s; the operation starts when one is free",
		f.Slots, cmp.Or(strings.Join(shown, ", "), "none"))
}
