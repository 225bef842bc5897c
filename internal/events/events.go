// Package events tells people what happened to a policy, once a transition.
package events

import (
	"fmt"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
)

// The reasons of events.
const (
	OperationStarted     = "OperationStarted"
	OperationStep        = "OperationStep"
	OperationSucceeded   = "OperationSucceeded"
	OperationFailed      = "OperationFailed"
	InsufficientCapacity = "NoCapacity"
	ScalingBlocked       = "ScalingHeldBack"
	Recommended          = "Recommended"
	ApprovalRequired     = "ApprovalWanted"
	Paused               = "Paused"
	Resumed              = "Resumed"
	Overridden           = "Overridden"
	OverrideEnded        = "OverrideEnded"
	ChangeReverted       = "Reverted"
	OwnershipConflict    = "OwnershipConflict"
	ConflictResolved     = "ConflictResolved"
	Ready                = "Ready"
	NotReady             = "NotReady"
)

// maxNoteBytes is the greatest length of an event's note in bytes (events.k8s.io/v1).
const maxNoteBytes = 1024

// Recorder records events about policies.
type Recorder struct {
	// Sink is where events go.
	Sink events.EventRecorder
}

// Normal records something that went as it should.
func (r Recorder) Normal(about runtime.Object, reason, action, note string) {
	r.record(about, corev1.EventTypeNormal, reason, action, note)
}

// Warning records something that a person may have to look at.
func (r Recorder) Warning(about runtime.Object, reason, action, note string) {
	r.record(about, corev1.EventTypeWarning, reason, action, note)
}

func (r Recorder) record(about runtime.Object, eventType, reason, action, note string) {
	if len(note) > maxNoteBytes {
		end := maxNoteBytes - len("…")
		for end > 0 && !utf8.RuneStart(note[end]) {
			end--
		}
		note = fmt.Sprintf("%s…", note[:end])
	}
	r.Sink.Eventf(about, nil, eventType, reason, action, "%s", note)
}
