package baseline

import (
	"fmt"
	"math"
	"time"
)

const (
	auroraTargetPercent = 60.0
	auroraScaleInPoints = 15
	auroraCooldown      = 300 * time.Second
)

// auroraRule is Aurora Auto Scaling: target tracking on the CPU of the readers, with T = 60 %, which is this package's choice, as
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
type auroraRule struct {
	scaleOutPoints int
	lastChange     int // the readers that the last change added; below zero when it removed one
	orderedAt      time.Time
}

func newAurora(points int) Autoscaler {
	return Autoscaler{
		Name: fmt.Sprintf("Aurora Auto Scaling (H=%d)", points),
		ID:   fmt.Sprintf("aurora-h%d", points),
		Source: fmt.Sprintf("Amazon Aurora User Guide, Aurora Auto Scaling with Aurora Replicas, and Application Auto Scaling User Guide, "+
			"target tracking; target 60 %% (none is recommended), %d points to scale out, 15 to scale in, cooldowns 300 s (the default)", points),
		Interval: time.Minute,
		Lookback: auroraScaleInPoints*time.Minute + maxPublishedAge,
		Method:   MethodReaders,
		NewRule:  func() Rule { return &auroraRule{scaleOutPoints: points} },
	}
}

// DesiredRung implements Rule.
func (r *auroraRule) DesiredRung(v Observation) int {
	if v.ChangeInProgress || len(v.LadderVCPUs) < 2 {
		return v.Rung
	}
	cooling := v.Now.Before(laterOf(r.orderedAt, v.ChangedAt).Add(auroraCooldown))
	want := v.Rung
	if hot := newestMinutes(v.CPUPercent, v.Now, r.scaleOutPoints); allAbove(hot, auroraTargetPercent) {
		each := v.LadderVCPUs[1] - v.LadderVCPUs[0]
		n := math.Round(v.LadderVCPUs[v.Rung] / each)
		want = smallestRung(v.LadderVCPUs, roundUp(n*hot[len(hot)-1].Value/auroraTargetPercent)*each)
		if cooling && want-v.Rung <= r.lastChange { // never after a scale-in, which is below zero
			return v.Rung
		}
	} else if (!cooling || r.lastChange >= 0) && allBelow(newestMinutes(v.CPUPercent, v.Now, auroraScaleInPoints), 0.9*auroraTargetPercent) {
		want = max(0, v.Rung-1)
	}
	if want != v.Rung {
		r.lastChange, r.orderedAt = want-v.Rung, v.Now
	}
	return want
}
