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
	if deferred, err := r.deferToKnownPolicy(ctx, s); err != nil || deferred {
		return stop, err
	}
	if denied := convert.AccessDenial(s.object.Status.History, s.now); denied != "" {
		s.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionFalse, v1alpha1.ReasonAccessDenied, denied)
		return proceed, nil // the cooldown delays the next attempt, which shows whether the role was corrected
	}
	s.conditions.Set(v1alpha1.ConditionAuthorized, metav1.ConditionTrue, v1alpha1.ReasonAuthorized, "The policy may change the database")
	return proceed, nil
}

// deferToKnownPolicy leaves the database to a policy that has precedence over this one, and reports whether there is one. The cache knows
// all policies, or those that this operator watches. In the second case the API server is asked as well while an operation is in progress,
// because an older policy that the cache lacks could start another one, and as long as there is such a policy.
func (r *Reconciler) deferToKnownPolicy(ctx context.Context, s *reconcileScope) (bool, error) {
	var cached v1alpha1.DBScalingPolicyList
	sameTarget := client.MatchingFields{indexTarget: targetKey(s.object)}
	if err := r.Client.List(ctx, &cached, sameTarget, client.UnsafeDisableDeepCopy); err != nil {
		return false, err
	}
	if deferred, err := r.deferToOneOf(ctx, s, cached.Items); err != nil || deferred {
		return deferred, err
	}
	authorized := s.findCondition(v1alpha1.ConditionAuthorized)
	hadConflict := authorized != nil &&
		(authorized.Reason == v1alpha1.ReasonPolicyConflict || authorized.Reason == v1alpha1.ReasonPoliciesUnknown)
	if !r.WatchesSubset || s.operation == nil && !hadConflict {
		return false, nil
	}
	return r.deferToPrecedingPolicy(ctx, s)
}

// deferToPrecedingPolicy leaves the database to a policy that has precedence over this one, by the API server, and reports whether there
// is one. When the policies of other namespaces cannot be listed and may scale the database as well, it is left alone.
func (r *Reconciler) deferToPrecedingPolicy(ctx context.Context, s *reconcileScope) (bool, error) {
	saved, err := r.listCompetitors(ctx, s.object)
	if err != nil {
		return false, err
	}
	if deferred, err := r.deferToOneOf(ctx, s, saved.items); err != nil || deferred {
		return deferred, err
	}
	if saved.complete || s.observation.Tags[scaling.TagOptIn] != scaling.OptInAny {
		return false, nil // the tag admits the policies of this namespace only
	}
	s.denyAuthorization(v1alpha1.ReasonPoliciesUnknown, fmt.Sprintf("The AWS tag %s=%s of the database admits policies of all namespaces, "+
		"and the operator may list policies in the namespaces of --watch-namespaces only, so that it cannot know whether another one scales "+
		"the database. Set the tag to %s, or allow the operator to list policies in all namespaces", scaling.TagOptIn, scaling.OptInAny,
		s.object.Namespace))
	return true, nil
}

// deferToOneOf leaves the database to the first of these policies that has precedence over this one, and reports whether there is one.
func (r *Reconciler) deferToOneOf(ctx context.Context, s *reconcileScope, sameTarget []v1alpha1.DBScalingPolicy) (bool, error) {
	own := convert.PolicyIdentity(s.object)
	own.Target, own.TargetARN = s.policy.Target, s.observation.ARN
	var competitors []scaling.PolicyIdentity
	for n := range sameTarget {
		competitor, competes, err := r.identifyCompetitor(ctx, s, &sameTarget[n])
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
