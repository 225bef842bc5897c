package peer

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	cloudSpannerTarget  = 65.0
	cloudSpannerMargin  = 5.0
	cloudSpannerPoints  = 5 * time.Minute
	cloudSpannerOutCool = 5 * time.Minute
	cloudSpannerInCool  = 30 * time.Minute
)

// cloudSpanner is the Cloud Spanner Autoscaler with its linear method, T = 65 % and a margin of 5, for a regional instance.
//
//   - m is the highest of the newest five minutes, of those that are there.
//   - From T−5 to T+5, both included, nothing happens.
//   - Else the size is ceil(n·m/T) vCPUs, where n is the present size, rounded up to the ladder.
//   - Out at the earliest 5 min, in at the earliest 30 min after the completion of the last change of either direction.
//   - Without a point m is 0, so that it scales in to the smallest size. This is how it is published.
//
// Completion is View.Changed. There is no point when the newest published minute is stale. It goes by the high-priority CPU alone,
// since there are no samples of the 24 h average and the storage.
type cloudSpanner struct{}

func cloudSpannerPeer() Peer {
	return Peer{
		Name: "Cloud Spanner Autoscaler (linear)",
		ID:   "cloud-spanner-linear",
		Source: "github.com/cloudspannerecosystem/autoscaler, linear; threshold 65 % with margin 5, cooldowns 5 min out and 30 min in " +
			"(the defaults), high-priority CPU alone",
		Every: 2 * time.Minute,
		Reach: cloudSpannerPoints + stale,
		Means: Seamless,
		Delay: time.Minute,
		New:   func() Rule { return cloudSpanner{} },
	}
}

// Look implements Rule.
func (cloudSpanner) Look(v View) int {
	if v.Busy {
		return v.Rung
	}
	highest := 0.0
	points := published(v.CPU, v.Now)
	for n := len(points) - 1; n >= 0 && points[len(points)-1].Time.Sub(points[n].Time) < cloudSpannerPoints; n-- {
		if scaling.IsValidSample(points[n].Value) {
			highest = max(highest, points[n].Value)
		}
	}
	if highest >= cloudSpannerTarget-cloudSpannerMargin && highest <= cloudSpannerTarget+cloudSpannerMargin {
		return v.Rung
	}
	want := fit(v.Ladder, whole(v.Ladder[v.Rung]*highest/cloudSpannerTarget))
	waited := v.Now.Sub(v.Changed)
	if want > v.Rung && waited < cloudSpannerOutCool || want < v.Rung && waited < cloudSpannerInCool {
		return v.Rung
	}
	return want
}
