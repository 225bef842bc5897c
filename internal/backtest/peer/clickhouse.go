package peer

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	clickhouseTarget = 0.53
	clickhouseHigh   = 0.75
	clickhouseLow    = 0.375
	clickhouseLong   = 30 * time.Hour
	clickhouseShort  = 3 * time.Hour
)

// clickhouse is the vertical autoscaling of ClickHouse Cloud, its two-window recommender, by CPU alone.
//
//   - A minute's usage is its CPU times the size that it was measured at, in vCPUs.
//   - Up, when the highest usage of the last 3 h is above 75 % of the present size: to the highest usage of the last 30 h divided
//     by 0.53, rounded up to the ladder.
//   - Down, when the highest usage of the last 3 h is below 37.5 % of the present size: to that usage divided by 0.53, rounded up
//     to the ladder.
//   - In between nothing happens.
//
// ClickHouse says that the long window is for going up and the short one for going down, and not which of them the band is held
// against. It is the short one here: with the long one, each step down would be undone by the next look, which still sees the
// old peak. It does not say either what happens before there are 3 h of samples (nothing goes down here), when minutes are
// missing (they have no usage; with none in 3 h nothing happens), and how often it looks (every minute here, as samples come).
// There is no cooldown. A minute that began before View.Changed counts with the size from before; what was measured before the
// first Look counts with the size of then.
type clickhouse struct {
	usage crest
	// first and last are the minutes that usage was taken of.
	first, last time.Time
	// size is the present one in vCPUs, which there is since a time, and before is the one before it.
	size, before float64
	since        time.Time
}

func clickhousePeer() Peer {
	return Peer{
		Name: "ClickHouse Cloud",
		ID:   "clickhouse",
		Source: "ClickHouse Cloud documentation, Scaling recommendations; target 53 %, band from 37.5 to 75 %, windows 3 h and 30 h " +
			"(as published), CPU alone, make before break",
		Every: time.Minute,
		Reach: clickhouseLong,
		Means: Seamless,
		Delay: 5 * time.Minute,
		New:   func() Rule { return &clickhouse{} },
	}
}

// Look implements Rule.
func (r *clickhouse) Look(v View) int {
	r.take(v)
	peak, ok := r.usage.since(v.Now.Add(-clickhouseShort))
	switch {
	case v.Busy || !ok:
		return v.Rung
	case peak > clickhouseHigh*r.size+tiny:
		peak, _ = r.usage.since(v.Now.Add(-clickhouseLong))
		return max(v.Rung, fit(v.Ladder, peak/clickhouseTarget))
	case peak < clickhouseLow*r.size-tiny && !r.first.After(v.Now.Add(-clickhouseShort)):
		return min(v.Rung, fit(v.Ladder, peak/clickhouseTarget))
	}
	return v.Rung
}

// take remembers the usage of the minutes that are new.
func (r *clickhouse) take(v View) {
	switch size := v.Ladder[v.Rung]; {
	case r.size == 0:
		r.before, r.size, r.since = size, size, v.Changed
	case size != r.size:
		r.before, r.size = r.size, size
		if v.Changed.After(r.since) {
			r.since = v.Changed
		} else { // nobody says when
			r.since = v.Now
		}
	}
	oldest := v.Now.Add(-clickhouseLong)
	r.usage.forget(oldest)
	for n := v.CPU.IndexFrom(later(oldest, r.last.Add(1))); n < len(v.CPU); n++ {
		sample := v.CPU[n]
		if !scaling.IsValidSample(sample.Value) {
			continue
		}
		if r.first.IsZero() {
			r.first = sample.Time
		}
		size := r.size
		if sample.Time.Before(r.since) {
			size = r.before
		}
		r.last = sample.Time
		r.usage.add(sample.Time, sample.Value/100*size)
	}
}
