package peer

import (
	"math"
	"time"
)

const (
	// neonUnit is the vCPUs of a compute unit's quarter, the step that Neon scales by.
	neonUnit = 0.25
	neonLoad = 0.9
)

// neon is Neon's autoscaler: as many quarter vCPUs as the load average of the last minute divided by 0.9, rounded to the nearest. It
// has no cooldown. It goes by memory as well, which the recording does not have.
type neon struct{}

// Neon is Neon's autoscaler.
func Neon() Peer {
	return Peer{
		Name: "Neon", ID: "neon",
		Source: "round(load1m/0.9/0.25) quarter vCPUs, every 5 s (neondatabase/autoscaling); looked at every 10 s, which is the model's step; " +
			"by CPU alone, and a change interrupts nothing",
		Every: 10 * time.Second, Reach: time.Hour, Means: Seamless, New: func() Rule { return neon{} },
	}
}

// Look implements Rule.
func (neon) Look(v View) int {
	if v.Busy {
		return v.Rung
	}
	return v.rungFor(math.Round(v.Running/neonLoad/neonUnit) * neonUnit)
}
