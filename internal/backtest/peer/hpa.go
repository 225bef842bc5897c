package peer

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	hpaTarget    = 60.0
	hpaTolerance = 0.1
	hpaWindow    = 300 * time.Second
)

// hpa is the HorizontalPodAutoscaler v2 of Kubernetes with its default behavior, where a pod is one vCPU. T = 60 % of CPU, which
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
type hpa struct {
	desired crest
	begun   bool
}

func hpaPeer() Peer {
	return Peer{
		Name: "HPA v2",
		ID:   "hpa",
		Source: "Kubernetes documentation, Horizontal Pod Autoscaling, autoscaling/v2; target 60 % of CPU (there is no default), " +
			"tolerance 0.1 and stabilization 300 s (the defaults), one vCPU a pod",
		Every: 15 * time.Second,
		Reach: time.Minute,
		Means: Seamless,
		Delay: time.Minute,
		New:   func() Rule { return &hpa{} },
	}
}

// Look implements Rule.
func (r *hpa) Look(v View) int {
	size := v.Ladder[v.Rung]
	if !scaling.IsValidSample(v.Running) || size <= 0 {
		return v.Rung
	}
	if !r.begun {
		r.begun = true
		r.desired.add(v.Now, size)
	}
	ratio := min(100, 100*v.Running/size) / hpaTarget
	desired := size
	if math.Abs(ratio-1) > hpaTolerance+tiny {
		desired = whole(size * ratio)
	}
	r.desired.forget(v.Now.Add(-hpaWindow + 1))
	r.desired.add(v.Now, desired)
	if v.Busy {
		return v.Rung
	}
	if desired > size {
		return fit(v.Ladder, desired)
	}
	highest, _ := r.desired.since(v.Now.Add(-hpaWindow))
	return fit(v.Ladder, min(size, highest))
}
