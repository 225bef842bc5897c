// Package simclock is a clock that goes faster than the machine's, for demonstrations and simulators. Two processes that
// are given the same origin and speed agree on the time.
package simclock

import (
	"time"

	"k8s.io/utils/clock"
)

// Scaled is a clock of which Speed seconds pass in one of the machine's.
type Scaled struct {
	// Origin is the moment, by the machine's clock, at which the scaled clock shows Start.
	Origin time.Time
	// Start is what the scaled clock shows at Origin.
	Start time.Time
	// Speed is above 0.
	Speed float64
}

var _ clock.WithTicker = Scaled{}

var wallClock clock.RealClock

// Now is the scaled time. Before Origin the clock stands still.
func (s Scaled) Now() time.Time {
	return s.Start.Add(max(0, time.Duration(float64(wallClock.Since(s.Origin))*s.Speed)))
}

// Since is how much scaled time has passed since t.
func (s Scaled) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

// WallDuration is how long d takes by the machine's clock.
func (s Scaled) WallDuration(d time.Duration) time.Duration {
	return time.Duration(float64(d) / s.Speed)
}

// After sends the machine's time after d of scaled time.
func (s Scaled) After(d time.Duration) <-chan time.Time { return wallClock.After(s.WallDuration(d)) }

// Sleep returns after d of scaled time.
func (s Scaled) Sleep(d time.Duration) { wallClock.Sleep(s.WallDuration(d)) }

// Tick sends the machine's time every d of scaled time.
func (s Scaled) Tick(d time.Duration) <-chan time.Time { return wallClock.Tick(s.WallDuration(d)) }

// NewTimer is a timer of d of scaled time.
func (s Scaled) NewTimer(d time.Duration) clock.Timer {
	return timer{Timer: wallClock.NewTimer(s.WallDuration(d)), clock: s}
}

// NewTicker is a ticker of d of scaled time.
func (s Scaled) NewTicker(d time.Duration) clock.Ticker {
	return wallClock.NewTicker(s.WallDuration(d))
}

type timer struct {
	clock.Timer
	clock Scaled
}

// Reset sets the timer to d of scaled time.
func (t timer) Reset(d time.Duration) bool { return t.Timer.Reset(t.clock.WallDuration(d)) }
