package peer

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// stale is the age above which the newest minute says nothing: CloudWatch publishes one within two minutes of its end.
const stale = 5 * time.Minute

// newest are the newest so many minutes of a series, and false when one of them is missing or they are stale.
func newest(s scaling.Series, count int, now time.Time) (scaling.Series, bool) {
	if count <= 0 || len(s) < count {
		return nil, false
	}
	tail := s[len(s)-count:]
	span := tail[count-1].At.Sub(tail[0].At)
	return tail, span == time.Duration(count-1)*time.Minute && now.Sub(tail[count-1].At) <= stale
}

// mean is the average of the newest so many minutes, and false when one is missing.
func mean(s scaling.Series, count int, now time.Time) (float64, bool) {
	tail, known := newest(s, count, now)
	if !known {
		return 0, false
	}
	total := 0.0
	for _, m := range tail {
		total += m.Value
	}
	return total / float64(count), true
}

// all says whether each of some minutes is as wanted.
func all(s scaling.Series, wanted func(float64) bool) bool {
	for _, m := range s {
		if !wanted(m.Value) {
			return false
		}
	}
	return true
}

// rungFor is the smallest rung of at least so many vCPUs, or the largest. What is off by rounding alone counts as enough.
func (v View) rungFor(vcpus float64) int {
	const rounding = 1e-9
	for n, has := range v.Ladder {
		if has >= vcpus-rounding {
			return n
		}
	}
	return len(v.Ladder) - 1
}

// ceil rounds up what is above a whole number by more than floating point is off.
func ceil(x float64) float64 { return math.Ceil(x - 1e-9) }

// size is the present vCPUs.
func (v View) size() float64 { return v.Ladder[v.Rung] }

// up and down are the next rungs.
func (v View) up() int   { return min(v.Rung+1, len(v.Ladder)-1) }
func (v View) down() int { return max(v.Rung-1, 0) }

// past says whether so long has gone by since a moment, which may never have been.
func past(since, now time.Time, d time.Duration) bool { return since.IsZero() || now.Sub(since) >= d }
