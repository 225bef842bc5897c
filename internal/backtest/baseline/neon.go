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

// neonRule is Neon's autoscaling with CPU only. Neon takes the maximum of CPU, memory and file cache, for which there are no
// samples here.
//
//   - The goal is round(load1m/0.9/0.25) compute units of 0.25 vCPU, halves rounded away from zero, then rounded up to the ladder.
//   - Up and down at once: there is no dead band and no cooldown.
//
// load1m is RunningVCPUs. It includes work that waits for a CPU, so demand above 100 % is visible. The rule is evaluated every 10 s,
// which is the model's tick; Neon's interval is 5 s. If the load is missing, nothing changes.
type neonRule struct{}

func newNeon() Autoscaler {
	return Autoscaler{
		Name: "Neon",
		ID:   "neon",
		Source: "Neon documentation, the autoscaling algorithm, and github.com/neondatabase/autoscaling; " +
			"load target 0.9 (the default), CPU only",
		Interval: 10 * time.Second,
		Lookback: time.Minute,
		Method:   MethodSeamless,
		NewRule:  func() Rule { return neonRule{} },
	}
}

// DesiredSizeIndex implements Rule.
func (neonRule) DesiredSizeIndex(o Observation) int {
	if o.ChangeInProgress || !scaling.IsValidSample(o.RunningVCPUs) {
		return o.SizeIndex
	}
	return smallestSizeIndex(o.LadderVCPUs, neonComputeUnit*math.Round(o.RunningVCPUs/neonLoadTarget/neonComputeUnit))
}
