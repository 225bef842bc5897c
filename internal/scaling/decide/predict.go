package decide

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// trendWindow is the window that a trend is computed from.
	trendWindow = 30 * time.Minute
	// recentTrendWindow is its end, which must rise as well: after a step the whole window still rises, and the demand does not.
	recentTrendWindow = 10 * time.Minute
	// flatMinutes is how many minutes show that a rise has ended: fewer are noise.
	flatMinutes = 3
	// maxTrendFactor times the peak demand of that window is the most that a trend predicts.
	maxTrendFactor = 2
	// trendStandardErrors is the number of standard errors that are subtracted from a slope.
	trendStandardErrors = 2

	// steepRise is the share of the newest demand by which a steep rise grew in each of the last two minutes. It is continued for
	// riseMinutes, and to at most maxRiseFactor times the newest demand.
	steepRise, riseMinutes, maxRiseFactor = 0.15, 4, 2

	// defaultLeadTime is the time until a new size is in service for a database without earlier operations: a new Aurora reader
	// takes 5 to 10 minutes, a class change 5 to 20 (RDS user guide; measurements by others).
	defaultLeadTime = 15 * time.Minute
	// minLeadTime and maxLeadTime bound the lead time learned from earlier operations.
	minLeadTime, maxLeadTime = 5 * time.Minute, 60 * time.Minute
	// leadTimeRecords is the number of earlier operations of which the slowest gives the lead time.
	leadTimeRecords = 3

	// quarterHour is the period of the samples that seasonal prediction uses.
	quarterHour = 15 * time.Minute
	day         = 24 * time.Hour
	// historyDelay is the greatest age of a quarter of an hour whose sample has not been read yet: they are read every ten minutes.
	historyDelay = 30 * time.Minute
)

// estimateLeadTime is the time until more capacity is in service and warmed up: that of the slowest of the pool's last
// leadTimeRecords successful scale-ups.
func estimateLeadTime(h scaling.History, pool scaling.Pool) time.Duration {
	lead, known := time.Duration(0), 0
	for n := 0; n < len(h) && known < leadTimeRecords; n++ { // by index: a record is large to copy
		if r := &h[n]; r.Pool == pool && r.Direction == scaling.Up && r.Succeeded && r.LeadTime > 0 {
			lead = max(lead, r.LeadTime)
			known++
		}
	}
	if known == 0 {
		return defaultLeadTime
	}
	return min(max(lead+WarmUp, minLeadTime), maxLeadTime)
}

// predictTrend is the demand that the trend of a timeline reaches at a time, in vCPUs; zero when it does not certainly rise. A
// line is fitted by least squares, and its slope is reduced by two standard errors, so that noise predicts nothing. The line through
// the last recentTrendWindow bounds it. After a step both still rise, and the newest minutes do not: then there is no trend.
func predictTrend(t timeline, until time.Time) float64 {
	whole, known := fitTrend(t)
	if !known {
		return 0
	}
	minutesAhead := until.Sub(t.newestMinute()).Minutes()
	predicted := whole.predict(minutesAhead, trendStandardErrors)
	if predicted == 0 {
		return 0
	}
	recent := t.lastMinutes(recentTrendWindow)
	line, known := fitTrend(recent)
	switch {
	case !known:
		return predicted
	case recent.hasFlattened(line.slope):
		return 0
	}
	return min(predicted, line.predict(minutesAhead, 0))
}

// trendLine is a line through the demands of a timeline, in vCPUs and minutes. newest is its height in the newest minute, slopeError the
// standard error of its slope, and peak the highest demand.
type trendLine struct{ newest, slope, slopeError, peak float64 }

// fitTrend fits a line by least squares. It is false when too few minutes are complete. An unknown demand has no slope.
func fitTrend(t timeline) (trendLine, bool) {
	var n, sx, sy, sxx, sxy, peak float64
	for k, m := range t.minutes {
		if !t.isComplete(k) {
			continue
		}
		if m.censored {
			return trendLine{}, true
		}
		x := float64(k)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+m.demand, sxx+x*x, sxy+x*m.demand
		peak = max(peak, m.demand)
	}
	if n < minCoverage*float64(len(t.minutes)) {
		return trendLine{}, false
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
	last := float64(len(t.minutes) - 1)
	return trendLine{intercept + slope*last, slope, math.Sqrt(squaredError / (n - 2) / varianceX), peak}, true
}

// predict is the demand a number of minutes after the newest one, with the slope reduced by a number of its standard errors: zero when it
// does not rise, and at most maxTrendFactor times the peak.
func (l trendLine) predict(minutesAhead, standardErrors float64) float64 {
	slope := l.slope - standardErrors*l.slopeError
	if slope <= 0 || math.IsNaN(slope) {
		return 0
	}
	return min(l.newest+slope*minutesAhead, maxTrendFactor*l.peak)
}

// hasFlattened reports whether the demand of the newest flatMinutes, compared with as many minutes before them, rose by less than half of
// what a slope, in vCPUs a minute, says. It is false when one of them is not known.
func (t timeline) hasFlattened(slope float64) bool {
	rise, last := 0.0, len(t.minutes)
	if last < 2*flatMinutes {
		return false
	}
	for n := last - 2*flatMinutes; n < last; n++ {
		if !t.isComplete(n) {
			return false
		}
		if n < last-flatMinutes {
			rise -= t.minutes[n].demand / flatMinutes
		} else {
			rise += t.minutes[n].demand / flatMinutes
		}
	}
	return rise < slope*flatMinutes/2
}

// predictRise is the demand, in vCPUs, that a steep rise has reached by now: the newest sample is some minutes old. Zero when the demand of
// the last three known minutes does not rise steeply.
func predictRise(t timeline) float64 {
	last := len(t.minutes) - 1
	if last < 2 || !t.isComplete(last) || !t.isComplete(last-1) || !t.isComplete(last-2) || t.minutes[last].censored {
		return 0
	}
	first, middle, newest := t.minutes[last-2].demand, t.minutes[last-1].demand, t.minutes[last].demand
	if min(middle-first, newest-middle) < steepRise*newest {
		return 0
	}
	return min(newest+(newest-first)/2*riseMinutes, maxRiseFactor*newest)
}

// predictSeasonal is the highest demand, in vCPUs, between now and a time ahead, as seasonalPrediction predicts it.
func predictSeasonal(o *scaling.Observation, pool scaling.Pool, now time.Time, ahead time.Duration) float64 {
	s := newSeasonalPrediction(o, pool, now)
	return s.highestWithin(ahead)
}

// seasonalPrediction predicts demands from the same time of earlier days. Each quarter of an hour is the median of yesterday, one week ago
// and two weeks ago, or, when fewer than two of these are known, the lower one of the last two days. It goes forward with the quarters.
type seasonalPrediction struct {
	now, begin                                 time.Time
	yesterday, dayBefore, weekAgo, twoWeeksAgo past
	// quarters is the number of quarters of an hour, from begin on, that highest is of; it is in vCPUs.
	quarters int
	highest  float64
}

func newSeasonalPrediction(o *scaling.Observation, pool scaling.Pool, now time.Time) seasonalPrediction {
	cpu, periods := poolHistory(o, pool)
	begin := now.Truncate(quarterHour)
	today := newPast(cpu, periods, begin, midpoint)
	return seasonalPrediction{
		now: now, begin: begin, yesterday: today.daysBefore(1), dayBefore: today.daysBefore(2), weekAgo: today.daysBefore(7),
		twoWeeksAgo: today.daysBefore(14),
	}
}

// highestWithin is the highest demand, in vCPUs, between now and a time ahead; zero when too little is known. No call may be for less time
// than the one before.
func (s *seasonalPrediction) highestWithin(ahead time.Duration) float64 {
	for count := int(s.now.Add(ahead).Sub(s.begin)/quarterHour) + 1; s.quarters < count; s.quarters++ {
		expected, known := medianOfDays(s.quarters, &s.yesterday, &s.weekAgo, &s.twoWeeksAgo)
		if !known {
			expected, _ = medianOfDays(s.quarters, &s.yesterday, &s.dayBefore)
		}
		s.highest = max(s.highest, expected)
	}
	return s.highest
}

// poolHistory is the mean CPU of a pool by quarters of an hour, and its capacity over time.
func poolHistory(o *scaling.Observation, pool scaling.Pool) (scaling.Series, []scaling.CapacityPeriod) {
	if pool == scaling.Writer {
		return o.WriterCPU, o.WriterCapacityHistory
	}
	return o.ReadersCPU, o.ReadersCapacityHistory
}

// medianOfDays is the median of the demands of three days in their nth quarter of an hour, or the lower one of two, so that one unusual day
// predicts nothing; false when fewer than two are known.
func medianOfDays(n int, days ...*past) (float64, bool) {
	var buffer [3]float64
	known := buffer[:0]
	for _, d := range days {
		if demand, ok := d.demand(n); ok {
			known = append(known, demand)
		}
	}
	switch len(known) {
	case 2:
		return min(known[0], known[1]), true
	case 3:
		return max(min(known[0], known[1]), min(max(known[0], known[1]), known[2])), true
	}
	return 0, false
}

// newPastDay reads the history from the time that was a number of days before another one.
func newPastDay(cpu scaling.Series, periods []scaling.CapacityPeriod, begin time.Time, days int) past {
	return newPast(cpu, periods, begin.Add(-time.Duration(days)*day), midpoint)
}
