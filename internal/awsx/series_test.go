package awsx

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// at is the time some minutes after the tests begin.
func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

// samples are values of successive minutes.
func samples(first int, values ...float64) []scaling.Sample {
	var list []scaling.Sample
	for n, v := range values {
		list = append(list, scaling.Sample{At: at(first + n), Value: v})
	}
	return list
}

func TestMerge(t *testing.T) {
	known := samples(0, 10, 11, 12)
	tests := []struct {
		name   string
		fresh  []scaling.Sample
		oldest time.Time
		want   []scaling.Sample
	}{
		{"nothing new", nil, at(0), known},
		{"newer", samples(3, 13), at(0), samples(0, 10, 11, 12, 13)},
		{"still changing", samples(2, 99, 13), at(0), samples(0, 10, 11, 99, 13)},
		{"a gap stays a gap", samples(5, 15), at(0), append(samples(0, 10, 11, 12), samples(5, 15)...)},
		{"in any order", []scaling.Sample{{At: at(4), Value: 14}, {At: at(3), Value: 13}}, at(0), samples(0, 10, 11, 12, 13, 14)},
		{"the old are dropped", samples(3, 13), at(2), samples(2, 12, 13)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := merge(known, test.fresh, test.oldest); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if !slices.Equal(known, samples(0, 10, 11, 12)) {
				t.Errorf("what was known was changed: %v", known)
			}
		})
	}
	late := merge(append(samples(0, 10), samples(2, 12)...), samples(1, 11), at(0))
	if !slices.Equal(late, samples(0, 10, 11, 12)) {
		t.Errorf("a late sample: got %v", late)
	}
}

func TestQueryStart(t *testing.T) {
	end := at(600)
	known := series{from: at(0), samples: samples(595, 1, 2, 3)}
	tests := []struct {
		name    string
		metric  metric
		created time.Time
		known   series
		window  time.Duration
		want    time.Time
		whole   bool
	}{
		{"the first time", cpuUtilization, at(-9999), series{}, 5 * time.Hour, at(290), true},
		{"a young instance", cpuUtilization, at(500).Add(20 * time.Second), series{}, 5 * time.Hour, at(500), true},
		{"an instance of this minute", cpuUtilization, at(600), series{}, 5 * time.Hour, at(599), true},
		{"going on", cpuUtilization, at(-9999), known, 5 * time.Hour, at(587), false},
		{"a longer window", cpuUtilization, at(-9999), known, 11 * time.Hour, at(-70), true},
		{"no sample yet", cpuUtilization, at(-9999), series{from: at(0), until: at(599)}, 5 * time.Hour, at(589), false},
		{"no sample yet and a long gap", cpuUtilization, at(-9999), series{from: at(0), until: at(9)}, 5 * time.Hour, at(290), true},
		{"never read as a whole", cpuUtilization, at(-9999), series{samples: samples(595, 1)}, 5 * time.Hour, at(290), true},
		{"a long gap", cpuUtilization, at(-9999), series{from: at(0), samples: samples(100, 1)}, 5 * time.Hour, at(290), true},
		{"a window above the retention", cpuUtilization, at(-9999), series{}, 100 * time.Hour, end.Add(-Retention), true},
		{"only the newest counts", auroraReplicaLag, at(-9999), series{}, 5 * time.Hour, at(590), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := wanted{seriesKey: seriesKey{"db-1", test.metric}, instance: "orders-a", created: test.created}
			got := w.query(test.known, test.window, end)
			if !got.start.Equal(test.want) || got.whole != test.whole || got.wanted != w {
				t.Errorf("starts %s, whole %v; want %s, %v", got.start, got.whole, test.want, test.whole)
			}
		})
	}
}

func TestBatches(t *testing.T) {
	end := at(0)
	queries := func(count, minutes int) []query {
		list := make([]query, count)
		for n := range list {
			list[n] = query{
				wanted: wanted{instance: fmt.Sprint(n), seriesKey: seriesKey{metric: cpuUtilization}},
				start:  end.Add(-time.Duration(minutes) * time.Minute), end: end,
			}
		}
		return list
	}
	history := func(count int) []query {
		list := queries(count, 15*24*60)
		for n := range list {
			list[n].metric = readersCPU
		}
		return list
	}
	tests := []struct {
		name    string
		queries []query
		want    []int
	}{
		{"none", nil, nil},
		{"other periods go apart, so that nobody reads minutes as far back", append(history(2), queries(3, 10)...), []int{3, 2}},
		{"two weeks in quarters of an hour", history(71), []int{70, 1}},
		{"one request's worth", queries(500, 10), []int{500}},
		{"one more", queries(501, 10), []int{500, 1}},
		{"so many datapoints that fewer fit", queries(400, 310), []int{325, 75}},
		{"a day each", queries(70, 25*60), []int{67, 3}},
		{"those that reach far back join if they fit", append(queries(3, 310), queries(100, 12)...), []int{103}},
		{"those that reach far back go apart", append(queries(3, 310), queries(400, 12)...), []int{400, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []int
			seen := 0
			for _, b := range batches(test.queries) {
				got = append(got, len(b.queries))
				seen += len(b.queries)
				if points := len(b.queries) * int(end.Sub(b.start)/b.queries[0].metric.period); points > maxDatapoints || len(b.queries) > maxQueries {
					t.Errorf("%d queries with %d datapoints are too many", len(b.queries), points)
				}
				for _, q := range b.queries {
					if q.start.Before(b.start) {
						t.Errorf("a query from %s is in a request from %s", q.start, b.start)
					}
				}
			}
			if !slices.Equal(got, test.want) || seen != len(test.queries) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestLag(t *testing.T) {
	tests := []struct {
		name    string
		metric  metric
		samples []scaling.Sample
		want    *scaling.Lag
	}{
		{"none", auroraReplicaLag, nil, nil},
		{"Aurora measures in milliseconds", auroraReplicaLag, samples(8, 10, 20.5), &scaling.Lag{At: at(9), Value: 20500 * time.Microsecond}},
		{"RDS measures in seconds", replicaLag, samples(9, 3), &scaling.Lag{At: at(9), Value: 3 * time.Second}},
		{"no lag at all", replicaLag, samples(9, 0), &scaling.Lag{At: at(9)}},
		{"broken", replicaLag, samples(9, -1), nil},
		{"too old", replicaLag, samples(4, 1), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := lag(test.metric, test.samples, at(10))
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
