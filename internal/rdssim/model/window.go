package model

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// shortestWindow is the least length of a maintenance window (RDS API reference, PreferredMaintenanceWindow).
const shortestWindow = 30 * time.Minute

var (
	days          = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	windowPattern = func() *regexp.Regexp {
		at := `(` + strings.Join(days, "|") + `):([01]\d|2[0-3]):[0-5]\d`
		return regexp.MustCompile(`^` + at + `-` + at + `$`)
	}()
)

const week = 7 * 24 * time.Hour

// validWindow says whether a maintenance window is one such as sun:02:00-sun:02:30.
func validWindow(window string) bool {
	return windowPattern.MatchString(window) && (intoWeek(window[10:])-intoWeek(window)+week)%week >= shortestWindow
}

// intoWeek is how long after the beginning of Sunday a time such as sun:02:00 is.
func intoWeek(at string) time.Duration {
	day := slices.Index(days, at[:3])
	number := func(n int) int { return 10*int(at[n]-'0') + int(at[n+1]-'0') }
	return time.Duration(24*day+number(4))*time.Hour + time.Duration(number(7))*time.Minute
}

// untilWindow is how long it is until a valid maintenance window opens next.
func untilWindow(window string, now time.Time) time.Duration {
	now = now.UTC()
	sunday := time.Date(now.Year(), now.Month(), now.Day()-int(now.Weekday()), 0, 0, 0, 0, time.UTC)
	if wait := (intoWeek(window) - now.Sub(sunday) + week) % week; wait > 0 {
		return wait
	}
	return week
}

// awaitWindow applies what is pending on an instance when its maintenance window opens next, or the one after when it is
// busy then.
func (w *World) awaitWindow(s *server) {
	w.later(s, untilWindow(s.MaintenanceWindow, w.now), func() {
		switch {
		case s.Pending == Pending{} || s.changing:
		case s.Status != available:
			w.awaitWindow(s)
		default:
			w.apply(s)
		}
	})
}
