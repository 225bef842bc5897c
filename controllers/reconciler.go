// Package controllers reconciles DBScalingPolicies. One file a verb, in the order in which things happen: begin, accept,
// observe, permit, decide, operate, report. What to do is worked out in internal/scaling; here it is carried out.
package controllers

import (
	"context"
	"io"
	"time"

	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// ReconcileTimeout bounds one reconcile, in the machine's time: a snapshot of a large account takes seconds.
const ReconcileTimeout = 2 * time.Minute

// Reconciler brings databases to the size that their policies ask for.
type Reconciler struct {
	// Client reads from the cache and writes status.
	Client client.Client
	// APIReader reads past the cache, right before an operation is begun.
	APIReader client.Reader
	// Observer and Executor are the AWS edge.
	Observer scaling.Observer
	Executor scaling.Executor
	// Declarations says what in this cluster declares the class of instances; nil asks nobody.
	Declarations DeclarationFinder
	Clock        clock.PassiveClock
	Events       events.Recorder
	Metrics      *telemetry.Metrics
	// Ledger takes the whole entry of each decision that differs from the one before, one line of JSON each; nil drops them.
	Ledger io.Writer
	// PriceList says what a list of the installation has for an engine in a region, by class; nil when there is none.
	PriceList func(region, engine string) map[string]scaling.Money
	// ClockSpeed is how many seconds of Clock pass in one of the machine's: 1 but in a demonstration.
	ClockSpeed float64
	// MaxDisruptiveOperations is how many operations that interrupt instances may be under way at once, over all policies; zero means no
	// bound.
	MaxDisruptiveOperations int
	// Concurrency is how many policies are reconciled at once.
	Concurrency int
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

// Reconcile looks at one policy and its database once, and makes at most one change in AWS.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	v, err := r.load(ctx, request)
	if v == nil || err != nil {
		return ctrl.Result{}, err
	}
	phases := []func(context.Context, *reconcileScope) (bool, error){r.validate, r.observe, r.authorize, r.decide, r.operate}
	if v.deleting {
		phases = []func(context.Context, *reconcileScope) (bool, error){r.validate, r.observe, r.reconcileDelete, r.operate}
	}
	for _, phase := range phases {
		proceed, failed := phase(ctx, v)
		if failed != nil {
			err = failed
		}
		if !proceed || failed != nil {
			break
		}
	}
	return r.patchStatus(ctx, v, err)
}
