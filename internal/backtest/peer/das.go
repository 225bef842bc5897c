package peer

import "time"

const (
	dasHigh   = 70
	dasWindow = 5 // minutes
	dasLow    = 30
	dasShare  = 0.99
)

// das is the automatic scaling of Alibaba Cloud's Database Autonomy Service: up a class when the mean of the observation window reaches
// the threshold; back down, class by class to the one that it began with, when the CPU was below 30 % in 99 % of the minutes of the
// window and ten more.
type das struct {
	begun bool
	first int
}

// DAS is Alibaba Cloud's Database Autonomy Service.
func DAS() Peer {
	return Peer{
		Name: "Alibaba DAS", ID: "alibaba-das",
		Source: "up a class at a mean of 70% over 5 min, back to the first below 30% for 99% of 15 min " +
			"(Alibaba Cloud documentation, automatic performance scaling)",
		Every: time.Minute, Reach: time.Hour, Means: Classes, New: func() Rule { return &das{} },
	}
}

// Look implements Rule.
func (d *das) Look(v View) int {
	if !d.begun {
		d.begun, d.first = true, v.Rung
	}
	if v.Busy {
		return v.Rung
	}
	if m, known := mean(v.CPU, dasWindow, v.Now); known && m >= dasHigh {
		return v.up()
	}
	points, known := newest(v.CPU, dasWindow+10, v.Now)
	low := 0
	for _, m := range points {
		if m.Value < dasLow {
			low++
		}
	}
	if known && v.Rung > d.first && float64(low) >= dasShare*float64(len(points)) {
		return v.down()
	}
	return v.Rung
}
