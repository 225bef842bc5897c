// Package schedule says whether a moment lies in a window: a recurring one or a single one. What cannot be parsed denies.
package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// IsOpen says whether any of the windows is open at now, and if not, when the next one opens. Without any window it is
// always open. The error names the first window that cannot be read; then nothing is open.
func IsOpen(windows []scaling.Window, now time.Time) (open bool, next time.Time, err error) {
	if len(windows) == 0 {
		return true, time.Time{}, nil
	}
	for n, w := range windows {
		isOpen, opens, err := evaluateWindow(w, now)
		if err != nil {
			return false, time.Time{}, fmt.Errorf("window %d: %w", n+1, err)
		}
		open = open || isOpen
		if !opens.IsZero() && (next.IsZero() || opens.Before(next)) {
			next = opens
		}
	}
	if open {
		return true, time.Time{}, nil
	}
	return false, next, nil
}

// IsWindowOpen says whether a single window is open at now. The error says why it cannot be read.
func IsWindowOpen(w scaling.Window, now time.Time) (bool, error) {
	open, _, err := evaluateWindow(w, now)
	return open, err
}

// Validate says what is wrong with the windows, naming the first that cannot be read.
func Validate(windows []scaling.Window) error {
	_, _, err := IsOpen(windows, time.Unix(0, 0))
	return err
}

// evaluateWindow says whether a window is open at now, and when it opens next; zero when it never does.
func evaluateWindow(w scaling.Window, now time.Time) (open bool, next time.Time, err error) {
	if w.Duration <= 0 {
		return false, time.Time{}, fmt.Errorf("%s: the duration must be above zero", describe(w))
	}
	if !w.Start.IsZero() {
		if w.Schedule != "" {
			return false, time.Time{}, fmt.Errorf("%s: it has a schedule and a start; one of the two is meant", describe(w))
		}
		if now.Before(w.Start) {
			next = w.Start
		}
		return !now.Before(w.Start) && now.Before(w.Start.Add(w.Duration)), next, nil
	}
	recurrence, zone, err := parseSchedule(w)
	if err != nil {
		return false, time.Time{}, fmt.Errorf("%s: %w", describe(w), err)
	}
	local := now.In(zone)
	opened := recurrence.Next(local.Add(-w.Duration))
	return !opened.IsZero() && !opened.After(local), recurrence.Next(local), nil
}

// describe is the window in an error.
func describe(w scaling.Window) string {
	if !w.Start.IsZero() {
		return w.Start.Format(time.RFC3339)
	}
	return fmt.Sprintf("%q in %s", w.Schedule, w.TimeZone)
}

func parseSchedule(w scaling.Window) (cron.Schedule, *time.Location, error) {
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil || w.TimeZone == "Local" { // Local is whatever the machine is set to
		return nil, nil, fmt.Errorf("%q is not an IANA time zone such as Europe/Amsterdam", w.TimeZone)
	}
	if strings.Contains(w.Schedule, "=") { // the parser would let a TZ= before the fields override the time zone
		return nil, nil, fmt.Errorf("not a cron expression of five fields: name the time zone apart from it")
	}
	recurrence, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(w.Schedule)
	if err != nil {
		return nil, nil, fmt.Errorf("not a cron expression of five fields: %w", err)
	}
	return recurrence, zone, nil
}
