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
	// maxTrendFactor is how many times the present demand a trend may foresee at most.
	maxTrendFactor = 2
	// trendStandardErrors is how many standard errors a slope is taken lower than it looks.
	trendStandardErrors = 2

	// defaultLeadTime is how long it takes until a new size is in service where this database's own past does not tell: a new
	// Aurora reader takes 5 to 10 minutes, a class change 5 to 20 (RDS user guide; measurements by others).
	defaultLeadTime = 15 * time.Minute
	// minLeadTime and maxLeadTime bound what is learned from the past.
	minLeadTime, maxLeadTime = 5 * time.Minute, 60 * time.Minute
	// leadTimeRecords is how many past operations the lead time is learned from: the slowest of them.
	leadTimeRecords = 3

	// quarterHour is the period of the samples that foresight from history goes by.
	quarterHour = 15 * time.Minute
	day         = 24 * time.Hour
)

// estimateLeadTime is how long it takes until more capacity is in service: as long as in the slowest of the pool's last few
// successful operations that grew it.
func estimateLeadTime(h scaling.History, pool scaling.Pool) time.Duration {
	lead, known := time.Duration(0), 0
	for _, p := range h {
		if p.Pool == pool && p.Direction == scaling.Up && p.Succeeded && p.LeadTime > 0 && known < leadTimeRecords {
			lead = max(lead, p.LeadTime)
			known++
		}
	}
	if known == 0 {
		return defaultLeadTime
	}
	return min(max(lead+WarmUp, minLeadTime), maxLeadTime)
}

// predictTrend is the demand that the timeline leads to at a moment, in vCPUs; zero when it does not rise for certain. A line is
// fitted by least squares, and its slope is taken two standard errors lower than it looks, so that noise foresees nothing.
func predictTrend(t timeline, until time.Time) float64 {
	var n, sx, sy, sxx, sxy, peak float64
	for k, m := range t.minutes {
		if !t.isComplete(k) {
			continue
		}
		if m.censored {
			return 0 // a demand that cannot be seen has no slope
		}
		x := float64(k)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+m.demand, sxx+x*x, sxy+x*m.demand
		peak = max(peak, m.demand)
	}
	if n < minCoverage*float64(len(t.minutes)) {
		return 0
	}
	varianceX := sxx - sx*sx/n
	slope := (sxy - sx*sy/n) / varianceX
	intercept := (sy - slope*sx) / n
	squaredError := 0.0
	for k, m := range t.minutes {
		if t.isComplete(k) {
			d := m.demand - intercept - slope*float64(k)
			squaredError += d * d
		}
	}
	certainSlope := slope - trendStandardErrors*math.Sqrt(squaredError/(n-2)/varianceX)
	if certainSlope <= 0 {
		return 0
	}
	last := float64(len(t.minutes) - 1)
	minutesAhead := until.Sub(t.newestMinute()).Minutes()
	return min(intercept+slope*last+certainSlope*minutesAhead, maxTrendFactor*peak)
}

// predictSeasonal is the highest demand, in vCPUs, that the same time of earlier days lets expect between now and so long after; zero
// when too little is known.
func predictSeasonal(o *scaling.Observation, pool scaling.Pool, now time.Time, ahead time.Duration) float64 {
	cpu, periods := poolHistory(o, pool)
	if len(cpu) == 0 || len(periods) == 0 {
		return 0
	}
	highest := 0.0
	for at := now.Truncate(quarterHour); !at.After(now.Add(ahead)); at = at.Add(quarterHour) {
		expected, known := medianOfDays(cpu, periods, at, day, 7*day, 14*day)
		if !known {
			expected, _ = medianOfDays(cpu, periods, at, day, 2*day)
		}
		highest = max(highest, expected)
	}
	return highest
}

// historyDelay is how old a quarter of an hour is at most before it has been read: it is read every ten minutes.
const historyDelay = 30 * time.Minute

// poolHistory is the mean CPU of a role by quarters of an hour, and how many vCPUs the pool had when.
func poolHistory(o *scaling.Observation, pool scaling.Pool) (scaling.Series, []scaling.CapacityPeriod) {
	if pool == scaling.Writer {
		return o.WriterCPU, o.WriterCapacityHistory
	}
	return o.ReadersCPU, o.ReadersCapacityHistory
}

// medianOfDays is the middle one of three demands of earlier days, or the lower one of two, so that one odd day foresees nothing;
// false when fewer than two are known.
func medianOfDays(cpu scaling.Series, periods []scaling.CapacityPeriod, at time.Time, back ...time.Duration) (float64, bool) {
	var buffer [3]float64
	known := buffer[:0]
	for _, b := range back {
		if demand, ok := pastDemand(cpu, periods, at.Add(-b)); ok {
			known = append(known, demand)
		}
	}
	if len(known) < 2 {
		return 0, false
	}
	slices.Sort(known)
	return known[(len(known)-1)/2], true
}

// maxTransition is the longest time between two shapes of a pool that counts as the way from one to the other.
const maxTransition = 3 * time.Hour

// pastDemand is the demand of a quarter of an hour, and false when its samples or the pool's capacity in it are not known. What
// was saturated counts as what was seen.
func pastDemand(cpu scaling.Series, periods []scaling.CapacityPeriod, at time.Time) (float64, bool) {
	percent, known := cpu.ValueAt(at)
	if !known {
		return 0, false
	}
	vcpus, known := averageCapacity(periods, at, at.Add(quarterHour), midpoint)
	return min(percent, 100) / 100 * vcpus, known
}

// averageCapacity is the vCPUs that a pool had on average from a moment to another, and false when that is not known for all of the time.
// The very quarters of an hour in which it grew must not be forgotten, so that on the way from one shape to another it counts as
// something between the two.
func averageCapacity(periods []scaling.CapacityPeriod, from, to time.Time, between func(a, b float64) float64) (float64, bool) {
	n := sort.Search(len(periods), func(n int) bool { return periods[n].StartedAt.After(from) }) - 1
	switch {
	case n < 0:
		return 0, false
	case !to.After(periods[n].EndedAt):
		return periods[n].VCPUs, true
	}
	total := 0.0
	for at := from; at.Before(to); n++ {
		s := periods[n]
		if until := earlierOf(s.EndedAt, to); until.After(at) {
			total += s.VCPUs * until.Sub(at).Seconds()
			at = until
		}
		if !at.Before(to) {
			break
		}
		if n+1 == len(periods) || periods[n+1].StartedAt.Sub(s.EndedAt) > maxTransition {
			return 0, false
		}
		if until := earlierOf(periods[n+1].StartedAt, to); until.After(at) {
			total += between(s.VCPUs, periods[n+1].VCPUs) * until.Sub(at).Seconds()
			at = until
		}
	}
	return total / to.Sub(from).Seconds(), true
}

// midpoint is what a pool has on the way on average; to be sure of what it was asked for at most, it is the larger of the two.
func midpoint(a, b float64) float64 { return (a + b) / 2 }

func earlierOf(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
