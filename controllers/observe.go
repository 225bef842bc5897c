package controllers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
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
	if err := r.trackScope(ctx, s); err != nil {
		return stop, err
	}
	var notBefore time.Time
	if s.operation != nil {
		notBefore = s.now.Add(-operation.PollInterval)
	}
	observed := r.Observer.Observe(ctx, []scaling.Target{s.policy.Target}, notBefore)[0]
	if observed.Err != nil {
		return stop, s.setObservationFailed(ctx, observed.Err)
	}
	s.observation, s.metricsErr = observed.Observation, observed.MetricsErr
	return proceed, nil
}

// scopeTrackingInterval is how often the targets of a scope are listed: before each read of the scope, which is once a minute.
const scopeTrackingInterval = 30 * time.Second

// trackScope makes the targets of all policies of the same account and region known to the observer, so that one batch of metrics serves
// them all. The list is made once per scopeTrackingInterval and scope, not for each policy.
func (r *Reconciler) trackScope(ctx context.Context, s *reconcileScope) error {
	if !r.trackedScopes.isDue(scopeKey(s.object), s.now) {
		return nil
	}
	targets, err := r.targetsInScope(ctx, s)
	if err != nil {
		return err
	}
	r.Observer.Track(targets)
	r.trackedScopes.markDone(scopeKey(s.object), s.now)
	return nil
}

// trackedScopes remembers when the targets of each scope were listed last. The zero value is ready to use.
type trackedScopes struct {
	mu     sync.Mutex
	listed map[string]time.Time
}

// isDue reports whether the targets of a scope are to be listed.
func (t *trackedScopes) isDue(scope string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, known := t.listed[scope]
	return !known || now.Before(at) || now.Sub(at) >= scopeTrackingInterval
}

// markDone records that the targets of a scope were listed, and forgets scopes that are no longer used.
func (t *trackedScopes) markDone(scope string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listed == nil {
		t.listed = map[string]time.Time{}
	}
	maps.DeleteFunc(t.listed, func(_ string, at time.Time) bool { return now.Sub(at) > time.Hour })
	t.listed[scope] = now
}

// targetsInScope lists the targets of every policy of the same account and region that may use the account.
func (r *Reconciler) targetsInScope(ctx context.Context, s *reconcileScope) ([]scaling.Target, error) {
	var policies v1alpha1.DBScalingPolicyList
	err := r.Client.List(ctx, &policies, client.MatchingFields{indexScope: scopeKey(s.object)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	targets, allowed := make([]scaling.Target, 0, len(policies.Items)), map[string]bool{s.object.Namespace: true}
	for n := range policies.Items {
		p := &policies.Items[n]
		if _, known := allowed[p.Namespace]; !known {
			denied, err := r.checkAccess(ctx, s.account, p)
			if err != nil {
				return nil, err
			}
			allowed[p.Namespace] = denied == (convert.AccountDenial{})
		}
		if allowed[p.Namespace] {
			target := convert.Target(p)
			target.Scope = s.policy.Target.Scope
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
