package baseline

import "time"

const (
	dasScaleUpPercent   = 70.0
	dasScaleDownPercent = 30.0
	dasScaleUpMinutes   = 5
	dasScaleDownMinutes = dasScaleUpMinutes + 10
)

// dasRule is the automatic specification change of Alibaba Cloud's Database Autonomy Service, with a threshold of 70 % and an
// observation window of 5 minutes. This package chose them among the values that Alibaba offers.
//
//   - Up one size, when the average of the newest 5 minutes is at least 70 %.
//   - Down one size, when CPU is below 30 % in 99 % of the newest 15 minutes (the window and 10 more), which is all of them, since
//     14 of 15 are 93 %; never below the size at the first evaluation.
//   - With a minute missing nothing changes.
//
// Alibaba documents a wait after the completion of a change but not its length: here, it lasts until all minutes of the window
// started at or after ChangedAt.
type dasRule struct {
	started    bool
	firstIndex int
}

func newDAS() Autoscaler {
	return Autoscaler{
		Name: "Alibaba DAS",
		ID:   "das",
		Source: "Alibaba Cloud documentation, Database Autonomy Service, automatic performance scaling; threshold 70 %, " +
			"observation window 5 min",
		Interval: time.Minute,
		Lookback: dasScaleDownMinutes*time.Minute + maxPublishedAge,
		Method:   MethodClasses,
		NewRule:  func() Rule { return &dasRule{} },
	}
}

// DesiredSizeIndex implements Rule.
func (r *dasRule) DesiredSizeIndex(o Observation) int {
	if !r.started {
		r.started, r.firstIndex = true, o.SizeIndex
	}
	if o.ChangeInProgress {
		return o.SizeIndex
	}
	newest := newestMinutes(o.CPUPercent, o.Now, dasScaleUpMinutes)
	average, ok := mean(newest)
	if !ok || newest.Start().Before(o.ChangedAt) {
		return o.SizeIndex
	}
	if average >= dasScaleUpPercent-roundingTolerance {
		return min(o.SizeIndex+1, len(o.LadderVCPUs)-1)
	}
	if o.SizeIndex > r.firstIndex {
		minutes := newestMinutes(o.CPUPercent, o.Now, dasScaleDownMinutes)
		if allBelow(minutes, dasScaleDownPercent) && !minutes.Start().Before(o.ChangedAt) {
			return o.SizeIndex - 1
		}
	}
	return o.SizeIndex
}
