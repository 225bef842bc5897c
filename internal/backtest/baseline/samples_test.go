package baseline

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestNewestMinutes(t *testing.T) {
	now := start.Add(time.Hour)
	for _, test := range []struct {
		name      string
		values    []float64
		sampleAge time.Duration
		n         int
		want      []float64
	}{
		{"newest three", []float64{1, 2, 3, 4}, 0, 3, []float64{2, 3, 4}},
		{"nil if too few", []float64{3, 4}, 0, 3, nil},
		{"nil with a missing minute", []float64{1, 2, missing, 4}, 0, 3, nil},
		{"earlier missing minute ignored", []float64{1, missing, 2, 3, 4}, 0, 3, []float64{2, 3, 4}},
		{"nil with NaN", []float64{1, 2, math.NaN(), 4}, 0, 3, nil},
		{"NaN at the end is not published", []float64{1, 2, 3, math.NaN()}, 0, 3, []float64{1, 2, 3}},
		{"started 5 min ago is fresh", []float64{1, 2, 3}, 4 * time.Minute, 3, []float64{1, 2, 3}},
		{"started 5 min and 1 s ago is stale", []float64{1, 2, 3}, 4*time.Minute + time.Second, 3, nil},
		{"nil without samples", nil, 0, 1, nil},
	} {
		var got []float64
		for _, v := range newestMinutes(newSeries(now.Add(-test.sampleAge), test.values), now, test.n).All() {
			got = append(got, v)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// The maximum of each window equals that of all samples, and few samples are kept.
func TestWindowMaximum(t *testing.T) {
	const window = 50 * time.Minute
	random := rand.New(rand.NewPCG(7, 7))
	var w windowMaximum
	var all []float64 // one a minute
	for n := range 5000 {
		at := start.Add(time.Duration(n) * time.Minute)
		value := float64(random.IntN(100))
		if n > 2000 && n < 3000 { // falling values: all are kept
			value = float64(10000 - n)
		}
		w.dropBefore(at.Add(-window))
		w.add(at, value)
		all = append(all, value)
		for _, back := range []time.Duration{0, 7 * time.Minute, window} {
			want := slices.Max(all[max(0, n-int(back/time.Minute)):])
			if got, ok := w.maxSince(at.Add(-back)); !ok || got != want {
				t.Fatalf("minute %d, %s back: %v, want %v", n, back, got, want)
			}
		}
	}
	if cap(w.samples) > 256 {
		t.Errorf("the capacity is %d samples for a window of 51", cap(w.samples))
	}
	w.dropBefore(start.Add(10000 * time.Minute))
	if v, ok := w.maxSince(start); ok {
		t.Errorf("the maximum after dropping all samples is %v", v)
	}
}
