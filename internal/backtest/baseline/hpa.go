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

// hpaRule is the HorizontalPodAutoscaler v2 of Kubernetes with its default behavior, where a pod is one vCPU. T = 60 % of CPU. This
// package chose T, since there is no default.
//
//   - m is the vCPUs in use divided by the size, at most 100 %; r = m/T; n is the size in vCPUs.
//   - The desired size is n if |r−1| ≤ 0.1, otherwise ceil(n·r).
//   - Up at once. Down to the highest desired size of the last 300 s, excluding one from exactly 300 s ago. The initial size counts
//     as the desired size of the first evaluation.
//   - Both are rounded up to the ladder.
//
// The vCPUs in use are RunningVCPUs, at most the size: metrics-server measures usage, not demand. The rule is also evaluated during a
// change, so that the 300 s have no gap. The default rate limits have no effect: a scale-up is to at most 100/60 of the size, where a
// doubling is allowed. If the usage is missing, nothing changes and nothing is recorded.
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

// DesiredSizeIndex implements Rule.
func (r *hpaRule) DesiredSizeIndex(o Observation) int {
	size := o.LadderVCPUs[o.SizeIndex]
	if !scaling.IsValidSample(o.RunningVCPUs) || size <= 0 {
		return o.SizeIndex
	}
	if !r.started {
		r.started = true
		r.desired.add(o.Now, size)
	}
	ratio := min(100, 100*o.RunningVCPUs/size) / hpaTargetPercent
	desired := size
	if math.Abs(ratio-1) > hpaTolerance+roundingTolerance {
		desired = roundUp(size * ratio)
	}
	r.desired.dropBefore(o.Now.Add(-hpaStabilizationWindow + 1))
	r.desired.add(o.Now, desired)
	if o.ChangeInProgress {
		return o.SizeIndex
	}
	if desired > size {
		return smallestSizeIndex(o.LadderVCPUs, desired)
	}
	highest, _ := r.desired.maxSince(o.Now.Add(-hpaStabilizationWindow))
	return smallestSizeIndex(o.LadderVCPUs, min(size, highest))
}
