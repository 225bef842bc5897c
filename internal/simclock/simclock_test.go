package simclock

import (
	"testing"
	"time"
)

func TestScaled_RunsAtSpeed(t *testing.T) {
	start := time.Date(2024, 2, 5, 3, 0, 0, 0, time.UTC)
	if got := (Scaled{Origin: time.Now().Add(time.Hour), Start: start, Speed: 100}).Now(); !got.Equal(start) {
		t.Errorf("before its origin it shows %s, want it to stand at %s", got, start)
	}
	c := Scaled{Origin: time.Now().Add(-time.Minute), Start: start, Speed: 60}
	if got := c.Since(start); got < time.Hour || got > time.Hour+10*time.Minute {
		t.Errorf("a minute at sixty times the speed is %s, want about an hour", got)
	}
	if got := c.WallDuration(time.Minute); got != time.Second {
		t.Errorf("a minute takes the machine %s, want 1s", got)
	}
	timer := c.NewTimer(time.Hour)
	if !timer.Stop() {
		t.Error("a timer of an hour had gone off at once")
	}
	timer.Reset(60 * time.Millisecond) // a millisecond of the machine's
	<-timer.C()
	<-c.After(60 * time.Millisecond)
}
