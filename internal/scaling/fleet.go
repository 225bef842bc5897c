package scaling

import "time"

// Fleet is the state of the other policies of the installation, as far as it limits this one.
type Fleet struct {
	// Slots is the maximum number of disruptive operations in progress at once, over all policies; zero means no limit.
	Slots int
	// Holders are the other policies, as sorted namespace/name, with a disruptive operation in progress.
	Holders []string
	// Waiting are the other policies that wait for a slot.
	Waiting []WaitingPolicy
	// WaitingSince is when this policy started to wait for a slot; zero when it does not wait.
	WaitingSince time.Time
}

// WaitingPolicy is a policy that waits for a slot.
type WaitingPolicy struct {
	// Policy is its namespace/name.
	Policy string
	// Emergency says that its database is saturated and its demand far above its capacity.
	Emergency bool
	// WaitingSince is when it started to wait.
	WaitingSince time.Time
}

// IsBefore reports whether a policy gets a slot before another: emergencies first, then the one that has waited longest, then by
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
