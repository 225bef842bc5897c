package controllers

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// checkConsent stops the reconcile unless the database exists and its owner lets policies of this namespace see and change it. The
// permission to create a policy includes neither. Which of the two is missing, only the operator's log says: otherwise a policy could
// be used to find out which databases exist.
func (r *Reconciler) checkConsent(ctx context.Context, s *reconcileScope) (outcome, error) {
	o := s.observation
	if o.Found && s.policy.IsOptedIn(o.Tags) {
		s.removeDenial()
		return proceed, nil
	}
	target := s.policy.Target
	ctrllog.FromContext(ctx).Info("the database does not exist, or its tag does not allow the policy", "target", target.String(),
		"role", target.Scope.RoleARN, "found", o.Found, "tag", o.Tags[scaling.TagOptIn], "cluster", s.policy.Cluster)
	message := fmt.Sprintf("There is no %s named %q in %s that policies of the namespace %s may change. Check spec.targetRef, and that the "+
		"database and each of its instances carry the AWS tag %s=%s", target.Kind, target.Identifier, target.Scope, s.object.Namespace,
		scaling.TagOptIn, s.object.Namespace)
	if s.policy.Cluster != "" {
		message += fmt.Sprintf(" or %s=%s@%s", scaling.TagOptIn, s.object.Namespace, s.policy.Cluster)
	}
	if hasActed := s.operation != nil || len(s.object.Status.History) > 0; hasActed && !o.Found { // nothing is left to change or to remove
		if s.operation != nil {
			s.completeOperation(v1alpha1.OutcomeFailed, v1alpha1.ReasonNotFoundOrNotOptedIn, message)
		}
		if err := r.removeFinalizer(ctx, s); err != nil {
			return stop, err
		}
	}
	return stop, r.hideDatabase(ctx, s, v1alpha1.ReasonNotFoundOrNotOptedIn, message)
}

// hideDatabase reports that the policy may not see or change the database, and why, and removes from status what was observed of it
// before. It keeps what an operation in progress needs, and the record of what the policy did: cooldowns, limits and the detection of
// reverts depend on it when access is granted again.
func (r *Reconciler) hideDatabase(ctx context.Context, s *reconcileScope, reason, message string) error {
	status := &s.object.Status
	status.Writer, status.Readers = nil, nil
	status.Notifications = notify.Withdraw(status.Notifications)
	s.conditions.Remove(v1alpha1.ConditionMetricsAvailable, v1alpha1.ConditionOwnershipConflict, v1alpha1.ConditionCustomEndpoints,
		v1alpha1.ConditionGlobalDatabase, v1alpha1.ConditionBlueGreenDeployment, v1alpha1.ConditionReplicaWithoutClients)
	if s.operation == nil || status.Operation == nil {
		status.Target, status.CapacityShortages, status.Refusals = nil, nil, nil
	} else {
		message += fmt.Sprintf(". Operation %s is in progress and waits", s.operation.ID)
	}
	if s.deleting {
		if status.Operation == nil && len(status.History) == 0 { // the policy never changed anything
			return r.removeFinalizer(ctx, s)
		}
		message += deletionHint
	}
	s.conditions.Set(v1alpha1.ConditionTargetFound, metav1.ConditionUnknown, reason, message)
	s.denyAuthorization(reason, message)
	return nil
}

// deletionHint says how to delete a policy whose surge reader cannot be removed.
const deletionHint = ". The policy was deleted, but a surge reader that it added may still exist. To delete the policy now and keep the " +
	"reader, remove the finalizer " + surgeReaderFinalizer

// denialReasons are the reasons of hideDatabase.
var denialReasons = map[string]bool{
	v1alpha1.ReasonNotFoundOrNotOptedIn: true, v1alpha1.ReasonAccountRequired: true, v1alpha1.ReasonAccountNotFound: true,
	v1alpha1.ReasonInvalidAccount: true, v1alpha1.ReasonNamespaceNotAllowed: true, v1alpha1.ReasonRegionNotAllowed: true,
}

// removeDenial removes what hideDatabase set, for the case that a later phase stops before it evaluates the condition.
func (s *reconcileScope) removeDenial() {
	if c := s.findCondition(v1alpha1.ConditionAuthorized); c != nil && denialReasons[c.Reason] {
		s.conditions.Remove(v1alpha1.ConditionAuthorized)
	}
}
