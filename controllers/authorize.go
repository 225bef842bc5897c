package controllers

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// authorize checks that the database's owner lets this policy change it, and that no older policy scales it. The permission to
// create a policy does not include the permission to resize every database of the account.
func (r *Reconciler) authorize(ctx context.Context, s *reconcileScope) (outcome, error) {
	if !scaling.IsOptedIn(s.observation.Tags, s.object.Namespace) {
		s.denyAuthorization(v1alpha1.ReasonOptInTagMissing, fmt.Sprintf(
			"%s does not carry the AWS tag %s=%s. To let policies of this namespace change it, add the tag to the database and to each of "+
				"its instances", s.policy.Target.Identifier, scaling.TagOptIn, s.object.Namespace))
		return stop, nil
	}
	sameTarget := client.MatchingFields{indexTarget: targetKey(s.object)}
	if deferred, err := s.deferToPrecedingPolicy(ctx, r.Client, sameTarget, client.UnsafeDisableDeepCopy); err != nil || deferred {
		return stop, err
	}
	if denied := convert.AccessDenial(s.object.Status.History, s.now); denied != "" {
		s.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied, denied)
		return proceed, nil // the cooldown delays the next attempt, which shows whether the role was corrected
	}
	s.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "The policy may change the database")
	return proceed, nil
}

// deferToPrecedingPolicy leaves the database to a policy that has precedence over this one, and reports whether there is one.
func (s *reconcileScope) deferToPrecedingPolicy(ctx context.Context, reader client.Reader, opts ...client.ListOption) (bool, error) {
	var all v1alpha1.DBScalingPolicyList
	if err := reader.List(ctx, &all, opts...); err != nil {
		return false, err
	}
	other := scaling.PrecedingPolicy(convert.PolicyIdentity(s.object), convert.PolicyIdentities(all.Items))
	if other == "" {
		return false, nil
	}
	s.denyAuthorization(v1alpha1.ReasonPolicyConflict, fmt.Sprintf(
		"The policy %s scales the same database and is older, so this policy changes nothing. Delete one of the two", other))
	return true, nil
}

// denyAuthorization reports that the policy may not change the database, and why.
func (s *reconcileScope) denyAuthorization(reason, message string) {
	s.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, reason, message)
	s.setDecisionReason(reason, message)
}
