package controllers

import (
	"context"
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// validate checks what the API server cannot: classes against the catalog, schedules and time zones. An invalid policy causes
// no AWS request.
func (r *Reconciler) validate(_ context.Context, s *reconcileScope) (outcome, error) {
	if s.deleting {
		s.policy = cleanupPolicy(s.object)
		s.policy.Cluster = r.ClusterName
		return proceed, nil
	}
	policy, err := convert.Policy(s.object)
	if err == nil {
		s.policy = policy
		s.policy.Cluster = r.ClusterName
		s.applyManualControl()
		s.warnOfBurstableClasses()
		s.conditions.Set(v1alpha1.ConditionAccepted, metav1.ConditionTrue, v1alpha1.ReasonAccepted, "The spec is valid")
		return proceed, nil
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
	s.conditions.Set(v1alpha1.ConditionAccepted, metav1.ConditionFalse, reason, err.Error())
	s.setDecisionReason(reason, err.Error())
	return stop, nil
}
