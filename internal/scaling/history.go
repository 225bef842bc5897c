package scaling

import "time"

// History is the operations of a policy that have ended, newest first.
type History []OperationRecord

// OperationRecord is one operation that has ended.
type OperationRecord struct {
	Pool                   Pool
	Direction              Direction
	Succeeded              bool
	StartedAt, CompletedAt time.Time
	// Disruptive says that the operation took instances out of service for a time, or would have.
	Disruptive bool
	// NothingChanged says that AWS had no capacity and nothing was changed, so that the operation does not count.
	NothingChanged bool
	// LeadTime is the time until capacity was added; zero when that is not known.
	LeadTime time.Duration
	// UtilizationBefore is the utilization of the pool, in percent, when the operation was proposed, and UtilizationAfter the one
	// after it took effect; nil when that is not known.
	UtilizationBefore, UtilizationAfter *int
	// UnservedReaders are the readers that the operation requested and that neither it nor a later observation has seen in service.
	UnservedReaders []string
}

// countsSince reports whether the record counts among those started after t: cleanups do not.
func (r OperationRecord) countsSince(t time.Time) bool {
	return r.Direction != Cleanup && !r.NothingChanged && r.StartedAt.After(t)
}

// CountStartedSince is the number of operations started after t, without cleanups.
func (h History) CountStartedSince(t time.Time) int {
	count := 0
	for _, r := range h {
		if r.countsSince(t) {
			count++
		}
	}
	return count
}

// CountDisruptiveSince is the number of disruptive operations started after t, without cleanups.
func (h History) CountDisruptiveSince(t time.Time) int {
	count := 0
	for _, r := range h {
		if r.countsSince(t) && r.Disruptive {
			count++
		}
	}
	return count
}

// LastCompleted is the operation that ended last of those that match; nil when there is none.
func (h History) LastCompleted(match func(OperationRecord) bool) *OperationRecord {
	var last *OperationRecord
	for n := range h {
		if match(h[n]) && (last == nil || h[n].CompletedAt.After(last.CompletedAt)) {
			last = &h[n]
		}
	}
	return last
}

// IsDisruptive reports whether a change of a pool takes instances out of service for a time. Only adding and removing readers,
// and changing a capacity of Aurora Serverless v2, do not.
func IsDisruptive(pool Pool, from, to Shape) bool {
	if _, isCapacity := parseACUs(to.InstanceClass); isCapacity {
		return false
	}
	return pool == Writer || from.InstanceClass != to.InstanceClass
}
