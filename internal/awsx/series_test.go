package awsx

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// minuteAfterStart returns testStart plus a number of minutes.
func minuteAfterStart(minutes int) time.Time {
	return testStart.Add(time.Duration(minutes) * time.Minute)
}

// minuteSamples returns samples of successive minutes, the first one a number of minutes after testStart.
func minuteSamples(first int, values ...float64) []scaling.Sample {
	var list []scaling.Sample
	for n, v := range values {
		list = append(list, scaling.Sample{Time: minuteAfterStart(first + n), Value: v})
	}
	return list
}

// samplesOf lists the samples of a series.
func samplesOf(series scaling.Series) []scaling.Sample {
	var list []scaling.Sample
	for at, v := range series.All() {
		list = append(list, scaling.Sample{Time: at, Value: v})
	}
	return list
}

// cacheOf returns the cached samples of a metric.
func cacheOf(m *metric, samples []scaling.Sample) cachedSamples {
	return mergeSamples(m, cachedSamples{}, samples, time.Time{})
}

func TestMergeSamples_ReplacesAndTrims(t *testing.T) {
	tests := []struct {
		name   string
		fresh  []scaling.Sample
		oldest time.Time
		want   []scaling.Sample
	}{
		{"unchanged without new samples", nil, minuteAfterStart(0), minuteSamples(0, 10, 11, 12)},
		{"newer samples appended", minuteSamples(3, 13), minuteAfterStart(0), minuteSamples(0, 10, 11, 12, 13)},
		{"changed sample replaced", minuteSamples(2, 99, 13), minuteAfterStart(0), minuteSamples(0, 10, 11, 99, 13)},
		{"gap not filled", minuteSamples(5, 15), minuteAfterStart(0), append(minuteSamples(0, 10, 11, 12), minuteSamples(5, 15)...)},
		{"unsorted samples sorted", []scaling.Sample{{Time: minuteAfterStart(4), Value: 14}, {Time: minuteAfterStart(3), Value: 13}}, minuteAfterStart(0), minuteSamples(0, 10, 11, 12, 13, 14)},
		{"old samples dropped", minuteSamples(3, 13), minuteAfterStart(2), minuteSamples(2, 12, 13)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cached := cacheOf(cpuUtilization, minuteSamples(0, 10, 11, 12))
			observed := cached.buffer.Series()
			got := mergeSamples(cpuUtilization, cached, test.fresh, test.oldest)
			if list := samplesOf(got.buffer.Series()); !slices.Equal(list, test.want) || got.newest != test.want[len(test.want)-1] {
				t.Errorf("got %v, newest %v, want %v", list, got.newest, test.want)
			}
			if list := samplesOf(observed); !slices.Equal(list, minuteSamples(0, 10, 11, 12)) {
				t.Errorf("what was observed before was modified: %v", list)
			}
		})
	}
	appended := mergeSamples(cpuUtilization, cacheOf(cpuUtilization, minuteSamples(0, 10, 11)), minuteSamples(1, 11, 12), minuteAfterStart(0))
	before := appended.buffer.Series()
	next := mergeSamples(cpuUtilization, appended, minuteSamples(2, 13, 14), minuteAfterStart(1))
	if got := samplesOf(next.buffer.Series()); !slices.Equal(got, minuteSamples(1, 11, 13, 14)) ||
		!slices.Equal(samplesOf(before), minuteSamples(0, 10, 11, 12)) {
		t.Errorf("a changed sample: got %v, and what was read before is now %v", got, samplesOf(before))
	}
	late := mergeSamples(cpuUtilization, cacheOf(cpuUtilization, append(minuteSamples(0, 10), minuteSamples(2, 12)...)), minuteSamples(1, 11), minuteAfterStart(0))
	if got := samplesOf(late.buffer.Series()); !slices.Equal(got, minuteSamples(0, 10, 11, 12)) || late.newest != minuteSamples(2, 12)[0] {
		t.Errorf("late sample: got %v, newest %v", got, late.newest)
	}
}

// Once all samples are too old, none is known, so that a rarely published metric is read as one without samples again.
func TestMergeSamples_DropsOldNewestSample(t *testing.T) {
	for _, m := range []*metric{possibleDBLoadCPU, replicaLag, engineUptime} {
		cached := mergeSamples(m, cacheOf(m, minuteSamples(0, 1, 2)), nil, minuteAfterStart(2))
		if !cached.newest.Time.IsZero() || !cached.buffer.Series().IsEmpty() {
			t.Errorf("%s: %+v", m.name, cached)
		}
	}
}

// The uptime of an instance that runs for a year has more digits than a float32, and a negative lag is not the one before.
func TestMergeSamples_KeepsNewestSampleExact(t *testing.T) {
	const year = 365*24*3600 + 0.125
	if got := cacheOf(engineUptime, minuteSamples(0, year-60, year)).newest; got != minuteSamples(1, year)[0] {
		t.Errorf("the newest uptime is %v", got)
	}
	lag := cacheOf(replicaLag, minuteSamples(0, 3, -1))
	if got := newestLag(replicaLag, lag.newest, minuteAfterStart(2)); got != nil {
		t.Errorf("replication is broken, and the lag is %v", got)
	}
	for _, m := range []*metric{engineUptime, replicaLag, auroraReplicaLag} {
		if cached := cacheOf(m, minuteSamples(0, 1, 2)); !cached.buffer.Series().IsEmpty() {
			t.Errorf("%s keeps samples that nothing uses", m.name)
		}
	}
}

// A time after the end of the query would make a series as long as the time until then.
func TestAddPage_DropsSamplesOutsideQuery(t *testing.T) {
	q := metricQuery{targetSeries: targetSeries{createdAt: minuteAfterStart(1)}, end: minuteAfterStart(3)}
	var page cloudwatchtypes.MetricDataResult
	for n := range 5 {
		page.Timestamps, page.Values = append(page.Timestamps, minuteAfterStart(n)), append(page.Values, float64(n))
	}
	page.StatusCode = cloudwatchtypes.StatusCodeComplete
	var got queryResult
	got.addPage(page, q, euWest1)
	if samples := got.appendSamples(nil, q); !slices.Equal(samples, minuteSamples(1, 1, 2)) || got.err != nil {
		t.Errorf("got %v, %v", samples, got.err)
	}
}

func TestTargetSeries_QueryStart(t *testing.T) {
	end := minuteAfterStart(600)
	cached := cachedSeries{coveredFrom: minuteAfterStart(0), samples: cacheOf(cpuUtilization, minuteSamples(595, 1, 2, 3))}
	tests := []struct {
		name    string
		metric  *metric
		created time.Time
		cached  cachedSeries
		window  time.Duration
		want    time.Time
		isFull  bool
	}{
		{"full window at the first read", cpuUtilization, minuteAfterStart(-9999), cachedSeries{}, 5 * time.Hour, minuteAfterStart(290), true},
		{"creation time of a young instance", cpuUtilization, minuteAfterStart(500).Add(20 * time.Second), cachedSeries{}, 5 * time.Hour, minuteAfterStart(500), true},
		{"one period before the end for an instance of this minute", cpuUtilization, minuteAfterStart(600), cachedSeries{}, 5 * time.Hour, minuteAfterStart(599), true},
		{"overlap before the newest sample", cpuUtilization, minuteAfterStart(-9999), cached, 5 * time.Hour, minuteAfterStart(587), false},
		{"full window when it grows", cpuUtilization, minuteAfterStart(-9999), cached, 11 * time.Hour, minuteAfterStart(-70), true},
		{"overlap before the covered end without samples", cpuUtilization, minuteAfterStart(-9999), cachedSeries{coveredFrom: minuteAfterStart(0), coveredUntil: minuteAfterStart(599)}, 5 * time.Hour, minuteAfterStart(589), false},
		{"full window after a long gap without samples", cpuUtilization, minuteAfterStart(-9999), cachedSeries{coveredFrom: minuteAfterStart(0), coveredUntil: minuteAfterStart(9)}, 5 * time.Hour, minuteAfterStart(290), true},
		{"full window when the full range was never read", cpuUtilization, minuteAfterStart(-9999), cachedSeries{samples: cacheOf(cpuUtilization, minuteSamples(595, 1))}, 5 * time.Hour, minuteAfterStart(290), true},
		{"full window after a long gap", cpuUtilization, minuteAfterStart(-9999), cachedSeries{coveredFrom: minuteAfterStart(0), samples: cacheOf(cpuUtilization, minuteSamples(100, 1))}, 5 * time.Hour, minuteAfterStart(290), true},
		{"limited to the retention", cpuUtilization, minuteAfterStart(-9999), cachedSeries{}, 100 * time.Hour, end.Add(-SampleRetention), true},
		{"fixed retention of a lag metric", auroraReplicaLag, minuteAfterStart(-9999), cachedSeries{}, 5 * time.Hour, minuteAfterStart(590), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := targetSeries{seriesKey: seriesKey{"db-1", test.metric}, identifier: "orders-a", createdAt: test.created}
			got := w.newQuery(test.cached, test.window, end)
			if !got.start.Equal(test.want) || got.isFullRange != test.isFull || got.targetSeries != w {
				t.Errorf("starts at %s, full range %v; want %s, %v", got.start, got.isFullRange, test.want, test.isFull)
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
		{"no request without queries", nil, nil},
		{"separate requests for different periods", append(history(2), queries(3, 10)...), []int{3, 2}},
		{"15 days in periods of 15 minutes split by datapoints", history(71), []int{70, 1}},
		{"one full request", queries(500, 10), []int{500}},
		{"second request above the maximum of queries", queries(501, 10), []int{500, 1}},
		{"second request above the maximum of datapoints", queries(400, 310), []int{325, 75}},
		{"25 hours split by datapoints", queries(70, 25*60), []int{67, 3}},
		{"long queries join a request where they fit", append(queries(3, 310), queries(100, 12)...), []int{103}},
		{"long queries in a request of their own", append(queries(3, 310), queries(400, 12)...), []int{400, 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []int
			seen := 0
			for _, b := range batchQueries(test.queries) {
				got = append(got, len(b.queries))
				seen += len(b.queries)
				if points := len(b.queries) * int(end.Sub(b.start)/b.queries[0].metric.period); points > maxDatapoints || len(b.queries) > maxQueries {
					t.Errorf("a request has %d queries and %d datapoints, above the limits", len(b.queries), points)
				}
				for _, q := range b.queries {
					if q.start.Before(b.start) {
						t.Errorf("a query from %s is in a request that starts at %s", q.start, b.start)
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
		metric  *metric
		samples []scaling.Sample
		want    *scaling.Lag
	}{
		{"unknown without samples", auroraReplicaLag, nil, nil},
		{"Aurora lag in milliseconds", auroraReplicaLag, minuteSamples(8, 10, 20.5), &scaling.Lag{MeasuredAt: minuteAfterStart(9), Value: 20500 * time.Microsecond}},
		{"RDS lag in seconds", replicaLag, minuteSamples(9, 3), &scaling.Lag{MeasuredAt: minuteAfterStart(9), Value: 3 * time.Second}},
		{"zero lag", replicaLag, minuteSamples(9, 0), &scaling.Lag{MeasuredAt: minuteAfterStart(9)}},
		{"unknown when replication is broken", replicaLag, minuteSamples(9, -1), nil},
		{"unknown when the newest sample is too old", replicaLag, minuteSamples(4, 1), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := newestLag(test.metric, cacheOf(test.metric, test.samples).newest, minuteAfterStart(10))
			if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestTargetSeries_HistoryOfReplacedCluster: a new cluster of the same name does not get the CPU history of the old one.
func TestTargetSeries_HistoryOfReplacedCluster(t *testing.T) {
	oldTopology := auroraTopology(nil)
	newTopology := auroraTopology(func(c *types.DBCluster, _ []types.DBInstance) {
		c.DbClusterResourceId, c.ClusterCreateTime = aws.String("cluster-new"), aws.Time(minuteAfterStart(500))
	})
	before, after := oldTopology.targetSeries(ordersCluster)[0], newTopology.targetSeries(ordersCluster)[0]
	if before.metric.role == "" || before.seriesKey == after.seriesKey {
		t.Errorf("%+v and %+v are the same series", before, after)
	}
	if q := after.newQuery(cachedSeries{}, time.Hour, minuteAfterStart(601)); !q.start.Equal(minuteAfterStart(495)) || !q.end.Equal(minuteAfterStart(600)) {
		t.Errorf("the query is [%s, %s)", q.start, q.end)
	}
}

func TestRestartTime_FromUptime(t *testing.T) {
	tests := []struct {
		name    string
		samples []scaling.Sample
		want    time.Time
	}{
		{"zero without samples", nil, time.Time{}},
		{"started an hour ago", minuteSamples(8, 3540, 3600), minuteAfterStart(-50)},
		{"restarted since the sample before", minuteSamples(8, 9e6, 20), minuteAfterStart(9)},
		{"zero when the newest sample is too old", minuteSamples(-8, 3600), time.Time{}},
	}
	for _, test := range tests {
		if got := restartTime(cacheOf(engineUptime, test.samples).newest, minuteAfterStart(10)); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
