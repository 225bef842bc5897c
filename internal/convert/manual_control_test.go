package convert

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

func TestManualControl(t *testing.T) {
	const (
		paused, approve = v1alpha1.AnnotationPausedUntil, v1alpha1.AnnotationApprove
		readers, writer = v1alpha1.AnnotationOverrideReaders, v1alpha1.AnnotationOverrideWriter
		until           = v1alpha1.AnnotationOverrideUntil
	)
	noon := time.Date(2026, 2, 5, 12, 0, 0, 0, time.UTC)
	two := &scaling.Shape{InstanceClass: "db.r6g.2xlarge", Count: 2}
	for _, test := range []struct {
		name        string
		annotations map[string]string
		want        scaling.ManualControl
		problem     string
	}{
		{"nothing", nil, scaling.ManualControl{}, ""},
		{"something else", map[string]string{"example.org/x": "y"}, scaling.ManualControl{}, ""},
		{"a pause", map[string]string{paused: "2026-02-05T12:00:00Z"}, scaling.ManualControl{PausedUntil: noon}, ""},
		{"a pause in another zone", map[string]string{paused: " 2026-02-05T13:00:00+01:00 "}, scaling.ManualControl{PausedUntil: noon}, ""},
		{"a pause without an end", map[string]string{paused: ""}, scaling.ManualControl{}, paused},
		{"a pause for a while", map[string]string{paused: "2h"}, scaling.ManualControl{}, "should be a time"},
		{"an approval", map[string]string{approve: "0a1b2c3d "}, scaling.ManualControl{ApprovedHash: "0a1b2c3d"}, ""},
		{"readers", map[string]string{readers: "2 x db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Readers: two, ExpiresAt: noon}}, ""},
		{"as status writes them", map[string]string{readers: "2 × db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Readers: two, ExpiresAt: noon}}, ""},
		{"the writer", map[string]string{writer: "db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Writer: &scaling.Shape{InstanceClass: "db.r6g.2xlarge", Count: 1}, ExpiresAt: noon}}, ""},
		{"an override without an end", map[string]string{readers: "2 x db.r6g.2xlarge"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Readers: two}}, "an override needs an end"},
		{"a class alone", map[string]string{readers: "db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{ExpiresAt: noon}}, "2 x db.r6g.xlarge"},
		{"no class", map[string]string{writer: "large", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Writer: &scaling.Shape{InstanceClass: "large", Count: 1}, ExpiresAt: noon}}, "db.r6g.xlarge"},
		{"an end of nothing", map[string]string{until: "2026-02-05T12:00:00Z"}, scaling.ManualControl{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := manualControl(test.annotations)
			if (got.InvalidReason == "") != (test.problem == "") || !strings.Contains(got.InvalidReason, test.problem) {
				t.Errorf("the problem is %q, want %q", got.InvalidReason, test.problem)
			}
			got.InvalidReason = ""
			if !got.PausedUntil.Equal(test.want.PausedUntil) {
				t.Errorf("paused until %s, want %s", got.PausedUntil, test.want.PausedUntil)
			}
			got.PausedUntil = test.want.PausedUntil
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// FuzzManualControl: whatever is written into an annotation, it is read, or counts as a pause.
func FuzzManualControl(f *testing.F) {
	f.Add("2026-02-05T12:00:00Z", "2 x db.r6g.large", "db.r6g.large", "2026-02-05T12:00:00Z")
	f.Add("", "0 x db.", "db.", "tomorrow")
	f.Fuzz(func(t *testing.T, paused, readers, writer, until string) {
		w := manualControl(map[string]string{
			v1alpha1.AnnotationPausedUntil: paused, v1alpha1.AnnotationOverrideReaders: readers,
			v1alpha1.AnnotationOverrideWriter: writer, v1alpha1.AnnotationOverrideUntil: until,
		})
		now := time.Date(2026, 2, 5, 12, 0, 0, 0, time.UTC)
		switch {
		case w.InvalidReason != "" && !w.IsPaused(now):
			t.Errorf("%q is no pause", w.InvalidReason)
		case w.InvalidReason == "" && (w.Override == nil || w.Override.Readers == nil || w.Override.Writer == nil || w.Override.ExpiresAt.IsZero() && until != "0001-01-01T00:00:00Z"):
			t.Errorf("%q %q %q %q: %+v", paused, readers, writer, until, w)
		}
	})
}
