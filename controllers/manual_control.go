package controllers

import (
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
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
		paused(v1alpha1.ReasonInvalidAnnotation, fmt.Sprintf("Paused, because an annotation is invalid: %s. Correct it, or remove it: %s",
			control.InvalidReason, s.removeInvalidCommand()))
	case control.IsPaused(s.now):
		paused(v1alpha1.ReasonPausedByAnnotation, fmt.Sprintf(
			"%s all changes until %s. To resume now: %s; without the plugin: kubectl annotate -n %s dbsp %s %s-",
			subject(control.PausedBy, "paused", "An annotation pauses"), control.PauseEnd(), s.pluginCommand("resume"),
			s.object.Namespace, s.object.Name, v1alpha1.AnnotationPausedUntil))
	default:
		message := "The pause has ended"
		if _, given := s.object.Annotations[v1alpha1.AnnotationPausedUntil]; !given {
			message += endedBy(convert.Pause.Requester(s.object.Annotations))
		}
		s.removeTransientCondition(v1alpha1.ConditionPaused, events.Resumed, manualControlAction, message)
	}
	override := control.ActiveOverride(s.now)
	if override == nil {
		s.removeTransientCondition(v1alpha1.ConditionOverridden, events.OverrideEnded, manualControlAction,
			"The override has ended"+s.overrideEndedBy()+"; scaling follows the load again")
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
		"%s %s until %s, regardless of the load. To end it now: %s, or remove its annotations",
		subject(control.OverriddenBy, "set", "An annotation sets"), strings.Join(shapes, " and "), formatTime(override.ExpiresAt),
		s.pluginCommand("override", "--end")), events.Overridden, manualControlAction)
}

// pluginCommand is a command line of the kubectl plugin for the policy.
func (s *reconcileScope) pluginCommand(command string, flags ...string) string {
	return scaling.PluginCommand(s.policy.Name, command, flags...)
}

// removeInvalidCommand is the command that removes the annotations that are invalid.
func (s *reconcileScope) removeInvalidCommand() string {
	if strings.HasPrefix(s.policy.ManualControl.InvalidReason, v1alpha1.AnnotationPausedUntil) {
		return s.pluginCommand("resume")
	}
	return s.pluginCommand("override", "--end")
}

// subject says who did something, or what an annotation does when nobody is recorded.
func subject(by *scaling.Requester, verb, otherwise string) string {
	if by == nil {
		return otherwise
	}
	return by.String() + " " + verb
}

// endedBy says who ended something, after a message; nothing when nobody is recorded.
func endedBy(by *scaling.Requester) string {
	if by == nil {
		return ""
	}
	return ", by " + by.String()
}

// overrideEndedBy says who ended the override before its end.
func (s *reconcileScope) overrideEndedBy() string {
	if s.policy.ManualControl.Override != nil {
		return "" // it has expired
	}
	return endedBy(convert.Override.Requester(s.object.Annotations))
}

// requestedBy says who approved a change or set the override that it carries out; nothing when nobody is recorded.
func (s *reconcileScope) requestedBy(p scaling.Proposal) string {
	control := s.policy.ManualControl
	switch {
	case p.Reason == scaling.ReasonOverride && control.OverriddenBy != nil:
		return ", requested by " + control.OverriddenBy.String()
	case p.Reason != scaling.ReasonOverride && s.policy.Mode == scaling.Approve && control.ApprovedBy != nil:
		return ", approved by " + control.ApprovedBy.String()
	}
	return ""
}

// conflictResolvedBy says who resolved the ownership conflict, if the annotation did.
func (s *reconcileScope) conflictResolvedBy() string {
	before := s.original.Status.Ownership
	if before == nil || before.Conflict == nil || before.Conflict.ResolveAnnotation == resolveAnnotation(s.object) {
		return ""
	}
	return endedBy(convert.Resolution.Requester(s.object.Annotations))
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
