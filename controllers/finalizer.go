package controllers

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// surgeReaderFinalizer keeps a deleted policy until the surge reader that it added is removed. It is set only while such a
// reader may exist, so that at any other time a policy can be deleted without the operator.
const surgeReaderFinalizer = "scaling.dbscaler.io/surge-reader"

// addFinalizer sets the finalizer before an operation that adds a surge reader is persisted. It stops the reconcile when the
// object was written by another client meanwhile.
func (r *Reconciler) addFinalizer(ctx context.Context, s *reconcileScope, op scaling.Operation) (outcome, error) {
	addsSurgeReader := slices.ContainsFunc(op.Steps, func(step scaling.Step) bool {
		return step.Action == scaling.CreateReader && step.Surge
	})
	if !addsSurgeReader || controllerutil.ContainsFinalizer(s.object, surgeReaderFinalizer) {
		return proceed, nil
	}
	return r.patchFinalizer(ctx, s, controllerutil.AddFinalizer)
}

// removeFinalizer removes the finalizer once no operation is in progress and no surge reader exists.
func (r *Reconciler) removeFinalizer(ctx context.Context, s *reconcileScope) error {
	surgeReaderExists := slices.ContainsFunc(s.observation.Instances, func(i scaling.Instance) bool { return i.SurgeOperation() != "" })
	if s.object.Status.Operation != nil || surgeReaderExists || !controllerutil.ContainsFinalizer(s.object, surgeReaderFinalizer) {
		return nil
	}
	_, err := r.patchFinalizer(ctx, s, controllerutil.RemoveFinalizer)
	return client.IgnoreNotFound(err)
}

// patchFinalizer changes the object's metadata and nothing else. It stops the reconcile on a write conflict.
func (r *Reconciler) patchFinalizer(ctx context.Context, s *reconcileScope, change func(client.Object, string) bool) (outcome, error) {
	written := s.latestWritten().DeepCopy()
	base := written.DeepCopy()
	change(written, surgeReaderFinalizer)
	err := r.Client.Patch(ctx, written, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		s.requeueAfter = conflictRequeueInterval
		return stop, nil
	}
	if err != nil {
		return stop, err
	}
	s.lastWritten = written
	s.object.ResourceVersion, s.object.Finalizers = written.ResourceVersion, written.Finalizers
	return proceed, nil
}
