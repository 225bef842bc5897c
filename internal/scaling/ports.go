package scaling

import (
	"context"
	"errors"
	"time"
)

// Observer reads targets. The targets of a scope share one snapshot and one batch of metrics.
type Observer interface {
	// Track says which targets will be observed, so that the next read of their scope serves all of them. It reads nothing itself. A
	// target that is not observed or tracked for a while is forgotten.
	Track(targets []TrackedTarget)
	// Observe returns one result per target, in their order, read at or after notBefore. With a zero notBefore, results of the
	// last observation interval may be returned.
	//
	// It may return ErrNotRead instead of waiting until the target was read.
	//
	// A target that does not exist gives an Observation with Found false, not an error. The error of a result wraps one of the
	// errors below where the cause is known.
	Observe(ctx context.Context, targets []Target, notBefore time.Time) []ObservationResult
}

// TrackedTarget is a target that will be observed, and what is needed of it.
type TrackedTarget struct {
	Target Target
	// Window is how far back samples are needed; zero for a default.
	Window time.Duration
	// ScaleDownWindow is how far back samples of memory and connections are needed; zero for as far as all others.
	ScaleDownWindow time.Duration
	// ReadInterval is how often samples are read, from one minute on; a shorter one asks for each sample as soon as it is published.
	// Zero means a minute.
	ReadInterval time.Duration
	// RiseLimits say when the samples are read before their time: with an interval above a minute, the mean CPU utilization of the pools
	// is read each minute.
	RiseLimits RiseLimits
	// ReadersOnly says that the writer is not scaled: of its samples only the CPU load of the last hour is needed, which is reported.
	ReadersOnly bool
	// NeedsReplicaLag says that a change may be due, which depends on the replica lag.
	NeedsReplicaLag bool
}

// RiseLimits are mean CPU utilizations of a pool, in percent, above which its load has risen further than was expected. Zero is for a pool
// of which that need not be known.
type RiseLimits struct {
	Writer, Readers float64
}

// IsZero reports whether there is no limit.
func (l RiseLimits) IsZero() bool { return l == RiseLimits{} }

// ObservationResult is the observation of one target, or the error that prevented it.
type ObservationResult struct {
	Observation Observation
	// MetricsErr is the error that prevented reading samples when the topology could be read. The samples are then missing.
	MetricsErr error
	Err        error
}

// Executor changes databases. Each call makes at most one mutating request to AWS.
type Executor interface {
	// Execute makes one call on the target, and returns as soon as AWS has accepted it. The error wraps one of the errors below
	// where the cause is known.
	Execute(ctx context.Context, target Target, call Call) error
}

// The errors that the ports return, by the reaction that they need.
var (
	// ErrNotRead: the target was not read yet, or not lately enough. It will be; observe it again then.
	ErrNotRead = errors.New("not read yet")
	// ErrDenied: IAM does not allow the call to the role. A person must change IAM.
	ErrDenied = errors.New("access denied")
	// ErrThrottled: too many requests; try again later.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: AWS did not answer, or answered with a server error. It is not known whether a change was made.
	ErrUnavailable = errors.New("AWS unavailable")
	// ErrNotFound: the object to change does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists: the object to create exists.
	ErrAlreadyExists = errors.New("already exists")
	// ErrBusy: the state of the database does not allow this change now. Observe again, then retry.
	ErrBusy = errors.New("busy")
	// ErrNoCapacity: AWS has no instances of the class in the zone now.
	ErrNoCapacity = errors.New("insufficient capacity")
	// ErrQuota: the account's quota is used up. A person must raise it.
	ErrQuota = errors.New("quota exceeded")
	// ErrInvalid: AWS refuses this change, and a retry does not help; the message says why.
	ErrInvalid = errors.New("refused by AWS")
)

// NoCapacityError says where AWS had no instances of a class. It matches ErrNoCapacity.
type NoCapacityError struct {
	// Zone is the availability zone requested; empty when AWS chose it.
	Zone string
	// LastZone says that no other zone is left to try.
	LastZone bool
	Err      error
}

// Error is the message of the AWS error.
func (e *NoCapacityError) Error() string { return e.Err.Error() }

// Unwrap is the AWS error.
func (e *NoCapacityError) Unwrap() error { return e.Err }

// Is reports that the error is an ErrNoCapacity.
func (e *NoCapacityError) Is(target error) bool { return target == ErrNoCapacity }

// StableMessage is the message of an error for a status, without identities (see RedactIdentities) and without the parts that differ
// between attempts, such as a request ID, so that a
// condition that shows it is not written again. An error provides it by a method of that name.
func StableMessage(err error) string {
	var stable interface{ StableMessage() string }
	if errors.As(err, &stable) {
		return RedactIdentities(stable.StableMessage())
	}
	return RedactIdentities(err.Error())
}

// Call is one change to a database.
type Call struct {
	Action Action
	// Policy is the namespace/name of the policy that makes the call, which CloudTrail shows as the name of the session.
	Policy string
	// Instance is the DB instance to change, create, delete or promote, or the cluster to change.
	Instance string
	// InstanceClass is the class to change to, or to create the reader with.
	InstanceClass string
	// PromotionTier is that of the reader to create, or the one to set.
	PromotionTier int
	// Tags are those of the reader to create.
	Tags map[string]string
	// AvoidZones are the availability zones in which the reader must not be created.
	AvoidZones []string
}

// Action is the kind of a call.
type Action string

// The actions. Each is one AWS call.
const (
	// ModifyInstanceClass is rds:ModifyDBInstance with DBInstanceClass and ApplyImmediately.
	ModifyInstanceClass Action = "ModifyInstanceClass"
	// ModifyPromotionTier is rds:ModifyDBInstance with PromotionTier, which does not restart the instance.
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
	// ModifyCapacity is rds:ModifyDBCluster with the maximum capacity of Aurora Serverless v2, which interrupts nothing. Its
	// Instance is the cluster, and its InstanceClass the capacity in the form of catalog.ServerlessClassName.
	ModifyCapacity Action = "ModifyCapacity"
	// ModifyMinCapacity is the same with the minimum capacity.
	ModifyMinCapacity Action = "ModifyMinCapacity"
)
