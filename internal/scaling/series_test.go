package scaling

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

var gap = math.NaN()

// samplesEvery is a series from testTime on with the given period; NaN leaves a sample out.
func samplesEvery(period time.Duration, values ...float64) Series {
	return NewSeries(period, testTime, values...)
}

// seriesSamples lists the samples of a series.
func seriesSamples(s Series) []Sample {
	var list []Sample
	for at, v := range s.All() {
		list = append(list, Sample{Time: at, Value: v})
	}
	return list
}

func TestSeries_JSONRoundTrip(t *testing.T) {
	for _, test := range []struct {
		name   string
		series Series
		want   string
	}{
		{"empty", Series{}, "{}"},
		{"one sample", samplesEvery(time.Minute, 1.5), `{"from":"2026-02-05T10:00:00Z","periodSeconds":60,"values":[1.5]}`},
		{"a gap", samplesEvery(time.Minute, 1, gap, 3), `{"from":"2026-02-05T10:00:00Z","periodSeconds":60,"values":[1,null,3]}`},
		{"gaps at both ends", samplesEvery(time.Minute, gap, 2, gap), `{"from":"2026-02-05T10:01:00Z","periodSeconds":60,"values":[2]}`},
		{"15-minute period", samplesEvery(15*time.Minute, 0.1, 0.2, 1.0/3),
			`{"from":"2026-02-05T10:00:00Z","periodSeconds":900,"values":[0.1,0.2,0.33333334]}`},
		{"five-minute period in another time zone", NewSeries(5*time.Minute, testTime.In(time.FixedZone("CET", 3600)), 1, 2),
			`{"from":"2026-02-05T10:00:00Z","periodSeconds":300,"values":[1,2]}`},
		{"large and small values", samplesEvery(time.Minute, 0, 16<<30, 1.5e22, 2e-7, math.MaxFloat32),
			`{"from":"2026-02-05T10:00:00Z","periodSeconds":60,"values":[0,17179870000,1.5e+22,2e-7,3.4028235e+38]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := json.Marshal(test.series)
			if err != nil || string(text) != test.want {
				t.Fatalf("%s, %v; want %s", text, err, test.want)
			}
			var back Series
			if err := json.Unmarshal(text, &back); err != nil || !back.Equal(test.series) {
				t.Errorf("%v became %v, %v", seriesSamples(test.series), seriesSamples(back), err)
			}
			if again, err := json.Marshal(back); err != nil || string(again) != string(text) {
				t.Errorf("%s became %s, %v", text, again, err)
			}
		})
	}
}

func TestSeries_UnmarshalRefusesOtherPeriods(t *testing.T) {
	for text, want := range map[string]string{
		`{"from":"2026-02-05T10:00:00Z","values":[1]}`:                     "periodSeconds is 0",
		`{"from":"2026-02-05T10:00:00Z","periodSeconds":90,"values":[1]}`:  "periodSeconds is 90",
		`{"from":"2026-02-05T10:00:00Z","periodSeconds":-60,"values":[1]}`: "periodSeconds is -60",
		`{"from":1}`: "decoding a series",
	} {
		s := samplesEvery(time.Minute, 1)
		if err := json.Unmarshal([]byte(text), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	s := samplesEvery(time.Minute, 1)
	if err := json.Unmarshal([]byte(`{"from":"2026-02-05T10:00:00Z","periodSeconds":60,"values":[null,-2]}`), &s); err != nil || !s.IsEmpty() {
		t.Errorf("got %v, %v, want no samples", seriesSamples(s), err)
	}
}

// NaN, infinite and negative values count as missing: none may be used, and none is zero.
func TestSeries_InvalidValuesAreMissing(t *testing.T) {
	for _, v := range []float64{gap, math.Inf(1), math.Inf(-1), -1, -1e-300, 1e39} {
		if IsValidSample(v) {
			t.Errorf("%g is a valid sample", v)
		}
		for name, s := range map[string]Series{
			"NewSeries": samplesEvery(time.Minute, 1, v, 4), "SeriesOf": SeriesOf(time.Minute,
				Sample{testTime, 1}, Sample{testTime.Add(time.Minute), v}, Sample{testTime.Add(2 * time.Minute), 4}),
		} {
			if _, known := s.At(1); known {
				t.Errorf("%s: At returns %g", name, v)
			}
			if _, known := s.ValueAt(testTime.Add(time.Minute)); known {
				t.Errorf("%s: ValueAt returns %g", name, v)
			}
			if got := seriesSamples(s); len(got) != 2 || s.Count() != 2 || s.Len() != 3 {
				t.Errorf("%s: got %v", name, got)
			}
		}
		if s := samplesEvery(time.Minute, v, v); !s.IsEmpty() || !s.Equal(Series{}) {
			t.Errorf("a series of %g: got %v", v, s)
		}
		if newest, known := samplesEvery(time.Minute, 7, v).NewestSample(); !known || newest != (Sample{testTime, 7}) {
			t.Errorf("the newest of 7 and %g is %v", v, newest)
		}
	}
	var none Series
	_, hasNewest := none.NewestSample()
	_, hasFirst := none.At(0)
	_, hasValue := none.ValueAt(testTime)
	if hasNewest || hasFirst || hasValue || none.Len() != 0 || none.Count() != 0 || !none.Start().IsZero() || !none.From(testTime).IsEmpty() {
		t.Error("an empty series has a sample")
	}
}

// A time within a period belongs to it, also before the epoch.
func TestNewSeries_TruncatesTimes(t *testing.T) {
	for _, start := range []time.Time{testTime.Add(4*time.Minute + 59*time.Second), time.Date(1969, 12, 31, 23, 57, 1, 5, time.UTC)} {
		s := NewSeries(5*time.Minute, start, 1, 2)
		if want := start.Truncate(5 * time.Minute); !s.Start().Equal(want) || !s.TimeAt(1).Equal(want.Add(5*time.Minute)) {
			t.Errorf("a series from %s starts at %s", start, s.Start())
		}
		if n := s.PeriodOf(start.Add(5 * time.Minute)); n != 1 {
			t.Errorf("the period of the second value is %d", n)
		}
	}
}

func TestSeries_PartsFromATime(t *testing.T) {
	for _, s := range []Series{
		{}, samplesEvery(time.Minute, 1), samplesEvery(time.Minute, 1, 2, 3, 4, 5), samplesEvery(time.Minute, 1, gap, gap, gap, 5, 6, gap, 8),
	} {
		samples := seriesSamples(s)
		for seconds := -90; seconds < 600; seconds += 15 {
			instant := testTime.Add(time.Duration(seconds) * time.Second)
			before := 0
			for before < len(samples) && samples[before].Time.Before(instant) {
				before++
			}
			index := 0
			for index < s.Len() && s.TimeAt(index).Before(instant) {
				index++
			}
			if got := s.IndexFrom(instant); got != index {
				t.Errorf("IndexFrom of %d periods at %d s is %d, want %d", s.Len(), seconds, got, index)
			}
			if got := s.From(instant); !got.Equal(SeriesOf(time.Minute, samples[before:]...)) {
				t.Errorf("From %d s of %v: got %v", seconds, samples, seriesSamples(got))
			}
			if got := s.Before(instant); !got.Equal(SeriesOf(time.Minute, samples[:before]...)) {
				t.Errorf("Before %d s of %v: got %v", seconds, samples, seriesSamples(got))
			}
			value, known := s.ValueAt(instant)
			want := before < len(samples) && samples[before].Time.Equal(instant)
			if known != want || want && value != samples[before].Value {
				t.Errorf("ValueAt %d s of %v: got %g, %t", seconds, samples, value, known)
			}
		}
	}
}

func TestCombineSeries(t *testing.T) {
	long, short := samplesEvery(time.Minute, 5, 1, gap, 4, 5, 6), NewSeries(time.Minute, testTime.Add(time.Minute), 2, 2, 2, gap, 9, 9)
	for _, test := range []struct {
		name string
		got  Series
		want Series
	}{
		{"none", CombineSeries(math.Max), Series{}},
		{"one", CombineSeries(math.Max, long), long},
		{"two", CombineSeries(math.Max, long, short), NewSeries(time.Minute, testTime.Add(time.Minute), 2, gap, 4, gap, 9)},
		{"two, in the other order", CombineSeries(math.Min, short, long), NewSeries(time.Minute, testTime.Add(time.Minute), 1, gap, 2, gap, 6)},
		{"one of them without samples", CombineSeries(math.Max, long, Series{}), Series{}},
		{"the first without samples", CombineSeries(math.Max, Series{}, long), Series{}},
		{"at other times", CombineSeries(math.Max, long, NewSeries(time.Minute, testTime.Add(time.Hour), 1)), Series{}},
		{"at earlier times", CombineSeries(math.Max, long, NewSeries(time.Minute, testTime.Add(-time.Hour), 1)), Series{}},
		{"other periods", CombineSeries(math.Max, long, samplesEvery(5*time.Minute, 1, 2)), Series{}},
	} {
		if !test.got.Equal(test.want) {
			t.Errorf("%s: got %v, want %v", test.name, seriesSamples(test.got), seriesSamples(test.want))
		}
	}
	if !long.Equal(samplesEvery(time.Minute, 5, 1, gap, 4, 5, 6)) {
		t.Errorf("the first series was changed to %v", seriesSamples(long))
	}
}

func FuzzSeries(f *testing.F) {
	f.Add(int64(0), 1.5, int64(60), 2.5, int64(120), 3.5)
	f.Add(int64(0), gap, int64(61), -1.0, int64(-5), 1e308)
	f.Fuzz(func(t *testing.T, a int64, x float64, b int64, y float64, c int64, z float64) {
		const span = 1 << 17
		samples := []Sample{{time.Unix(a%span, 0), x}, {time.Unix(b%span, 0), y}, {time.Unix(c%span, 0), z}}
		s := SeriesOf(time.Minute, samples...)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Series
		if err := json.Unmarshal(text, &back); err != nil || !back.Equal(s) {
			t.Fatalf("%s: %v, %v", text, err, seriesSamples(back))
		}
		want := map[int64]float32{}
		for _, sample := range samples { // the last of a minute counts
			minute := floorIndex(sample.Time, 1)
			if delete(want, minute); IsValidSample(sample.Value) {
				want[minute] = float32(sample.Value)
			}
		}
		for at, v := range back.All() {
			if got, exists := want[floorIndex(at, 1)]; !exists || float64(got) != v {
				t.Errorf("%v became %s", samples, text)
			}
		}
		if back.Count() != len(want) {
			t.Errorf("%v became %s", samples, text)
		}
	})
}
