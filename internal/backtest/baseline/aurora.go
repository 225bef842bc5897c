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

// auroraRule is Aurora Auto Scaling: target tracking on the CPU of the readers, with T = 60 %. This package chose T, since AWS
// recommends none.
//
//   - Out, when each of the newest H minutes is above T: n' = ceil(n·m/T) readers, where m is the newest minute.
//   - In, when each of the newest 15 minutes is below 0.9·T: one reader fewer.
//   - In the 300 s after the completion of a scale-out there is no other one, unless it adds more readers than that one did.
//   - In the 300 s after the completion of a scale-in there is no other one. A scale-out is allowed, and ends the cooldown.
//   - With a minute missing nothing changes.
//
// The ladder is v·k, v·(k+1), and so on, where v is the vCPUs of one reader, the difference of the first two sizes: n is the current
// size divided by v. With one size there is nothing to decide. A completion is ChangedAt, or the order if that is later.
//
// AWS does not document which value m is when the alarm fires: here, it is the newest. Neither does it document what "a larger scale
// out" is compared with: here, it is the number of readers that the last scale-out added.
type auroraRule struct {
	// scaleOutPoints is H.
	scaleOutPoints int
	// lastChange is the number of readers that the last change added; negative if it removed one.
	lastChange int
	orderedAt  time.Time
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

// DesiredSizeIndex implements Rule.
func (r *auroraRule) DesiredSizeIndex(o Observation) int {
	if o.ChangeInProgress || len(o.LadderVCPUs) < 2 {
		return o.SizeIndex
	}
	cooling := o.Now.Before(laterOf(r.orderedAt, o.ChangedAt).Add(auroraCooldown))
	desired := o.SizeIndex
	if minutes := newestMinutes(o.CPUPercent, o.Now, r.scaleOutPoints); allAbove(minutes, auroraTargetPercent) {
		readerVCPUs := o.LadderVCPUs[1] - o.LadderVCPUs[0]
		readers := math.Round(o.LadderVCPUs[o.SizeIndex] / readerVCPUs)
		newest, _ := minutes.NewestSample()
		desired = smallestSizeIndex(o.LadderVCPUs, roundUp(readers*newest.Value/auroraTargetPercent)*readerVCPUs)
		if cooling && desired-o.SizeIndex <= r.lastChange { // not after a scale-in, since lastChange is negative then
			return o.SizeIndex
		}
	} else if (!cooling || r.lastChange >= 0) && allBelow(newestMinutes(o.CPUPercent, o.Now, auroraScaleInPoints), 0.9*auroraTargetPercent) {
		desired = max(0, o.SizeIndex-1)
	}
	if desired != o.SizeIndex {
		r.lastChange, r.orderedAt = desired-o.SizeIndex, o.Now
	}
	return desired
}
