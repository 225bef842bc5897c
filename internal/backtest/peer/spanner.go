package peer

import "time"

const (
	spannerTarget    = 65.0
	spannerUpPause   = 60 * time.Second
	spannerDownPause = 55 * time.Minute
)

// spanner is spanner-autoscaler, with T = 65 %, which Spanner recommends for a regional instance.
//
//   - m is the newest minute, and req = m·size/T.
//   - The desired size is the next rung above req, also where req is a rung; or the largest. It goes down by at most one rung.
//   - Up at the earliest 60 s after its last request of either direction, down at the earliest 55 min after it.
//   - When the newest minute is stale nothing happens.
//
// A unit of capacity is a rung. The original counts in whole percents and whole processing units; here nothing is cut off.
type spanner struct {
	asked time.Time
}

func spannerPeer() Peer {
	return Peer{
		Name: "spanner-autoscaler",
		ID:   "spanner-autoscaler",
		Source: "github.com/mercari/spanner-autoscaler; target 65 % (Spanner's recommendation for regional instances), one step down, " +
			"pauses of 60 s up and 55 min down (the defaults)",
		Every: time.Minute,
		Reach: time.Minute + stale,
		Means: Seamless,
		Delay: time.Minute,
		New:   func() Rule { return &spanner{} },
	}
}

// Look implements Rule.
func (r *spanner) Look(v View) int {
	now := newest(v.CPU, v.Now, 1)
	if v.Busy || now == nil {
		return v.Rung
	}
	required := now[0].Value * v.Ladder[v.Rung] / spannerTarget
	want := 0
	for want < len(v.Ladder)-1 && v.Ladder[want] <= required+tiny {
		want++
	}
	want = max(want, v.Rung-1)
	waited := v.Now.Sub(r.asked)
	if want == v.Rung || want > v.Rung && waited < spannerUpPause || want < v.Rung && waited < spannerDownPause {
		return v.Rung
	}
	r.asked = v.Now
	return want
}
