package baseline

import "time"

const (
	dasScaleUpPercent   = 70.0
	dasScaleDownPercent = 30.0
	dasScaleUpMinutes   = 5
	dasScaleDownMinutes = dasScaleUpMinutes + 10
)

// dasRule is the automatic specification change of Alibaba Cloud's Database Autonomy Service, with a threshold of 70 % and an
// observation window of 5 minutes, which are this package's choice among those that it offers.
//
//   - Up one rung, when the average of the newest 5 minutes is at least 70 %.
//   - Down one rung, when CPU is below 30 % in 99 % of the newest 15 minutes (the window and 10 more), which is all of them, since
//     14 of 15 are 93 %; never below the size of the first Look.
//   - With a minute missing nothing happens.
//
// Alibaba has it wait from the completion of a change and does not say how long: it is taken to be until the minutes that are
// looked at have all begun at or after View.Changed.
type dasRule struct {
	started   bool
	firstRung int
}

func newDAS() Autoscaler {
	return Autoscaler{
		Name:     "Alibaba DAS",
		ID:       "das",
		Source:   "Alibaba Cloud documentation, Database Autonomy Service, automatic performance scaling; threshold 70 %, observation window 5 min",
		Interval: time.Minute,
		Lookback: dasScaleDownMinutes*time.Minute + maxPublishedAge,
		Method:   MethodClasses,
		NewRule:  func() Rule { return &dasRule{} },
	}
}

// DesiredRung implements Rule.
func (r *dasRule) DesiredRung(v Observation) int {
	if !r.started {
		r.started, r.firstRung = true, v.Rung
	}
	if v.ChangeInProgress {
		return v.Rung
	}
	window := newestMinutes(v.CPUPercent, v.Now, dasScaleUpMinutes)
	average, ok := mean(window)
	if !ok || window[0].Time.Before(v.ChangedAt) {
		return v.Rung
	}
	if average >= dasScaleUpPercent-roundingTolerance {
		return min(v.Rung+1, len(v.LadderVCPUs)-1)
	}
	if v.Rung > r.firstRung {
		if calm := newestMinutes(v.CPUPercent, v.Now, dasScaleDownMinutes); allBelow(calm, dasScaleDownPercent) && !calm[0].Time.Before(v.ChangedAt) {
			return v.Rung - 1
		}
	}
	return v.Rung
}
