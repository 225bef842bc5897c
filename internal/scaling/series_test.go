package scaling

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// samplesEvery is a series with the given period; NaN leaves a sample out.
func samplesEvery(period time.Duration, values ...float64) Series {
	var s Series
	for n, v := range values {
		if !math.IsNaN(v) {
			s = append(s, Sample{Time: testTime.Add(time.Duration(n) * period), Value: v})
		}
	}
	return s
}

func TestSeries_JSONRoundTrip(t *testing.T) {
	gap := math.NaN()
	zone := time.FixedZone("CET", 3600)
	for _, test := range []struct {
		name   string
		series Series
		want   string
	}{
		{"empty", nil, "{}"},
		{"one sample", samplesEvery(time.Minute, 1.5), `"values":[1.5]`},
		{"one-minute period with a gap", samplesEvery(time.Minute, 1, gap, 3), `"periodSeconds":60,"values":[1,null,3]`},
		{"15-minute period", samplesEvery(15*time.Minute, 0.1, 0.2, 1.0/3), `"periodSeconds":900`},
		{"five-minute period", samplesEvery(5*time.Minute, 1, 2, 3, 4), `"periodSeconds":300`},
		{"61 s apart", Series{{Time: testTime, Value: 1}, {Time: testTime.Add(61 * time.Second), Value: 2}}, `"samples"`},
		{"24 h apart", Series{{Time: testTime, Value: 1}, {Time: testTime.Add(24 * time.Hour), Value: 2}}, `"samples"`},
		{"two samples of one minute", Series{{Time: testTime, Value: 1}, {Time: testTime, Value: 2}}, `"samples"`},
		{"out of order", Series{{Time: testTime.Add(time.Minute), Value: 1}, {Time: testTime, Value: 2}}, `"samples"`},
		{"another time zone is encoded in UTC",
			Series{{Time: testTime.In(zone), Value: 1}, {Time: testTime.In(zone).Add(time.Minute), Value: 2}}, `"2026-02-05T10:00:00Z"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := json.Marshal(test.series)
			if err != nil || !strings.Contains(string(text), test.want) {
				t.Fatalf("%s, %v; want it to contain %s", text, err, test.want)
			}
			var back Series
			if err := json.Unmarshal(text, &back); err != nil {
				t.Fatal(err)
			}
			if len(back) != len(test.series) {
				t.Fatalf("%d samples became %d", len(test.series), len(back))
			}
			for n := range back {
				if !back[n].Time.Equal(test.series[n].Time) || back[n].Value != test.series[n].Value {
					t.Errorf("sample %d: %v became %v", n, test.series[n], back[n])
				}
			}
			if again, err := json.Marshal(back); err != nil || string(again) != string(text) {
				t.Errorf("%s became %s, %v", text, again, err)
			}
		})
	}
}

// NaN, infinite and negative values count as missing: JSON cannot encode the first two, and none may be used.
func TestSeries_InvalidValuesAreMissing(t *testing.T) {
	s := Series{
		{Time: testTime, Value: 1}, {Time: testTime.Add(time.Minute), Value: math.NaN()},
		{Time: testTime.Add(2 * time.Minute), Value: math.Inf(1)}, {Time: testTime.Add(3 * time.Minute), Value: 4},
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Series
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if want := (Series{s[0], s[3]}); !reflect.DeepEqual(back, want) {
		t.Errorf("got %v, want %v", back, want)
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1} {
		if IsValidSample(v) {
			t.Errorf("%f is a valid sample", v)
		}
		if _, known := (Series{{Time: testTime, Value: v}}).ValueAt(testTime); known {
			t.Errorf("ValueAt returns %f", v)
		}
	}
}

func TestSeries_IndexFrom(t *testing.T) {
	gap := math.NaN()
	for _, s := range []Series{
		nil, samplesEvery(time.Minute, 1), samplesEvery(time.Minute, 1, 2, 3, 4, 5),
		samplesEvery(time.Minute, 1, gap, gap, gap, 5, 6, gap, 8),
	} {
		for seconds := -90; seconds < 600; seconds += 15 {
			instant := testTime.Add(time.Duration(seconds) * time.Second)
			want := 0
			for want < len(s) && s[want].Time.Before(instant) {
				want++
			}
			if got := s.IndexFrom(instant); got != want {
				t.Errorf("IndexFrom of %d samples at %d s is %d, want %d", len(s), seconds, got, want)
			}
		}
	}
}

func FuzzSeries(f *testing.F) {
	f.Add(int64(0), 1.5, int64(60), 2.5, int64(120), 3.5)
	f.Add(int64(0), math.NaN(), int64(61), -1.0, int64(-5), 1e308)
	f.Fuzz(func(t *testing.T, a int64, x float64, b int64, y float64, c int64, z float64) {
		const span = 1 << 33
		s := Series{{time.Unix(a%span, 0), x}, {time.Unix(b%span, 0), y}, {time.Unix(c%span, 0), z}}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Series
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		n := 0
		for _, sample := range s {
			if !IsValidSample(sample.Value) {
				continue
			}
			if n >= len(back) || !back[n].Time.Equal(sample.Time) || back[n].Value != sample.Value {
				t.Fatalf("%v became %s and %v", s, text, back)
			}
			n++
		}
		if n != len(back) {
			t.Errorf("%v became %v", s, back)
		}
	})
}
