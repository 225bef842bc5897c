package controllers

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// validate checks what the API server cannot: classes against the catalogue, schedules and time zones. Nothing is asked of
// AWS for a policy that makes no sense.
func (r *Reconciler) validate(_ context.Context, v *reconcileScope) (bool, error) {
	if v.deleting {
		v.policy = cleanupPolicy(v.object)
		return true, nil
	}
	policy, err := convert.Policy(v.object)
	if err == nil {
		v.policy = policy
		r.applyManualControl(v)
		v.conditions.Set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "The spec makes sense")
		return true, nil
	}
	reason := v1alpha1.ReasonInvalidSchedule
	switch {
	case errors.Is(err, convert.ErrUnknownClass):
		reason = v1alpha1.ReasonUnknownInstanceClass
	case errors.Is(err, convert.ErrLadderOrder):
		reason = v1alpha1.ReasonLadderOutOfOrder
	case errors.Is(err, convert.ErrPrice):
		reason = v1alpha1.ReasonInvalidPrice
	}
	v.conditions.Set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, reason, err.Error())
	v.setDecisionReason(reason, err.Error())
	return false, nil
}
