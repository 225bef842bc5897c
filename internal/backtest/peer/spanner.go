package peer

import "time"

const (
	// spannerTarget is the CPU in percent that Google recommends as the most of a regional instance.
	spannerTarget     = 65
	spannerUpAfter    = time.Minute
	spannerDownAfter  = 55 * time.Minute
	cloudSpannerBand  = 5
	cloudSpannerTakes = 5 // points
	cloudSpannerOut   = 5 * time.Minute
	cloudSpannerIn    = 30 * time.Minute
)

// spanner is mercari/spanner-autoscaler: every minute the newest mean m of a minute asks for m·size/T; it wants the next unit above
// that, and on the way down one unit less at most. It goes up a minute after it last asked for anything, and down 55 minutes after.
type spanner struct{ last time.Time }

// Spanner is mercari/spanner-autoscaler.
func Spanner() Peer {
	return Peer{
		Name: "spanner-autoscaler", ID: "spanner-autoscaler",
		Source: "the next unit above m·size/T with T = 65%, down one unit at a time and 55 min after the last request " +
			"(mercari/spanner-autoscaler); a change takes a minute and interrupts nothing",
		Every: time.Minute, Reach: time.Hour, Means: Seamless, Delay: time.Minute, New: func() Rule { return &spanner{} },
	}
}

// Look implements Rule.
func (s *spanner) Look(v View) int {
	m, known := mean(v.CPU, 1, v.Now)
	if !known || v.Busy {
		return v.Rung
	}
	needed := m * v.size() / spannerTarget
	to := len(v.Ladder) - 1
	for n, has := range v.Ladder {
		if has > needed {
			to = n
			break
		}
	}
	to = max(to, v.down())
	if to > v.Rung && past(s.last, v.Now, spannerUpAfter) || to < v.Rung && past(s.last, v.Now, spannerDownAfter) {
		s.last = v.Now
		return to
	}
	return v.Rung
}
