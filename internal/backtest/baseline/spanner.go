package baseline

import "time"

const (
	spannerTargetPercent  = 65.0
	spannerScaleUpPause   = 60 * time.Second
	spannerScaleDownPause = 55 * time.Minute
)

// spannerRule is spanner-autoscaler, with T = 65 %, which Spanner recommends for a regional instance.
//
//   - m is the newest minute, and req = m·size/T.
//   - The desired size is the next rung above req, even if req is a rung, or the largest rung. It is at most one rung down.
//   - Up at the earliest 60 s after the last request in either direction, down at the earliest 55 min after it.
//   - If the newest minute is stale, nothing changes.
//
// A unit of capacity is a rung. The original truncates to whole percents and whole processing units; this rule does not.
type spannerRule struct {
	requestedAt time.Time
}

func newSpanner() Autoscaler {
	return Autoscaler{
		Name: "spanner-autoscaler",
		ID:   "spanner-autoscaler",
		Source: "github.com/mercari/spanner-autoscaler; target 65 % (Spanner's recommendation for regional instances), one step down, " +
			"pauses of 60 s up and 55 min down (the defaults)",
		Interval:    time.Minute,
		Lookback:    time.Minute + maxPublishedAge,
		Method:      MethodSeamless,
		ChangeDelay: time.Minute,
		NewRule:     func() Rule { return &spannerRule{} },
	}
}

// DesiredRung implements Rule.
func (r *spannerRule) DesiredRung(o Observation) int {
	newest := newestMinutes(o.CPUPercent, o.Now, 1)
	if o.ChangeInProgress || newest == nil {
		return o.Rung
	}
	required := newest[0].Value * o.LadderVCPUs[o.Rung] / spannerTargetPercent
	desired := 0
	for desired < len(o.LadderVCPUs)-1 && o.LadderVCPUs[desired] <= required+roundingTolerance {
		desired++
	}
	desired = max(desired, o.Rung-1)
	waited := o.Now.Sub(r.requestedAt)
	if desired == o.Rung || desired > o.Rung && waited < spannerScaleUpPause || desired < o.Rung && waited < spannerScaleDownPause {
		return o.Rung
	}
	r.requestedAt = o.Now
	return desired
}
