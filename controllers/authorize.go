package controllers

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// accessDenialRetention is how long a refusal by AWS keeps the policy from being ready, unless an operation succeeds before.
const accessDenialRetention = time.Hour

// authorize checks that the database's owner lets this policy change it, and that no older policy does. Being able to create
// a policy is not being able to resize any database of the account.
func (r *Reconciler) authorize(ctx context.Context, v *reconcileScope) (bool, error) {
	if !scaling.IsOptedIn(v.observation.Tags, v.object.Namespace) {
		v.denyAuthorization(v1alpha1.ReasonOptInTagMissing, fmt.Sprintf(
			"%s does not carry the AWS tag %s=%s. Add it, on the database and each of its instances, to let policies of this namespace "+
				"change it", v.policy.Target.Identifier, scaling.TagOptIn, v.object.Namespace))
		return false, nil
	}
	other, err := findOlderPolicy(ctx, r.Client, v.object, client.MatchingFields{indexTarget: targetKey(v.object)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return false, err
	}
	if other != "" {
		v.deferToPolicy(other)
		return false, nil
	}
	if denied := lastAccessDenial(v); denied != "" {
		v.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied, denied)
		return true, nil // the guards pace the next attempt, which is how a repaired role shows
	}
	v.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "The policy may change the database")
	return true, nil
}

// lastAccessDenial says that AWS refused the newest operation for want of a permission, for as long as accessDenialRetention.
func lastAccessDenial(v *reconcileScope) string {
	history := v.object.Status.History
	if len(history) == 0 || history[0].Reason != v1alpha1.ReasonAccessDenied ||
		v.now.Sub(history[0].CompletionTime.Time) > accessDenialRetention {
		return ""
	}
	return history[0].Message
}

// deferToPolicy leaves the database to an older policy.
func (v *reconcileScope) deferToPolicy(other string) {
	v.denyAuthorization(v1alpha1.ReasonPolicyConflict, fmt.Sprintf(
		"%s scales the same database and is older, so this policy does nothing. Delete one of the two", other))
}

// denyAuthorization says why the policy may not change the database.
func (v *reconcileScope) denyAuthorization(reason, message string) {
	v.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, reason, message)
	v.setDecisionReason(reason, message)
}

// findOlderPolicy names the policy that scales the same database and comes first, if any: the oldest wins, then the first by
// name.
func findOlderPolicy(ctx context.Context, reader client.Reader, own *v1alpha1.DBScalingPolicy, opts ...client.ListOption) (string, error) {
	var all v1alpha1.DBScalingPolicyList
	if err := reader.List(ctx, &all, opts...); err != nil {
		return "", err
	}
	for n := range all.Items {
		other := &all.Items[n]
		if other.UID != own.UID && other.DeletionTimestamp.IsZero() && isSameTarget(own, other) && takesPrecedence(other, own) {
			return other.Namespace + "/" + other.Name, nil
		}
	}
	return "", nil
}

func takesPrecedence(a, b *v1alpha1.DBScalingPolicy) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Namespace+"/"+a.Name < b.Namespace+"/"+b.Name
}

// isSameTarget says whether two policies name one database. Through two roles the same database looks like two, so the ARN
// that was found counts as well.
func isSameTarget(a, b *v1alpha1.DBScalingPolicy) bool {
	if targetKey(a) != targetKey(b) {
		return false
	}
	if a.Spec.TargetRef.RoleARN == b.Spec.TargetRef.RoleARN {
		return true
	}
	return a.Status.Target != nil && b.Status.Target != nil && a.Status.Target.ARN == b.Status.Target.ARN
}
