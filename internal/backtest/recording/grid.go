package recording

import (
	"math"
	"time"
)

const (
	// maxIntervals is the maximum length of a recording, including gaps: almost four years of minutes. It limits the memory that a wrong
	// date can need.
	maxIntervals = 2_000_000
	// minIntervalSeconds and maxIntervalSeconds are the limits of an interval.
	minIntervalSeconds, maxIntervalSeconds = 60, 3600
	// minCoarserRun is the number of consecutive, equal distances from which on they are a coarser interval and not gaps.
	minCoarserRun = 12
)

// reduceIntervalsHint says how to have fewer intervals.
const reduceIntervalsHint = "give a shorter time, or longer intervals"

// point is the demand of one interval.
type point struct {
	// unixSeconds is the start of the interval.
	unixSeconds int64
	// demandVCPUs is NaN if it is unknown.
	demandVCPUs float64
	censored    bool
	line        int
}

// alignToGrid converts two or more points, in order of time, to a recording with equal intervals. Missing intervals are NaN.
func (f inputFile) alignToGrid(points []point) (*Recording, error) {
	interval, err := f.detectInterval(points)
	if err != nil {
		return nil, err
	}
	coarserRun := 0 // number of consecutive, equal distances above the interval
	for n := 1; n < len(points); n++ {
		distance := points[n].unixSeconds - points[n-1].unixSeconds
		if n == 1 || distance == interval || distance != points[n-1].unixSeconds-points[n-2].unixSeconds {
			coarserRun = 0
		}
		if distance > interval {
			coarserRun++
		}
		if from := n - coarserRun + 1; distance%interval != 0 || coarserRun == minCoarserRun {
			from = min(from, n)
			return nil, f.errorAt(points[from].line, "mixed intervals: %s is %s after the value before it, and most values are %s apart: "+
				"give all values the same interval, and omit whole intervals only",
				formatTime(points[from].unixSeconds), formatSeconds(distance), formatSeconds(interval))
		}
	}
	first, last := points[0], points[len(points)-1]
	length := (last.unixSeconds-first.unixSeconds)/interval + 1
	if length > maxIntervals {
		return nil, f.errorAt(last.line, "%s is %d intervals after the first value, and the maximum is %d: check the dates, or %s",
			formatTime(last.unixSeconds), length-1, maxIntervals, reduceIntervalsHint)
	}
	r := &Recording{
		Start: time.Unix(first.unixSeconds, 0).UTC(), Interval: time.Duration(interval) * time.Second, Demand: newUnknownDemand(int(length)),
	}
	for _, p := range points {
		n := int((p.unixSeconds - first.unixSeconds) / interval)
		r.Demand[n] = p.demandVCPUs
		if p.censored {
			r.markCensored(n)
		}
	}
	return r, nil
}

// detectInterval is the most frequent distance in seconds, or the shortest of several that are equally frequent.
func (f inputFile) detectInterval(points []point) (int64, error) {
	type distance struct{ times, line int }
	distances := map[int64]distance{}
	for n := 1; n < len(points); n++ {
		seconds := points[n].unixSeconds - points[n-1].unixSeconds
		d := distances[seconds]
		if d.times++; d.line == 0 {
			d.line = points[n].line
		}
		distances[seconds] = d
	}
	var interval int64
	for seconds, d := range distances {
		if most := distances[interval].times; d.times > most || d.times == most && seconds < interval {
			interval = seconds
		}
	}
	if line := distances[interval].line; interval < minIntervalSeconds || interval > maxIntervalSeconds || interval%60 != 0 {
		return 0, f.errorAt(line, "the values are %s apart: give one value every 1 to 60 whole minutes", formatSeconds(interval))
	}
	return interval, nil
}

// newUnknownDemand has so many values of NaN.
func newUnknownDemand(length int) []float64 {
	out := make([]float64, length)
	for n := range out {
		out[n] = math.NaN()
	}
	return out
}

// markCensored marks an interval as censored. It extends Censored to the length of Demand.
func (r *Recording) markCensored(n int) {
	if more := len(r.Demand) - len(r.Censored); more > 0 {
		r.Censored = append(r.Censored, make([]bool, more)...)
	}
	r.Censored[n] = true
}
