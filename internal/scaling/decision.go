package scaling

import "time"

// Direction is whether a change adds or removes capacity.
type Direction string

// The directions.
const (
	Up      Direction = "Up"
	Down    Direction = "Down"
	Cleanup Direction = "Cleanup"
)

// Reason says in one CamelCase word what was decided, or why nothing was.
type Reason string

// The reasons of a decision.
const (
	// ReasonWithinBand: utilization is between the thresholds.
	ReasonWithinBand Reason = "WithinBand"
	// ReasonScaleUp: the pool is too small, and a larger shape was chosen.
	ReasonScaleUp Reason = "ScaleUp"
	// ReasonScaleDown: the pool has been too large for the whole window, and a smaller shape was chosen.
	ReasonScaleDown Reason = "ScaleDown"
	// ReasonBelowMinimum: the pool is smaller than the policy allows.
	ReasonBelowMinimum Reason = "BelowMinimum"
	// ReasonSurgeLeftover: a surge reader outlived its operation and is not needed.
	ReasonSurgeLeftover Reason = "SurgeLeftover"
	// ReasonAtMaximum: the pool is too small and already as large as the policy allows.
	ReasonAtMaximum Reason = "AtMaximum"
	// ReasonAtMinimum: the pool is too large and nothing smaller is allowed.
	ReasonAtMinimum Reason = "AtMinimum"
	// ReasonUnknownClass: an instance has a class, or the policy allows one, that the catalogue does not know.
	ReasonUnknownClass Reason = "UnknownInstanceClass"
	// ReasonSettling: the pool has changed, or was seen for the first time, and what it carries now is not known yet.
	ReasonSettling Reason = "Settling"
	// ReasonMetricsMissing: there are too few recent samples to decide anything.
	ReasonMetricsMissing Reason = "MetricsMissing"
)

// Decision is what should change, the most urgent first, or why nothing should.
type Decision struct {
	// Proposals are the changes to make, the most urgent first. At most one is carried out; the next is considered only
	// when the guards hold the ones before it back.
	Proposals []Proposal
	// Hold says why nothing should change. It is set when there is no proposal.
	Hold Hold
	// Load is what each pool was seen to carry; the pools that the policy leaves alone are absent.
	Load []Load
	// RequeueAfter is when the decision wants to be made again.
	RequeueAfter time.Duration
}

// Hold is a decision to change nothing.
type Hold struct {
	Reason Reason
	// Message explains the reason. It stays the same while the reason does, so that status is not written every minute.
	Message string
}

// Proposal is a change that the load calls for.
type Proposal struct {
	Reason Reason
	// Message explains the reason. It stays the same while the proposal does, so that status is not written every minute.
	Message string
	// Cause is the figures that led to it, for the operation's record.
	Cause string
	Change
}

// Change is a pool's way from one shape to another.
type Change struct {
	Pool      Pool
	Direction Direction
	From, To  Shape
	// Demand is what the pool must carry, in vCPUs.
	Demand float64
}

// Load is what a pool was seen to carry.
type Load struct {
	Pool Pool
	// Newest is the start of the newest minute that every instance in service has published a sample for; zero when there
	// is none.
	Newest time.Time
	// SettledAt is when the samples since the pool's last change will fill the scale-up window; zero while it is changing.
	SettledAt time.Time
	// Fresh says whether there are enough recent samples since the last change. The figures below are meaningless when
	// there are not.
	Fresh bool
	// Utilization is the mean over the scale-up window, in percent of the pool's vCPUs.
	Utilization float64
	// Demand is the peak over the scale-up window, in vCPUs.
	Demand float64
	// Capacity is the vCPUs of the pool.
	Capacity float64
	// Censored says that an instance was seen saturated, so that the true demand is at least Demand.
	Censored bool
}

// History is what a policy did before, newest first.
type History []Past

// Past is one operation that has ended.
type Past struct {
	Pool               Pool
	Direction          Direction
	Succeeded          bool
	Started, Completed time.Time
}

// StartedSince counts the operations, cleanups left out, that were started after t.
func (h History) StartedSince(t time.Time) int {
	n := 0
	for _, p := range h {
		if p.Direction != Cleanup && p.Started.After(t) {
			n++
		}
	}
	return n
}

// LastCompleted is when the newest operation that match accepts ended; zero when there is none.
func (h History) LastCompleted(match func(Past) bool) time.Time {
	var last time.Time
	for _, p := range h {
		if match(p) && p.Completed.After(last) {
			last = p.Completed
		}
	}
	return last
}
