package peer

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	neonUnit = 0.25 // vCPUs of a compute unit
	neonLoad = 0.9
)

// neon is Neon's autoscaling, by CPU alone: there are no memory and no file cache samples here, which it takes the largest of.
//
//   - The goal is round(load1m/0.9/0.25) compute units of 0.25 vCPU, halves rounded away from zero, then rounded up to the ladder.
//   - Up and down alike and at once: there is no dead band and no cooldown.
//
// load1m is View.Running, which has those that waited for a CPU, so that demand above 100 % is seen here. It looks every 10 s,
// since that is the model's tick; Neon's is 5 s. When the load is missing nothing happens.
type neon struct{}

func neonPeer() Peer {
	return Peer{
		Name: "Neon",
		ID:   "neon",
		Source: "Neon documentation, the autoscaling algorithm, and github.com/neondatabase/autoscaling; " +
			"load target 0.9 (the default), CPU alone",
		Every: 10 * time.Second,
		Reach: time.Minute,
		Means: Seamless,
		New:   func() Rule { return neon{} },
	}
}

// Look implements Rule.
func (neon) Look(v View) int {
	if v.Busy || !scaling.IsValidSample(v.Running) {
		return v.Rung
	}
	return fit(v.Ladder, neonUnit*math.Round(v.Running/neonLoad/neonUnit))
}
