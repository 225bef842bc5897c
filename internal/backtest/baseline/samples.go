package baseline

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// maxPublishedAge is the maximum time since the start of the newest published minute.
const maxPublishedAge = 5 * time.Minute

// roundingTolerance is the maximum rounding error of a sum of binary fractions: 100·2.2/4 has to equal 55.
const roundingTolerance = 1e-9

// publishedSamples is the series, or an empty one if its newest sample is older than maxPublishedAge.
func publishedSamples(s scaling.Series, now time.Time) scaling.Series {
	if newest, known := s.NewestSample(); known && now.Sub(newest.Time) <= maxPublishedAge {
		return s
	}
	return scaling.Series{}
}

// newestMinutes are the newest n minutes, or an empty series if one of them is missing.
func newestMinutes(s scaling.Series, now time.Time, n int) scaling.Series {
	s = publishedSamples(s, now)
	if s.Len() < n {
		return scaling.Series{}
	}
	s = s.From(s.TimeAt(s.Len() - n))
	if s.Len() < n || s.Count() < n {
		return scaling.Series{}
	}
	return s
}

// allAbove says that there are samples and all are above the limit.
func allAbove(s scaling.Series, limit float64) bool {
	for n := range s.Len() {
		if value, known := s.At(n); known && value <= limit {
			return false
		}
	}
	return !s.IsEmpty()
}

// allBelow says that there are samples and all are below the limit.
func allBelow(s scaling.Series, limit float64) bool {
	for n := range s.Len() {
		if value, known := s.At(n); known && value >= limit {
			return false
		}
	}
	return !s.IsEmpty()
}

// mean is the mean of the samples, and false if there are none.
func mean(s scaling.Series) (float64, bool) {
	sum, count := 0.0, 0.0
	for n := range s.Len() {
		if value, known := s.At(n); known {
			sum += value
			count++
		}
	}
	return sum / count, count > 0
}

// roundUp rounds up to a whole number.
func roundUp(v float64) float64 { return math.Ceil(v - roundingTolerance) }

// smallestSizeIndex is the smallest size with at least so many vCPUs, or the largest size.
func smallestSizeIndex(ladder []float64, vcpus float64) int {
	for n := range ladder {
		if ladder[n] >= vcpus-roundingTolerance {
			return n
		}
	}
	return len(ladder) - 1
}

// laterOf is the later of two times.
func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// windowMaximum computes the maximum of a sliding window. It keeps the samples that can still become the maximum: each is higher
// than all later ones.
type windowMaximum struct {
	samples []scaling.Sample
	// head is the index of the first sample that was not dropped.
	head int
}

// add adds a sample. Its time must not be before that of an earlier sample.
func (w *windowMaximum) add(at time.Time, value float64) {
	for len(w.samples) > w.head && w.samples[len(w.samples)-1].Value <= value {
		w.samples = w.samples[:len(w.samples)-1]
	}
	if w.head > 0 && len(w.samples) == cap(w.samples) && 2*w.head >= len(w.samples) { // use the dropped space before allocating more
		w.samples, w.head = w.samples[:copy(w.samples, w.samples[w.head:])], 0
	}
	w.samples = append(w.samples, scaling.Sample{Time: at, Value: value})
}

// dropBefore drops the samples before t.
func (w *windowMaximum) dropBefore(t time.Time) {
	for w.head < len(w.samples) && w.samples[w.head].Time.Before(t) {
		w.head++
	}
}

// maxSince is the maximum of the samples at t and later, and false if there are none.
func (w *windowMaximum) maxSince(t time.Time) (float64, bool) {
	window := w.samples[w.head:]
	n, _ := slices.BinarySearchFunc(window, t, func(s scaling.Sample, t time.Time) int { return s.Time.Compare(t) })
	if n == len(window) {
		return 0, false
	}
	return window[n].Value, true
}
