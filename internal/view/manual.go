package view

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// manualControls lists the annotations that are in force, or invalid.
func (b *builder) manualControls() []ManualControl {
	control := b.policy.ManualControl
	var out []ManualControl
	add := func(kind, annotation, text string, until time.Time, by *scaling.Requester) {
		m := ManualControl{Kind: kind, Text: text, Until: until.UTC()}
		if until.IsZero() {
			m.Until = time.Time{}
		}
		if by != nil {
			m.RequestedBy, m.Reason = by.User, by.Reason
		}
		m.SetBy, m.SetTime = b.setBy(annotation)
		out = append(out, m)
	}
	if control.InvalidReason != "" {
		annotation, _, _ := strings.Cut(control.InvalidReason, " ")
		by := control.OverriddenBy
		if annotation == v1alpha1.AnnotationPausedUntil {
			by = control.PausedBy
		}
		add(ControlInvalid, annotation, "Nothing changes, because an annotation is invalid: "+control.InvalidReason, time.Time{}, by)
	}
	switch {
	case control.IsPausedIndefinitely():
		add(ControlPause, v1alpha1.AnnotationPausedUntil, "All changes are paused until somebody resumes the policy", time.Time{},
			control.PausedBy)
	case b.Now.Before(control.PausedUntil):
		add(ControlPause, v1alpha1.AnnotationPausedUntil, "All changes are paused", control.PausedUntil, control.PausedBy)
	}
	if override := control.ActiveOverride(b.Now); override != nil {
		var shapes []string
		annotation := v1alpha1.AnnotationOverrideWriter
		if override.Readers != nil {
			annotation = v1alpha1.AnnotationOverrideReaders
			shapes = append(shapes, "readers "+override.Readers.String())
		}
		if override.Writer != nil {
			shapes = append(shapes, "writer "+override.Writer.InstanceClass)
		}
		add(ControlOverride, annotation, "The shape is set regardless of the load: "+strings.Join(shapes, ", "), override.ExpiresAt,
			control.OverriddenBy)
	}
	if d := b.status.Decision; d != nil && d.Hash != "" && control.ApprovedHash == d.Hash {
		add(ControlApproval, v1alpha1.AnnotationApprove, "The change "+d.Hash+" is approved", time.Time{}, control.ApprovedBy)
	}
	return out
}

// setBy is the client that last set an annotation, and when, as the API server records it (Kubernetes documentation, "Server-Side Apply",
// "Field management"). Both are empty when the record is missing.
func (b *builder) setBy(annotation string) (string, time.Time) {
	for _, entry := range b.Object.ManagedFields {
		if entry.FieldsV1 != nil && entry.Time != nil && bytes.Contains(entry.FieldsV1.GetRawBytes(), fmt.Appendf(nil, "%q", "f:"+annotation)) {
			return entry.Manager, entry.Time.UTC()
		}
	}
	return "", time.Time{}
}

// foreseenWindow is how far ahead schedules are shown.
const foreseenWindow = 24 * time.Hour

// foreseen lists predicted demands, and the schedules that are open or open within foreseenWindow.
func (b *builder) foreseen() []Foreseen {
	var out []Foreseen
	for n := range b.pools {
		l := &b.pools[n].Load
		if !b.pools[n].Scaled || !l.Fresh {
			continue
		}
		if v := positive(max(l.TrendDemand, l.RisingDemand)); v != nil {
			out = append(out, Foreseen{Source: ForeseenTrend, Pool: string(l.Pool), VCPUs: v})
		}
		if v := positive(max(l.SeasonalDemand, l.DailyWorkDemand)); v != nil {
			out = append(out, Foreseen{Source: ForeseenSeasonal, Pool: string(l.Pool), VCPUs: v})
		}
	}
	for _, s := range b.policy.ScheduledMinimums {
		open, next, err := schedule.IsOpen([]scaling.Window{s.Window}, b.Now)
		if err != nil || !open && (next.IsZero() || next.Sub(b.Now) > foreseenWindow) {
			continue
		}
		for _, minimum := range scheduledMinimums(s) {
			minimum.Open = open
			if !open {
				minimum.Start = next.UTC()
			}
			out = append(out, minimum)
		}
	}
	return out
}

// scheduledMinimums says what a schedule requires of each pool.
func scheduledMinimums(s scaling.ScheduledMinimum) []Foreseen {
	var out []Foreseen
	if s.MinReaders > 0 || s.ReaderClass != "" {
		var parts []string
		if s.MinReaders > 0 {
			parts = append(parts, fmt.Sprintf("at least %s", counted(s.MinReaders, "reader")))
		}
		if s.ReaderClass != "" {
			parts = append(parts, "at least "+s.ReaderClass)
		}
		out = append(out, Foreseen{
			Source: ForeseenSchedule, Pool: string(scaling.Readers), Schedule: s.Name, Minimum: strings.Join(parts, ", "),
		})
	}
	if s.WriterClass != "" {
		out = append(out, Foreseen{
			Source: ForeseenSchedule, Pool: string(scaling.Writer), Schedule: s.Name, Minimum: "at least " + s.WriterClass,
		})
	}
	return out
}
