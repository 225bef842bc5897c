// Package controllers reconciles DBScalingPolicies. Reconciler.phases lists what one reconcile does, in order; each phase has a
// file of its name. What to do is decided in internal/scaling, which is pure. This package loads, converts, calls and persists.
package controllers

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/shard"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

const (
	// ReconcileTimeout bounds one reconcile, in wall-clock time: reading the databases of a large account takes seconds.
	ReconcileTimeout = 2 * time.Minute
	// defaultRequeueInterval is when the next reconcile runs unless a phase says otherwise.
	defaultRequeueInterval = decide.RequeueInterval
	// backgroundRequeueInterval is the same where a policy is reconciled as soon as its database was read.
	backgroundRequeueInterval = 3 * time.Minute
	// conflictRequeueInterval is when the next reconcile runs after a write conflict, and after the end of an operation.
	conflictRequeueInterval = time.Second
)

// Reconciler brings databases to the size that their policies ask for.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// APIReader reads past the cache, right before an operation starts.
	APIReader client.Reader
	// Observer reads AWS, and Executor changes it.
	Observer scaling.Observer
	Executor scaling.Executor
	// ReadsInBackground says that the Observer calls ReconcileTargets when it has read targets. The interval of reconciles is only a
	// precaution then.
	ReadsInBackground bool
	// EventReader reads RDS events; nil reads none.
	EventReader scaling.EventReader
	// Declarations finds the resources of this cluster that declare the class of an instance; nil skips the search.
	Declarations DeclarationFinder
	Clock        clock.PassiveClock
	Events       events.Recorder
	Metrics      *telemetry.Metrics
	// Ledger receives one line of JSON for each decision that differs from the one before; nil drops them.
	Ledger io.Writer
	// Notifications delivers what happens to policies to receivers; nil sends nothing.
	Notifications *notify.Sender
	// PriceList returns the hourly prices that the installation configured for an engine in a region, by class; nil when there
	// are none.
	PriceList func(region, engine string) map[string]scaling.Money
	// ClockSpeed is how many seconds of Clock pass in one second of wall-clock time: 1 except in a demonstration.
	ClockSpeed float64
	// MaxDisruptiveOperations is how many operations that interrupt instances may be in progress at once, over all policies; 0
	// means no limit.
	MaxDisruptiveOperations int
	// Concurrency is how many policies are reconciled at once.
	Concurrency int
	// ClusterName is the name of this Kubernetes cluster in AWS tags; empty when it has none.
	ClusterName string
	// RequireAccount refuses policies that name no AWSAccount.
	RequireAccount bool
	// Shard says which accounts and regions this operator takes; the zero value takes all. See Owns.
	Shard shard.Assignment
	// WatchNamespaces are the namespaces whose policies the cache has; empty means all. When the operator may not list the policies of all
	// namespaces past the cache, it lists those of these.
	WatchNamespaces []string
	// WatchesSubset says that the cache has only some of the policies, by namespace or label, so that whatever depends on the others must be
	// read past it.
	WatchesSubset bool

	queue reconcileQueue
	// allListed and namespacesListed are done once the log says so.
	allListed, namespacesListed sync.Once
}

// outcome says how a reconcile goes on after a phase.
type outcome int

const (
	// proceed: the next phase runs.
	proceed outcome = iota
	// stop: no further phase runs, and status is written.
	stop
	// pending: the database is being read, and reconciled again once it was. No further phase runs, and nothing is written.
	pending
)

// phase is one step of a reconcile. An error stops the reconcile as well, and has it retried with backoff.
type phase struct {
	name string
	run  func(context.Context, *reconcileScope) (outcome, error)
}

// phases lists what a reconcile does between load and patchStatus, in order.
//
// Phases change status in the scope only. writeStatus is the only function that writes it to the API server: for patchStatus at
// the end of every reconcile, and for persistIntent before an AWS call and to hold a slot. "The end of an operation" moves it
// from status.operation to status.history, with its decision.
//
//	load
//	  reads   the policy, from the cache
//	  writes  status.observedGeneration
//	  ends    when the policy is gone or belongs to another shard, without patchStatus
//	validate
//	  reads   spec and annotations
//	  writes  conditions Accepted, Paused, Overridden; decision when the spec is invalid
//	  ends    when the spec is invalid
//	resolveAccount
//	  reads   the AWSAccount and the namespace of the policy
//	  writes  when the policy may not use the account, as checkConsent
//	  ends    when the policy may not use the account
//	observe
//	  reads   AWS through Observer, which reads it in the background
//	  writes  on failure: decision; condition TargetFound; condition Authorized when AWS denies access
//	  ends    when AWS cannot be read; without patchStatus when it is still being read
//	checkConsent
//	  reads   whether the database exists and its opt-in tag
//	  writes  without consent: conditions TargetFound and Authorized, decision; it removes what status says about the database, and
//	          the conditions MetricsAvailable and OwnershipConflict; the end of the operation and the finalizer when there is no database
//	  ends    when there is no database or no consent; no phase before it writes anything about the database
//	assess
//	  reads   the observation; the status of other policies; declarations in this cluster; RDS events through EventReader, once
//	  writes  conditions TargetFound, MetricsAvailable, OwnershipConflict, ReplicaWithoutClients and those of the topology;
//	          status.target, writer, readers, capacityShortages, refusals, ownership; the effect of the newest operations in
//	          status.history; decision when the database cannot be scaled
//	  ends    when the database cannot be scaled, or is another one than the operation's; missing metrics do not end it; without
//	          patchStatus when RDS events are still being read
//	authorize
//	  reads   the tags of the instances; older policies, past the cache if it lacks some and an operation is in progress or an older
//	          policy was there before; the newest record of status.history
//	  writes  condition Authorized; decision when it is not authorized
//	  ends    when another cluster or an older policy scales the database
//	decide (while an operation is in progress, only whether it has to add more)
//	  reads   the observation; before an operation starts, past the cache, the policies for the same database and those that operate
//	  writes  decision, the ScalingLimited condition's cause, the finalizer, the ledger, counters; status.operation to hold a slot;
//	          condition Authorized when an older policy scales the database
//	  ends    when no change is approved, an older policy scales the database, no slot is free, or the object has changed; without
//	          patchStatus when the observation is too old to start an operation with
//	reconcileDelete (instead of authorize and decide)
//	  reads   the observation
//	  writes  decision, the finalizer, the end of the operation
//	  ends    when nothing is left to remove, or the surge reader cannot be removed yet
//	operate
//	  reads   the operation and the observation; the policies that operate, past the cache, to keep a slot
//	  writes  status.operation, decision, the ScalingLimited condition's cause, status.capacityShortages, refusals, the end of the
//	          operation; condition Authorized when AWS denies the call; AWS through Executor, with at most one call
//	  ends    always
//	patchStatus
//	  reads   the scope
//	  writes  conditions Ready, Reconciling, Stalled, ScalingLimited; status.notifications; status on the API server; then events,
//	          notifications and metrics
func (r *Reconciler) phases(deleting bool) []phase {
	if deleting {
		return []phase{
			{"validate", r.validate},
			{"resolveAccount", r.resolveAccount},
			{"observe", r.observe},
			{"checkConsent", r.checkConsent},
			{"assess", r.assess},
			{"reconcileDelete", r.reconcileDelete},
			{"operate", r.operate},
		}
	}
	return []phase{
		{"validate", r.validate},
		{"resolveAccount", r.resolveAccount},
		{"observe", r.observe},
		{"checkConsent", r.checkConsent},
		{"assess", r.assess},
		{"authorize", r.authorize},
		{"decide", r.decide},
		{"operate", r.operate},
	}
}

// Reconcile observes the database of one policy once and makes at most one change in AWS.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	s, err := r.load(ctx, request)
	if s == nil || err != nil {
		return ctrl.Result{}, err
	}
	for _, p := range r.phases(s.deleting) {
		result, failed := p.run(ctx, s)
		if failed != nil {
			err = fmt.Errorf("phase %s: %w", p.name, failed)
		}
		if result == pending && failed == nil {
			return ctrl.Result{RequeueAfter: r.wallDuration(s.pendingInterval())}, nil
		}
		if result == stop || failed != nil {
			break
		}
	}
	return r.patchStatus(ctx, s, err)
}

// +kubebuilder:rbac:groups=scaling.dbscaler.io,resources=dbscalingpolicies,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scaling.dbscaler.io,resources=dbscalingpolicies/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=scaling.dbscaler.io,resources=dbscalingpolicies/finalizers,verbs=update
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// wallDuration is how long a duration of Clock takes in wall-clock time.
func (r *Reconciler) wallDuration(d time.Duration) time.Duration {
	return time.Duration(float64(d) / r.ClockSpeed)
}

// SetupWithManager registers the reconciler, its indexes, and what makes targets known to the observer.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	if err := mgr.Add(targetTracker{r}); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.DBScalingPolicy{}, r.specOrAnnotationsChanged()).
		Named("dbscalingpolicy").
		Watches(&v1alpha1.AWSAccount{}, handler.EnqueueRequestsFromMapFunc(r.policiesOfAccount),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(newNamespaceMetadata(), handler.EnqueueRequestsFromMapFunc(r.policiesOfNamespace),
			builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(source.Func(r.queue.start)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Concurrency, ReconciliationTimeout: ReconcileTimeout,
			EnableWarmup: ptr.To(true), // a replica that becomes the leader has its caches and its queue filled
		}).
		Complete(r)
}
