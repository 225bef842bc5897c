// Package controllers reconciles DBScalingPolicies. Reconciler.phases lists what one reconcile does, in order; each phase has a
// file of its name. What to do is decided in internal/scaling, which is pure. This package loads, converts, calls and persists.
package controllers

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

const (
	// ReconcileTimeout bounds one reconcile, in wall-clock time: reading the databases of a large account takes seconds.
	ReconcileTimeout = 2 * time.Minute
	// defaultRequeueInterval is when the next reconcile runs unless a phase says otherwise.
	defaultRequeueInterval = decide.RequeueInterval
	// retryInterval is when the next reconcile runs after a write conflict, and after the end of an operation.
	retryInterval = time.Second
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
	// Declarations finds the resources of this cluster that declare the class of an instance; nil skips the search.
	Declarations DeclarationFinder
	Clock        clock.PassiveClock
	Events       events.Recorder
	Metrics      *telemetry.Metrics
	// Ledger receives one line of JSON for each decision that differs from the one before; nil drops them.
	Ledger io.Writer
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
}

// outcome says how a reconcile goes on after a phase.
type outcome int

const (
	// proceed: the next phase runs.
	proceed outcome = iota
	// stop: no further phase runs, and status is written.
	stop
)

// phase is one step of a reconcile. An error stops the reconcile as well, and has it retried with backoff.
type phase struct {
	name string
	run  func(context.Context, *reconcileScope) (outcome, error)
}

// phases lists what a reconcile does between load and patchStatus, in order.
//
// A phase changes status only in the scope, not on the API server. writeStatus is the only writer: patchStatus calls it at the
// end, and persistIntent before the AWS call of operate. Every phase but load may set status.decision and the requeue interval.
//
//	phase             reads                                 writes                                   stops the reconcile
//	load              the policy                            status.observedGeneration                policy is gone
//	validate          spec, annotations                     conditions Accepted, Paused,             spec is invalid
//	                                                        Overridden
//	observe           AWS through Observer; all policies;   conditions TargetFound, MetricsFresh,    AWS cannot be read; target is
//	                  declarations in this cluster          OwnershipConflict; status.target,        missing or cannot be scaled
//	                                                        writer, readers, capacityShortages,
//	                                                        ownership, history (effect)
//	authorize         AWS tags, older policies, the newest  condition Permitted                      opt-in tag is missing; an older
//	                  operation of the history                                                       policy has precedence
//	decide            the observation; all policies past    status.operation (to hold a slot),       no change is approved; a slot or
//	                  the cache                             the finalizer, the ledger                a write was lost
//	reconcileDelete   the observation                       the finalizer                            nothing is left to remove, or
//	                                                                                                 the removal is blocked
//	operate           the observation, the operation        status.operation, history,               always; it makes at most one
//	                                                        capacityShortages; AWS through Executor  change in AWS
//	patchStatus       status                                conditions Ready, Reconciling, Stalled,  -
//	                                                        ScalingLimited; status; events; metrics
//
// decide does nothing while an operation is in progress. An operation that ends, in whatever phase, moves from
// status.operation to status.history.
func (r *Reconciler) phases(deleting bool) []phase {
	if deleting {
		return []phase{
			{"validate", r.validate},
			{"observe", r.observe},
			{"reconcileDelete", r.reconcileDelete},
			{"operate", r.operate},
		}
	}
	return []phase{
		{"validate", r.validate},
		{"observe", r.observe},
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
		if result == stop || failed != nil {
			break
		}
	}
	return r.patchStatus(ctx, s, err)
}

// +kubebuilder:rbac:groups=scaling.dbscaler.io,resources=dbscalingpolicies,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=scaling.dbscaler.io,resources=dbscalingpolicies/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// SetupWithManager registers the reconciler and its indexes.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	if err := addIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.DBScalingPolicy{}, specOrAnnotationsChanged()).
		Named("dbscalingpolicy").
		WithOptions(controller.Options{MaxConcurrentReconciles: r.Concurrency, ReconciliationTimeout: ReconcileTimeout}).
		Complete(r)
}
