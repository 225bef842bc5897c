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
	series = series.From(p.from)
	if !p.keepSmallest(series, -1, series.Count()*(100-ioPercentile)/100+1) {
		return 0, false
	}
	return -p.buffer[len(p.buffer)-1], true
}

// highestOfSum is the 99th percentile of the sum of two series at the same time; false when there are too few samples of either.
func (p *percentiles) highestOfSum(a, b scaling.Series) (float64, bool) {
	a, b = a.From(p.from), b.From(p.from)
	countA, countB := a.Count(), b.Count()
	if !p.isCovered(a, countA) || !p.isCovered(b, countB) || a.Period() != b.Period() {
		return 0, false
	}
	p.buffer = p.buffer[:0]
	size := min(countA, countB)*(100-ioPercentile)/100 + 1
	sums, offset := 0, b.PeriodOf(a.Start())
	for n := range a.Len() {
		valueA, knownA := a.At(n)
		valueB, knownB := b.At(n + offset)
		if knownA && knownB {
			p.keep(-valueA-valueB, size)
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
	series = series.From(p.from)
	if !p.keepSmallest(series, 1, max(1, (series.Count()*percent+99)/100)) {
		return 0, false
	}
	return p.buffer[len(p.buffer)-1], true
}

// keepSmallest fills the buffer with the smallest values of a series, each times a sign; false when there are too few samples.
func (p *percentiles) keepSmallest(series scaling.Series, sign float64, size int) bool {
	p.buffer = p.buffer[:0]
	samples := 0
	for n := range series.Len() {
		if value, known := series.At(n); known {
			p.keep(sign*value, size)
			samples++
		}
	}
	return p.isCovered(series, samples)
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

// isCovered reports whether a series has enough samples, of which there are so many, the newest of them no older than maxSlowSampleAge.
func (p *percentiles) isCovered(series scaling.Series, samples int) bool {
	newest, known := series.NewestSample()
	return known && p.now.Sub(newest.Time) <= maxSlowSampleAge && float64(samples) >= minCoverage*float64(p.expectedSamples())
}

// expectedSamples is the number of samples that must have been read by now.
func (p *percentiles) expectedSamples() int {
	return max(0, int((p.now.Sub(p.from)-maxSlowSampleAge)/slowSamplePeriod))
}
