package peer

import (
	"fmt"
	"math"
	"time"
)

const (
	auroraTarget   = 60.0
	auroraInPoints = 15
	auroraCooldown = 300 * time.Second
)

// aurora is Aurora Auto Scaling: target tracking on the CPU of the readers, with T = 60 %, which is this package's choice, as
// AWS recommends none.
//
//   - Out, when each of the newest H minutes is above T: n' = ceil(n·m/T) readers, where m is the newest minute.
//   - In, when each of the newest 15 minutes is below 0.9·T: one reader fewer.
//   - For 300 s after the completion of a scale-out there is no other, except one that adds more readers than that one did.
//   - For 300 s after the completion of a scale-in there is no other. A scale-out is free to happen, and ends that wait.
//   - With a minute missing nothing happens.
//
// The ladder is each·k, each·(k+1), and so on, where each is the vCPUs of one reader, the difference of the first two rungs:
// n is the present size divided by it. With one rung there is nothing to decide. A completion is View.Changed, or the order if
// that is later.
//
// AWS does not say which value m is when the alarm goes off: it is taken to be the newest. Neither does it say what "a larger
// scale out" is compared with: it is taken to be the number of readers that the last one added.
type aurora struct {
	points  int
	last    int // the readers that the last change added; below zero when it removed one
	ordered time.Time
}

func auroraPeer(points int) Peer {
	return Peer{
		Name: fmt.Sprintf("Aurora Auto Scaling (H=%d)", points),
		ID:   fmt.Sprintf("aurora-h%d", points),
		Source: fmt.Sprintf("Amazon Aurora User Guide, Aurora Auto Scaling with Aurora Replicas, and Application Auto Scaling User Guide, "+
			"target tracking; target 60 %% (none is recommended), %d points to scale out, 15 to scale in, cooldowns 300 s (the default)", points),
		Every: time.Minute,
		Reach: auroraInPoints*time.Minute + stale,
		Means: Readers,
		New:   func() Rule { return &aurora{points: points} },
	}
}

// Look implements Rule.
func (r *aurora) Look(v View) int {
	if v.Busy || len(v.Ladder) < 2 {
		return v.Rung
	}
	cooling := v.Now.Before(later(r.ordered, v.Changed).Add(auroraCooldown))
	want := v.Rung
	if hot := newest(v.CPU, v.Now, r.points); above(hot, auroraTarget) {
		each := v.Ladder[1] - v.Ladder[0]
		n := math.Round(v.Ladder[v.Rung] / each)
		want = fit(v.Ladder, whole(n*hot[len(hot)-1].Value/auroraTarget)*each)
		if cooling && want-v.Rung <= r.last { // never after a scale-in, which is below zero
			return v.Rung
		}
	} else if (!cooling || r.last >= 0) && below(newest(v.CPU, v.Now, auroraInPoints), 0.9*auroraTarget) {
		want = max(0, v.Rung-1)
	}
	if want != v.Rung {
		r.last, r.ordered = want-v.Rung, v.Now
	}
	return want
}
