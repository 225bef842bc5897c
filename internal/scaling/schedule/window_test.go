package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const amsterdam = "Europe/Amsterdam"

func recurring(schedule string, d time.Duration, zone string) scaling.Window {
	return scaling.Window{Schedule: schedule, Duration: d, TimeZone: zone}
}

func parseTime(t *testing.T, rfc3339 string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func TestIsOpen_StateAndNextOpening(t *testing.T) {
	night := recurring("0 2 * * *", 2*time.Hour, amsterdam)       // 02:00 to 04:00, UTC+1 in winter and +2 in summer
	late := recurring("30 22 * * *", 3*time.Hour, amsterdam)      // 22:30 to 01:30
	weekend := recurring("0 0 * * 6", 48*time.Hour, amsterdam)    // Saturday and Sunday
	often := recurring("*/5 9 * * *", 2*time.Hour, "UTC")         // opens twelve times while it is open
	never := recurring("0 0 30 2 *", time.Hour, "UTC")            // 30 February
	noon := recurring("0 12 * * *", time.Minute, "Asia/Tokyo")    // 03:00 UTC
	early := recurring("30 2 * * *", 30*time.Minute, amsterdam)   // 02:30, which does not exist or occurs twice at a clock change
	firstDay := recurring("0 0 1 * *", 7*24*time.Hour, amsterdam) // the first week of the month

	for _, test := range []struct {
		name    string
		windows []scaling.Window
		now     string
		open    bool
		next    string // when not open; empty for never
	}{
		{"no windows: always open", nil, "2026-02-05T12:00:00Z", true, ""},

		{"a second before it opens", []scaling.Window{night}, "2026-02-05T01:59:59+01:00", false,
			"2026-02-05T02:00:00+01:00"},
		{"the instant it opens", []scaling.Window{night}, "2026-02-05T02:00:00+01:00", true, ""},
		{"a second before it closes", []scaling.Window{night}, "2026-02-05T03:59:59+01:00", true, ""},
		{"half a second before it closes", []scaling.Window{night}, "2026-02-05T03:59:59.5+01:00", true, ""},
		{"the instant it closes", []scaling.Window{night}, "2026-02-05T04:00:00+01:00", false, "2026-02-06T02:00:00+01:00"},
		{"daylight saving time: open at the local hour", []scaling.Window{night}, "2026-07-05T00:00:00Z", true, ""},
		{"daylight saving time: closed at the winter UTC hour", []scaling.Window{night}, "2026-07-05T02:30:00Z", false, "2026-07-06T00:00:00Z"},

		{"before midnight", []scaling.Window{late}, "2026-02-05T23:59:00+01:00", true, ""},
		{"after midnight", []scaling.Window{late}, "2026-02-06T01:29:59+01:00", true, ""},
		{"closed past midnight", []scaling.Window{late}, "2026-02-06T01:30:00+01:00", false,
			"2026-02-06T22:30:00+01:00"},
		{"across the end of a month", []scaling.Window{late}, "2026-03-01T00:30:00+01:00", true, ""},
		{"across two midnights", []scaling.Window{weekend}, "2026-02-08T23:59:59+01:00", true, ""},
		{"closed on Monday", []scaling.Window{weekend}, "2026-02-09T00:00:00+01:00", false, "2026-02-14T00:00:00+01:00"},
		{"open for a week", []scaling.Window{firstDay}, "2026-02-07T23:00:00+01:00", true, ""},

		{"overlapping openings stay open", []scaling.Window{often}, "2026-02-05T11:54:59Z", true, ""}, // the last opens at 09:55
		{"closes after the last opening", []scaling.Window{often}, "2026-02-05T11:55:00Z", false, "2026-02-06T09:00:00Z"},

		{"the first of several is open", []scaling.Window{night, noon}, "2026-02-05T03:30:00+01:00", true, ""},
		{"the second of several is open", []scaling.Window{night, noon}, "2026-07-05T03:00:30Z", true, ""},
		{"none of several is open: the nearest opening is next", []scaling.Window{noon, night, late}, "2026-02-05T12:00:00Z", false,
			"2026-02-05T21:30:00Z"},

		{"never opens", []scaling.Window{never}, "2026-02-05T12:00:00Z", false, ""},
		{"a window that never opens and one that does", []scaling.Window{never, night}, "2026-02-05T12:00:00Z", false, "2026-02-06T01:00:00Z"},

		// On 29 March 2026 clocks go from 02:00 to 03:00: 02:00 and 02:30 do not exist, and neither window opens that night.
		{"opening at a skipped hour", []scaling.Window{night}, "2026-03-29T01:30:00Z", false, "2026-03-30T00:00:00Z"},
		{"opening within a skipped hour", []scaling.Window{early}, "2026-03-29T01:10:00Z", false,
			"2026-03-30T00:30:00Z"},
		// A window that opened before has its full duration: from 23:00 +01:00 = 22:00 UTC for 4 h, until 02:00 UTC.
		{"a clock change does not shorten a window", []scaling.Window{recurring("0 23 * * *", 4*time.Hour, amsterdam)},
			"2026-03-29T01:59:59Z", true, ""},
		{"a clock change does not extend a window", []scaling.Window{recurring("0 23 * * *", 4*time.Hour, amsterdam)},
			"2026-03-29T02:00:00Z", false,
			"2026-03-29T21:00:00Z"},

		// On 25 October 2026 clocks go from 03:00 back to 02:00: 02:30 is at 00:30 and at 01:30 UTC.
		{"repeated hour: open the first time", []scaling.Window{early}, "2026-10-25T00:30:00Z", true, ""},
		{"repeated hour: closed in between", []scaling.Window{early}, "2026-10-25T01:10:00Z", false,
			"2026-10-25T01:30:00Z"},
		{"repeated hour: open the second time", []scaling.Window{early}, "2026-10-25T01:45:00Z", true, ""},
		{"open as usual the day after", []scaling.Window{early}, "2026-10-26T01:30:00Z", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			open, next, err := IsOpen(test.windows, parseTime(t, test.now))
			if err != nil {
				t.Fatal(err)
			}
			want := time.Time{}
			if test.next != "" {
				want = parseTime(t, test.next)
			}
			if open != test.open || !next.Equal(want) {
				t.Errorf("open %t, next %v; want %t, %v", open, next, test.open, want)
			}
		})
	}
}

func TestIsOpen_IgnoresTimeZoneOfNow(t *testing.T) {
	night := []scaling.Window{recurring("0 2 * * *", 2*time.Hour, amsterdam)}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	now := parseTime(t, "2026-02-05T01:30:00Z") // 02:30 in Amsterdam, 10:30 in Tokyo
	if open, _, err := IsOpen(night, now.In(tokyo)); !open || err != nil {
		t.Errorf("open is %t, %v", open, err)
	}
}

func TestIsOpen_InvalidWindowDenies(t *testing.T) {
	always := recurring("* * * * *", time.Hour, "UTC")
	for _, test := range []struct {
		name   string
		window scaling.Window
		want   string
	}{
		{"too few fields", recurring("0 2 * *", time.Hour, "UTC"), "five fields"},
		{"six fields with seconds", recurring("0 0 2 * * *", time.Hour, "UTC"), "five fields"},
		{"a descriptor such as @daily", recurring("@daily", time.Hour, "UTC"), "five fields"},
		{"empty schedule", recurring("", time.Hour, "UTC"), "five fields"},
		{"an hour that does not exist", recurring("0 25 * * *", time.Hour, "UTC"), "five fields"},
		{"a time zone before the fields", recurring("TZ=Asia/Tokyo 0 2 * * *", time.Hour, "UTC"), "time zone"},
		{"only a time zone", recurring("TZ=Asia/Tokyo", time.Hour, "UTC"), "time zone"},
		{"unknown time zone", recurring("0 2 * * *", time.Hour, "Europe/Amsterdm"), "IANA"},
		{"time zone of the machine", recurring("0 2 * * *", time.Hour, "Local"), "IANA"},
		{"no duration", recurring("0 2 * * *", 0, "UTC"), "above zero"},
		{"a negative duration", recurring("0 2 * * *", -time.Hour, "UTC"), "above zero"},
	} {
		t.Run(test.name, func(t *testing.T) {
			// An invalid window denies even when another window is open.
			open, next, err := IsOpen([]scaling.Window{always, test.window}, parseTime(t, "2026-02-05T02:30:00Z"))
			if open || !next.IsZero() {
				t.Errorf("open %t, next %v", open, next)
			}
			if err == nil || !strings.Contains(err.Error(), "window 2") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got the error %v, want one that names window 2 and contains %q", err, test.want)
			}
			if Validate([]scaling.Window{always, test.window}) == nil {
				t.Error("Validate returned no error")
			}
		})
	}
	if err := Validate([]scaling.Window{always}); err != nil {
		t.Errorf("Validate(%v) = %v", always, err)
	}
}

func TestIsOpen_SingleWindows(t *testing.T) {
	launch := scaling.Window{Start: parseTime(t, "2026-11-27T08:00:00+01:00"), Duration: 4 * time.Hour}
	night := recurring("0 2 * * *", 2*time.Hour, amsterdam)
	for _, test := range []struct {
		name    string
		windows []scaling.Window
		now     string
		open    bool
		next    string
	}{
		{"a second before it opens", []scaling.Window{launch}, "2026-11-27T06:59:59Z", false, "2026-11-27T07:00:00Z"},
		{"the instant it opens", []scaling.Window{launch}, "2026-11-27T07:00:00Z", true, ""},
		{"a second before it closes", []scaling.Window{launch}, "2026-11-27T10:59:59Z", true, ""},
		{"closes for good", []scaling.Window{launch}, "2026-11-27T11:00:00Z", false, ""},
		{"next opening of a recurring window beside it", []scaling.Window{launch, night}, "2026-11-27T11:00:00Z", false, "2026-11-28T01:00:00Z"},
	} {
		open, next, err := IsOpen(test.windows, parseTime(t, test.now))
		want := time.Time{}
		if test.next != "" {
			want = parseTime(t, test.next)
		}
		if err != nil || open != test.open || !next.Equal(want) {
			t.Errorf("%s: open %t, next %v, %v; want %t, %v", test.name, open, next, err, test.open, want)
		}
	}
	both := scaling.Window{Start: launch.Start, Schedule: "0 2 * * *", TimeZone: "UTC", Duration: time.Hour}
	if open, err := IsWindowOpen(both, launch.Start); open || err == nil {
		t.Errorf("window with a schedule and a start: open %t, %v", open, err)
	}
	if open, err := IsWindowOpen(scaling.Window{Start: launch.Start}, launch.Start); open || err == nil {
		t.Errorf("single window without a duration: open %t, %v", open, err)
	}
}

// An invalid window is never open, and a valid one is open at its next opening.
func FuzzWindow(f *testing.F) {
	f.Add("0 2 * * *", "Europe/Amsterdam", int64(3600), int64(1_770_000_000))
	f.Add("*/5 * * * *", "UTC", int64(60), int64(0))
	f.Add("TZ=UTC 0 2 * * *", "Local", int64(-1), int64(1))
	f.Fuzz(func(t *testing.T, schedule, zone string, seconds, unix int64) {
		w := scaling.Window{Schedule: schedule, TimeZone: zone, Duration: time.Duration(seconds%(7*86400)) * time.Second}
		now := time.Unix(unix%4_000_000_000, 0)
		open, next, err := IsOpen([]scaling.Window{w}, now)
		switch {
		case err != nil && (open || !next.IsZero()):
			t.Errorf("%+v: error %v, but open %t, next %v", w, err, open, next)
		case err == nil && !open && !next.IsZero() && !next.After(now):
			t.Errorf("%+v at %v: next opens at %v", w, now, next)
		case err == nil && !next.IsZero():
			if opened, err := IsWindowOpen(w, next); err != nil || !opened {
				t.Errorf("%+v opens at %v, but is not open then: %v", w, next, err)
			}
		}
	})
}
