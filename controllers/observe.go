package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// grantPermissions says what to do when AWS denies a request.
const grantPermissions = "Grant the permissions in config/iam/policy.json to the operator's role"

// observe reads the database from the snapshot that all policies of its account and region share. Nothing of it is shown before
// checkConsent.
func (r *Reconciler) observe(ctx context.Context, s *reconcileScope) (outcome, error) {
	targets, err := r.targetsInScope(ctx, s)
	if err != nil {
		return stop, err
	}
	var notBefore time.Time
	if s.operation != nil {
		notBefore = s.now.Add(-operation.PollInterval)
		targets = targets[:1] // the others need not be as fresh
	}
	observed := r.Observer.Observe(ctx, targets, notBefore)[0]
	if observed.Err != nil {
		return stop, s.setObservationFailed(ctx, observed.Err)
	}
	s.observation, s.metricsErr = observed.Observation, observed.MetricsErr
	return proceed, nil
}

// targetsInScope lists the policy's own target first, then those of every other policy of the same account and region that may use
// the account, so that one batch of metrics serves them all.
func (r *Reconciler) targetsInScope(ctx context.Context, s *reconcileScope) ([]scaling.Target, error) {
	own := s.policy.Target
	var policies v1alpha1.DBScalingPolicyList
	err := r.Client.List(ctx, &policies, client.MatchingFields{indexScope: scopeKey(s.object)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	targets, allowed := []scaling.Target{own}, map[string]bool{s.object.Namespace: true}
	for n := range policies.Items {
		p := &policies.Items[n]
		if _, known := allowed[p.Namespace]; !known {
			denied, err := r.checkAccess(ctx, s.account, p)
			if err != nil {
				return nil, err
			}
			allowed[p.Namespace] = denied == (convert.AccountDenial{})
		}
		target := convert.Target(p)
		target.Scope = own.Scope
		if allowed[p.Namespace] && target != own {
			targets = append(targets, target)
		}
	}
	return targets, nil
}

// awsUnavailableInterval is when to reconcile again while AWS cannot be read. It does not grow: once AWS is back, the database
// may need a change.
const awsUnavailableInterval = 30 * time.Second

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
