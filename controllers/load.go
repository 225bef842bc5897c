package controllers

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/conditions"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// load reads the policy. It returns nil when the policy does not exist, was deleted and has nothing to remove, or belongs to another shard.
func (r *Reconciler) load(ctx context.Context, request ctrl.Request) (*reconcileScope, error) {
	original := &v1alpha1.DBScalingPolicy{}
	err := r.Client.Get(ctx, request.NamespacedName, original, client.UnsafeDisableDeepCopy) // it is not changed; see reconcileScope
	gone := err == nil && !original.DeletionTimestamp.IsZero() && !controllerutil.ContainsFinalizer(original, surgeReaderFinalizer)
	if apierrors.IsNotFound(err) || gone || err == nil && !r.Owns(original) {
		r.Metrics.DeletePolicy(request.Namespace, request.Name)
		r.queue.forget(request.NamespacedName)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object := original.DeepCopy()
	object.Status.ObservedGeneration = object.Generation
	now := r.Clock.Now().Truncate(time.Second) // the resolution of times in status
	return &reconcileScope{
		now: now, deleting: !original.DeletionTimestamp.IsZero(), original: original, object: object, requeueAfter: defaultRequeueInterval,
		conditions: conditions.Setter{Conditions: &object.Status.Conditions, Generation: object.Generation, Now: now},
		operation:  convert.Operation(object.Status.Operation),
	}, nil
}

// specOrAnnotationsChanged triggers a reconcile only for changes of the spec and of annotations of the policies of this shard; otherwise
// policies are reconciled by interval. Only the reconciler itself changes status.
func (r *Reconciler) specOrAnnotationsChanged() builder.ForOption {
	return builder.WithPredicates(r.ownedPolicies(), predicate.Or[client.Object](
		predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{},
	))
}
