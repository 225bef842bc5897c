package recording

import (
	"math"
	"time"
)

const (
	// mostIntervals is the length from which on a recording is refused: almost four years of minutes. A gap counts, so that one
	// wrong year does not fill the memory.
	mostIntervals = 2_000_000
	// shortest and longest are the limits of an interval in seconds.
	shortest, longest = 60, 3600
	// inARow is how many distances of the same length, in a row, are another interval and no gaps.
	inARow = 12
)

// fewer is what to do about too many intervals.
const fewer = "give a shorter time, or longer intervals"

// point is the demand of one interval.
type point struct {
	// at is when it begins, in seconds since 1970.
	at int64
	// demand is in vCPUs, NaN where it is not known.
	demand   float64
	censored bool
	line     int
}

// grid spaces points evenly, which are two or more and in order. What is missing becomes NaN.
func (f file) grid(points []point) (*Recording, error) {
	interval, err := f.interval(points)
	if err != nil {
		return nil, err
	}
	alike := 0 // distances in a row that are the same and too long
	for n := 1; n < len(points); n++ {
		d := points[n].at - points[n-1].at
		if n == 1 || d == interval || d != points[n-1].at-points[n-2].at {
			alike = 0
		}
		if d > interval {
			alike++
		}
		if from := n - alike + 1; d%interval != 0 || alike == inARow {
			from = min(from, n)
			return nil, f.wrong(points[from].line, "mixed intervals: %s is %s after the value before it, and most values are %s apart: "+
				"give all of them the same interval, and leave out whole ones alone", stamp(points[from].at), apart(d), apart(interval))
		}
	}
	first, last := points[0], points[len(points)-1]
	length := (last.at-first.at)/interval + 1
	if length > mostIntervals {
		return nil, f.wrong(last.line, "%s is %d intervals after the first value, and a recording may have %d: look for a wrong date, or %s",
			stamp(last.at), length-1, mostIntervals, fewer)
	}
	r := &Recording{Start: time.Unix(first.at, 0).UTC(), Interval: time.Duration(interval) * time.Second, Demand: unknown(int(length))}
	for _, p := range points {
		n := int((p.at - first.at) / interval)
		r.Demand[n] = p.demand
		if p.censored {
			r.censor(n)
		}
	}
	return r, nil
}

// interval is the most common distance in seconds; the shortest of those that are equally common.
func (f file) interval(points []point) (int64, error) {
	type distance struct{ times, line int }
	distances := map[int64]distance{}
	for n := 1; n < len(points); n++ {
		apart := points[n].at - points[n-1].at
		d := distances[apart]
		if d.times++; d.line == 0 {
			d.line = points[n].line
		}
		distances[apart] = d
	}
	var interval int64
	for apart, d := range distances {
		if most := distances[interval].times; d.times > most || d.times == most && apart < interval {
			interval = apart
		}
	}
	if line := distances[interval].line; interval < shortest || interval > longest || interval%60 != 0 {
		return 0, f.wrong(line, "the values are %s apart: give one a minute, or one every so many whole minutes up to 60", apart(interval))
	}
	return interval, nil
}

// unknown is a demand of which nothing is known.
func unknown(length int) []float64 {
	out := make([]float64, length)
	for n := range out {
		out[n] = math.NaN()
	}
	return out
}

// censor marks an interval of the demand as it is so far.
func (r *Recording) censor(n int) {
	if more := len(r.Demand) - len(r.Censored); more > 0 {
		r.Censored = append(r.Censored, make([]bool, more)...)
	}
	r.Censored[n] = true
}
