package peer

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	atlasDownPause    = 24 * time.Hour
	atlasRestartPause = 12 * time.Hour
)

// atlas is the compute auto-scaling of MongoDB Atlas, for M30 and up. It goes by CPU alone: there are no memory samples here, so
// that the parts about memory and cache never want more and never forbid less.
//
//   - Up one rung, when the busiest node's average is above 90 % over the newest 10 minutes and there was no scale-up within
//     10 minutes, or above 75 % over the newest 60 minutes and there was none within 60 minutes.
//   - Down one rung, when no scale-down was ordered and nothing was created (the first Look) for 24 h, nothing was restarted
//     for 12 h, and the busiest node's average is below 45 % over the newest 10 minutes and over the newest 240.
//   - With a minute missing in a window, that window says nothing.
//
// A node is an instance, and the busiest of each minute is View.Hottest. Its average is at least that of any one node: down is
// a little slower than where the same node is not always the busiest. Atlas does not say from when its pauses count: those
// after a change count from the order. A restart is any change of its own, which ends at View.Changed, or the order if later.
type atlas struct {
	created, up, down, changed time.Time
}

func atlasPeer() Peer {
	return Peer{
		Name:   "MongoDB Atlas",
		ID:     "atlas",
		Source: "MongoDB Atlas documentation, Configure Auto-Scaling, M30 and up; its thresholds, CPU alone",
		Every:  time.Minute,
		Reach:  4*time.Hour + stale,
		Means:  Classes,
		New:    func() Rule { return &atlas{} },
	}
}

// Look implements Rule.
func (r *atlas) Look(v View) int {
	if r.created.IsZero() {
		r.created = v.Now
	}
	switch {
	case v.Busy:
		return v.Rung
	case v.Rung < len(v.Ladder)-1 && (r.hot(v, 10, 90) || r.hot(v, 60, 75)):
		r.up, r.changed = v.Now, v.Now
		return v.Rung + 1
	case v.Rung > 0 && r.rested(v) && cold(v.Hottest, v.Now, 10) && cold(v.Hottest, v.Now, 240):
		r.down, r.changed = v.Now, v.Now
		return v.Rung - 1
	}
	return v.Rung
}

// hot says that the average over the window is above the limit and that there was no scale-up within it.
func (r *atlas) hot(v View, minutes int, limit float64) bool {
	if v.Now.Sub(r.up) < time.Duration(minutes)*time.Minute {
		return false
	}
	average, ok := mean(newest(v.Hottest, v.Now, minutes))
	return ok && average > limit+tiny
}

// rested says that nothing was changed lately, so that the size may go down.
func (r *atlas) rested(v View) bool {
	return v.Now.Sub(later(r.created, r.down)) >= atlasDownPause && v.Now.Sub(later(r.changed, v.Changed)) >= atlasRestartPause
}

// cold says that the average over the window is below 45 %.
func cold(s scaling.Series, now time.Time, minutes int) bool {
	average, ok := mean(newest(s, now, minutes))
	return ok && average < 45-tiny
}
