package scaling

import "time"

// Fleet is what the other policies of the installation are doing, as far as it bounds what this one may do.
type Fleet struct {
	// Slots is how many operations that interrupt instances may be under way at once, over all policies; zero means no bound.
	Slots int
	// Holders names the other policies, as namespace/name, that have one under way, in order.
	Holders []string
	// Waiting are the other policies that wait for a slot.
	Waiting []WaitingPolicy
	// WaitingSince is when this policy began to wait; zero when it does not.
	WaitingSince time.Time
}

// WaitingPolicy is a policy that waits for a slot.
type WaitingPolicy struct {
	// Policy is its namespace/name.
	Policy string
	// Emergency says that its database is saturated and its demand far above its capacity.
	Emergency bool
	// WaitingSince is when it began to wait.
	WaitingSince time.Time
}

// IsBefore says whether a waiter's turn comes before another's: emergencies first, then those that have waited longest, then by
// name.
func (w WaitingPolicy) IsBefore(other WaitingPolicy) bool {
	switch {
	case w.Emergency != other.Emergency:
		return w.Emergency
	case !w.WaitingSince.Equal(other.WaitingSince):
		return w.WaitingSince.Before(other.WaitingSince)
	default:
		return w.Policy < other.Policy
	}
}
