package baseline

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	hpaTargetPercent       = 60.0
	hpaTolerance           = 0.1
	hpaStabilizationWindow = 300 * time.Second
)

// hpaRule is the HorizontalPodAutoscaler v2 of Kubernetes with its default behavior, where a pod is one vCPU. T = 60 % of CPU, which
// is this package's choice, as there is no default.
//
//   - m is the vCPUs in use divided by the size, at most 100 %; r = m/T; n is the size in vCPUs.
//   - The desired size is n when |r−1| ≤ 0.1, and else ceil(n·r).
//   - Up at once. Down to the highest desired size of the last 300 s, one from exactly 300 s ago no longer counting; the first
//     Look counts as having desired the size that it found.
//   - Either is rounded up to the ladder.
//
// What is in use is View.Running, at most the size: metrics-server sees usage, and not wishes. It looks on while a change is
// under way, so that the 300 s have no hole. The default limits of its pace never bind: up is at most 100/60 of the size, where
// a doubling is allowed. When the usage is missing nothing happens and nothing is remembered.
type hpaRule struct {
	desired windowMaximum
	started bool
}

func newHPA() Autoscaler {
	return Autoscaler{
		Name: "HPA v2",
		ID:   "hpa",
		Source: "Kubernetes documentation, Horizontal Pod Autoscaling, autoscaling/v2; target 60 % of CPU (there is no default), " +
			"tolerance 0.1 and stabilization 300 s (the defaults), one vCPU a pod",
		Interval:    15 * time.Second,
		Lookback:    time.Minute,
		Method:      MethodSeamless,
		ChangeDelay: time.Minute,
		NewRule:     func() Rule { return &hpaRule{} },
	}
}

// DesiredRung implements Rule.
func (r *hpaRule) DesiredRung(v Observation) int {
	size := v.LadderVCPUs[v.Rung]
	if !scaling.IsValidSample(v.RunningVCPUs) || size <= 0 {
		return v.Rung
	}
	if !r.started {
		r.started = true
		r.desired.add(v.Now, size)
	}
	ratio := min(100, 100*v.RunningVCPUs/size) / hpaTargetPercent
	desired := size
	if math.Abs(ratio-1) > hpaTolerance+roundingTolerance {
		desired = roundUp(size * ratio)
	}
	r.desired.dropBefore(v.Now.Add(-hpaStabilizationWindow + 1))
	r.desired.add(v.Now, desired)
	if v.ChangeInProgress {
		return v.Rung
	}
	if desired > size {
		return smallestRung(v.LadderVCPUs, desired)
	}
	highest, _ := r.desired.maxSince(v.Now.Add(-hpaStabilizationWindow))
	return smallestRung(v.LadderVCPUs, min(size, highest))
}
