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
//   - The desired size is the next rung above req, also where req is a rung; or the largest. It goes down by at most one rung.
//   - Up at the earliest 60 s after its last request of either direction, down at the earliest 55 min after it.
//   - When the newest minute is stale nothing happens.
//
// A unit of capacity is a rung. The original counts in whole percents and whole processing units; here nothing is cut off.
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
func (r *spannerRule) DesiredRung(v Observation) int {
	now := newestMinutes(v.CPUPercent, v.Now, 1)
	if v.ChangeInProgress || now == nil {
		return v.Rung
	}
	required := now[0].Value * v.LadderVCPUs[v.Rung] / spannerTargetPercent
	want := 0
	for want < len(v.LadderVCPUs)-1 && v.LadderVCPUs[want] <= required+roundingTolerance {
		want++
	}
	want = max(want, v.Rung-1)
	waited := v.Now.Sub(r.requestedAt)
	if want == v.Rung || want > v.Rung && waited < spannerScaleUpPause || want < v.Rung && waited < spannerScaleDownPause {
		return v.Rung
	}
	r.requestedAt = v.Now
	return want
}
