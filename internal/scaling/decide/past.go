package decide

import (
	"sort"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxTransition is the longest time between two capacity periods that counts as the change from one to the other.
const maxTransition = 3 * time.Hour

// past is the history of a pool by the quarter of an hour, from one of them on. It goes forward with the quarters, since a look at the past
// reads hundreds: no call may have a smaller number than the one before.
type past struct {
	cpu scaling.Series
	// first is the period of cpu that is quarter 0.
	first       int
	periods     []scaling.CapacityPeriod
	interpolate func(a, b float64) float64
	// vcpus and known are the capacity of the quarters before sameUntil, from the last one that was asked for on.
	vcpus     float64
	known     bool
	sameUntil int
}

// newPast reads the history from a quarter of an hour on. A series of another period has no samples.
func newPast(cpu scaling.Series, periods []scaling.CapacityPeriod, begin time.Time, interpolate func(a, b float64) float64) past {
	p := past{periods: periods, interpolate: interpolate}
	if cpu.Period() == quarterHour {
		p.cpu, p.first = cpu, cpu.PeriodOf(begin)
	}
	return p
}

// quarter is the CPU of the nth quarter, in percent, and the vCPUs of the pool; false when its sample or the capacity is not known.
func (p *past) quarter(n int) (percent, vcpus float64, known bool) {
	if percent, known = p.cpu.At(p.first + n); known {
		vcpus, known = p.capacity(n)
	}
	return percent, vcpus, known
}

// demand is the demand of the nth quarter, in vCPUs; false when it is not known. Saturated demand counts as measured.
func (p *past) demand(n int) (float64, bool) {
	percent, vcpus, known := p.quarter(n)
	return min(percent, 100) / 100 * vcpus, known
}

// capacity is averageCapacity of the nth quarter. It is not computed again where it cannot be another one.
func (p *past) capacity(n int) (float64, bool) {
	if n < p.sameUntil {
		return p.vcpus, p.known
	}
	start := p.cpu.TimeAt(p.first + n)
	p.periods = p.periods[max(0, newestPeriod(p.periods, start)):]
	p.vcpus, p.known = averageCapacity(p.periods, start, start.Add(quarterHour), p.interpolate)
	if len(p.periods) == 0 {
		return p.vcpus, p.known
	}
	until := p.periods[0].StartedAt
	if !until.After(start) {
		until = p.periods[0].EndedAt.Add(-quarterHour)
		if len(p.periods) > 1 {
			until = earlierOf(until, p.periods[1].StartedAt)
		}
	}
	p.sameUntil = p.cpu.IndexFrom(until) - p.first
	return p.vcpus, p.known
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
