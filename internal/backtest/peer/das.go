package peer

import "time"

const (
	dasLimit  = 70.0
	dasCalm   = 30.0
	dasWindow = 5
	dasDown   = dasWindow + 10
)

// das is the automatic specification change of Alibaba Cloud's Database Autonomy Service, with a threshold of 70 % and an
// observation window of 5 minutes, which are this package's choice among those that it offers.
//
//   - Up one rung, when the average of the newest 5 minutes is at least 70 %.
//   - Down one rung, when CPU is below 30 % in 99 % of the newest 15 minutes (the window and 10 more), which is all of them, since
//     14 of 15 are 93 %; never below the size of the first Look.
//   - With a minute missing nothing happens.
//
// Alibaba has it wait from the completion of a change and does not say how long: it is taken to be until the minutes that are
// looked at have all begun at or after View.Changed.
type das struct {
	begun bool
	first int
}

func dasPeer() Peer {
	return Peer{
		Name:   "Alibaba DAS",
		ID:     "das",
		Source: "Alibaba Cloud documentation, Database Autonomy Service, automatic performance scaling; threshold 70 %, observation window 5 min",
		Every:  time.Minute,
		Reach:  dasDown*time.Minute + stale,
		Means:  Classes,
		New:    func() Rule { return &das{} },
	}
}

// Look implements Rule.
func (r *das) Look(v View) int {
	if !r.begun {
		r.begun, r.first = true, v.Rung
	}
	if v.Busy {
		return v.Rung
	}
	window := newest(v.CPU, v.Now, dasWindow)
	average, ok := mean(window)
	if !ok || window[0].Time.Before(v.Changed) {
		return v.Rung
	}
	if average >= dasLimit-tiny {
		return min(v.Rung+1, len(v.Ladder)-1)
	}
	if v.Rung > r.first {
		if calm := newest(v.CPU, v.Now, dasDown); below(calm, dasCalm) && !calm[0].Time.Before(v.Changed) {
			return v.Rung - 1
		}
	}
	return v.Rung
}
