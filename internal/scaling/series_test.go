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

// samplesEvery lists samples that are so far apart; NaN leaves one out.
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
		says   string
	}{
		{"nothing", nil, "{}"},
		{"one", samplesEvery(time.Minute, 1.5), `"values":[1.5]`},
		{"minutes with a gap", samplesEvery(time.Minute, 1, gap, 3), `"periodSeconds":60,"values":[1,null,3]`},
		{"quarters of an hour", samplesEvery(15*time.Minute, 0.1, 0.2, 1.0/3), `"periodSeconds":900`},
		{"five minutes", samplesEvery(5*time.Minute, 1, 2, 3, 4), `"periodSeconds":300`},
		{"off the grid", Series{{Time: testTime, Value: 1}, {Time: testTime.Add(61 * time.Second), Value: 2}}, `"samples"`},
		{"far apart", Series{{Time: testTime, Value: 1}, {Time: testTime.Add(24 * time.Hour), Value: 2}}, `"samples"`},
		{"twice the same minute", Series{{Time: testTime, Value: 1}, {Time: testTime, Value: 2}}, `"samples"`},
		{"out of order", Series{{Time: testTime.Add(time.Minute), Value: 1}, {Time: testTime, Value: 2}}, `"samples"`},
		{"another zone", Series{{Time: testTime.In(zone), Value: 1}, {Time: testTime.In(zone).Add(time.Minute), Value: 2}}, `"2026-02-05T10:00:00Z"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			text, err := json.Marshal(test.series)
			if err != nil || !strings.Contains(string(text), test.says) {
				t.Fatalf("%s, %v; want it to have %s", text, err, test.says)
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

// What is no number is missing: JSON could not say it, and nobody may count with it.
func TestSeries_InvalidValuesAreMissing(t *testing.T) {
	s := Series{{Time: testTime, Value: 1}, {Time: testTime.Add(time.Minute), Value: math.NaN()}, {Time: testTime.Add(2 * time.Minute), Value: math.Inf(1)}, {Time: testTime.Add(3 * time.Minute), Value: 4}}
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
			t.Errorf("%f counts as a number", v)
		}
		if _, known := (Series{{Time: testTime, Value: v}}).ValueAt(testTime); known {
			t.Errorf("%f is known", v)
		}
	}
}

func TestSeries_IndexFrom(t *testing.T) {
	gap := math.NaN()
	for _, s := range []Series{nil, samplesEvery(time.Minute, 1), samplesEvery(time.Minute, 1, 2, 3, 4, 5), samplesEvery(time.Minute, 1, gap, gap, gap, 5, 6, gap, 8)} {
		for seconds := -90; seconds < 600; seconds += 15 {
			moment := testTime.Add(time.Duration(seconds) * time.Second)
			want := 0
			for want < len(s) && s[want].Time.Before(moment) {
				want++
			}
			if got := s.IndexFrom(moment); got != want {
				t.Errorf("of %d samples the first from %d s on is %d, want %d", len(s), seconds, got, want)
			}
		}
	}
}

func TestParseUSD(t *testing.T) {
	for text, want := range map[string]Money{
		"6": 6_000_000, "6.00": 6_000_000, "0.0175": 17_500, "0.2600000000": 260_000, "0.0000005": 1, "0.0000004": 0, "123456789.999999": 123456789_999999,
	} {
		if got, err := ParseUSD(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "1e3", "$6", "6,00", " 6", "1234567890", "0x1", "NaN", "1.2.3"} {
		if got, err := ParseUSD(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
	for money, want := range map[Money]string{0: "$0.00", 6_000_000: "$6.00", 17_500: "$0.0175", 1: "$0.000001", -520_000: "-$0.52"} {
		if got := money.String(); got != want {
			t.Errorf("%d is written %s, want %s", money, got, want)
		}
	}
}

// An approval is for one change of one database, which has been what it is since then.
func TestChange_Hash(t *testing.T) {
	target := Target{Scope: Scope{Region: "eu-west-1"}, Kind: DBCluster, Identifier: "orders"}
	change := Change{Pool: Readers, Direction: Up, From: Shape{"db.r6g.large", 1}, To: Shape{"db.r6g.large", 2}, Demand: 1.6, UtilizationPercent: 80}
	hash := change.Hash(target, testTime)
	if len(hash) != 8 {
		t.Errorf("the hash is %q", hash)
	}
	moved := change
	moved.Demand, moved.UtilizationPercent = 1.7, 85
	if moved.Hash(target, testTime) != hash {
		t.Error("the hash moves with the load")
	}
	more, other := change, target
	more.To.Count = 3
	other.Identifier = "billing"
	for name, got := range map[string]string{
		"another shape": more.Hash(target, testTime), "another database": change.Hash(other, testTime), "another time": change.Hash(target, testTime.Add(time.Second)),
	} {
		if got == hash {
			t.Errorf("%s has the same hash", name)
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

func FuzzParseUSD(f *testing.F) {
	for _, text := range []string{"6.00", "0.0175", "", "-1", "1e9", "999999999.9999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		money, err := ParseUSD(text)
		if err != nil {
			return
		}
		if money < 0 {
			t.Fatalf("%q is %d", text, money)
		}
		if again, err := ParseUSD(strings.TrimPrefix(money.String(), "$")); len(strings.Split(money.String(), ".")[0]) < 11 && (err != nil || again != money) {
			t.Errorf("%q is %s, which is %d, %v", text, money, again, err)
		}
	})
}
