package scaling

import (
	"iter"
	"math"
	"slices"
	"time"
)

// Sample is one measured value. Time is the start of its period.
type Sample struct {
	Time  time.Time
	Value float64
}

// Series holds the samples of one metric, at most one for each period, in 4 bytes for each period between the oldest and the newest
// sample. It is a value that never changes, so that copies and parts of it share an array. The zero value has no samples.
//
// The periods are those of CloudWatch: whole minutes, at multiples of their length since the Unix epoch. CloudWatch returns timestamps at
// these times when a query starts at one (CloudWatch API reference, GetMetricData, StartTime), so that truncating a time to its period
// changes nothing. A value has the 24 significant bits of a float32: a percentage is exact to 0.00001, and the free memory of 1 TiB to
// 64 kB.
//
// A period without a valid sample is missing; see IsValidSample. No method returns a value for it.
type Series struct {
	// values has one value for each period, and NaN for a missing one. The first and the last are valid.
	values []float32
	// first is the period of the first value, counted since the Unix epoch, and minutes the length of a period. With 32 bits each, the
	// compiler keeps a series in registers: its limit is four words.
	first, minutes int32
}

// missing is the value of a period without a sample.
var missing = float32(math.NaN())

// toValue is the value that a series holds for a measured one.
func toValue(v float64) float32 {
	if !IsValidSample(v) {
		return missing
	}
	return float32(v)
}

// isMissing reports whether a value of a series is missing.
func isMissing(v float32) bool { return v != v } //nolint:gocritic // as math.IsNaN, which has no variant for float32

// IsValidSample reports whether a measured value can be used: it is not NaN, not infinite and not negative.
func IsValidSample(v float64) bool { return v >= 0 && float32(v) <= math.MaxFloat32 }

// NewSeries is a series of values of successive periods, the first of which contains start. An invalid value is missing. It panics when the
// period is not a number of whole minutes. With a time that no database has lived in, it has no samples.
func NewSeries(period time.Duration, start time.Time, values ...float64) Series {
	s := Series{minutes: minutesOf(period), values: make([]float32, len(values))}
	first := floorIndex(start, s.minutes)
	if first < minIndex || first+int64(len(values)) > maxIndex {
		return Series{}
	}
	s.first = int32(first)
	for n, v := range values {
		s.values[n] = toValue(v)
	}
	return s.trim()
}

// SeriesOf is a series of samples in any order. Of several samples of one period, the last one counts.
func SeriesOf(period time.Duration, samples ...Sample) Series {
	b := NewSeriesBuffer(period)
	b.Merge(time.Time{}, samples...)
	return b.Series()
}

// CombineSeries combines the values of several series for each period in which all of them have a sample. The others are missing. It has
// no samples when the series have different periods.
func CombineSeries(combine func(a, b float64) float64, series ...Series) Series {
	if len(series) == 0 {
		return Series{}
	}
	all := series[0]
	if len(series) == 1 {
		return all
	}
	from, to := all.first, all.end()
	for _, s := range series[1:] {
		if s.minutes != all.minutes {
			return Series{}
		}
		from, to = max(from, s.first), min(to, s.end())
	}
	if from >= to {
		return Series{}
	}
	all.values = slices.Clone(all.values[from-all.first : to-all.first])
	all.first = from
	for _, s := range series[1:] {
		for n, v := range s.values[from-s.first : to-s.first] {
			if isMissing(v) {
				all.values[n] = missing
			} else if !isMissing(all.values[n]) {
				all.values[n] = toValue(combine(float64(all.values[n]), float64(v)))
			}
		}
	}
	return all.trim()
}

// trim is the series without missing values at either end.
func (s Series) trim() Series {
	for len(s.values) > 0 && isMissing(s.values[0]) {
		s.values = s.values[1:]
		s.first++
	}
	for len(s.values) > 0 && isMissing(s.values[len(s.values)-1]) {
		s.values = s.values[:len(s.values)-1]
	}
	if len(s.values) == 0 {
		return Series{}
	}
	return s
}

// end is the period after the last value.
func (s Series) end() int32 { return s.first + int32(len(s.values)) }

// The numbers of periods that a series can have, with room for calculations: more than three millennia.
const minIndex, maxIndex = math.MinInt32 / 4 * 3, math.MaxInt32 / 4 * 3

// minutesOf is a period in minutes.
func minutesOf(period time.Duration) int32 {
	if period < time.Minute || period > 24*time.Hour || period%time.Minute != 0 {
		panic("scaling: the period of a series must be a number of whole minutes, at most a day, and is " + period.String())
	}
	return int32(period / time.Minute)
}

// floorIndex is the number of whole periods of so many minutes from the Unix epoch to a time.
func floorIndex(t time.Time, minutes int32) int64 {
	seconds, length := t.Unix(), int64(minutes)*60
	n := seconds / length
	if seconds < n*length {
		n--
	}
	return n
}

// ceilIndex is the number of the first period, since the Unix epoch, that starts at a time or later.
func ceilIndex(t time.Time, minutes int32) int64 {
	n := floorIndex(t, minutes)
	if t.Unix() > n*int64(minutes)*60 || t.Nanosecond() > 0 {
		n++
	}
	return n
}

// IsEmpty reports whether there is no sample.
func (s Series) IsEmpty() bool { return len(s.values) == 0 }

// Len is the number of periods from the oldest to the newest sample, with the missing ones.
func (s Series) Len() int { return len(s.values) }

// Count is the number of samples.
func (s Series) Count() int {
	count := 0
	for _, v := range s.values {
		if !isMissing(v) {
			count++
		}
	}
	return count
}

// Period is the length of a period; zero when there is no sample.
func (s Series) Period() time.Duration { return time.Duration(s.minutes) * time.Minute }

// Start is when the period of the oldest sample starts; the zero time when there is none.
func (s Series) Start() time.Time {
	if s.IsEmpty() {
		return time.Time{}
	}
	return s.TimeAt(0)
}

// TimeAt is when the nth period starts, in UTC. The periods go on before the oldest sample and after the newest.
func (s Series) TimeAt(n int) time.Time {
	return time.Unix((int64(s.first)+int64(n))*int64(s.minutes)*60, 0).UTC()
}

// At is the value of the nth period; false when it is missing, and for a period before the oldest sample or after the newest.
func (s Series) At(n int) (float64, bool) {
	if uint(n) >= uint(len(s.values)) {
		return 0, false
	}
	v := s.values[n]
	return float64(v), !isMissing(v)
}

// PeriodOf is the number of the period that contains t. It is negative before the oldest sample, and Len or more after the newest. The
// series must have a sample.
func (s Series) PeriodOf(t time.Time) int { return int(floorIndex(t, s.minutes) - int64(s.first)) }

// IndexFrom is the number of the first period that starts at t or later, from 0 to Len.
func (s Series) IndexFrom(t time.Time) int {
	if s.IsEmpty() {
		return 0
	}
	return int(min(max(ceilIndex(t, s.minutes)-int64(s.first), 0), int64(len(s.values))))
}

// ValueAt is the value of the period that starts at t; false when it is missing, or when no period starts then.
func (s Series) ValueAt(t time.Time) (float64, bool) {
	if s.IsEmpty() {
		return 0, false
	}
	n := floorIndex(t, s.minutes)
	if t.Unix() != n*int64(s.minutes)*60 || t.Nanosecond() != 0 {
		return 0, false
	}
	return s.At(int(n - int64(s.first)))
}

// NewestSample is the last sample; false when there is none.
func (s Series) NewestSample() (Sample, bool) {
	if s.IsEmpty() {
		return Sample{}, false
	}
	last := len(s.values) - 1
	return Sample{Time: s.TimeAt(last), Value: float64(s.values[last])}, true
}

// Known lists the samples, oldest first, with the numbers of their periods.
func (s Series) Known() iter.Seq2[int, float64] {
	return func(yield func(int, float64) bool) {
		for n, v := range s.values {
			if !isMissing(v) && !yield(n, float64(v)) {
				return
			}
		}
	}
}

// All lists the samples, oldest first, with the times at which their periods start.
func (s Series) All() iter.Seq2[time.Time, float64] {
	return func(yield func(time.Time, float64) bool) {
		for n, v := range s.values {
			if !isMissing(v) && !yield(s.TimeAt(n), float64(v)) {
				return
			}
		}
	}
}

// From is the part of the series whose periods start at t or later.
func (s Series) From(t time.Time) Series { return s.slice(s.IndexFrom(t), len(s.values)) }

// Before is the part of the series whose periods start before t.
func (s Series) Before(t time.Time) Series { return s.slice(0, s.IndexFrom(t)) }

// slice is the part of the series from one period to before another.
func (s Series) slice(from, to int) Series {
	s.first += int32(from)
	s.values = s.values[from:to:to]
	return s.trim()
}

// Equal reports whether two series have the same samples of the same periods.
func (s Series) Equal(other Series) bool {
	return s.first == other.first && s.minutes == other.minutes && slices.EqualFunc(s.values, other.values, isSame)
}

// isSame reports whether two values are equal or both missing.
func isSame(a, b float32) bool { return a == b || isMissing(a) && isMissing(b) }
