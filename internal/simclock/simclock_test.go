package simclock

import (
	"testing"
	"time"
)

func TestScaled_RunsAtSpeed(t *testing.T) {
	start := time.Date(2024, 2, 5, 3, 0, 0, 0, time.UTC)
	if got := (Scaled{Origin: time.Now().Add(time.Hour), Start: start, Speed: 100}).Now(); !got.Equal(start) {
		t.Errorf("before Origin: got %s, want Start, %s", got, start)
	}
	c := Scaled{Origin: time.Now().Add(-time.Minute), Start: start, Speed: 60}
	if got := c.Since(start); got < time.Hour || got > time.Hour+10*time.Minute {
		t.Errorf("a wall-clock minute at speed 60: got %s, want about an hour", got)
	}
	if got := c.WallDuration(time.Minute); got != time.Second {
		t.Errorf("WallDuration of a minute: got %s, want 1s", got)
	}
	timer := c.NewTimer(time.Hour)
	if !timer.Stop() {
		t.Error("a timer of an hour fired at once")
	}
	timer.Reset(60 * time.Millisecond) // 1 ms of wall-clock time
	<-timer.C()
	<-c.After(60 * time.Millisecond)
}
