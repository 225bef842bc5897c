package draft

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// weekdays are the names of days in the RDS API, in the order of cron: 0 is Sunday.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

const week = 7 * 24 * time.Hour

// disruptionWindow is a weekly window in the form of the API.
type disruptionWindow struct {
	schedule string
	seconds  int
}

// parseMaintenanceWindow converts a window of the RDS API, such as sun:02:00-sun:02:30, which is in UTC (RDS API reference,
// DBInstance.PreferredMaintenanceWindow). It returns false for another text.
func parseMaintenanceWindow(text string) (disruptionWindow, bool) {
	from, to, _ := strings.Cut(strings.ToLower(text), "-")
	start, startValid := parseWeeklyTime(from)
	end, endValid := parseWeeklyTime(to)
	length := (end - start + week) % week
	if !startValid || !endValid || length < time.Minute {
		return disruptionWindow{}, false
	}
	return disruptionWindow{
		schedule: fmt.Sprintf("%d %d * * %d", start/time.Minute%60, start/time.Hour%24, start/(24*time.Hour)),
		seconds:  int(length / time.Second),
	}, true
}

// parseWeeklyTime parses a time such as sun:02:00 as an offset from Sunday, 00:00.
func parseWeeklyTime(text string) (time.Duration, bool) {
	day, clock, _ := strings.Cut(text, ":")
	n := slices.Index(weekdays, day)
	at, err := time.Parse("15:04", clock)
	return time.Duration(n)*24*time.Hour + time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, n >= 0 && err == nil
}
