package model

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// minWindowDuration is the minimum length of a maintenance or backup window (RDS API reference, PreferredMaintenanceWindow).
const minWindowDuration = 30 * time.Minute

var (
	weekdays                 = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	maintenanceWindowPattern = func() *regexp.Regexp {
		at := `(` + strings.Join(weekdays, "|") + `):([01]\d|2[0-3]):[0-5]\d`
		return regexp.MustCompile(`^` + at + `-` + at + `$`)
	}()
)

const week = 7 * 24 * time.Hour

// isValidMaintenanceWindow reports whether a maintenance window has the form sun:02:00-sun:02:30 and lasts at least 30 minutes.
func isValidMaintenanceWindow(window string) bool {
	return maintenanceWindowPattern.MatchString(window) && (timeOfWeek(window[10:])-timeOfWeek(window)+week)%week >= minWindowDuration
}

// timeOfWeek returns the time since the beginning of Sunday of a time such as sun:02:00.
func timeOfWeek(text string) time.Duration {
	return time.Duration(slices.Index(weekdays, text[:3]))*day + timeOfDay(text[4:])
}

// untilNextWindow returns the time until a valid maintenance window next opens. It is above 0.
func untilNextWindow(window string, now time.Time) time.Duration {
	now = now.UTC()
	sunday := time.Date(now.Year(), now.Month(), now.Day()-int(now.Weekday()), 0, 0, 0, 0, time.UTC)
	if delay := (timeOfWeek(window) - now.Sub(sunday) + week) % week; delay > 0 {
		return delay
	}
	return week
}

// applyInNextWindow applies the pending changes of an instance when its maintenance window next opens, or a week later if the
// instance is not available then.
func (w *World) applyInNextWindow(s *instanceState) {
	w.scheduleForInstance(s, untilNextWindow(s.MaintenanceWindow, w.now), func() {
		switch {
		case s.PendingChanges == PendingChanges{} || s.changeInProgress:
		case s.Status != statusAvailable:
			w.applyInNextWindow(s)
		default:
			w.applyPending(s)
		}
	})
}
