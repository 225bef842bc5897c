package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// grantPermissions says what to do when AWS denies a request.
const grantPermissions = "Grant the permissions in config/iam/policy.json to the operator's role"

// observe reads the database from the snapshot that all policies of its account and region share. Nothing of it is shown before
// checkConsent.
func (r *Reconciler) observe(ctx context.Context, s *reconcileScope) (outcome, error) {
	r.Observer.Track([]scaling.TrackedTarget{r.trackedTarget(s.object, s.policy.Target.Scope)})
	var notBefore time.Time
	if s.operation != nil {
		notBefore = s.now.Add(-operation.PollInterval)
	}
	observed := r.Observer.Observe(ctx, []scaling.Target{s.policy.Target}, notBefore)[0]
	if errors.Is(observed.Err, scaling.ErrNotRead) {
		return pending, nil
	}
	if observed.Err != nil {
		return stop, s.setObservationFailed(ctx, observed.Err)
	}
	s.observation, s.metricsErr = observed.Observation, observed.MetricsErr
	return proceed, nil
}

// awsUnavailableInterval is when to reconcile again while AWS cannot be read. It does not grow: once AWS is back, the database
// may need a change.
const awsUnavailableInterval = 30 * time.Second

// pendingInterval is when to reconcile again, as a precaution, while the database is being read. Thousands of databases take minutes to
// read for the first time, and each policy is reconciled as soon as its own was.
func (s *reconcileScope) pendingInterval() time.Duration {
	if s.operation != nil {
		return awsUnavailableInterval
	}
	return backgroundRequeueInterval
}

// setObservationFailed reports that the database cannot be read, and why. It returns an error only when the reconcile was
// canceled.
func (s *reconcileScope) setObservationFailed(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	ctrllog.FromContext(ctx).Error(err, "AWS cannot be read", "target", s.policy.Target.String(), "role", s.policy.Target.Scope.RoleARN)
	cause := publicMessage(scaling.StableMessage(err))
	if errors.Is(err, scaling.ErrDenied) {
		message := fmt.Sprintf("The operator may not read databases in %s: %s. %s", s.policy.Target.Scope, cause, grantPermissions)
		if s.deleting {
			message += deletionHint
		}
		s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, v1alpha1.ReasonAccessDenied, message)
		s.denyAuthorization(v1alpha1.ReasonAccessDenied, message)
		return nil
	}
	s.requeueAfter = awsUnavailableInterval
	message := fmt.Sprintf("The database cannot be read: %s. Nothing changes until it can. If this lasts, check spec.targetRef.region "+
		"and the operator's network access to AWS", cause)
	s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, v1alpha1.ReasonAWSUnavailable, message)
	s.setDecisionReason(v1alpha1.ReasonAWSUnavailable, message)
	return nil
}
