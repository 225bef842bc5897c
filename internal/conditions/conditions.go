// Package conditions sets the conditions of a policy. A Setter stamps the generation, keeps the conditions in a fixed order,
// and summarizes them in Ready.
package conditions

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// displayOrder is the order of the conditions in status: Ready and the kstatus conditions first, then the conditions that Ready summarizes.
var displayOrder = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionPaused, v1alpha1.ConditionOverridden,
	v1alpha1.ConditionOwnershipConflict, v1alpha1.ConditionCustomEndpoints, v1alpha1.ConditionGlobalDatabase,
	v1alpha1.ConditionBlueGreenDeployment, v1alpha1.ConditionReplicaWithoutClients, v1alpha1.ConditionAccepted,
	v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized, v1alpha1.ConditionMetricsAvailable,
	v1alpha1.ConditionScalingLimited,
}

// readyConditions are the conditions that must be True for Ready to be True, most severe first. An OwnershipConflict, which is
// present only while it is True, makes Ready False as well.
var readyConditions = []string{
	v1alpha1.ConditionAccepted, v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized, v1alpha1.ConditionMetricsAvailable,
}

// Setter sets the conditions of one object.
type Setter struct {
	// Conditions is the list to change.
	Conditions *[]metav1.Condition
	// Generation is the observed generation to record.
	Generation int64
	// Now is the transition time to record.
	Now time.Time
}

// Set sets one condition. Its transition time changes only when its status changes.
func (s Setter) Set(conditionType string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(s.Conditions, metav1.Condition{
		Type: conditionType, Status: status, Reason: reason, Message: message,
		ObservedGeneration: s.Generation, LastTransitionTime: metav1.NewTime(s.Now.Truncate(time.Second)),
	})
	slices.SortStableFunc(*s.Conditions, func(a, b metav1.Condition) int {
		return slices.Index(displayOrder, a.Type) - slices.Index(displayOrder, b.Type)
	})
}

// Remove removes conditions that are present only while they are True.
func (s Setter) Remove(conditionTypes ...string) {
	for _, t := range conditionTypes {
		if meta.FindStatusCondition(*s.Conditions, t) != nil { // otherwise it would copy all conditions
			meta.RemoveStatusCondition(s.Conditions, t)
		}
	}
}

// Summarize sets Ready: False if any of readyConditions is False or there is an OwnershipConflict, else Unknown if any is Unknown or
// absent, else True. Reason and message are those of the most severe condition with that status.
func (s Setter) Summarize() {
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, t := range readyConditions {
			c := meta.FindStatusCondition(*s.Conditions, t)
			if c == nil {
				c = &metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending, Message: t + " has not been evaluated yet"}
			}
			if c.Status == status {
				s.Set(v1alpha1.ConditionReady, status, c.Reason, c.Message)
				return
			}
		}
		conflict := meta.FindStatusCondition(*s.Conditions, v1alpha1.ConditionOwnershipConflict)
		if status == metav1.ConditionFalse && conflict != nil {
			s.Set(v1alpha1.ConditionReady, status, conflict.Reason, conflict.Message)
			return
		}
	}
	s.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, "The policy is in force")
}
