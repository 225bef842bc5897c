package scaling

import "time"

// Fleet is what the other policies of the installation are doing, as far as it bounds what this one may do.
type Fleet struct {
	// Slots is how many operations that interrupt instances may be under way at once, over all policies; zero means no bound.
	Slots int
	// Busy names the other policies, as namespace/name, that have one under way, in order.
	Busy []string
	// Waiting are the other policies that wait for a slot.
	Waiting []Waiter
	// Since is when this policy began to wait; zero when it does not.
	Since time.Time
}

// Waiter is a policy that waits for a slot.
type Waiter struct {
	// Policy is its namespace/name.
	Policy string
	// Emergency says that its database is saturated and its demand far above its capacity.
	Emergency bool
	// Since is when it began to wait.
	Since time.Time
}

// Before says whether a waiter's turn comes before another's: emergencies first, then those that have waited longest, then by
// name.
func (w Waiter) Before(other Waiter) bool {
	switch {
	case w.Emergency != other.Emergency:
		return w.Emergency
	case !w.Since.Equal(other.Since):
		return w.Since.Before(other.Since)
	default:
		return w.Policy < other.Policy
	}
}
