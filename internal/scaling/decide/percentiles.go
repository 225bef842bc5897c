package decide

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// percentiles computes percentiles of slow samples by nearest rank, from a time up to now. It keeps only the values beyond the
// percentile instead of sorting all: of a day of samples these are three to fifteen.
type percentiles struct {
	from, now time.Time
	buffer    []float64
}

// highest is the 99th percentile of a series; false when there are too few samples.
func (p *percentiles) highest(series scaling.Series) (float64, bool) {
	series = series[series.IndexFrom(p.from):]
	if !p.keepSmallest(series, -1, len(series)*(100-ioPercentile)/100+1) {
		return 0, false
	}
	return -p.buffer[len(p.buffer)-1], true
}

// highestOfSum is the 99th percentile of the sum of two series at the same time; false when there are too few samples of either.
func (p *percentiles) highestOfSum(a, b scaling.Series) (float64, bool) {
	a, b = a[a.IndexFrom(p.from):], b[b.IndexFrom(p.from):]
	if !p.hasCoverage(a) || !p.hasCoverage(b) {
		return 0, false
	}
	p.buffer = p.buffer[:0]
	size := min(len(a), len(b))*(100-ioPercentile)/100 + 1
	sums := 0
	for n := range a {
		for len(b) > 0 && b[0].Time.Before(a[n].Time) {
			b = b[1:]
		}
		if len(b) == 0 {
			break
		}
		if b[0].Time.Equal(a[n].Time) && scaling.IsValidSample(a[n].Value) && scaling.IsValidSample(b[0].Value) {
			p.keep(-a[n].Value-b[0].Value, size)
			sums++
		}
	}
	if float64(sums) < minCoverage*float64(p.expectedSamples()) || sums == 0 {
		return 0, false
	}
	return -p.buffer[len(p.buffer)-1], true
}

// lowest is a low percentile of a series; false when there are too few samples.
func (p *percentiles) lowest(series scaling.Series, percent int) (float64, bool) {
	series = series[series.IndexFrom(p.from):]
	if !p.keepSmallest(series, 1, max(1, (len(series)*percent+99)/100)) {
		return 0, false
	}
	return p.buffer[len(p.buffer)-1], true
}

// keepSmallest fills the buffer with the smallest values of a series, each times a sign; false when there are too few samples.
func (p *percentiles) keepSmallest(series scaling.Series, sign float64, size int) bool {
	p.buffer = p.buffer[:0]
	valid, newest := 0, 0
	for n := range series {
		if value := series[n].Value; scaling.IsValidSample(value) {
			p.keep(sign*value, size)
			newest = n
			valid++
		}
	}
	return valid > 0 && p.isCovered(valid, series[newest].Time)
}

// keep inserts a value into the sorted buffer of the smallest values, which keeps at most size of them.
func (p *percentiles) keep(value float64, size int) {
	if len(p.buffer) == size {
		if value >= p.buffer[size-1] {
			return
		}
		p.buffer = p.buffer[:size-1]
	}
	at, _ := slices.BinarySearch(p.buffer, value)
	p.buffer = slices.Insert(p.buffer, at, value)
}

// hasCoverage reports whether a series has enough samples, the newest of them no older than maxSlowSampleAge.
func (p *percentiles) hasCoverage(series scaling.Series) bool {
	valid, newest := 0, 0
	for n := range series {
		if scaling.IsValidSample(series[n].Value) {
			newest = n
			valid++
		}
	}
	return valid > 0 && p.isCovered(valid, series[newest].Time)
}

// isCovered reports whether a number of samples is enough, and the newest of them no older than maxSlowSampleAge.
func (p *percentiles) isCovered(samples int, newest time.Time) bool {
	return p.now.Sub(newest) <= maxSlowSampleAge && float64(samples) >= minCoverage*float64(p.expectedSamples())
}

// expectedSamples is the number of samples that must have been read by now.
func (p *percentiles) expectedSamples() int {
	return max(0, int((p.now.Sub(p.from)-maxSlowSampleAge)/slowSamplePeriod))
}
