package controllers

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// patchStatus writes what the visit found, tells what changed, and says when to look again.
func (r *Reconciler) patchStatus(ctx context.Context, v *reconcileScope, err error) (ctrl.Result, error) {
	r.setSummaryConditions(v)
	if failed := r.writeStatus(ctx, v); failed != nil {
		if apierrors.IsConflict(failed) || apierrors.IsNotFound(failed) {
			return ctrl.Result{RequeueAfter: time.Second}, nil // look again; what matters was persisted before it was done
		}
		return ctrl.Result{}, failed
	}
	r.publishEventsAndMetrics(ctx, v)
	if err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: time.Duration(float64(v.requeueAfter) / r.ClockSpeed)}, nil
}

// persistIntent writes the intent before it is carried out. A conflict means that what was decided may be out of date.
func (r *Reconciler) persistIntent(ctx context.Context, v *reconcileScope) error {
	r.setSummaryConditions(v)
	return r.writeStatus(ctx, v)
}

// writeStatus is the only writer of status. It writes nothing when nothing has changed, and fails on a conflict.
func (r *Reconciler) writeStatus(ctx context.Context, v *reconcileScope) error {
	base := v.latestWritten()
	if equality.Semantic.DeepEqual(base.Status, v.object.Status) {
		return nil
	}
	status := v.object.Status.DeepCopy()
	err := r.Client.Status().Patch(ctx, v.object, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		v.object.Status = *status
		return err
	}
	v.lastWritten = v.object.DeepCopy()
	return nil
}

// setSummaryConditions sets the conditions that follow from the others.
func (r *Reconciler) setSummaryConditions(v *reconcileScope) {
	set := v.conditions
	if op := v.object.Status.Operation; op != nil {
		set.Set(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonOperationInProgress,
			fmt.Sprintf("Operation %s: %s", op.ID, v.object.Status.Decision.Message))
	} else {
		set.Remove(v1alpha1.ConditionReconciling)
	}
	if v.limit != nil {
		set.Set(v1alpha1.ConditionScalingLimited, metav1.ConditionTrue, v.limit.reason, v.limit.message)
	} else {
		set.Set(v1alpha1.ConditionScalingLimited, metav1.ConditionFalse, v1alpha1.ReasonNotLimited, "Nothing is held back")
	}
	if stalled := findStalledCause(*set.Conditions); stalled != nil {
		set.Set(v1alpha1.ConditionStalled, metav1.ConditionTrue, stalled.Reason, stalled.Message)
	} else {
		set.Remove(v1alpha1.ConditionStalled)
	}
	set.Summarize()
}

// findStalledCause is the condition that nothing but a person can change, if there is one.
func findStalledCause(all []metav1.Condition) *metav1.Condition {
	for _, t := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized} {
		if c := meta.FindStatusCondition(all, t); c != nil && c.Status == metav1.ConditionFalse {
			return c
		}
	}
	return meta.FindStatusCondition(all, v1alpha1.ConditionOwnershipConflict)
}

// publishEventsAndMetrics records events for what has been written, and publishes metrics.
func (r *Reconciler) publishEventsAndMetrics(ctx context.Context, v *reconcileScope) {
	namespace, name := v.object.Namespace, v.object.Name
	for _, n := range v.pendingEvents {
		if n.warning {
			r.Events.Warning(v.object, n.reason, n.action, n.message)
		} else {
			r.Events.Normal(v.object, n.reason, n.action, n.message)
		}
	}
	r.recordReadyTransition(ctx, v)
	if v.completedOutcome != "" {
		r.Metrics.CountOperationCompleted(namespace, name, *v.operation, v.completedOutcome)
	}
	ready := meta.IsStatusConditionTrue(v.object.Status.Conditions, v1alpha1.ConditionReady)
	r.Metrics.SetPolicyState(namespace, name, ready, v.object.Status.Operation != nil)
	r.Metrics.SetPoolLoads(namespace, name, v.scaledPoolLoads())
}

// scaledPoolLoads lists what the pools that the policy scales carry.
func (v *reconcileScope) scaledPoolLoads() []scaling.Load {
	var out []scaling.Load
	for _, pool := range v.assessments {
		if pool.Scaled {
			out = append(out, pool.Load)
		}
	}
	return out
}

func (r *Reconciler) recordReadyTransition(ctx context.Context, v *reconcileScope) {
	old := meta.FindStatusCondition(v.original.Status.Conditions, v1alpha1.ConditionReady)
	now := meta.FindStatusCondition(v.object.Status.Conditions, v1alpha1.ConditionReady)
	if old != nil && old.Status == now.Status && old.Reason == now.Reason {
		return
	}
	ctrllog.FromContext(ctx).Info("readiness changed", "ready", now.Status, "reason", now.Reason, "message", now.Message)
	if now.Status == metav1.ConditionTrue {
		r.Events.Normal(v.object, events.Ready, "Report", now.Message)
	} else {
		r.Events.Warning(v.object, events.NotReady, "Report", fmt.Sprintf("%s: %s", now.Reason, now.Message))
	}
}
