package awsx

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

const (
	week = 7 * 24 * time.Hour
	// maxStaggeredWindow is the longest maintenance window that is shifted: a longer one would move into the working day of the owner.
	maxStaggeredWindow = 2 * time.Hour
)

// weeklyWindow is a maintenance window: an offset from Monday, 00:00 UTC, and a length.
type weeklyWindow struct{ start, length time.Duration }

// weekdays are the names of days in the RDS API.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// parseWeeklyWindow parses a window such as "sun:02:00-sun:02:30".
func parseWeeklyWindow(text string) (weeklyWindow, bool) {
	from, to, _ := strings.Cut(strings.ToLower(text), "-")
	start, startValid := parseWeeklyTime(from)
	end, endValid := parseWeeklyTime(to)
	length := (end - start + week) % week
	return weeklyWindow{start, length}, startValid && endValid && length > 0
}

func parseWeeklyTime(text string) (time.Duration, bool) {
	day, clock, _ := strings.Cut(text, ":")
	n := slices.Index(weekdays, day)
	at, err := time.Parse("15:04", clock)
	return time.Duration(n)*24*time.Hour + time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, n >= 0 && err == nil
}

// String is the window as the RDS API writes it.
func (w weeklyWindow) String() string {
	return formatWeeklyTime(w.start) + "-" + formatWeeklyTime(w.start+w.length)
}

func formatWeeklyTime(t time.Duration) string {
	t %= week
	return fmt.Sprintf("%s:%02d:%02d", weekdays[t/(24*time.Hour)], t/time.Hour%24, t/time.Minute%60)
}

// shift moves the window.
func (w weeklyWindow) shift(by time.Duration) weeklyWindow {
	return weeklyWindow{(w.start + by + week) % week, w.length}
}

// overlaps reports whether two windows overlap.
func (w weeklyWindow) overlaps(other weeklyWindow) bool {
	return (other.start-w.start+week)%week < w.length || (w.start-other.start+week)%week < other.length
}

// staggeredWindow returns the maintenance window of a new reader: next to that of the writer, so that AWS does not patch both at the same
// time, and as close to it as the windows of the other instances allow, since the owner has chosen the time. It must not overlap the
// daily backup window (RDS API reference, CreateDBInstance). Where no window is free, the windows are not understood, or the writer's
// is longer than maxStaggeredWindow, it is that of the writer.
func staggeredWindow(writer string, others []string, backup string) string {
	base, ok := parseWeeklyWindow(writer)
	if !ok || base.length > maxStaggeredWindow {
		return writer
	}
	taken := []weeklyWindow{base}
	for _, text := range others {
		if w, ok := parseWeeklyWindow(text); ok {
			taken = append(taken, w)
		}
	}
	from, to, hasBackup := strings.Cut(backup, "-")
	for _, day := range weekdays {
		if w, ok := parseWeeklyWindow(day + ":" + from + "-" + day + ":" + to); hasBackup && ok {
			w.length %= 24 * time.Hour // a window past midnight ends on the next day
			taken = append(taken, w)
		}
	}
	for by := base.length; by <= maxStaggeredWindow; by += base.length {
		for _, shift := range []time.Duration{by, -by} {
			shifted := base.shift(shift)
			if !slices.ContainsFunc(taken, shifted.overlaps) {
				return shifted.String()
			}
		}
	}
	return writer
}

// maintenanceWindows returns the maintenance windows of instances.
func maintenanceWindows(instances []types.DBInstance) []string {
	var windows []string
	for _, i := range instances {
		windows = append(windows, aws.ToString(i.PreferredMaintenanceWindow))
	}
	return windows
}
