package scaling

import (
	"errors"
	"time"
)

// Refusal is a change that AWS refused and would refuse again.
type Refusal struct {
	// Pool is the pool of the operation that requested the change.
	Pool   Pool
	Action Action
	// InstanceClass is the class that was requested; empty for an action without a class, and when the refusal concerns every class.
	InstanceClass string
	// Instance is set for an action that concerns one instance whatever its class, for example DeleteReader.
	Instance string
	// Message is the answer of AWS without what differs between attempts.
	Message string
	// Generation is that of the policy's spec. Another spec makes the refusal void.
	Generation int64
	// ExpiresAt is when the change may be requested again.
	ExpiresAt time.Time
}

// FindRefusal returns the refusal that still applies to a change at now, and false when there is none. A refused creation of a
// reader applies to both pools: the request is the same.
func (o Observation) FindRefusal(pool Pool, action Action, class, instance string, now time.Time) (Refusal, bool) {
	for _, r := range o.Refusals {
		if r.Action == action && now.Before(r.ExpiresAt) && (r.Pool == pool || action == CreateReader) &&
			(r.InstanceClass == "" || r.InstanceClass == class) && (r.Instance == "" || r.Instance == instance) {
			return r, true
		}
	}
	return Refusal{}, false
}

// CanCreateReader reports whether AWS would create a reader of a class, as far as that is known: it refuses every replica of some
// sources, and a request that it has refused before.
func (o Observation) CanCreateReader(class string, now time.Time) bool {
	_, refused := o.FindRefusal(Readers, CreateReader, class, "", now)
	return o.CannotReplicate == "" && !refused
}

// IsAboutClass reports whether AWS may have refused a call because of the class that it asks for. An error says that it did not by
// a method AboutClass.
func IsAboutClass(err error) bool {
	var detail interface{ AboutClass() bool }
	return !errors.As(err, &detail) || detail.AboutClass()
}

// IsSentToAWS reports whether a refused call was sent to AWS. An error says that it was not by a method SentToAWS: a check of the
// Executor failed.
func IsSentToAWS(err error) bool {
	var detail interface{ SentToAWS() bool }
	return !errors.As(err, &detail) || detail.SentToAWS()
}
