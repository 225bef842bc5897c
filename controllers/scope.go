package controllers

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/conditions"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// reconcileScope is the state of one reconcile.
type reconcileScope struct {
	// now is read once per reconcile, so that all its times agree.
	now time.Time
	// deleting says that the policy was deleted and still has the finalizer.
	deleting bool
	// original is the object as it was read. It shares memory with the cache, so that nothing of it may be changed. object is the copy
	// whose status the phases change.
	original, object *v1alpha1.DBScalingPolicy
	// lastWritten is the object as this reconcile last wrote it; nil before the first write.
	lastWritten *v1alpha1.DBScalingPolicy
	conditions  conditions.Setter
	policy      scaling.Policy
	// account is the AWSAccount of the policy.
	account     accountAccess
	observation scaling.Observation
	// metricsErr is why the samples of the observation could not be read; nil when they could.
	metricsErr error
	// pastEvents are read only when the database is observed for the first time.
	pastEvents pastEvents
	// evaluation is the decision about the observation, as long as no operation is in progress; assessments are its pools.
	evaluation  scaling.Decision
	assessments []scaling.PoolAssessment
	// operation is the one in progress, or nil.
	operation *scaling.Operation
	// slotAcquired says that this reconcile has made sure that the operation holds one of the slots for disruptive operations.
	slotAcquired bool
	// limit is why a change that the load calls for is not made; nil when there is no such change.
	limit *scalingLimit
	// pendingEvents are recorded after status was written.
	pendingEvents []pendingEvent
	// proposedFrom is the present shape of the pool of a blocked proposal; nil when there is none.
	proposedFrom *v1alpha1.Shape
	// droppedNotifications is how many notifications status had no room for.
	droppedNotifications int
	// completedOutcome is the outcome of the operation that ended in this reconcile, if one did.
	completedOutcome string
	// requeueAfter is when to reconcile again, in the time of Reconciler.Clock.
	requeueAfter time.Duration
}

// scalingLimit is the reason and message of the condition ScalingLimited.
type scalingLimit struct{ reason, message string }

type pendingEvent struct {
	warning                 bool
	reason, action, message string
}

// latestWritten is the object as the API server has it, as far as this reconcile knows.
func (s *reconcileScope) latestWritten() *v1alpha1.DBScalingPolicy {
	if s.lastWritten != nil {
		return s.lastWritten
	}
	return s.original
}

// setDecision sets status.decision.
func (s *reconcileScope) setDecision(d convert.Decision) {
	s.object.Status.Decision = convert.DecisionStatus(d, s.object.Status.Decision, s.now)
}

// setDecisionReason sets a decision that has only a reason and a message.
func (s *reconcileScope) setDecisionReason(reason, message string) {
	s.setDecision(convert.Decision{Reason: reason, Message: message})
}

// decisionChanged reports whether the decision means something else than the one before this reconcile.
func (s *reconcileScope) decisionChanged() bool {
	return !convert.IsSameDecision(s.original.Status.Decision, s.object.Status.Decision)
}

// findCondition returns a condition as the phases have set it so far, or nil.
func (s *reconcileScope) findCondition(conditionType string) *metav1.Condition {
	return meta.FindStatusCondition(s.object.Status.Conditions, conditionType)
}

// setTransientCondition sets a condition that is present only while it is True, and records an event when it begins, and when a person has
// changed the pause or the override.
func (s *reconcileScope) setTransientCondition(condition, reason, message, event, action string) {
	before := meta.FindStatusCondition(s.original.Status.Conditions, condition)
	if before == nil || before.Reason != reason || action == manualControlAction && before.Message != message {
		if reason == v1alpha1.ReasonInvalidAnnotation {
			s.recordWarning(event, action, message)
		} else {
			s.recordEvent(event, action, message)
		}
	}
	s.conditions.Set(condition, metav1.ConditionTrue, reason, message)
}

// removeTransientCondition removes such a condition, and records an event when it was there.
func (s *reconcileScope) removeTransientCondition(condition, event, action, message string) {
	if meta.IsStatusConditionTrue(s.original.Status.Conditions, condition) {
		s.recordEvent(event, action, message)
	}
	s.conditions.Remove(condition)
}

// recordEvent records a normal event once status was written.
func (s *reconcileScope) recordEvent(reason, action, message string) {
	s.pendingEvents = append(s.pendingEvents, pendingEvent{reason: reason, action: action, message: message})
}

// recordWarning records a warning once status was written.
func (s *reconcileScope) recordWarning(reason, action, message string) {
	s.pendingEvents = append(s.pendingEvents, pendingEvent{warning: true, reason: reason, action: action, message: message})
}
