package scaling

import (
	"context"
	"errors"
	"time"
)

// Observer reads targets. One call serves many: the targets of a scope share its snapshot and its metric batch.
type Observer interface {
	// Observe returns one result a target, in their order. What it returns was read at or after notBefore; with a zero
	// notBefore, what was read within the last observation interval is good enough.
	//
	// A target that does not exist is an Observation with Found false, not an error. A result's error wraps one of the
	// errors below where the cause is known.
	Observe(ctx context.Context, targets []Target, notBefore time.Time) []ObservationResult
}

// ObservationResult is the result for one target: an observation or the error that prevented it.
type ObservationResult struct {
	Observation Observation
	// MetricsErr says why samples could not be read although the topology could. The samples are then missing.
	MetricsErr error
	Err        error
}

// Executor changes databases. Each call makes at most one mutating request to AWS.
type Executor interface {
	// Execute carries out one call on the target. It returns as soon as AWS has accepted it. The error wraps one of the
	// errors below where the cause is known.
	Execute(ctx context.Context, target Target, call Call) error
}

// Errors that the ports return, by what to do about them.
var (
	// ErrDenied: the role may not do this. A person must change IAM.
	ErrDenied = errors.New("access denied")
	// ErrThrottled: too many requests; try again later.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: AWS did not answer, or answered with a server error. Whether a change was made is not known.
	ErrUnavailable = errors.New("AWS unavailable")
	// ErrNotFound: what was to be changed does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists: what was to be created exists.
	ErrAlreadyExists = errors.New("already exists")
	// ErrBusy: the database is in a state that does not take this change now. Look again, then retry.
	ErrBusy = errors.New("busy")
	// ErrNoCapacity: AWS has no instance of that class in that zone now.
	ErrNoCapacity = errors.New("insufficient capacity")
	// ErrQuota: the account's quota is used up. A person must raise it.
	ErrQuota = errors.New("quota exceeded")
	// ErrInvalid: AWS refuses this change whatever the time; the message says why.
	ErrInvalid = errors.New("refused by AWS")
)

// NoCapacityError says where AWS had no instance of a class. It matches ErrNoCapacity.
type NoCapacityError struct {
	// Zone is the availability zone that was asked for; empty when AWS chose.
	Zone string
	// LastZone says that there is no other zone to try.
	LastZone bool
	Err      error
}

// Error implements error.
func (e *NoCapacityError) Error() string { return e.Err.Error() }

// Unwrap gives the error as AWS answered it.
func (e *NoCapacityError) Unwrap() error { return e.Err }

// Is says that it is an ErrNoCapacity, also where no zone was left to ask for.
func (e *NoCapacityError) Is(target error) bool { return target == ErrNoCapacity }

// StableMessage is an error's message without what differs from one attempt to the next, such as a request id, so that a
// condition that shows it is written once. Errors have it as a method.
func StableMessage(err error) string {
	var stable interface{ StableMessage() string }
	if errors.As(err, &stable) {
		return stable.StableMessage()
	}
	return err.Error()
}

// Call is one change to a database.
type Call struct {
	Action Action
	// Instance is the DB instance that is changed, created, deleted or promoted, or the cluster that is changed as a whole.
	Instance string
	// InstanceClass is the class to change to or to create with.
	InstanceClass string
	// PromotionTier of the reader to create, or to set.
	PromotionTier int
	// Tags of the reader to create.
	Tags map[string]string
	// AvoidZones are the availability zones that a reader is not to be created in.
	AvoidZones []string
}

// Action is one kind of change.
type Action string

// The actions. Each is one AWS call.
const (
	// ModifyInstanceClass is rds:ModifyDBInstance with DBInstanceClass and ApplyImmediately.
	ModifyInstanceClass Action = "ModifyInstanceClass"
	// ModifyPromotionTier is rds:ModifyDBInstance with PromotionTier, which restarts nothing.
	ModifyPromotionTier Action = "ModifyPromotionTier"
	// CreateReader is rds:CreateDBInstance in a cluster, with the settings of the writer.
	CreateReader Action = "CreateReader"
	// DeleteReader is rds:DeleteDBInstance without a snapshot.
	DeleteReader Action = "DeleteReader"
	// Failover is rds:FailoverDBCluster to a named reader.
	Failover Action = "Failover"
	// ModifyClusterClass is rds:ModifyDBCluster with DBClusterInstanceClass and ApplyImmediately, for a Multi-AZ DB cluster. Its
	// Instance is the cluster.
	ModifyClusterClass Action = "ModifyClusterClass"
	// ModifyCapacity is rds:ModifyDBCluster with the maximum capacity of Aurora Serverless v2, which interrupts nothing. Its Instance
	// is the cluster, and its InstanceClass the capacity as catalog.ServerlessClassName writes it.
	ModifyCapacity Action = "ModifyCapacity"
)
