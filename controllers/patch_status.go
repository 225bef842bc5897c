package controllers

import (
	"context"
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// patchStatus writes status, then records events and metrics, and says when to reconcile again. err is that of the last phase.
func (r *Reconciler) patchStatus(ctx context.Context, s *reconcileScope, err error) (ctrl.Result, error) {
	if failed := r.writeStatus(ctx, s); failed != nil {
		if apierrors.IsConflict(failed) || apierrors.IsNotFound(failed) {
			// The intent of an AWS call was persisted before the call: the next reconcile observes its effect. This reconcile's
			// events are lost.
			return ctrl.Result{RequeueAfter: conflictRequeueInterval, Priority: ptr.To(s.priority())}, nil
		}
		return ctrl.Result{Priority: ptr.To(s.priority())}, failed
	}
	r.offerNotifications(s)
	r.publishEventsAndMetrics(ctx, s)
	priority := s.priority()
	r.queue.update(client.ObjectKeyFromObject(s.object), func(needs *policyNeeds) { needs.priority = priority })
	if err != nil {
		return ctrl.Result{Priority: &priority}, err
	}
	if r.ReadsInBackground && s.requeueAfter == defaultRequeueInterval {
		s.requeueAfter = backgroundRequeueInterval
	}
	return ctrl.Result{RequeueAfter: r.wallDuration(s.requeueAfter), Priority: &priority}, nil
}

// persistIntent writes status before the AWS call that it announces. It stops the reconcile on a conflict, because the decision
// may then be based on an object that is out of date.
func (r *Reconciler) persistIntent(ctx context.Context, s *reconcileScope) (outcome, error) {
	err := r.writeStatus(ctx, s)
	if apierrors.IsConflict(err) {
		s.requeueAfter = conflictRequeueInterval
		return stop, nil
	}
	if err != nil {
		return stop, err
	}
	return proceed, nil
}

// writeStatus is the only writer of status. It sets the summary conditions, writes only changes, and fails on a conflict.
func (r *Reconciler) writeStatus(ctx context.Context, s *reconcileScope) error {
	s.setSummaryConditions()
	base := s.latestWritten()
	r.deriveNotifications(s, base)
	if isSameStatus(&base.Status, &s.object.Status) {
		return nil
	}
	err := r.sendStatus(ctx, s, base)
	if apierrors.IsInvalid(err) && s.dropNotifications(base) { // a report must not delay an operation
		ctrllog.FromContext(ctx).Error(err, "the API server rejects the notifications of this status, which are lost: report this as a bug")
		err = r.sendStatus(ctx, s, base)
	}
	if err != nil {
		return err
	}
	s.lastWritten = s.object.DeepCopy()
	return nil
}

// isSameStatus reports whether there is nothing to write. Nearly always there is not, and nothing differs in memory, either: to find out by
// meaning, so that an empty list is like none, takes a hundred objects on the heap.
func isSameStatus(a, b *v1alpha1.DBScalingPolicyStatus) bool {
	return reflect.DeepEqual(a, b) || equality.Semantic.DeepEqual(a, b)
}

// sendStatus sends the changes of status since base. After an error, the status in memory is as it was before.
func (r *Reconciler) sendStatus(ctx context.Context, s *reconcileScope, base *v1alpha1.DBScalingPolicy) error {
	status := s.object.Status.DeepCopy()
	err := r.Client.Status().Patch(ctx, s.object, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		s.object.Status = *status
	}
	return err
}

// setSummaryConditions sets the conditions that follow from the others.
func (s *reconcileScope) setSummaryConditions() {
	set := s.conditions
	if op := s.object.Status.Operation; op != nil {
		set.Set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonOperationInProgress,
			fmt.Sprintf("Operation %s: %s", op.ID, s.object.Status.Decision.Message))
	} else {
		set.Remove(v1alpha1.ConditionReconciling)
	}
	if s.limit != nil {
		set.Set(v1alpha1.ConditionScalingLimited, metav1.ConditionTrue, s.limit.reason, s.limit.message)
	} else {
		set.Set(v1alpha1.ConditionScalingLimited, metav1.ConditionFalse, v1alpha1.ReasonNotLimited, "No limit applies")
	}
	if cause := findStalledCause(*set.Conditions); cause != nil {
		set.Set(v1alpha1.ConditionStalled, metav1.ConditionTrue, cause.Reason, cause.Message)
	} else {
		set.Remove(v1alpha1.ConditionStalled)
	}
	set.Summarize()
}

// findStalledCause returns the first condition that only a person can change, or nil.
func findStalledCause(all []metav1.Condition) *metav1.Condition {
	for _, t := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized} {
		if c := meta.FindStatusCondition(all, t); c != nil && c.Status == metav1.ConditionFalse {
			return c
		}
	}
	return meta.FindStatusCondition(all, v1alpha1.ConditionOwnershipConflict)
}

// publishEventsAndMetrics records the events of the status that was written, and sets the policy's metrics.
func (r *Reconciler) publishEventsAndMetrics(ctx context.Context, s *reconcileScope) {
	namespace, name := s.object.Namespace, s.object.Name
	for _, e := range s.pendingEvents {
		if e.warning {
			r.Events.Warning(s.object, e.reason, e.action, e.message)
		} else {
			r.Events.Normal(s.object, e.reason, e.action, e.message)
		}
	}
	r.recordReadyTransition(ctx, s)
	if s.completedOutcome != "" {
		r.Metrics.CountOperationCompleted(namespace, name, *s.operation, s.completedOutcome)
	}
	ready := meta.IsStatusConditionTrue(s.object.Status.Conditions, v1alpha1.ConditionReady)
	r.Metrics.SetPolicyState(namespace, name, ready, s.object.Status.Operation != nil)
	r.Metrics.SetPoolLoads(namespace, name, s.scaledPoolLoads())
	r.Metrics.SetPolicyStatus(namespace, name, s.policyState())
	if len(s.assessments) > 0 { // with consent
		r.Metrics.CountEvaluation(namespace, name, r.Clock.Now())
	}
}

// scaledPoolLoads lists the loads of the pools that the policy scales.
func (s *reconcileScope) scaledPoolLoads() []scaling.Load {
	var loads []scaling.Load
	for _, pool := range s.assessments {
		if pool.Scaled {
			loads = append(loads, pool.Load)
		}
	}
	return loads
}

func (r *Reconciler) recordReadyTransition(ctx context.Context, s *reconcileScope) {
	before := meta.FindStatusCondition(s.original.Status.Conditions, v1alpha1.ConditionReady)
	after := meta.FindStatusCondition(s.object.Status.Conditions, v1alpha1.ConditionReady)
	if before != nil && before.Status == after.Status && before.Reason == after.Reason {
		return
	}
	ctrllog.FromContext(ctx).Info("condition Ready changed", "status", after.Status, "reason", after.Reason, "message", after.Message)
	if after.Status == metav1.ConditionTrue {
		r.Events.Normal(s.object, events.Ready, "Reconcile", after.Message)
	} else {
		r.Events.Warning(s.object, events.NotReady, "Reconcile", fmt.Sprintf("%s: %s", after.Reason, after.Message))
	}
}
