// Package conditions sets the conditions of a policy: one setter, which stamps the generation and keeps their order, and
// one summary.
package conditions

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// displayOrder is how conditions are listed: the summary first, then what it is made of.
var displayOrder = []string{
	v1alpha1.ConditionReady, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled, v1alpha1.ConditionPaused, v1alpha1.ConditionOverridden,
	v1alpha1.ConditionOwnershipConflict, v1alpha1.ConditionAccepted,
	v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized, v1alpha1.ConditionMetricsAvailable,
	v1alpha1.ConditionScalingLimited,
}

// readyConditions are the conditions that must be True for Ready to be True, the gravest first.
var readyConditions = []string{
	v1alpha1.ConditionAccepted, v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized, v1alpha1.ConditionMetricsAvailable,
}

// Setter sets conditions of one object at one moment.
type Setter struct {
	// Conditions is the list that is changed.
	Conditions *[]metav1.Condition
	// Generation of the spec that they are about.
	Generation int64
	// Now is the transition time of what changes.
	Now time.Time
}

// Set sets one condition. Its transition time moves only when its status does.
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
		meta.RemoveStatusCondition(s.Conditions, t)
	}
}

// Summarize sets Ready from the conditions that it is made of: False if any is False, Unknown if any is Unknown or absent,
// else True. The gravest gives the reason and message.
func (s Setter) Summarize() {
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, t := range readyConditions {
			c := meta.FindStatusCondition(*s.Conditions, t)
			if c == nil {
				c = &metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonPending, Message: t + " has not been looked at yet"}
			}
			if c.Status == status {
				s.Set(v1alpha1.ConditionReady, status, c.Reason, c.Message)
				return
			}
		}
	}
	s.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady, "The policy is in force")
}
