package peer

import "time"

const (
	lambdaHigh     = 80
	lambdaPeriod   = 5 // minutes
	lambdaPeriods  = 3
	lambdaCooldown = 15 * time.Minute
)

// lambda is the common recipe of a CloudWatch alarm that calls a Lambda function: when the mean of each of three times five minutes is
// above 80 %, the next class up, and then not for 15 minutes. It never goes down.
type lambda struct{ last time.Time }

// Lambda is the alarm with a Lambda function.
func Lambda() Peer {
	return Peer{
		Name: "Alarm and Lambda", ID: "alarm-lambda",
		Source: "next class up when CPU is above 80% for 3 × 5 min, cooldown 15 min, never down (the common recipe)",
		Every:  lambdaPeriod * time.Minute, Reach: time.Hour, Means: Classes, New: func() Rule { return &lambda{} },
	}
}

// Look implements Rule.
func (l *lambda) Look(v View) int {
	points, known := newest(v.CPU, lambdaPeriod*lambdaPeriods, v.Now)
	if !known || v.Busy || !past(l.last, v.Now, lambdaCooldown) || v.up() == v.Rung {
		return v.Rung
	}
	for n := range lambdaPeriods {
		if m, _ := mean(points[:(n+1)*lambdaPeriod], lambdaPeriod, points[(n+1)*lambdaPeriod-1].At); m <= lambdaHigh {
			return v.Rung
		}
	}
	l.last = v.Now
	return v.up()
}
