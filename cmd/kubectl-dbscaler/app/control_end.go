package app

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// endFlags are the flags for the end of a pause or an override.
type endFlags struct {
	length, until string
	// defaultLength is used without flags. maxLength is refused above: a longer one is a typing error, or belongs into the spec.
	defaultLength, maxLength time.Duration
}

func (e *endFlags) addTo(f *pflag.FlagSet) {
	f.StringVar(&e.length, "for", "", fmt.Sprintf("How long, such as 90m, 8h or 3d (default %s, at most %s)",
		formatLength(e.defaultLength), formatLength(e.maxLength)))
	f.StringVar(&e.until, "until", "", "When it ends instead, such as 2026-02-05T18:00:00+01:00 (RFC 3339)")
}

// end returns the end, to the second.
func (e *endFlags) end(now time.Time) (time.Time, error) {
	end := now.Add(e.defaultLength)
	switch {
	case e.length != "" && e.until != "":
		return time.Time{}, errors.New("set either --for or --until, not both")
	case e.length != "":
		length, err := parseLength(e.length)
		if err != nil || length < time.Second {
			return time.Time{}, fmt.Errorf("--for is %q: it must be a duration above zero, such as 90m, 8h or 3d", e.length)
		}
		if length > e.maxLength {
			return time.Time{}, fmt.Errorf("--for is %s: it must be at most %s", e.length, formatLength(e.maxLength))
		}
		end = now.Add(length)
	case e.until != "":
		var err error
		if end, err = time.Parse(time.RFC3339, e.until); err != nil {
			return time.Time{}, fmt.Errorf("--until is %q: it must be a time with its zone, such as %s", e.until,
				now.Add(e.defaultLength).Format(time.RFC3339))
		}
		if !end.After(now) {
			return time.Time{}, fmt.Errorf("--until is %s, which has passed: it is %s now", e.until, now.Format(time.RFC3339))
		}
		if end.Sub(now) > e.maxLength {
			return time.Time{}, fmt.Errorf("--until is %s: it must be at most %s from now", e.until, formatLength(e.maxLength))
		}
	}
	return end.Truncate(time.Second), nil
}

// daysPattern is a number of days, and a rest in smaller units.
var daysPattern = regexp.MustCompile(`^([0-9]{1,4})d(.*)$`)

// parseLength parses a duration, which may begin with days.
func parseLength(text string) (time.Duration, error) {
	match := daysPattern.FindStringSubmatch(text)
	if match == nil {
		return time.ParseDuration(text)
	}
	days, err := strconv.Atoi(match[1])
	if err != nil {
		return 0, err
	}
	rest := time.Duration(0)
	if match[2] != "" {
		rest, err = time.ParseDuration(match[2])
	}
	if rest < 0 {
		return 0, errors.New("negative")
	}
	return time.Duration(days)*24*time.Hour + rest, err
}

// formatLength formats a length of whole days or hours.
func formatLength(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return fmt.Sprintf("%dh", d/time.Hour)
}
