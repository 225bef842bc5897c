package decide

import (
	"math"
	"slices"
	"sort"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// trendWindow is what a trend is read from.
	trendWindow = 30 * time.Minute
	// trendBound is how many times the present demand a trend may foresee at most.
	trendBound = 2
	// trendDoubt is how many standard errors a slope is taken lower than it looks.
	trendDoubt = 2

	// usualLead is how long it takes until a new size is in service where this database's own past does not tell: a new
	// Aurora reader takes 5 to 10 minutes, a class change 5 to 20 (RDS user guide; measurements by others).
	usualLead = 15 * time.Minute
	// leastLead and mostLead bound what is learned from the past.
	leastLead, mostLead = 5 * time.Minute, 60 * time.Minute
	// leadsRemembered is how many past operations the lead time is learned from: the slowest of them.
	leadsRemembered = 3

	// quarter is the period of the samples that foresight from history goes by.
	quarter = 15 * time.Minute
	day     = 24 * time.Hour
)

// leadTime is how long it takes until more capacity is in service: as long as in the slowest of the pool's last few
// successful operations that grew it.
func leadTime(h scaling.History, pool scaling.Pool) time.Duration {
	lead, known := time.Duration(0), 0
	for _, p := range h {
		if p.Pool == pool && p.Direction == scaling.Up && p.Succeeded && p.Lead > 0 && known < leadsRemembered {
			lead = max(lead, p.Lead)
			known++
		}
	}
	if known == 0 {
		return usualLead
	}
	return min(max(lead+WarmUp, leastLead), mostLead)
}

// trend is the demand that the timeline leads to at a moment, in vCPUs; zero when it does not rise for certain. A line is
// fitted by least squares, and its slope is taken two standard errors lower than it looks, so that noise foresees nothing.
func trend(t timeline, until time.Time) float64 {
	var n, sx, sy, sxx, sxy, peak float64
	for k, m := range t.minutes {
		if !t.complete(k) {
			continue
		}
		if m.hidden {
			return 0 // a demand that cannot be seen has no slope
		}
		x := float64(k)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+m.demand, sxx+x*x, sxy+x*m.demand
		peak = max(peak, m.demand)
	}
	if n < coverage*float64(len(t.minutes)) {
		return 0
	}
	spread := sxx - sx*sx/n
	slope := (sxy - sx*sy/n) / spread
	level := (sy - slope*sx) / n
	off := 0.0
	for k, m := range t.minutes {
		if t.complete(k) {
			d := m.demand - level - slope*float64(k)
			off += d * d
		}
	}
	sure := slope - trendDoubt*math.Sqrt(off/(n-2)/spread)
	if sure <= 0 {
		return 0
	}
	last := float64(len(t.minutes) - 1)
	ahead := until.Sub(t.end()).Minutes()
	return min(level+slope*last+sure*ahead, trendBound*peak)
}

// season is the highest demand, in vCPUs, that the same time of earlier days lets expect between now and so long after; zero
// when too little is known.
func season(o *scaling.Observation, pool scaling.Pool, now time.Time, ahead time.Duration) float64 {
	cpu, shapes := roleHistory(o, pool)
	if len(cpu) == 0 || len(shapes) == 0 {
		return 0
	}
	most := 0.0
	for at := now.Truncate(quarter); !at.After(now.Add(ahead)); at = at.Add(quarter) {
		expected, known := middle(cpu, shapes, at, day, 7*day, 14*day)
		if !known {
			expected, _ = middle(cpu, shapes, at, day, 2*day)
		}
		most = max(most, expected)
	}
	return most
}

// unpublished is how old a quarter of an hour is at most before it has been read: it is read every ten minutes.
const unpublished = 30 * time.Minute

// roleHistory is the mean CPU of a role by quarters of an hour, and how many vCPUs the pool had when.
func roleHistory(o *scaling.Observation, pool scaling.Pool) (scaling.Series, []scaling.PastCapacity) {
	if pool == scaling.Writer {
		return o.WriterCPU, o.WriterShapes
	}
	return o.ReadersCPU, o.ReadersShapes
}

// middle is the middle one of three demands of earlier days, or the lower one of two, so that one odd day foresees nothing;
// false when fewer than two are known.
func middle(cpu scaling.Series, shapes []scaling.PastCapacity, at time.Time, back ...time.Duration) (float64, bool) {
	var buffer [3]float64
	known := buffer[:0]
	for _, b := range back {
		if demand, ok := past(cpu, shapes, at.Add(-b)); ok {
			known = append(known, demand)
		}
	}
	if len(known) < 2 {
		return 0, false
	}
	slices.Sort(known)
	return known[(len(known)-1)/2], true
}

// changing is the longest time between two shapes of a pool that counts as the way from one to the other.
const changing = 3 * time.Hour

// past is the demand of a quarter of an hour, and false when its samples or the pool's capacity in it are not known. What
// was saturated counts as what was seen.
func past(cpu scaling.Series, shapes []scaling.PastCapacity, at time.Time) (float64, bool) {
	percent, known := cpu.At(at)
	if !known {
		return 0, false
	}
	vcpus, known := capacityOf(shapes, at, at.Add(quarter), half)
	return min(percent, 100) / 100 * vcpus, known
}

// capacityOf is the vCPUs that a pool had on average from a moment to another, and false when that is not known for all of the time.
// The very quarters of an hour in which it grew must not be forgotten, so that on the way from one shape to another it counts as
// something between the two.
func capacityOf(shapes []scaling.PastCapacity, from, to time.Time, between func(a, b float64) float64) (float64, bool) {
	n := sort.Search(len(shapes), func(n int) bool { return shapes[n].Since.After(from) }) - 1
	switch {
	case n < 0:
		return 0, false
	case !to.After(shapes[n].Until):
		return shapes[n].VCPUs, true
	}
	total := 0.0
	for at := from; at.Before(to); n++ {
		s := shapes[n]
		if until := earlier(s.Until, to); until.After(at) {
			total += s.VCPUs * until.Sub(at).Seconds()
			at = until
		}
		if !at.Before(to) {
			break
		}
		if n+1 == len(shapes) || shapes[n+1].Since.Sub(s.Until) > changing {
			return 0, false
		}
		if until := earlier(shapes[n+1].Since, to); until.After(at) {
			total += between(s.VCPUs, shapes[n+1].VCPUs) * until.Sub(at).Seconds()
			at = until
		}
	}
	return total / to.Sub(from).Seconds(), true
}

// half is what a pool has on the way on average; to be sure of what it was asked for at most, it is the larger of the two.
func half(a, b float64) float64 { return (a + b) / 2 }

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
