package awsx

import (
	"fmt"
	"testing"
	"time"
)

func TestReadSchedule(t *testing.T) {
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.TimeOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.AddDate(2024, 0, 0)
	}
	asPublished, never := 15*time.Second, time.Time{}
	for _, test := range []struct {
		name              string
		interval          time.Duration
		hash              uint32
		readAt, newestEnd time.Time
		isStandby         bool
		want              string
	}{
		{"every minute, 90 s after the end of a minute", 0, 0, at("10:00:12"), at("09:58:00"), false, "10:00:30"},
		{"every minute, after such a read", time.Minute, 0, at("10:00:30"), at("09:59:00"), false, "10:01:30"},
		{"every minute, spread by two seconds", time.Minute, 2_000_000_000, at("10:00:30"), at("09:59:00"), false, "10:00:32"},
		{"every other minute, the even ones", 2 * time.Minute, 0, at("10:00:30"), at("09:59:00"), false, "10:02:30"},
		{"every other minute, from an odd one", 2 * time.Minute, 0, at("10:00:12"), at("09:58:00"), false, "10:00:30"},
		{"as soon as the next sample may be published", asPublished, 0, at("10:00:20"), at("09:59:00"), false, "10:01:00"},
		{"again, since it was not published", asPublished, 0, at("10:01:00"), at("09:59:00"), false, "10:01:15"},
		{"a sample that came early", asPublished, 0, at("10:00:20"), at("10:00:00"), false, "10:01:20"},
		{"no samples", asPublished, 0, at("10:00:20"), never, false, "10:01:20"},
		{"not the leader", asPublished, 0, at("10:00:30"), at("09:59:00"), true, "11:00:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			schedule := readSchedule{interval: test.interval, hash: test.hash}
			if got := schedule.next(test.readAt, test.newestEnd, test.isStandby).Format(time.TimeOnly); got != test.want {
				t.Errorf("the next read is at %s, want %s", got, test.want)
			}
		})
	}
}

// Each minute an equal part of the targets is read, and each of them once per interval.
func TestReadSchedule_SpreadsTargets(t *testing.T) {
	const targets, minutes = 3000, 3
	reads := map[int]int{}
	for n := range targets {
		schedule := newReadSchedule(clusterTarget(fmt.Sprintf("orders-%d", n)))
		schedule.interval = minutes * time.Minute
		first := schedule.next(testStart, time.Time{}, false)
		if again := schedule.next(first, time.Time{}, false); again.Sub(first) != schedule.interval {
			t.Fatalf("target %d is read %s after the last time, want %s", n, again.Sub(first), schedule.interval)
		}
		reads[int(first.Sub(testStart)/time.Minute)]++
	}
	for minute := range minutes {
		if got := reads[minute]; got < targets/minutes*9/10 || got > targets/minutes*11/10 {
			t.Errorf("%d of %d targets are read in minute %d, want about %d", got, targets, minute, targets/minutes)
		}
	}
}
