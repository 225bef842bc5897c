package scaling

import (
	"slices"
	"time"
)

// Operation is a change in progress: ordered steps that are persisted before the first AWS call.
type Operation struct {
	// ID identifies the operation. It is part of the names of the readers it creates.
	ID        string
	Pool      Pool
	Direction Direction
	From, To  Shape
	// DecisionHash is the hash of the proposal that started it; empty when an earlier version of the operator started it.
	DecisionHash string
	// Cause states the figures that led to it: that of the proposal.
	Cause string
	// Emergency says that the pool was saturated and its demand far above its capacity.
	Emergency bool
	// UtilizationPercent is the utilization of the pool when the operation was started.
	UtilizationPercent int
	StartedAt          time.Time
	Steps              []Step
}

// Step is one AWS call and whether its effect was observed.
type Step struct {
	Action        Action
	Instance      string
	InstanceClass string
	// PromotionTier is that of the reader to create, or the one to set.
	PromotionTier int
	// Surge says that the reader to create or delete exists only for the duration of the operation.
	Surge bool
	// Attempts is the number of attempts at the request. Each is recorded before its AWS call, which may then not be made.
	Attempts int
	// Answer is what AWS answered to the last request, when it did not accept it, and SameAnswers the number of requests in a row that
	// it answered so; zero when the last request was throttled or not answered, which says nothing about the request.
	Answer      string
	SameAnswers int
	// StartedAt is when the step started, before the first request; zero until then.
	StartedAt time.Time
	// LastAttemptAt is when the last attempt was recorded, before its AWS call.
	LastAttemptAt time.Time
	// ObservedAt is when its effect was first observed, to be confirmed by a second observation; zero while it was not.
	ObservedAt time.Time
	// CompletedAt is when a second observation confirmed its effect; zero until then.
	CompletedAt time.Time
}

// IsDisruptive reports whether a step takes an instance out of service for a time.
func (s Step) IsDisruptive() bool {
	return s.Action == ModifyInstanceClass || s.Action == Failover || s.Action == ModifyClusterClass
}

// ChangesAllMembers reports whether a step changes every member of a cluster with one request.
func (s Step) ChangesAllMembers() bool {
	return s.Action == ModifyClusterClass || s.Action == ModifyCapacity || s.Action == ModifyMinCapacity
}

// LeadTime is the time until the operation had added capacity: until its first new reader was in service, or, when it adds none,
// its first resized instance. Zero while it has added none.
func (o Operation) LeadTime() time.Duration {
	for _, action := range []Action{CreateReader, ModifyInstanceClass, ModifyClusterClass, ModifyCapacity} {
		for _, s := range o.Steps {
			if s.Action == action {
				return max(0, s.CompletedAt.Sub(o.StartedAt))
			}
		}
	}
	return 0
}

// IsDisruptive reports whether any step takes an instance out of service for a time. Adding or removing a reader does not.
func (o Operation) IsDisruptive() bool {
	return slices.ContainsFunc(o.Steps, func(s Step) bool { return s.IsDisruptive() })
}

// HasRequests reports whether an AWS request was made for any step.
func (o Operation) HasRequests() bool {
	return slices.ContainsFunc(o.Steps, func(s Step) bool { return s.Attempts > 0 })
}

// UnservedReaders lists the readers that were requested and that the operation has not seen in service.
func (o Operation) UnservedReaders() []string {
	var names []string
	for _, s := range o.Steps {
		if s.Action == CreateReader && !s.LastAttemptAt.IsZero() && s.CompletedAt.IsZero() {
			names = append(names, s.Instance)
		}
	}
	return names
}

// MayHaveChanged reports whether a step was completed, or was requested and not refused.
func (o Operation) MayHaveChanged() bool {
	return slices.ContainsFunc(o.Steps, func(s Step) bool { return !s.CompletedAt.IsZero() || !s.LastAttemptAt.IsZero() })
}

// CurrentStep is the index of the step in progress, or len(Steps) when all are completed.
func (o Operation) CurrentStep() int {
	for n, s := range o.Steps {
		if s.CompletedAt.IsZero() {
			return n
		}
	}
	return len(o.Steps)
}
