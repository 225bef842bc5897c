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
//   - Up one rung, when the average of the newest 5 minutes is at least 70 %.
//   - Down one rung, when CPU is below 30 % in 99 % of the newest 15 minutes (the window and 10 more), which is all of them, since
//     14 of 15 are 93 %; never below the size at the first evaluation.
//   - With a minute missing nothing changes.
//
// Alibaba documents a wait after the completion of a change but not its length: here, it lasts until all minutes of the window
// started at or after ChangedAt.
type dasRule struct {
	started   bool
	firstRung int
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

// DesiredRung implements Rule.
func (r *dasRule) DesiredRung(o Observation) int {
	if !r.started {
		r.started, r.firstRung = true, o.Rung
	}
	if o.ChangeInProgress {
		return o.Rung
	}
	newest := newestMinutes(o.CPUPercent, o.Now, dasScaleUpMinutes)
	average, ok := mean(newest)
	if !ok || newest[0].Time.Before(o.ChangedAt) {
		return o.Rung
	}
	if average >= dasScaleUpPercent-roundingTolerance {
		return min(o.Rung+1, len(o.LadderVCPUs)-1)
	}
	if o.Rung > r.firstRung {
		minutes := newestMinutes(o.CPUPercent, o.Now, dasScaleDownMinutes)
		if allBelow(minutes, dasScaleDownPercent) && !minutes[0].Time.Before(o.ChangedAt) {
			return o.Rung - 1
		}
	}
	return o.Rung
}
