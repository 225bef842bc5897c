// Package events records Kubernetes events about policies, one for each transition.
package events

import (
	"fmt"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
)

// The reasons of the events.
const (
	OperationStarted     = "OperationStarted"
	OperationRaised      = "OperationRaised"
	OperationStep        = "OperationStep"
	OperationSucceeded   = "OperationSucceeded"
	OperationFailed      = "OperationFailed"
	InsufficientCapacity = "InsufficientCapacity"
	// ReplicaWithoutClients: no client is connected to a read replica.
	ReplicaWithoutClients = "ReplicaWithoutClients"
	ScalingBlocked        = "ScalingBlocked"
	Recommended           = "Recommended"
	ApprovalRequired      = "ApprovalRequired"
	Paused                = "Paused"
	Resumed               = "Resumed"
	Overridden            = "Overridden"
	OverrideEnded         = "OverrideEnded"
	ChangeReverted        = "ChangeReverted"
	OwnershipConflict     = "OwnershipConflict"
	ConflictResolved      = "ConflictResolved"
	CustomEndpoints       = "CustomEndpoints"
	GlobalDatabase        = "GlobalDatabase"
	BlueGreenDeployment   = "BlueGreenDeployment"
	BurstableClass        = "BurstableClass"
	Ready                 = "Ready"
	NotReady              = "NotReady"
	// PastUnknown: RDS events could not be read when the database was observed for the first time.
	PastUnknown = "PastUnknown"
)

// maxNoteBytes is the maximum length of the note of an event in bytes (events.k8s.io/v1).
const maxNoteBytes = 1024

// Recorder records events about policies.
type Recorder struct {
	// Sink receives the events.
	Sink events.EventRecorder
}

// Normal records an expected transition.
func (r Recorder) Normal(about runtime.Object, reason, action, note string) {
	r.record(about, corev1.EventTypeNormal, reason, action, note)
}

// Warning records a transition that may require attention.
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
