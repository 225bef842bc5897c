package simclock

import (
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// stepPause is the wall-clock time between two steps of a Stepping clock, so that goroutines can start to wait.
const stepPause = 200 * time.Microsecond

// Stepping is a clock whose time passes only while somebody waits: it steps to the end of the shortest wait. Unlike with Scaled, a
// slow machine does not make simulated time pass faster in comparison with the work that is done in it. Waits that end long after
// others, such as time limits, must not be made with its timers: they would end as soon as nobody else waits.
type Stepping struct {
	mu      sync.Mutex
	now     time.Time
	waiters []*steppingTimer
	// isStepping says that a goroutine runs step.
	isStepping bool
}

var _ clock.Clock = (*Stepping)(nil)

// NewStepping returns a clock that shows a time.
func NewStepping(now time.Time) *Stepping { return &Stepping{now: now} }

// Now returns the simulated time.
func (s *Stepping) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Since returns the simulated time since t.
func (s *Stepping) Since(t time.Time) time.Duration { return s.Now().Sub(t) }

// After sends the simulated time after d.
func (s *Stepping) After(d time.Duration) <-chan time.Time { return s.NewTimer(d).C() }

// Sleep returns after d.
func (s *Stepping) Sleep(d time.Duration) { <-s.After(d) }

// Tick sends the simulated time once, after d: a ticker would make time pass although nobody waits.
func (s *Stepping) Tick(d time.Duration) <-chan time.Time { return s.After(d) }

// NewTimer returns a timer of d.
func (s *Stepping) NewTimer(d time.Duration) clock.Timer {
	t := &steppingTimer{clock: s, channel: make(chan time.Time, 1)}
	t.Reset(d)
	return t
}

// step ends the shortest waits, one after the other, until there are none.
func (s *Stepping) step() {
	for {
		wallClock.Sleep(stepPause)
		s.mu.Lock()
		if len(s.waiters) == 0 {
			s.isStepping = false
			s.mu.Unlock()
			return
		}
		first := slices.MinFunc(s.waiters, func(a, b *steppingTimer) int { return a.endsAt.Compare(b.endsAt) })
		s.waiters = slices.DeleteFunc(s.waiters, func(t *steppingTimer) bool { return t == first })
		if first.endsAt.After(s.now) {
			s.now = first.endsAt
		}
		first.channel <- s.now // has room: it is sent once for each Reset, which empties it
		s.mu.Unlock()
	}
}

// steppingTimer is a timer of a Stepping clock.
type steppingTimer struct {
	clock   *Stepping
	channel chan time.Time
	endsAt  time.Time
}

// C returns the channel on which the time is sent.
func (t *steppingTimer) C() <-chan time.Time { return t.channel }

// Stop ends the timer, and reports whether it was waiting.
func (t *steppingTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	return t.remove()
}

// Reset starts the timer again, and reports whether it was waiting.
func (t *steppingTimer) Reset(d time.Duration) bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	wasWaiting := t.remove()
	select {
	case <-t.channel:
	default:
	}
	t.endsAt = t.clock.now.Add(max(0, d))
	t.clock.waiters = append(t.clock.waiters, t)
	if !t.clock.isStepping {
		t.clock.isStepping = true
		go t.clock.step()
	}
	return wasWaiting
}

// remove takes the timer out of those that wait. The caller holds the lock.
func (t *steppingTimer) remove() bool {
	before := len(t.clock.waiters)
	t.clock.waiters = slices.DeleteFunc(t.clock.waiters, func(other *steppingTimer) bool { return other == t })
	return len(t.clock.waiters) < before
}
