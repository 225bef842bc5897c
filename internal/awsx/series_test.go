package awsx

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// minuteAfterStart is the time some minutes after the tests begin.
func minuteAfterStart(minutes int) time.Time {
	return testStart.Add(time.Duration(minutes) * time.Minute)
}

// minuteSamples are values of successive minutes.
func minuteSamples(first int, values ...float64) []scaling.Sample {
	var list []scaling.Sample
	for n, v := range values {
		list = append(list, scaling.Sample{Time: minuteAfterStart(first + n), Value: v})
	}
	return list
}

func TestMergeSamples_ReplacesAndTrims(t *testing.T) {
	known := minuteSamples(0, 10, 11, 12)
	tests := []struct {
		name   string
		fresh  []scaling.Sample
		oldest time.Time
		want   []scaling.Sample
	}{
		{"nothing new", nil, minuteAfterStart(0), known},
		{"newer", minuteSamples(3, 13), minuteAfterStart(0), minuteSamples(0, 10, 11, 12, 13)},
		{"still changing", minuteSamples(2, 99, 13), minuteAfterStart(0), minuteSamples(0, 10, 11, 99, 13)},
		{"a gap stays a gap", minuteSamples(5, 15), minuteAfterStart(0), append(minuteSamples(0, 10, 11, 12), minuteSamples(5, 15)...)},
		{"in any order", []scaling.Sample{{Time: minuteAfterStart(4), Value: 14}, {Time: minuteAfterStart(3), Value: 13}}, minuteAfterStart(0), minuteSamples(0, 10, 11, 12, 13, 14)},
		{"the old are dropped", minuteSamples(3, 13), minuteAfterStart(2), minuteSamples(2, 12, 13)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := mergeSamples(known, test.fresh, test.oldest); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if !slices.Equal(known, minuteSamples(0, 10, 11, 12)) {
				t.Errorf("what was known was changed: %v", known)
			}
		})
	}
	late := mergeSamples(append(minuteSamples(0, 10), minuteSamples(2, 12)...), minuteSamples(1, 11), minuteAfterStart(0))
	if !slices.Equal(late, minuteSamples(0, 10, 11, 12)) {
		t.Errorf("a late sample: got %v", late)
	}
}

func TestTargetSeries_QueryStart(t *testing.T) {
	end := minuteAfterStart(600)
	known := cachedSeries{coveredFrom: minuteAfterStart(0), samples: minuteSamples(595, 1, 2, 3)}
	tests := []struct {
		name    string
		metric  metric
		created time.Time
		known   cachedSeries
		window  time.Duration
		want    time.Time
		whole   bool
	}{
		{"the first time", cpuUtilization, minuteAfterStart(-9999), cachedSeries{}, 5 * time.Hour, minuteAfterStart(290), true},
		{"a young instance", cpuUtilization, minuteAfterStart(500).Add(20 * time.Second), cachedSeries{}, 5 * time.Hour, minuteAfterStart(500), true},
		{"an instance of this minute", cpuUtilization, minuteAfterStart(600), cachedSeries{}, 5 * time.Hour, minuteAfterStart(599), true},
		{"going on", cpuUtilization, minuteAfterStart(-9999), known, 5 * time.Hour, minuteAfterStart(587), false},
		{"a longer window", cpuUtilization, minuteAfterStart(-9999), known, 11 * time.Hour, minuteAfterStart(-70), true},
		{"no sample yet", cpuUtilization, minuteAfterStart(-9999), cachedSeries{coveredFrom: minuteAfterStart(0), coveredUntil: minuteAfterStart(599)}, 5 * time.Hour, minuteAfterStart(589), false},
		{"no sample yet and a long gap", cpuUtilization, minuteAfterStart(-9999), cachedSeries{coveredFrom: minuteAfterStart(0), coveredUntil: minuteAfterStart(9)}, 5 * time.Hour, minuteAfterStart(290), true},
		{"never read as a whole", cpuUtilization, minuteAfterStart(-9999), cachedSeries{samples: minuteSamples(595, 1)}, 5 * time.Hour, minuteAfterStart(290), true},
		{"a long gap", cpuUtilization, minuteAfterStart(-9999), cachedSeries{coveredFrom: minuteAfterStart(0), samples: minuteSamples(100, 1)}, 5 * time.Hour, minuteAfterStart(290), true},
		{"a window above the retention", cpuUtilization, minuteAfterStart(-9999), cachedSeries{}, 100 * time.Hour, end.Add(-SampleRetention), true},
		{"only the newest counts", auroraReplicaLag, minuteAfterStart(-9999), cachedSeries{}, 5 * time.Hour, minuteAfterStart(590), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := targetSeries{seriesKey: seriesKey{"db-1", test.metric}, identifier: "orders-a", createdAt: test.created}
			got := w.newQuery(test.known, test.window, end)
			if !got.start.Equal(test.want) || got.isFullRange != test.whole || got.targetSeries != w {
				t.Errorf("starts %s, whole %v; want %s, %v", got.start, got.isFullRange, test.want, test.whole)
			}
		})
	}
}

func TestBatchQueries_RespectsRequestLimits(t *testing.T) {
	end := minuteAfterStart(0)
	queries := func(count, minutes int) []metricQuery {
		list := make([]metricQuery, count)
		for n := range list {
			list[n] = metricQuery{
				targetSeries: targetSeries{identifier: fmt.Sprint(n), seriesKey: seriesKey{metric: cpuUtilization}},
				start:        end.Add(-time.Duration(minutes) * time.Minute), end: end,
			}
		}
		return list
	}
	history := func(count int) []metricQuery {
		list := queries(count, 15*24*60)
		for n := range list {
			list[n].metric = readersCPU
		}
		return list
	}
	tests := []struct {
		name    string
		queries []metricQuery
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
			for _, b := range batchQueries(test.queries) {
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

func TestNewestLag_ByMetric(t *testing.T) {
	tests := []struct {
		name    string
		metric  metric
		samples []scaling.Sample
		want    *scaling.Lag
	}{
		{"none", auroraReplicaLag, nil, nil},
		{"Aurora measures in milliseconds", auroraReplicaLag, minuteSamples(8, 10, 20.5), &scaling.Lag{MeasuredAt: minuteAfterStart(9), Value: 20500 * time.Microsecond}},
		{"RDS measures in seconds", replicaLag, minuteSamples(9, 3), &scaling.Lag{MeasuredAt: minuteAfterStart(9), Value: 3 * time.Second}},
		{"no lag at all", replicaLag, minuteSamples(9, 0), &scaling.Lag{MeasuredAt: minuteAfterStart(9)}},
		{"broken", replicaLag, minuteSamples(9, -1), nil},
		{"too old", replicaLag, minuteSamples(4, 1), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := newestLag(test.metric, test.samples, minuteAfterStart(10))
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
