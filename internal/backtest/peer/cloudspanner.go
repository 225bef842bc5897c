package peer

import "time"

// cloudSpanner is the Cloud Spanner Autoscaler with its linear method: every two minutes the most of the last five minutes; within 5
// points of the target nothing, otherwise ceil(n·m/T). After a change has been completed it goes out no sooner than 5 minutes, and in
// no sooner than 30. Where there are no points it takes the CPU for 0 and scales in, as published.
type cloudSpanner struct{}

// CloudSpanner is the Cloud Spanner Autoscaler, linear.
func CloudSpanner() Peer {
	return Peer{
		Name: "Cloud Spanner Autoscaler, linear", ID: "cloud-spanner-linear",
		Source: "ceil(n·m/T) outside T ± 5 with T = 65%, m the most of five minutes, every 2 min, cooldowns of 5 and 30 min " +
			"(cloudspannerecosystem/autoscaler); a change takes a minute and interrupts nothing",
		Every: 2 * time.Minute, Reach: time.Hour, Means: Seamless, Delay: time.Minute, New: func() Rule { return cloudSpanner{} },
	}
}

// Look implements Rule.
func (cloudSpanner) Look(v View) int {
	if v.Busy {
		return v.Rung
	}
	most := 0.0
	for _, m := range v.CPU[v.CPU.From(v.Now.Add(-(cloudSpannerTakes+2)*time.Minute)):] { // two of them are not published yet
		most = max(most, m.Value)
	}
	if most >= spannerTarget-cloudSpannerBand && most <= spannerTarget+cloudSpannerBand {
		return v.Rung
	}
	to := v.rungFor(ceil(v.size() * most / spannerTarget))
	if to > v.Rung && past(v.Changed, v.Now, cloudSpannerOut) || to < v.Rung && past(v.Changed, v.Now, cloudSpannerIn) {
		return to
	}
	return v.Rung
}
