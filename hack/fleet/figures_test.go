package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// newObserved returns a histogram with observations, and what it is in the exposition format.
func newObserved(t *testing.T, options prometheus.HistogramOpts) (prometheus.Histogram, func() histogram) {
	t.Helper()
	options.Name = "duration_seconds"
	h := prometheus.NewHistogram(options)
	return h, func() histogram {
		var m dto.Metric
		if err := h.Write(&m); err != nil {
			t.Fatal(err)
		}
		return newHistogram(m.GetHistogram())
	}
}

func assertNear(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %g, want %g", what, got, want)
	}
}

func TestHistogram_NativeQuantiles(t *testing.T) {
	h, read := newObserved(t, prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100})
	for range 500 {
		h.Observe(1000) // from before: the difference must not show it
	}
	before := read()
	for n := 1; n <= 1000; n++ {
		h.Observe(float64(n) / 100)
	}
	difference := read().minus(before)
	assertNear(t, "count", difference.count, 1000, 0)
	assertNear(t, "mean", difference.mean(), 5.005, 1e-6)
	assertNear(t, "p50", difference.quantile(0.5), 5, 0.1)
	assertNear(t, "p99", difference.quantile(0.99), 9.9, 0.1)
	assertNear(t, "p99 of twice the same", difference.add(difference).quantile(0.99), 9.9, 0.1)
}

func TestHistogram_NativeBucketsBecomeCoarser(t *testing.T) {
	h, read := newObserved(t, prometheus.HistogramOpts{NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 10})
	h.Observe(3)
	before := read()
	for n := range 60 {
		h.Observe(math.Exp2(float64(n%30) / 3))
	}
	after := read()
	if after.schema >= before.schema {
		t.Fatalf("the schema is %d after %d: the test does not test what it should", after.schema, before.schema)
	}
	difference := after.minus(before)
	assertNear(t, "count", difference.count, 60, 0)
	if p := difference.quantile(0.5); p < 8 || p > 128 {
		t.Errorf("p50 is %g, want it near 32, within one coarse bucket", p)
	}
}

func TestHistogram_FixedBuckets(t *testing.T) {
	h, read := newObserved(t, prometheus.HistogramOpts{Buckets: []float64{1, 2, 4}})
	for range 90 {
		h.Observe(1.5)
	}
	for range 10 {
		h.Observe(3)
	}
	assertNear(t, "p50", read().quantile(0.5), 1+50.0/90, 1e-9)
	assertNear(t, "p95", read().quantile(0.95), 3, 1e-9)
	for range 900 {
		h.Observe(100)
	}
	assertNear(t, "p99 above the highest bound", read().quantile(0.99), 4, 0)
	if !math.IsNaN(histogram{}.quantile(0.5)) {
		t.Error("a quantile of nothing is a number")
	}
}

func TestParseMetrics(t *testing.T) {
	text := `# TYPE requests_total counter
requests_total{verb="LIST",resource="pods"} 3
requests_total{verb="GET",resource="pods"} 4
requests_total{verb="LIST",resource="nodes"} 5
# TYPE up gauge
up 1
`
	families, err := parseMetrics(strings.NewReader(text), expfmt.NewFormat(expfmt.TypeTextPlain))
	if err != nil {
		t.Fatal(err)
	}
	s := metricsSnapshot{families: families}
	assertNear(t, "lists", s.sum("requests_total", labels{"verb": "LIST"}), 8, 0)
	assertNear(t, "all", s.sum("requests_total", nil), 12, 0)
	assertNear(t, "a label that no series has", s.sum("requests_total", labels{"zone": "a"}), 0, 0)
	assertNear(t, "a gauge", s.sum("up", nil), 1, 0)
	assertNear(t, "a missing metric", s.sum("down", nil), 0, 0)
}

func TestSteadyFigures_MonthlyCost(t *testing.T) {
	// Two metrics a minute are 87,600 a month.
	assertNear(t, "cost", steadyFigures{metrics: 20, minutes: 10}.monthlyCost(), 0.876, 1e-9)
}

func TestDurationQuantile(t *testing.T) {
	var sorted []time.Duration
	for n := 1; n <= 20; n++ {
		sorted = append(sorted, time.Duration(n)*time.Second)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 10, 0.95: 19, 1: 20} {
		if got := durationQuantile(sorted, q).Seconds(); got != want {
			t.Errorf("quantile %g is %g s, want %g s", q, got, want)
		}
	}
	if got := durationQuantile(nil, 0.5); got != 0 {
		t.Errorf("the quantile of nothing is %s", got)
	}
}

func TestPublishedAbove(t *testing.T) {
	start := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	var samples []rdssim.PublishedSample
	for n, value := range []float64{45, 45, 70, 79, 100, 100} {
		at := start.Add(time.Duration(n) * time.Minute)
		samples = append(samples, rdssim.PublishedSample{Time: at, PublishedAt: at.Add(130 * time.Second), Value: value})
	}
	at, found := publishedAbove(samples, 75, 2*time.Minute) // (70+79)/2 is below, (79+100)/2 above
	if want := samples[4].PublishedAt; !found || !at.Equal(want) {
		t.Errorf("the threshold is reached at %s (%t), want %s", at, found, want)
	}
	if _, found := publishedAbove(samples[:4], 75, 2*time.Minute); found {
		t.Error("the threshold is reached without a mean that reaches it")
	}
}

func TestFirstCalls(t *testing.T) {
	call := func(cluster, instance, failure string) rdssim.Call {
		return rdssim.Call{Parameters: map[string]string{"DBClusterIdentifier": cluster, "DBInstanceIdentifier": instance}, Error: failure}
	}
	first := firstCalls([]rdssim.Call{call("a", "1", "Throttling"), call("a", "2", ""), call("a", "3", ""), call("b", "4", "Throttling"), call("", "5", "")})
	if len(first) != 1 || first["a"].Parameters["DBInstanceIdentifier"] != "2" {
		t.Errorf("got %v, want the second call of a only", first)
	}
}

func TestCallCounts_Since(t *testing.T) {
	before := callCounts{list: []rdssim.CallCount{{Operation: "GetMetricData", Account: "1", Calls: 5, Metrics: 50}}}
	after := callCounts{list: []rdssim.CallCount{
		{Operation: "GetMetricData", Account: "1", Calls: 7, Metrics: 90},
		{Operation: "GetMetricData", Account: "1", Error: "Throttling", Calls: 1, Metrics: 10},
		{Operation: "GetMetricData", Account: "2", Calls: 100, Metrics: 1000},
	}}
	calls, metrics := after.since(before, func(account string) bool { return account == "1" })
	if calls["GetMetricData"] != 3 || metrics["GetMetricData"] != 50 {
		t.Errorf("got %v calls and %v metrics, want 3 and 50", calls, metrics)
	}
}

func TestParseStat(t *testing.T) {
	stat := "4242 (kube (api) x) S 17 4242 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 1000 123456 300 18446744073709551615 1 1"
	now := time.Unix(100, 0)
	got, err := parseStat(stat, now, 4096)
	if err != nil {
		t.Fatal(err)
	}
	if want := (usageSample{at: now, cpuSeconds: 3, bytes: 300 * 4096}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if program, fields, _ := statFields(stat); program != "kube (api) x" || fields[fieldParent] != "17" {
		t.Errorf("the program is %q with parent %s", program, fields[fieldParent])
	}
	for _, broken := range []string{"", "1 (a) S 1", "1 a S"} {
		if _, err := parseStat(broken, now, 4096); err == nil {
			t.Errorf("%q has no error", broken)
		}
	}
}

func TestParseFileMemory(t *testing.T) {
	if got, err := parseFileMemory("30000 300 120 9 0 8 0\n", 4096); err != nil || got != 120*4096 {
		t.Errorf("got %d, %v, want 120 pages", got, err)
	}
	for _, broken := range []string{"", "1 2", "1 2 x 4"} {
		if _, err := parseFileMemory(broken, 4096); err == nil {
			t.Errorf("%q has no error", broken)
		}
	}
}

func TestSummarizeUsage(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	samples := []usageSample{{at(0), 0, 999, 9}, {at(10), 5, 100, 30}, {at(20), 10, 300, 60}, {at(30), 20, 200, 90}, {at(40), 90, 999, 9}}
	if got, want := summarizeUsage(samples, at(10), at(30)), (usage{cores: 0.75, meanBytes: 199, maxBytes: 300, meanFileBytes: 60}); got.cores != want.cores ||
		got.meanFileBytes != want.meanFileBytes || got.maxBytes != want.maxBytes || got.meanBytes < want.meanBytes || got.meanBytes > want.meanBytes+1 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := summarizeUsage(nil, at(0), at(1)); got != (usage{}) {
		t.Errorf("without samples the usage is %+v", got)
	}
}

func TestFormatRates(t *testing.T) {
	got := formatRates(map[string]float64{"leases": 60, "events": 4, "a": 4}, 0.5)
	if want := "leases 30.0, a 2.0, events 2.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := formatRates(nil, 1); got != "none" {
		t.Errorf("without requests the text is %q", got)
	}
	if got := subtract(map[string]float64{"a": 3, "b": 2}, map[string]float64{"a": 3}); len(got) != 1 || got["b"] != 2 || total(got) != 2 {
		t.Errorf("the difference is %v", got)
	}
	if !slices.ContainsFunc([]string{"PATCH"}, isWrite) || isWrite("GET") || !isList("LIST") {
		t.Error("the verbs are confused")
	}
}
