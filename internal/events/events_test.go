package events

import (
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
)

// nextEvent returns the recorded event.
func nextEvent(t *testing.T, sink *events.FakeRecorder) string {
	t.Helper()
	select {
	case e := <-sink.Events:
		return e
	default:
		t.Fatal("no event was recorded")
		return ""
	}
}

func TestRecorder_KeepsNotesVerbatim(t *testing.T) {
	sink := events.NewFakeRecorder(1)
	r := Recorder{Sink: sink}
	about := &corev1.ConfigMap{}

	r.Normal(about, OperationStarted, "Operate", "Readers: 100% sure, 55%d or not")
	if got := nextEvent(t, sink); got != "Normal OperationStarted Readers: 100% sure, 55%d or not" {
		t.Errorf("got %q", got)
	}
	r.Warning(about, OperationFailed, "Operate", "no capacity")
	if got := nextEvent(t, sink); got != "Warning OperationFailed no capacity" {
		t.Errorf("got %q", got)
	}
}

func TestRecorder_TruncatesLongNotesBetweenCharacters(t *testing.T) {
	sink := events.NewFakeRecorder(1)
	r := Recorder{Sink: sink}
	for _, letter := range []string{"a", "é", "→", "🙂"} { // of 1, 2, 3 and 4 bytes
		for length := 1000; length < 1050; length++ {
			note := strings.Repeat(letter, length/len(letter))
			r.Normal(&corev1.ConfigMap{}, Ready, "Report", note)
			got := strings.TrimPrefix(nextEvent(t, sink), "Normal Ready ")
			if len(note) <= 1024 && got != note {
				t.Errorf("a note of %d bytes became %d bytes, want it unchanged", len(note), len(got))
			}
			if len(note) > 1024 && (len(got) > 1024 || len(got) < 1020 || !strings.HasSuffix(got, "…")) {
				t.Errorf("a note of %d bytes became %d bytes that end in %q, want 1020 to 1024 bytes that end in an ellipsis", len(note), len(got), got[len(got)-3:])
			}
			if !utf8.ValidString(got) {
				t.Errorf("a note of %d bytes of %s is cut within a character", len(note), letter)
			}
		}
	}
}
