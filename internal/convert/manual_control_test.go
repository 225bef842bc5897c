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
		{"no annotations: no control", nil, scaling.ManualControl{}, ""},
		{"other annotation: ignored", map[string]string{"example.org/x": "y"}, scaling.ManualControl{}, ""},
		{"pause until a time", map[string]string{paused: "2026-02-05T12:00:00Z"}, scaling.ManualControl{PausedUntil: noon}, ""},
		{"pause with spaces in another time zone", map[string]string{paused: " 2026-02-05T13:00:00+01:00 "}, scaling.ManualControl{PausedUntil: noon}, ""},
		{"pause without an end", map[string]string{paused: v1alpha1.PausedIndefinitely}, scaling.ManualControl{PausedUntil: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, ""},
		{"empty pause: invalid", map[string]string{paused: ""}, scaling.ManualControl{}, paused},
		{"pause with a duration: invalid", map[string]string{paused: "2h"}, scaling.ManualControl{}, "should be a time"},
		{"approval: hash without spaces", map[string]string{approve: "0a1b2c3d "}, scaling.ManualControl{ApprovedHash: "0a1b2c3d"}, ""},
		{"readers override", map[string]string{readers: "2 x db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Readers: two, ExpiresAt: noon}}, ""},
		{"readers override in the form of status", map[string]string{readers: "2 × db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Readers: two, ExpiresAt: noon}}, ""},
		{"writer override", map[string]string{writer: "db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Writer: &scaling.Shape{InstanceClass: "db.r6g.2xlarge", Count: 1}, ExpiresAt: noon}}, ""},
		{"override without expiry: invalid", map[string]string{readers: "2 x db.r6g.2xlarge"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Readers: two}}, "an override needs an end"},
		{"readers override without count: invalid", map[string]string{readers: "db.r6g.2xlarge", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{ExpiresAt: noon}}, "2 x db.r6g.xlarge"},
		{"writer override with an invalid class: invalid", map[string]string{writer: "large", until: "2026-02-05T12:00:00Z"},
			scaling.ManualControl{Override: &scaling.ManualOverride{Writer: &scaling.Shape{InstanceClass: "large", Count: 1}, ExpiresAt: noon}}, "db.r6g.xlarge"},
		{"expiry without override: ignored", map[string]string{until: "2026-02-05T12:00:00Z"}, scaling.ManualControl{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := manualControl(test.annotations)
			if (got.InvalidReason == "") != (test.problem == "") || !strings.Contains(got.InvalidReason, test.problem) {
				t.Errorf("InvalidReason is %q, want it to contain %q", got.InvalidReason, test.problem)
			}
			got.InvalidReason = ""
			if !got.PausedUntil.Equal(test.want.PausedUntil) {
				t.Errorf("PausedUntil is %s, want %s", got.PausedUntil, test.want.PausedUntil)
			}
			got.PausedUntil = test.want.PausedUntil
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// FuzzManualControl checks that every annotation value is either parsed or counts as a pause.
func FuzzManualControl(f *testing.F) {
	f.Add("2026-02-05T12:00:00Z", "2 x db.r6g.large", "db.r6g.large", "2026-02-05T12:00:00Z")
	f.Add("", "0 x db.", "db.", "tomorrow")
	f.Fuzz(func(t *testing.T, paused, readers, writer, until string) {
		control := manualControl(map[string]string{
			v1alpha1.AnnotationPausedUntil: paused, v1alpha1.AnnotationOverrideReaders: readers,
			v1alpha1.AnnotationOverrideWriter: writer, v1alpha1.AnnotationOverrideUntil: until,
		})
		now := time.Date(2026, 2, 5, 12, 0, 0, 0, time.UTC)
		switch {
		case control.InvalidReason != "" && !control.IsPaused(now):
			t.Errorf("IsPaused is false with the invalid reason %q, want true", control.InvalidReason)
		case control.InvalidReason == "" && (control.Override == nil || control.Override.Readers == nil || control.Override.Writer == nil || control.Override.ExpiresAt.IsZero() && until != "0001-01-01T00:00:00Z"):
			t.Errorf("the annotations %q %q %q %q give the incomplete override %+v", paused, readers, writer, until, control)
		}
	})
}

// TestManualControl_PausedIndefinitely: the API and internal/scaling agree on the end of a pause without an end.
func TestManualControl_PausedIndefinitely(t *testing.T) {
	if control := manualControl(map[string]string{v1alpha1.AnnotationPausedUntil: v1alpha1.PausedIndefinitely}); !control.IsPausedIndefinitely() {
		t.Errorf("%+v has an end", control)
	}
}
