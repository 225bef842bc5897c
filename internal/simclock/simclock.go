// Package simclock provides a clock that runs faster than real time, for demos and simulators. Two processes with the same
// origin, start and speed show the same time.
package simclock

import (
	"time"

	"k8s.io/utils/clock"
)

// Scaled is a clock that advances by Speed seconds per second of the wall clock.
type Scaled struct {
	// Origin is the wall-clock time at which the scaled clock shows Start.
	Origin time.Time
	// Start is the scaled time at Origin.
	Start time.Time
	// Speed is the number of scaled seconds per wall-clock second, above 0.
	Speed float64
}

var _ clock.WithTicker = Scaled{}

var wallClock clock.RealClock

// Now returns the scaled time. Before Origin it is Start.
func (s Scaled) Now() time.Time {
	return s.Start.Add(max(0, time.Duration(float64(wallClock.Since(s.Origin))*s.Speed)))
}

// Since returns the scaled time since t.
func (s Scaled) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

// WallDuration returns the wall-clock duration of a scaled duration.
func (s Scaled) WallDuration(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Speed)
}

// After sends the wall-clock time after d of scaled time.
func (s Scaled) After(d time.Duration) <-chan time.Time { return wallClock.After(s.WallDuration(d)) }

// Sleep returns after d of scaled time.
func (s Scaled) Sleep(d time.Duration) { wallClock.Sleep(s.WallDuration(d)) }

// Tick sends the wall-clock time every d of scaled time.
func (s Scaled) Tick(d time.Duration) <-chan time.Time { return wallClock.Tick(s.WallDuration(d)) }

// NewTimer returns a timer of d of scaled time.
func (s Scaled) NewTimer(d time.Duration) clock.Timer {
	return timer{Timer: wallClock.NewTimer(s.WallDuration(d)), clock: s}
}

// NewTicker returns a ticker of d of scaled time.
func (s Scaled) NewTicker(d time.Duration) clock.Ticker {
	return wallClock.NewTicker(s.WallDuration(d))
}

type timer struct {
	clock.Timer
	clock Scaled
}

// Reset sets the timer to d of scaled time.
func (t timer) Reset(d time.Duration) bool { return t.Timer.Reset(t.clock.WallDuration(d)) }
