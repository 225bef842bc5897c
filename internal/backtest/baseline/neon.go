package baseline

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	neonComputeUnit = 0.25 // vCPUs of a compute unit
	neonLoadTarget  = 0.9
)

// neonRule is Neon's autoscaling, by CPU alone: there are no memory and no file cache samples here, which it takes the largest of.
//
//   - The goal is round(load1m/0.9/0.25) compute units of 0.25 vCPU, halves rounded away from zero, then rounded up to the ladder.
//   - Up and down alike and at once: there is no dead band and no cooldown.
//
// load1m is View.Running, which has those that waited for a CPU, so that demand above 100 % is seen here. It looks every 10 s,
// since that is the model's tick; Neon's is 5 s. When the load is missing nothing happens.
type neonRule struct{}

func newNeon() Autoscaler {
	return Autoscaler{
		Name: "Neon",
		ID:   "neon",
		Source: "Neon documentation, the autoscaling algorithm, and github.com/neondatabase/autoscaling; " +
			"load target 0.9 (the default), CPU alone",
		Interval: 10 * time.Second,
		Lookback: time.Minute,
		Method:   MethodSeamless,
		NewRule:  func() Rule { return neonRule{} },
	}
}

// DesiredRung implements Rule.
func (neonRule) DesiredRung(v Observation) int {
	if v.ChangeInProgress || !scaling.IsValidSample(v.RunningVCPUs) {
		return v.Rung
	}
	return smallestRung(v.LadderVCPUs, neonComputeUnit*math.Round(v.RunningVCPUs/neonLoadTarget/neonComputeUnit))
}
