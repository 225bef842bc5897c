package decide

import (
	"sort"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxTransition is the longest time between two capacity periods that counts as the change from one to the other.
const maxTransition = 3 * time.Hour

// pastCapacity is the capacity of a pool in the past, one quarter of an hour after the other. It goes forward in the capacity periods with
// them, and remembers a capacity until it may be another one, since a look at the past reads hundreds.
type pastCapacity struct {
	periods     []scaling.CapacityPeriod
	interpolate func(a, b float64) float64
	// vcpus and known are the capacity of the quarters that start before sameUntil.
	vcpus     float64
	known     bool
	sameUntil time.Time
}

// at is averageCapacity of the quarter of an hour that starts at a time. No call may have an earlier time than the one before.
func (c *pastCapacity) at(start time.Time) (float64, bool) {
	if start.Before(c.sameUntil) {
		return c.vcpus, c.known
	}
	if c.sameUntil.IsZero() { // the first call
		c.periods = c.periods[max(0, newestPeriod(c.periods, start)):]
	}
	for len(c.periods) > 1 && !c.periods[1].StartedAt.After(start) {
		c.periods = c.periods[1:]
	}
	c.vcpus, c.known = averageCapacity(c.periods, start, start.Add(quarterHour), c.interpolate)
	switch {
	case len(c.periods) == 0:
	case c.periods[0].StartedAt.After(start):
		c.sameUntil = c.periods[0].StartedAt
	case len(c.periods) == 1:
		c.sameUntil = c.periods[0].EndedAt.Add(-quarterHour)
	default:
		c.sameUntil = earlierOf(c.periods[0].EndedAt.Add(-quarterHour), c.periods[1].StartedAt)
	}
	return c.vcpus, c.known
}

// averageCapacity is the mean vCPUs of a pool between two times, and false when they are not known for all of the time. The
// quarters of an hour in which the pool changed matter, so that the time between two capacity periods counts too: with the vCPUs
// that interpolate computes from those before and after.
func averageCapacity(
	periods []scaling.CapacityPeriod, from, to time.Time, interpolate func(a, b float64) float64,
) (float64, bool) {
	n := newestPeriod(periods, from)
	switch {
	case n < 0:
		return 0, false
	case !to.After(periods[n].EndedAt):
		return periods[n].VCPUs, true
	}
	total, length := 0.0, to.Sub(from)
	for at := time.Duration(0); at < length; n++ { // after from
		p := periods[n]
		if until := min(p.EndedAt.Sub(from), length); until > at {
			total += p.VCPUs * (until - at).Seconds()
			at = until
		}
		if at == length {
			break
		}
		if n+1 == len(periods) || periods[n+1].StartedAt.Sub(p.EndedAt) > maxTransition {
			return 0, false
		}
		if until := min(periods[n+1].StartedAt.Sub(from), length); until > at {
			total += interpolate(p.VCPUs, periods[n+1].VCPUs) * (until - at).Seconds()
			at = until
		}
	}
	return total / length.Seconds(), true
}

// newestPeriod is the index of the last period that has started at a time; -1 when none has. Who goes forward in the periods asks for the
// first one, which needs no search.
func newestPeriod(periods []scaling.CapacityPeriod, at time.Time) int {
	if len(periods) > 0 && !periods[0].StartedAt.After(at) && (len(periods) == 1 || periods[1].StartedAt.After(at)) {
		return 0
	}
	return sort.Search(len(periods), func(n int) bool { return periods[n].StartedAt.After(at) }) - 1
}

// midpoint is the mean vCPUs of a pool while it changes. Where an upper bound of the demand is needed, math.Max takes its place.
func midpoint(a, b float64) float64 { return (a + b) / 2 }
