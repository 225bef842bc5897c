package decide

import (
	"math"
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
	// first is the period of cpu that is quarter 0, and begin its start.
	first       int
	begin       time.Time
	periods     []scaling.CapacityPeriod
	interpolate func(a, b float64) float64
	// isPlaced says that periods begin with the newest one that had started by the quarter that was asked for, or the oldest. It is from
	// startedAt to endedAt, and the one after it is from nextAt on: times after begin.
	isPlaced                   bool
	startedAt, endedAt, nextAt time.Duration
	// vcpus and known are the capacity of the quarters before sameUntil, from the last one that was asked for on.
	vcpus     float64
	known     bool
	sameUntil int
}

// newPast reads the history from a quarter of an hour on. A series of another period has no samples.
func newPast(cpu scaling.Series, periods []scaling.CapacityPeriod, begin time.Time, interpolate func(a, b float64) float64) past {
	p := past{periods: periods, interpolate: interpolate, begin: begin.Truncate(quarterHour)}
	if cpu.Period() == quarterHour {
		p.cpu, p.first = cpu, cpu.PeriodOf(begin)
	}
	return p
}

// daysBefore is the history from the same quarter of an earlier day on. It must not have been read yet.
func (p past) daysBefore(days int) past {
	p.first -= days * int(day/quarterHour)
	p.begin = p.begin.Add(-time.Duration(days) * day)
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

// capacity is the mean vCPUs of the pool in the nth quarter, and false when they are not known for all of it. It is not computed again
// where it cannot be another one.
func (p *past) capacity(n int) (float64, bool) {
	if n < p.sameUntil {
		return p.vcpus, p.known
	}
	from := time.Duration(n) * quarterHour
	if !p.isPlaced || from >= p.nextAt {
		p.place(from)
	}
	to := from + quarterHour
	switch {
	case len(p.periods) == 0 || from < p.startedAt:
		return 0, false
	case to > p.endedAt:
		return p.averageCapacity(from, to)
	}
	p.vcpus, p.known = p.periods[0].VCPUs, true
	p.sameUntil = int((min(p.endedAt-quarterHour, p.nextAt) + quarterHour - 1) / quarterHour)
	return p.vcpus, p.known
}

// place goes forward to the newest period that had started at a time after begin.
func (p *past) place(at time.Duration) {
	p.periods = p.periods[max(0, newestPeriod(p.periods, p.begin.Add(at))):]
	p.isPlaced, p.nextAt = true, math.MaxInt64
	if len(p.periods) > 0 {
		p.startedAt, p.endedAt = p.periods[0].StartedAt.Sub(p.begin), p.periods[0].EndedAt.Sub(p.begin)
	}
	if len(p.periods) > 1 {
		p.nextAt = p.periods[1].StartedAt.Sub(p.begin)
	}
}

// averageCapacity is the mean vCPUs of a pool between two times after begin, and false when they are not known for all of the time. The
// quarters of an hour in which the pool changed matter, so that the time between two capacity periods counts too: with the vCPUs
// that interpolate computes from those before and after.
func (p *past) averageCapacity(from, to time.Duration) (float64, bool) {
	total, at, endedAt, nextAt := 0.0, from, p.endedAt, p.nextAt
	for n := range p.periods {
		period := &p.periods[n]
		if until := min(endedAt, to); until > at {
			total += period.VCPUs * (until - at).Seconds()
			at = until
		}
		if at == to {
			break
		}
		if n+1 == len(p.periods) || p.periods[n+1].StartedAt.Sub(period.EndedAt) > maxTransition {
			return 0, false
		}
		next := &p.periods[n+1]
		if until := min(nextAt, to); until > at {
			total += p.interpolate(period.VCPUs, next.VCPUs) * (until - at).Seconds()
			at = until
		}
		if at == to {
			break
		}
		endedAt = next.EndedAt.Sub(p.begin)
		if n+2 < len(p.periods) {
			nextAt = p.periods[n+2].StartedAt.Sub(p.begin)
		}
	}
	return total / (to - from).Seconds(), true
}

// newestPeriod is the index of the last period that has started at a time; -1 when none has. Who goes forward in the periods asks for the
// first one or the next, which needs no search.
func newestPeriod(periods []scaling.CapacityPeriod, at time.Time) int {
	for n := range min(2, len(periods)) {
		if periods[n].StartedAt.After(at) {
			return n - 1
		}
		if n+1 == len(periods) || periods[n+1].StartedAt.After(at) {
			return n
		}
	}
	return sort.Search(len(periods), func(n int) bool { return periods[n].StartedAt.After(at) }) - 1
}

// midpoint is the mean vCPUs of a pool while it changes. Where an upper bound of the demand is needed, math.Max takes its place.
func midpoint(a, b float64) float64 { return (a + b) / 2 }
