package convert

import (
	"strings"
	"unicode"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Control is a manual control whose requester annotations record. config/rbac/manual_control_guard.yaml has the same rules as the methods.
type Control struct {
	// By and Reason are the annotations of the requester.
	By, Reason string
	// suffix is what the annotation By says after the name, for the present values of the control.
	suffix func(annotations map[string]string) string
}

// The controls.
var (
	Pause      = Control{v1alpha1.AnnotationPausedBy, v1alpha1.AnnotationPausedReason, pauseSuffix}
	Override   = Control{v1alpha1.AnnotationOverrideBy, v1alpha1.AnnotationOverrideReason, overrideSuffix}
	Approval   = Control{v1alpha1.AnnotationApproveBy, v1alpha1.AnnotationApproveReason, valueSuffix(v1alpha1.AnnotationApprove)}
	Resolution = Control{v1alpha1.AnnotationResolveConflictBy, v1alpha1.AnnotationResolveConflictReason,
		valueSuffix(v1alpha1.AnnotationResolveConflict)}
)

func pauseSuffix(annotations map[string]string) string {
	if until, paused := annotations[v1alpha1.AnnotationPausedUntil]; paused {
		return " until " + until
	}
	return " resumed"
}

func overrideSuffix(annotations map[string]string) string {
	until, hasEnd := annotations[v1alpha1.AnnotationOverrideUntil]
	readers, hasReaders := annotations[v1alpha1.AnnotationOverrideReaders]
	writer, hasWriter := annotations[v1alpha1.AnnotationOverrideWriter]
	if !hasEnd && !hasReaders && !hasWriter {
		return " ended"
	}
	out := " until " + until
	if hasReaders {
		out += " readers " + readers
	}
	if hasWriter {
		out += " writer " + writer
	}
	return out
}

func valueSuffix(annotation string) func(map[string]string) string {
	return func(annotations map[string]string) string {
		if value, given := annotations[annotation]; given {
			return " for " + value
		}
		return " revoked"
	}
}

// RecordValue is the value of the annotation By that records a user for the values that the annotations of the control have.
func (c Control) RecordValue(user string, annotations map[string]string) string {
	return user + c.suffix(annotations)
}

// maxRequesterRunes is how much of a name and of a reason is shown.
const maxRequesterRunes = 256

// Requester is who requested the present values of a control and why, or nil when nobody is recorded for them.
func (c Control) Requester(annotations map[string]string) *scaling.Requester {
	user, valid := strings.CutSuffix(annotations[c.By], c.suffix(annotations))
	if user = singleLine(user); !valid || user == "" {
		return nil
	}
	return &scaling.Requester{User: user, Reason: singleLine(annotations[c.Reason])}
}

// singleLine shortens a text of a user, and replaces what would not be shown in one line.
func singleLine(text string) string {
	runes := []rune(strings.TrimSpace(strings.ToValidUTF8(text, "")))
	for n, r := range runes {
		if !unicode.IsPrint(r) {
			runes[n] = ' '
		}
	}
	return string(runes[:min(len(runes), maxRequesterRunes)])
}
