package scaling

import (
	"slices"
	"time"
)

// SeriesBuffer collects the samples of one metric as they are read. The series that it returns share its array and stay as they are: new
// samples are appended behind what they hold, and a changed one moves the buffer to another array. A copy of a buffer takes its
// place: only one of the two may be used from then on.
type SeriesBuffer struct {
	// series ends with a valid value. The capacity behind it belongs to the buffer.
	series Series
	// minutes is the period of the series, which has none while it is empty.
	minutes int32
}

// A full array is replaced by one that has room for a thirty-second more periods, and for at least minFreePeriods. What was dropped is
// freed then, so that the array of a series of constant length has at most so much more than the series.
const growthDivisor, minFreePeriods = 32, 8

// NewSeriesBuffer is a buffer for samples of one period. It panics when that is not a number of whole minutes.
func NewSeriesBuffer(period time.Duration) SeriesBuffer {
	return SeriesBuffer{minutes: minutesOf(period)}
}

// Period is the period of the samples; zero for a buffer that NewSeriesBuffer did not make.
func (b *SeriesBuffer) Period() time.Duration { return time.Duration(b.minutes) * time.Minute }

// Series is the samples that were added so far and not dropped.
func (b *SeriesBuffer) Series() Series {
	s := b.series
	s.values = slices.Clip(s.values)
	return s
}

// Add adds one sample, which replaces an earlier one of the same period.
func (b *SeriesBuffer) Add(at time.Time, value float64) {
	s, n := &b.series, 0
	if len(s.values) > 0 {
		n = s.PeriodOf(at)
	}
	if v := toValue(value); n > 0 && n == len(s.values) && n < cap(s.values) && !isMissing(v) {
		s.values = append(s.values, v)
		return
	}
	b.Merge(time.Time{}, Sample{Time: at, Value: value})
}

// Merge adds samples in any order, which replace earlier ones of the same periods, and drops those whose periods start before oldest. An
// invalid sample makes its period missing.
func (b *SeriesBuffer) Merge(oldest time.Time, samples ...Sample) {
	b.DropBefore(oldest)
	s := &b.series
	first := max(ceilIndex(oldest, b.minutes), minIndex)
	from, to := int64(s.first), int64(s.end())
	changes := false
	for _, sample := range samples {
		n, v := floorIndex(sample.Time, b.minutes), toValue(sample.Value)
		switch {
		case n < first || n > maxIndex:
		case n >= int64(s.first) && n < int64(s.end()):
			changes = changes || !isSame(s.values[n-int64(s.first)], v)
		case isMissing(v):
		case from == to:
			from, to = n, n+1
		default:
			from, to = min(from, n), max(to, n+1)
		}
	}
	if from == to || !changes && to-from == int64(len(s.values)) {
		return
	}
	shared := 0 // values that the returned series may hold, too
	if changes || from != int64(s.first) || to-from > int64(cap(s.values)) {
		b.moveTo(int32(from), int(to-from))
	} else {
		shared = len(s.values)
	}
	for int64(len(s.values)) < to-from {
		s.values = append(s.values, missing)
	}
	for _, sample := range samples {
		if n := floorIndex(sample.Time, b.minutes) - from; n >= int64(shared) && n < to-from && n+from >= first {
			s.values[n] = toValue(sample.Value)
		}
	}
	*s = s.trim()
}

// moveTo copies the values to a new array with room for a number of periods and some more, and for missing values before them.
func (b *SeriesBuffer) moveTo(first int32, length int) {
	values := slices.Grow([]float32(nil), length+max(length/growthDivisor, minFreePeriods))
	if len(b.series.values) > 0 {
		for n := first; n < b.series.first; n++ {
			values = append(values, missing)
		}
	}
	b.series = Series{first: first, minutes: b.minutes, values: append(values, b.series.values...)}
}

// DropBefore drops the samples whose periods start before t.
func (b *SeriesBuffer) DropBefore(t time.Time) {
	s := &b.series
	if n := s.IndexFrom(t); n > 0 {
		s.values = s.values[n:] // the capacity stays, unlike that of a part of a series
		s.first += int32(n)
		*s = s.trim()
	}
}
