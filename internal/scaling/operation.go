package scaling

import (
	"slices"
	"time"
)

// Operation is an approved change being carried out: ordered steps, persisted before the first AWS call.
type Operation struct {
	// ID identifies the operation and names what it creates.
	ID        string
	Pool      Pool
	Direction Direction
	From, To  Shape
	// Reason says why it was started.
	Reason string
	// Emergency says that it was started because the pool was saturated and its demand far above its capacity.
	Emergency bool
	// UtilizationPercent of the pool in percent when it was started.
	UtilizationPercent int
	StartedAt          time.Time
	Steps              []Step
}

// Step is one AWS call and the state that shows it is done.
type Step struct {
	Action        Action
	Instance      string
	InstanceClass string
	// PromotionTier of the reader to create, or to set.
	PromotionTier int
	// Surge says that the reader to create or delete is there only for the length of the operation.
	Surge bool
	// Attempts is how often AWS was asked.
	Attempts int
	// StartedAt is when the step began, before AWS was asked the first time; zero until then.
	StartedAt time.Time
	// LastAttemptAt is when AWS was last asked.
	LastAttemptAt time.Time
	// ObservedAt is when its effect was first seen; a second look confirms it. Zero while it is not seen.
	ObservedAt time.Time
	// CompletedAt is when a second look showed its effect; zero until then.
	CompletedAt time.Time
}

// IsDisruptive says whether a step takes an instance out of service for a time.
func (s Step) IsDisruptive() bool {
	return s.Action == ModifyInstanceClass || s.Action == Failover || s.Action == ModifyClusterClass
}

// LeadTime is how long it took until the operation had added capacity: until its first new reader was in service, or where it
// adds none until its first resized instance was. Zero when it has added none.
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

// IsDisruptive says whether any step takes an instance out of service for a time. Adding a reader, or removing one, does not.
func (o Operation) IsDisruptive() bool {
	return slices.ContainsFunc(o.Steps, func(s Step) bool { return s.IsDisruptive() })
}

// HasRequests says whether AWS was asked for any step.
func (o Operation) HasRequests() bool {
	return slices.ContainsFunc(o.Steps, func(s Step) bool { return s.Attempts > 0 })
}

// CurrentStep is the index of the step under way, or len(Steps) when all are done.
func (o Operation) CurrentStep() int {
	for n, s := range o.Steps {
		if s.CompletedAt.IsZero() {
			return n
		}
	}
	return len(o.Steps)
}
