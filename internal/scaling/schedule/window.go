// Package schedule says whether a moment lies in a recurring window. What cannot be parsed denies.
package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Open says whether any of the windows is open at now, and if not, when the next one opens. Without any window it is
// always open. The error names the first window that cannot be read; then nothing is open.
func Open(windows []scaling.Window, now time.Time) (open bool, next time.Time, err error) {
	if len(windows) == 0 {
		return true, time.Time{}, nil
	}
	for n, w := range windows {
		recurrence, zone, err := parse(w)
		if err != nil {
			return false, time.Time{}, fmt.Errorf("window %d (%q in %s): %w", n+1, w.Schedule, w.TimeZone, err)
		}
		local := now.In(zone)
		if opened := recurrence.Next(local.Add(-w.Duration)); !opened.IsZero() && !opened.After(local) {
			open = true
		}
		if opens := recurrence.Next(local); !opens.IsZero() && (next.IsZero() || opens.Before(next)) {
			next = opens
		}
	}
	if open {
		return true, time.Time{}, nil
	}
	return false, next, nil
}

// Validate says what is wrong with the windows, naming the first that cannot be read.
func Validate(windows []scaling.Window) error {
	_, _, err := Open(windows, time.Unix(0, 0))
	return err
}

func parse(w scaling.Window) (cron.Schedule, *time.Location, error) {
	if w.Duration <= 0 {
		return nil, nil, fmt.Errorf("the duration must be above zero")
	}
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
