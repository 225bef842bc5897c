package scaling

import (
	"context"
	"time"
)

// EventLookBack is how far back RDS events are read. It covers what a scale-up is decided from, the longest scale-up window of a policy
// (an hour) after the warm-up and with the delay of samples. A longer span would be of no use, and each hour in it is one more in which
// AWS may have lost an event.
const EventLookBack = 90 * time.Minute

// DatabaseEvent is an RDS event (RDS API reference, Event). AWS records events on a best-effort basis: one may be missing, late or out of
// order (RDS user guide, "Monitoring Amazon RDS events").
type DatabaseEvent struct {
	// Time is when it happened.
	Time time.Time
	// SourceType is db-instance, db-cluster, or the type of another resource, and SourceIdentifier and SourceARN name the resource.
	SourceType, SourceIdentifier, SourceARN string
	// Categories are the categories of the user guide, such as "configuration change".
	Categories []string
	Message    string
}

// The source types of events about databases (RDS API reference, SourceType).
const (
	EventOfInstance = "db-instance"
	EventOfCluster  = "db-cluster"
)

// EventReader reads RDS events.
type EventReader interface {
	// ReadEvents returns the events of all resources in the scope of a target since from, read at or after notBefore. The error wraps one
	// of those of this package where the cause is known. With ErrNotRead, observe the target again once the events were read.
	ReadEvents(ctx context.Context, t Target, from, notBefore time.Time) ([]DatabaseEvent, error)
}
