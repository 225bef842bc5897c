package baseline

import "time"

const (
	cloudSpannerTargetPercent    = 65.0
	cloudSpannerMarginPercent    = 5.0
	cloudSpannerWindow           = 5 * time.Minute
	cloudSpannerScaleOutCooldown = 5 * time.Minute
	cloudSpannerScaleInCooldown  = 30 * time.Minute
)

// cloudSpannerRule is the Cloud Spanner Autoscaler with its linear method, T = 65 % and a margin of 5, for a regional instance.
//
//   - m is the maximum of the newest five minutes, without the missing ones.
//   - From T−5 to T+5, both included, nothing changes.
//   - Otherwise the size is ceil(n·m/T) vCPUs, where n is the current size, rounded up to the ladder.
//   - Out at the earliest 5 min, in at the earliest 30 min after the completion of the last change in either direction.
//   - Without any minute m is 0, so that it scales in to the smallest size. This is the published behavior.
//
// Completion is ChangedAt. If the newest published minute is stale, there are no minutes. The rule uses the high-priority CPU only,
// since there are no samples of the 24 h average and the storage.
type cloudSpannerRule struct{}

func newCloudSpanner() Autoscaler {
	return Autoscaler{
		Name: "Cloud Spanner Autoscaler (linear)",
		ID:   "cloud-spanner-linear",
		Source: "github.com/cloudspannerecosystem/autoscaler, linear; threshold 65 % with margin 5, cooldowns 5 min out and 30 min in " +
			"(the defaults), high-priority CPU only",
		Interval:    2 * time.Minute,
		Lookback:    cloudSpannerWindow + maxPublishedAge,
		Method:      MethodSeamless,
		ChangeDelay: time.Minute,
		NewRule:     func() Rule { return cloudSpannerRule{} },
	}
}

// DesiredSizeIndex implements Rule.
func (cloudSpannerRule) DesiredSizeIndex(o Observation) int {
	if o.ChangeInProgress {
		return o.SizeIndex
	}
	highest := 0.0
	points := publishedSamples(o.CPUPercent, o.Now)
	for n := range int(cloudSpannerWindow / time.Minute) {
		if percent, known := points.At(points.Len() - 1 - n); known {
			highest = max(highest, percent)
		}
	}
	if highest >= cloudSpannerTargetPercent-cloudSpannerMarginPercent && highest <= cloudSpannerTargetPercent+cloudSpannerMarginPercent {
		return o.SizeIndex
	}
	desired := smallestSizeIndex(o.LadderVCPUs, roundUp(o.LadderVCPUs[o.SizeIndex]*highest/cloudSpannerTargetPercent))
	waited := o.Now.Sub(o.ChangedAt)
	if desired > o.SizeIndex && waited < cloudSpannerScaleOutCooldown || desired < o.SizeIndex && waited < cloudSpannerScaleInCooldown {
		return o.SizeIndex
	}
	return desired
}
