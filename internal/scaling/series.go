package scaling

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// Sample is one measured value. At is the start of its period.
type Sample struct {
	Time  time.Time
	Value float64
}

// Series is the samples of one metric, oldest first, at most one per period. A period without a sample is missing.
type Series []Sample

// seriesJSON is a series in JSON. A regular series has a start, a period and the values in order, with null for a missing one;
// any other has its samples.
type seriesJSON struct {
	Start   time.Time  `json:"from,omitzero"`
	Period  int64      `json:"periodSeconds,omitempty"`
	Values  []*float64 `json:"values,omitempty"`
	Samples []Sample   `json:"samples,omitempty"`
}

// encodablePeriods are the periods, in seconds, that a regular series may have, the longest first.
var encodablePeriods = []int64{900, 300, 60}

// MarshalJSON encodes the series without loss, with times in UTC. Invalid samples count as missing and are left out.
func (s Series) MarshalJSON() ([]byte, error) {
	if slices.ContainsFunc(s, func(sample Sample) bool { return !IsValidSample(sample.Value) }) {
		s = slices.DeleteFunc(slices.Clone(s), func(sample Sample) bool { return !IsValidSample(sample.Value) })
	}
	if len(s) == 0 {
		return []byte("{}"), nil
	}
	for _, period := range encodablePeriods {
		if w, regular := s.encodeRegular(period); regular {
			return json.Marshal(w)
		}
	}
	samples := slices.Clone(s)
	for n := range samples {
		samples[n].Time = samples[n].Time.UTC()
	}
	return json.Marshal(seriesJSON{Samples: samples})
}

// encodeRegular encodes the series with one period; false when the samples are not at multiples of it, or when more than three
// quarters of the values would be null.
func (s Series) encodeRegular(period int64) (seriesJSON, bool) {
	first := s[0].Time
	length := (s[len(s)-1].Time.Unix()-first.Unix())/period + 1
	if length < int64(len(s)) || length > int64(4*len(s)) {
		return seriesJSON{}, false
	}
	w := seriesJSON{Start: first.UTC(), Period: period, Values: make([]*float64, length)}
	for n := range s {
		offset := s[n].Time.Unix() - first.Unix()
		index := offset / period
		onGrid := offset%period == 0 && s[n].Time.Nanosecond() == first.Nanosecond()
		if !onGrid || index < 0 || index >= length || w.Values[index] != nil || n > 0 && !s[n].Time.After(s[n-1].Time) {
			return seriesJSON{}, false
		}
		w.Values[index] = &s[n].Value
	}
	return w, true
}

// UnmarshalJSON decodes what MarshalJSON encodes.
func (s *Series) UnmarshalJSON(data []byte) error {
	var w seriesJSON
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("decoding a series: %w", err)
	}
	*s = nil
	if len(w.Samples) > 0 {
		*s = w.Samples
		return nil
	}
	for n, v := range w.Values {
		if v != nil {
			*s = append(*s, Sample{Time: w.Start.Add(time.Duration(int64(n)*w.Period) * time.Second), Value: *v})
		}
	}
	return nil
}

// IndexFrom is the index of the first sample at or after t, or the length of the series. Where samples are evenly spaced, as they
// mostly are, it takes constant time.
func (s Series) IndexFrom(t time.Time) int {
	last := len(s) - 1
	if last < 0 || !t.After(s[0].Time) {
		return 0
	}
	if t.After(s[last].Time) {
		return last + 1
	}
	// Start from the interpolated position.
	n := int(float64(last) * float64(t.Unix()-s[0].Time.Unix()) / float64(max(1, s[last].Time.Unix()-s[0].Time.Unix())))
	n = min(max(n, 0), last)
	for n > 0 && !s[n-1].Time.Before(t) {
		n--
	}
	for s[n].Time.Before(t) {
		n++
	}
	return n
}

// ValueAt is the value of the sample whose period starts at t; false when it is missing or invalid.
func (s Series) ValueAt(t time.Time) (float64, bool) {
	n := s.IndexFrom(t)
	if n == len(s) || !s[n].Time.Equal(t) || !IsValidSample(s[n].Value) {
		return 0, false
	}
	return s[n].Value, true
}

// NewestSample is the last valid sample; false when there is none.
func (s Series) NewestSample() (Sample, bool) {
	for n := len(s) - 1; n >= 0; n-- {
		if IsValidSample(s[n].Value) {
			return s[n], true
		}
	}
	return Sample{}, false
}

// IsValidSample reports whether a measured value can be used: it is not NaN, not infinite and not negative.
func IsValidSample(v float64) bool { return v >= 0 && v <= math.MaxFloat64 }
