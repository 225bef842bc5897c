// Package schedule evaluates windows of time: recurring ones and single ones. An invalid window is never open.
package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// IsOpen reports whether any of the windows is open at now, and if not, when the next one opens. Without windows it is always
// open. The error names the first invalid window; then nothing is open.
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

// IsWindowOpen reports whether one window is open at now. The error says why the window is invalid.
func IsWindowOpen(w scaling.Window, now time.Time) (bool, error) {
	open, _, err := evaluateWindow(w, now)
	return open, err
}

// Validate returns an error that names the first invalid window.
func Validate(windows []scaling.Window) error {
	_, _, err := IsOpen(windows, time.Unix(0, 0))
	return err
}

// evaluateWindow reports whether a window is open at now, and when it opens next; zero when it never does.
func evaluateWindow(w scaling.Window, now time.Time) (open bool, next time.Time, err error) {
	if w.Duration <= 0 {
		return false, time.Time{}, fmt.Errorf("%s: the duration must be above zero", describe(w))
	}
	if !w.Start.IsZero() {
		if w.Schedule != "" {
			return false, time.Time{}, fmt.Errorf("%s: schedule and start are both set; remove one of them", describe(w))
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

// describe names a window in an error.
func describe(w scaling.Window) string {
	if !w.Start.IsZero() {
		return w.Start.Format(time.RFC3339)
	}
	return fmt.Sprintf("%q in %s", w.Schedule, w.TimeZone)
}

// parseSchedule parses the cron expression and the time zone of a recurring window.
func parseSchedule(w scaling.Window) (cron.Schedule, *time.Location, error) {
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil || w.TimeZone == "Local" { // Local is the setting of the machine
		return nil, nil, fmt.Errorf("%q is not an IANA time zone such as Europe/Amsterdam", w.TimeZone)
	}
	if strings.Contains(w.Schedule, "=") { // a TZ= before the fields would override the time zone
		return nil, nil, fmt.Errorf("not a cron expression of five fields: set the time zone in its own field")
	}
	recurrence, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(w.Schedule)
	if err != nil {
		return nil, nil, fmt.Errorf("not a cron expression of five fields: %w", err)
	}
	return recurrence, zone, nil
}
