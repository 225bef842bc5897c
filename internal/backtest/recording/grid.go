package recording

import (
	"math"
	"time"
)

const (
	// maxIntervals is the length from which on a recording is refused: almost four years of minutes. A gap counts, so that one
	// wrong year does not fill the memory.
	maxIntervals = 2_000_000
	// minIntervalSeconds and longest are the limits of an interval in seconds.
	minIntervalSeconds, maxIntervalSeconds = 60, 3600
	// minCoarserRun is how many distances of the same length, in a row, are another interval and no gaps.
	minCoarserRun = 12
)

// reduceIntervalsHint is what to do about too many intervals.
const reduceIntervalsHint = "give a shorter time, or longer intervals"

// point is the demand of one interval.
type point struct {
	// unixSeconds is when it begins, in seconds since 1970.
	unixSeconds int64
	// demandVCPUs is in vCPUs, NaN where it is not known.
	demandVCPUs float64
	censored    bool
	line        int
}

// alignToGrid spaces points evenly, which are two or more and in order. What is missing becomes NaN.
func (f inputFile) alignToGrid(points []point) (*Recording, error) {
	interval, err := f.detectInterval(points)
	if err != nil {
		return nil, err
	}
	coarserRun := 0 // distances in a row that are the same and too long
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
				"give all of them the same interval, and leave out whole ones alone", formatTime(points[from].unixSeconds), formatSeconds(distance), formatSeconds(interval))
		}
	}
	first, last := points[0], points[len(points)-1]
	length := (last.unixSeconds-first.unixSeconds)/interval + 1
	if length > maxIntervals {
		return nil, f.errorAt(last.line, "%s is %d intervals after the first value, and a recording may have %d: look for a wrong date, or %s",
			formatTime(last.unixSeconds), length-1, maxIntervals, reduceIntervalsHint)
	}
	r := &Recording{Start: time.Unix(first.unixSeconds, 0).UTC(), Interval: time.Duration(interval) * time.Second, Demand: newUnknownDemand(int(length))}
	for _, p := range points {
		n := int((p.unixSeconds - first.unixSeconds) / interval)
		r.Demand[n] = p.demandVCPUs
		if p.censored {
			r.markCensored(n)
		}
	}
	return r, nil
}

// detectInterval is the most common distance in seconds; the shortest of those that are equally common.
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
		return 0, f.errorAt(line, "the values are %s apart: give one a minute, or one every so many whole minutes up to 60", formatSeconds(interval))
	}
	return interval, nil
}

// newUnknownDemand is a demand of which nothing is known.
func newUnknownDemand(length int) []float64 {
	out := make([]float64, length)
	for n := range out {
		out[n] = math.NaN()
	}
	return out
}

// markCensored marks an interval of the demand as it is so far.
func (r *Recording) markCensored(n int) {
	if more := len(r.Demand) - len(r.Censored); more > 0 {
		r.Censored = append(r.Censored, make([]bool, more)...)
	}
	r.Censored[n] = true
}
