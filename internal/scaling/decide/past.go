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

// daysBefore is the history from the same quarter of an earlier day on. It must not have been read yet.
func (p past) daysBefore(days int) past {
	p.first -= days * int(day/quarterHour)
	return p
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
	if len(p.periods) == 0 {
		return 0, false
	}
	start := p.cpu.TimeAt(p.first + n)
	newest := newestPeriod(p.periods, start)
	p.periods = p.periods[max(0, newest):]
	if newest < 0 {
		p.sameUntil = p.cpu.IndexFrom(p.periods[0].StartedAt) - p.first
		return 0, false
	}
	end := start.Add(quarterHour)
	p.vcpus, p.known = averageSince(p.periods, start, end, p.interpolate)
	if end.After(p.periods[0].EndedAt) {
		return p.vcpus, p.known // the next quarter has another one
	}
	until := p.periods[0].EndedAt.Add(-quarterHour)
	if len(p.periods) > 1 {
		until = earlierOf(until, p.periods[1].StartedAt)
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
	if n < 0 {
		return 0, false
	}
	return averageSince(periods[n:], from, to, interpolate)
}

// averageSince is averageCapacity where the first period is the newest that has started by then.
func averageSince(
	periods []scaling.CapacityPeriod, from, to time.Time, interpolate func(a, b float64) float64,
) (float64, bool) {
	if !to.After(periods[0].EndedAt) {
		return periods[0].VCPUs, true
	}
	total, length := 0.0, to.Sub(from)
	offset := func(t time.Time) time.Duration { // after from, and at most length
		if !t.Before(to) {
			return length
		}
		return t.Sub(from)
	}
	at := time.Duration(0)
	for n := 0; at < length; n++ {
		p := &periods[n]
		if until := offset(p.EndedAt); until > at {
			total += p.VCPUs * (until - at).Seconds()
			at = until
		}
		if at == length {
			break
		}
		if n+1 == len(periods) || periods[n+1].StartedAt.Sub(p.EndedAt) > maxTransition {
			return 0, false
		}
		if until := offset(periods[n+1].StartedAt); until > at {
			total += interpolate(p.VCPUs, periods[n+1].VCPUs) * (until - at).Seconds()
			at = until
		}
	}
	return total / length.Seconds(), true
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
