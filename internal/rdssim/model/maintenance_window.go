package model

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// minWindowDuration is the least length of a maintenance window (RDS API reference, PreferredMaintenanceWindow).
const minWindowDuration = 30 * time.Minute

var (
	weekdays                 = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	maintenanceWindowPattern = func() *regexp.Regexp {
		at := `(` + strings.Join(weekdays, "|") + `):([01]\d|2[0-3]):[0-5]\d`
		return regexp.MustCompile(`^` + at + `-` + at + `$`)
	}()
)

const week = 7 * 24 * time.Hour

// isValidMaintenanceWindow says whether a maintenance window is one such as sun:02:00-sun:02:30.
func isValidMaintenanceWindow(window string) bool {
	return maintenanceWindowPattern.MatchString(window) && (timeOfWeek(window[10:])-timeOfWeek(window)+week)%week >= minWindowDuration
}

// timeOfWeek is how long after the beginning of Sunday a time such as sun:02:00 is.
func timeOfWeek(at string) time.Duration {
	day := slices.Index(weekdays, at[:3])
	number := func(n int) int { return 10*int(at[n]-'0') + int(at[n+1]-'0') }
	return time.Duration(24*day+number(4))*time.Hour + time.Duration(number(7))*time.Minute
}

// untilNextWindow is how long it is until a valid maintenance window opens next.
func untilNextWindow(window string, now time.Time) time.Duration {
	now = now.UTC()
	sunday := time.Date(now.Year(), now.Month(), now.Day()-int(now.Weekday()), 0, 0, 0, 0, time.UTC)
	if wait := (timeOfWeek(window) - now.Sub(sunday) + week) % week; wait > 0 {
		return wait
	}
	return week
}

// applyInNextWindow applies what is pending on an instance when its maintenance window opens next, or the one after when it is
// busy then.
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
