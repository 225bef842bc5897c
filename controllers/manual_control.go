package controllers

import (
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/events"
)

// manualControlAction is the action of the events about annotations.
const manualControlAction = "ApplyManualControl"

// applyManualControl sets the conditions Paused and Overridden from the annotations. Both are present only until the time that
// the annotation names.
func (s *reconcileScope) applyManualControl() {
	control := s.policy.ManualControl
	paused := func(reason, message string) {
		s.setTransientCondition(v1alpha1.ConditionPaused, reason, message, events.Paused, manualControlAction)
	}
	switch {
	case control.InvalidReason != "":
		paused(v1alpha1.ReasonInvalidAnnotation, "Paused, because an annotation is invalid: "+control.InvalidReason)
	case control.IsPaused(s.now):
		paused(v1alpha1.ReasonPausedByAnnotation, fmt.Sprintf(
			"An annotation pauses all changes until %s. To resume now: kubectl annotate -n %s dbsp %s %s-", formatTime(control.PausedUntil),
			s.object.Namespace, s.object.Name, v1alpha1.AnnotationPausedUntil))
	default:
		s.removeTransientCondition(v1alpha1.ConditionPaused, events.Resumed, manualControlAction, "The pause has ended")
	}
	override := control.ActiveOverride(s.now)
	if override == nil {
		s.removeTransientCondition(v1alpha1.ConditionOverridden, events.OverrideEnded, manualControlAction,
			"The override has ended; scaling follows the load again")
		return
	}
	var shapes []string
	if override.Readers != nil {
		shapes = append(shapes, fmt.Sprintf("readers %s", override.Readers))
	}
	if override.Writer != nil {
		shapes = append(shapes, "writer "+override.Writer.InstanceClass)
	}
	s.setTransientCondition(v1alpha1.ConditionOverridden, v1alpha1.ReasonOverriddenByAnnotation, fmt.Sprintf(
		"An annotation sets %s until %s, regardless of the load", strings.Join(shapes, " and "), formatTime(override.ExpiresAt)),
		events.Overridden, manualControlAction)
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
