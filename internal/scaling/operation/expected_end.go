package operation

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// usualDurations is how long each step usually takes at most, with the waits of the operator before and after it. It is shorter than the
// deadline at which the step fails, so that an alert comes before the failure.
var usualDurations = map[scaling.Action]time.Duration{
	scaling.ModifyInstanceClass: 30 * time.Minute, // up to 20 in practice, and PollInterval and storage work of AWS
	scaling.ModifyPromotionTier: 5 * time.Minute,
	scaling.CreateReader:        20 * time.Minute, // up to 10 in practice
	scaling.DeleteReader:        20 * time.Minute, // after drainTimeout
	scaling.Failover:            10 * time.Minute, // after promotionWarmUp
	scaling.ModifyClusterClass:  90 * time.Minute, // three instances, one after the other
	scaling.ModifyCapacity:      10 * time.Minute,
	scaling.ModifyMinCapacity:   10 * time.Minute,
}

// ExpectedEnd is when an operation should have ended, by what its steps usually take. Creates that follow each other are requested at the
// same time (see Next), so that they count once. Waits for a window, or until the database is idle, are not part of it.
func ExpectedEnd(op scaling.Operation) time.Time {
	end := op.StartedAt
	for n := range op.Steps {
		if n > 0 && op.Steps[n].Action == scaling.CreateReader && op.Steps[n-1].Action == scaling.CreateReader {
			continue
		}
		end = end.Add(usualDurations[op.Steps[n].Action])
	}
	return end
}

// UsualDuration is how long the steps usually take at most, one after the other.
func UsualDuration(actions ...scaling.Action) time.Duration {
	var total time.Duration
	for _, action := range actions {
		total += usualDurations[action]
	}
	return total
}
