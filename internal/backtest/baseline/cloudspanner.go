package baseline

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	cloudSpannerTargetPercent    = 65.0
	cloudSpannerMarginPercent    = 5.0
	cloudSpannerWindow           = 5 * time.Minute
	cloudSpannerScaleOutCooldown = 5 * time.Minute
	cloudSpannerScaleInCooldown  = 30 * time.Minute
)

// cloudSpannerRule is the Cloud Spanner Autoscaler with its linear method, T = 65 % and a margin of 5, for a regional instance.
//
//   - m is the highest of the newest five minutes, of those that are there.
//   - From T−5 to T+5, both included, nothing happens.
//   - Else the size is ceil(n·m/T) vCPUs, where n is the present size, rounded up to the ladder.
//   - Out at the earliest 5 min, in at the earliest 30 min after the completion of the last change of either direction.
//   - Without a point m is 0, so that it scales in to the smallest size. This is how it is published.
//
// Completion is View.Changed. There is no point when the newest published minute is stale. It goes by the high-priority CPU alone,
// since there are no samples of the 24 h average and the storage.
type cloudSpannerRule struct{}

func newCloudSpanner() Autoscaler {
	return Autoscaler{
		Name: "Cloud Spanner Autoscaler (linear)",
		ID:   "cloud-spanner-linear",
		Source: "github.com/cloudspannerecosystem/autoscaler, linear; threshold 65 % with margin 5, cooldowns 5 min out and 30 min in " +
			"(the defaults), high-priority CPU alone",
		Interval:    2 * time.Minute,
		Lookback:    cloudSpannerWindow + maxPublishedAge,
		Method:      MethodSeamless,
		ChangeDelay: time.Minute,
		NewRule:     func() Rule { return cloudSpannerRule{} },
	}
}

// DesiredRung implements Rule.
func (cloudSpannerRule) DesiredRung(v Observation) int {
	if v.ChangeInProgress {
		return v.Rung
	}
	highest := 0.0
	points := publishedSamples(v.CPUPercent, v.Now)
	for n := len(points) - 1; n >= 0 && points[len(points)-1].Time.Sub(points[n].Time) < cloudSpannerWindow; n-- {
		if scaling.IsValidSample(points[n].Value) {
			highest = max(highest, points[n].Value)
		}
	}
	if highest >= cloudSpannerTargetPercent-cloudSpannerMarginPercent && highest <= cloudSpannerTargetPercent+cloudSpannerMarginPercent {
		return v.Rung
	}
	want := smallestRung(v.LadderVCPUs, roundUp(v.LadderVCPUs[v.Rung]*highest/cloudSpannerTargetPercent))
	waited := v.Now.Sub(v.ChangedAt)
	if want > v.Rung && waited < cloudSpannerScaleOutCooldown || want < v.Rung && waited < cloudSpannerScaleInCooldown {
		return v.Rung
	}
	return want
}
