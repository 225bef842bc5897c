package simclock

import (
	"sync"
	"testing"
	"time"
)

func TestStepping_PassesOnlyWhileSomebodyWaits(t *testing.T) {
	start := time.Date(2024, 2, 5, 3, 0, 0, 0, time.UTC)
	c := NewStepping(start)
	long := c.NewTimer(24 * time.Hour)
	if !long.Stop() || long.Stop() {
		t.Error("Stop does not report whether the timer was waiting")
	}
	c.Sleep(time.Hour)
	if got := c.Since(start); got != time.Hour {
		t.Errorf("%s have passed, want 1h", got)
	}
	var wg sync.WaitGroup
	for _, wait := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
		wg.Go(func() {
			for range 6 {
				c.Sleep(wait)
			}
		})
	}
	wg.Wait()
	if got := c.Since(start); got < 3*time.Hour || got > 4*time.Hour {
		t.Errorf("%s have passed, want 3h for waits of 2h in parallel, or a little more", got)
	}
	timer := c.NewTimer(time.Minute)
	<-timer.C()
	if timer.Reset(time.Minute) {
		t.Error("a timer that has ended was waiting")
	}
	<-timer.C()
}
