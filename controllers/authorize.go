package controllers

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// authorize checks that no operator of another cluster and no older policy scales the database, and that AWS does not deny changes.
func (r *Reconciler) authorize(ctx context.Context, s *reconcileScope) (outcome, error) {
	if i := slices.IndexFunc(s.observation.Instances, func(i scaling.Instance) bool { return i.OtherCluster != "" }); i >= 0 {
		other := s.observation.Instances[i]
		s.denyAuthorization(v1alpha1.ReasonOperatedByOtherCluster, fmt.Sprintf("%s was created by the operator of the Kubernetes cluster %q "+
			"(AWS tag %s), and only one cluster may scale a database. Set the tag %s of the database and its instances to %s@CLUSTER with the "+
			"name of the cluster that shall scale it, and remove the readers of the other one", other.Identifier, other.OtherCluster,
			scaling.TagOperatedBy, scaling.TagOptIn, s.object.Namespace))
		return stop, nil
	}
	sameTarget := client.MatchingFields{indexTarget: targetKey(s.object)}
	if deferred, err := r.deferToPrecedingPolicy(ctx, s, r.Client, sameTarget, client.UnsafeDisableDeepCopy); err != nil || deferred {
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
func (r *Reconciler) deferToPrecedingPolicy(
	ctx context.Context, s *reconcileScope, reader client.Reader, opts ...client.ListOption,
) (bool, error) {
	var all v1alpha1.DBScalingPolicyList
	if err := reader.List(ctx, &all, opts...); err != nil {
		return false, err
	}
	own := convert.PolicyIdentity(s.object)
	own.Target, own.TargetARN = s.policy.Target, s.observation.ARN
	var competitors []scaling.PolicyIdentity
	for n := range all.Items {
		if targetKey(&all.Items[n]) != targetKey(s.object) {
			continue
		}
		competitor, competes, err := r.identifyCompetitor(ctx, s, &all.Items[n])
		if err != nil {
			return false, err
		}
		if competes {
			competitors = append(competitors, competitor)
		}
	}
	other := scaling.PrecedingPolicy(own, competitors)
	if other == "" {
		return false, nil
	}
	s.denyAuthorization(v1alpha1.ReasonPolicyConflict, fmt.Sprintf(
		"The policy %s scales the same database and is older, so this policy changes nothing. Delete one of the two", other))
	return true, nil
}

// identifyCompetitor returns the identity of another policy, and false when it may not change the database: nobody can block a policy
// with one that its owner or an administrator does not allow. A policy with an operation in progress always counts.
func (r *Reconciler) identifyCompetitor(
	ctx context.Context, s *reconcileScope, other *v1alpha1.DBScalingPolicy,
) (scaling.PolicyIdentity, bool, error) {
	identity := convert.PolicyIdentity(other)
	scope, allowed, err := r.resolveScope(ctx, other)
	if err != nil {
		return identity, false, err
	}
	identity.Target.Scope, identity.Unresolved = scope, !allowed
	if !allowed {
		identity.Target.Scope.Region = other.Spec.TargetRef.Region
	}
	optedIn := scaling.IsOptedIn(s.observation.Tags, other.Namespace, s.policy.Cluster)
	return identity, allowed && optedIn || other.Status.Operation != nil, nil
}

// denyAuthorization reports that the policy may not change the database, and why.
func (s *reconcileScope) denyAuthorization(reason, message string) {
	s.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, reason, message)
	s.setDecisionReason(reason, message)
}
