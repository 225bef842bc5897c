package controllers

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
)

// applyManualControl shows what a person asked for by annotation: a pause, or a shape of their own. Each has an end, and is shown for as
// long as it lasts.
func (r *Reconciler) applyManualControl(v *reconcileScope) {
	wish := v.policy.ManualControl
	switch {
	case wish.InvalidReason != "":
		v.setTransientCondition(v1alpha1.ConditionPaused, v1alpha1.ReasonInvalidAnnotation,
			"An annotation cannot be read, which counts as a pause: "+wish.InvalidReason, events.Paused)
	case wish.IsPaused(v.now):
		v.setTransientCondition(v1alpha1.ConditionPaused, v1alpha1.ReasonPausedByAnnotation, fmt.Sprintf(
			"A person holds everything back until %s. To go on at once: kubectl annotate -n %s dbsp %s %s-", formatTime(wish.PausedUntil),
			v.object.Namespace, v.object.Name, v1alpha1.AnnotationPausedUntil), events.Paused)
	default:
		v.removeTransientCondition(v1alpha1.ConditionPaused, events.Resumed, "The pause is over")
	}
	override := wish.ActiveOverride(v.now)
	if override == nil {
		v.removeTransientCondition(v1alpha1.ConditionOverridden, events.OverrideEnded, "The override is over, and the load decides again")
		return
	}
	var shapes []string
	if override.Readers != nil {
		shapes = append(shapes, fmt.Sprintf("readers %s", override.Readers))
	}
	if override.Writer != nil {
		shapes = append(shapes, "writer "+override.Writer.InstanceClass)
	}
	v.setTransientCondition(v1alpha1.ConditionOverridden, v1alpha1.ReasonOverriddenByAnnotation, fmt.Sprintf(
		"A person wants %s until %s, whatever the load", strings.Join(shapes, " and "), formatTime(override.ExpiresAt)), events.Overridden)
}

// setTransientCondition sets a condition that is present only while it is True, and tells when it begins.
func (v *reconcileScope) setTransientCondition(condition, reason, message, event string) {
	if before := meta.FindStatusCondition(v.original.Status.Conditions, condition); before == nil || before.Reason != reason {
		if reason == v1alpha1.ReasonInvalidAnnotation {
			v.recordWarning(event, "Heed", message)
		} else {
			v.recordEvent(event, "Heed", message)
		}
	}
	v.conditions.Set(condition, metav1.ConditionTrue, reason, message)
}

// removeTransientCondition removes such a condition, and tells that it ended.
func (v *reconcileScope) removeTransientCondition(condition, event, message string) {
	if meta.IsStatusConditionTrue(v.original.Status.Conditions, condition) {
		v.recordEvent(event, "Heed", message)
	}
	v.conditions.Remove(condition)
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
