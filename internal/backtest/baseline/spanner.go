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
//   - The desired size is the next size above req, even if req is a size, or the largest size. It is at most one size down.
//   - Up at the earliest 60 s after the last request in either direction, down at the earliest 55 min after it.
//   - If the newest minute is stale, nothing changes.
//
// A unit of capacity is a size. The original truncates to whole percents and whole processing units; this rule does not.
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

// DesiredSizeIndex implements Rule.
func (r *spannerRule) DesiredSizeIndex(o Observation) int {
	newest, known := publishedSamples(o.CPUPercent, o.Now).NewestSample()
	if o.ChangeInProgress || !known {
		return o.SizeIndex
	}
	required := newest.Value * o.LadderVCPUs[o.SizeIndex] / spannerTargetPercent
	desired := 0
	for desired < len(o.LadderVCPUs)-1 && o.LadderVCPUs[desired] <= required+roundingTolerance {
		desired++
	}
	desired = max(desired, o.SizeIndex-1)
	waited := o.Now.Sub(r.requestedAt)
	up, down := desired > o.SizeIndex, desired < o.SizeIndex
	if !up && !down || up && waited < spannerScaleUpPause || down && waited < spannerScaleDownPause {
		return o.SizeIndex
	}
	r.requestedAt = o.Now
	return desired
}
