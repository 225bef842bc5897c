package peer

import (
	"fmt"
	"time"
)

const (
	// auroraTarget is the CPU in percent that readers are to have.
	auroraTarget = 60
	// auroraLow is how many minutes below 90 % of the target call for fewer readers, and auroraCooldown how long each way waits.
	auroraLow      = 15
	auroraCooldown = 5 * time.Minute
)

// aurora is Aurora Auto Scaling: Application Auto Scaling with target tracking on the readers' mean CPU, once a minute. When the last
// H minutes are all above the target T, n readers become ceil(n·m/T), where m is the newest minute; when the last 15 are all below
// 0.9·T, one goes. After a scale-out the next one waits five minutes, unless it is a larger one; a scale-in waits five minutes after
// either, and any scale-out ends that wait. It acts only when every reader is available. A missing minute is no reason to scale in,
// and ends the row of those above.
type aurora struct {
	high            int
	lastOut, lastIn time.Time
	lastWanted      float64
}

// Aurora is Aurora Auto Scaling with an alarm of so many minutes: real alarms had 3 in 2021, and 5 by a report of 2023.
func Aurora(minutes int) Peer {
	return Peer{
		Name: fmt.Sprintf("Aurora Auto Scaling (H=%d)", minutes), ID: fmt.Sprintf("aurora-%d", minutes),
		Source: fmt.Sprintf("target tracking on reader CPU at %d%%; out after %d min above, in after 15 min below 90%% of it; "+
			"cooldowns of 300 s (Application Auto Scaling user guide; alarms as users saw them)", auroraTarget, minutes),
		Every: time.Minute, Reach: time.Hour, Means: Readers, New: func() Rule { return &aurora{high: minutes} },
	}
}

// Look implements Rule. The ladder has a rung for each number of readers.
func (a *aurora) Look(v View) int {
	if v.Busy || len(v.Ladder) < 2 {
		return v.Rung
	}
	each := v.Ladder[1] - v.Ladder[0]
	if points, known := newest(v.CPU, a.high, v.Now); known && all(points, func(m float64) bool { return m > auroraTarget }) {
		readers := ceil(v.size() / each * points[len(points)-1].Value / auroraTarget)
		to := v.rungFor(readers * each)
		if to > v.Rung && (past(a.lastOut, v.Now, auroraCooldown) || readers > a.lastWanted) {
			a.lastOut, a.lastIn, a.lastWanted = v.Now, time.Time{}, readers
			return to
		}
		return v.Rung
	}
	below := func(m float64) bool { return m < 0.9*auroraTarget }
	points, known := newest(v.CPU, auroraLow, v.Now)
	waited := past(a.lastOut, v.Now, auroraCooldown) && past(a.lastIn, v.Now, auroraCooldown)
	if known && all(points, below) && waited && v.Rung > 0 {
		a.lastIn = v.Now
		return v.down()
	}
	return v.Rung
}
