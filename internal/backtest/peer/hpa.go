package peer

import (
	"math"
	"time"
)

const (
	hpaTarget    = 60
	hpaTolerance = 0.1
	hpaWindow    = 5 * time.Minute
)

// hpa is the HorizontalPodAutoscaler v2 on CPU, with vCPUs for pods. Every 15 seconds r = m/T, where m is what is used now; nothing when
// r is within a tenth of one; otherwise it wants ceil(n·r) vCPUs. Down it takes the most that it wanted in the last five minutes. What
// is used is at most what there is: metrics-server does not see who waits.
type hpa struct {
	// wanted is what was wanted when, the most first and older ones of less left out: a queue of maxima.
	wanted []wish
}

type wish struct {
	at    time.Time
	vcpus float64
}

// HPA is Kubernetes' HorizontalPodAutoscaler.
func HPA() Peer {
	return Peer{
		Name: "HPA v2, on vCPUs", ID: "hpa",
		Source: "ceil(n·m/T) with T = 60%, tolerance 0.1, 300 s of stabilization on the way down (Kubernetes documentation, algorithm " +
			"details); a change takes a minute and interrupts nothing",
		Every: 15 * time.Second, Reach: time.Hour, Means: Seamless, Delay: time.Minute, New: func() Rule { return &hpa{} },
	}
}

// Look implements Rule.
func (h *hpa) Look(v View) int {
	size := v.size()
	ratio := min(v.Running/size, 1) * 100 / hpaTarget
	wanted := size
	if math.Abs(ratio-1) > hpaTolerance+1e-9 {
		wanted = ceil(size * ratio)
	}
	for len(h.wanted) > 0 && h.wanted[len(h.wanted)-1].vcpus <= wanted {
		h.wanted = h.wanted[:len(h.wanted)-1]
	}
	h.wanted = append(h.wanted, wish{v.Now, wanted})
	for v.Now.Sub(h.wanted[0].at) > hpaWindow {
		h.wanted = h.wanted[1:]
	}
	switch {
	case v.Busy:
		return v.Rung
	case wanted < size:
		return v.rungFor(min(size, h.wanted[0].vcpus))
	}
	return v.rungFor(wanted)
}
