package scaling

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// Sample is one measured value. At is the start of the period that it stands for.
type Sample struct {
	At    time.Time
	Value float64
}

// Series is the samples of one metric, oldest first, at most one a period. A period without a sample is missing.
type Series []Sample

// wire is a series in JSON: regular ones as their start, their period and the values in order, null for a missing one.
type wire struct {
	From   time.Time  `json:"from,omitzero"`
	Period int64      `json:"periodSeconds,omitempty"`
	Values []*float64 `json:"values,omitempty"`
	Loose  []Sample   `json:"samples,omitempty"`
}

// periods are the distances between samples that a series may be written with, in seconds, widest first.
var periods = []int64{900, 300, 60}

// MarshalJSON writes the series so that it reads back exactly, times in UTC. A value that is no number is left out: it is
// missing to whoever reads it.
func (s Series) MarshalJSON() ([]byte, error) {
	if slices.ContainsFunc(s, func(sample Sample) bool { return !Number(sample.Value) }) {
		s = slices.DeleteFunc(slices.Clone(s), func(sample Sample) bool { return !Number(sample.Value) }) // it is missing
	}
	if len(s) == 0 {
		return []byte("{}"), nil
	}
	for _, period := range periods {
		if w, regular := s.regular(period); regular {
			return json.Marshal(w)
		}
	}
	loose := slices.Clone(s)
	for n := range loose {
		loose[n].At = loose[n].At.UTC()
	}
	return json.Marshal(wire{Loose: loose})
}

// regular writes the series with one period, unless its samples do not fit or more would be missing than are there.
func (s Series) regular(period int64) (wire, bool) {
	first := s[0].At
	length := (s[len(s)-1].At.Unix()-first.Unix())/period + 1
	if length < int64(len(s)) || length > int64(4*len(s)) {
		return wire{}, false
	}
	w := wire{From: first.UTC(), Period: period, Values: make([]*float64, length)}
	for n := range s {
		offset := s[n].At.Unix() - first.Unix()
		at := offset / period
		whole := offset%period == 0 && s[n].At.Nanosecond() == first.Nanosecond()
		if !whole || at < 0 || at >= length || w.Values[at] != nil || n > 0 && !s[n].At.After(s[n-1].At) {
			return wire{}, false
		}
		w.Values[at] = &s[n].Value
	}
	return w, true
}

// UnmarshalJSON reads what MarshalJSON wrote. The error says what is wrong.
func (s *Series) UnmarshalJSON(data []byte) error {
	var w wire
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("reading a series: %w", err)
	}
	*s = nil
	if len(w.Loose) > 0 {
		*s = w.Loose
		return nil
	}
	for n, v := range w.Values {
		if v != nil {
			*s = append(*s, Sample{At: w.From.Add(time.Duration(int64(n)*w.Period) * time.Second), Value: *v})
		}
	}
	return nil
}

// From is the index of the first sample that is not before t. Where samples are evenly spread, as they mostly are, it is
// found at once.
func (s Series) From(t time.Time) int {
	last := len(s) - 1
	if last < 0 || !t.After(s[0].At) {
		return 0
	}
	if t.After(s[last].At) {
		return last + 1
	}
	// Between two samples that are known to be on either side of t.
	n := int(float64(last) * float64(t.Unix()-s[0].At.Unix()) / float64(max(1, s[last].At.Unix()-s[0].At.Unix())))
	n = min(max(n, 0), last)
	for n > 0 && !s[n-1].At.Before(t) {
		n--
	}
	for s[n].At.Before(t) {
		n++
	}
	return n
}

// At is the value of the sample that stands for the period that begins at t, and false when it is missing. A value that is
// no number is missing too.
func (s Series) At(t time.Time) (float64, bool) {
	n := s.From(t)
	if n == len(s) || !s[n].At.Equal(t) || !Number(s[n].Value) {
		return 0, false
	}
	return s[n].Value, true
}

// Newest is the last sample that is a number, and false when there is none.
func (s Series) Newest() (Sample, bool) {
	for n := len(s) - 1; n >= 0; n-- {
		if Number(s[n].Value) {
			return s[n], true
		}
	}
	return Sample{}, false
}

// Number says whether a measured value can be counted with: neither NaN, nor infinite, nor below zero.
func Number(v float64) bool { return v >= 0 && v <= math.MaxFloat64 }
