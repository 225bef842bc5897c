package model

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// TestForEachPublished_MatchesMetricAverages: repeated calls return each published minute once, with the values of
// MetricAverages, also for a deleted instance.
func TestForEachPublished_MatchesMetricAverages(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	seen := map[string]int{}
	var since time.Time
	for n := range 6 * 60 {
		advance(w, 10*time.Second)
		if n == 200 {
			must[*Instance](t)(w.DeleteInstance(testRegion, "orders-3", true, ""))
		}
		since = w.ForEachPublished(testRegion, "orders", since, func(r InstanceMetrics) {
			seen[fmt.Sprint(r.Identifier, r.Time.Unix())]++
			dimensions := map[string]string{"DBInstanceIdentifier": r.Identifier}
			for metric, got := range map[string]float64{
				"CPUUtilization": r.CPUPercent, "FreeableMemory": r.FreeableMemoryBytes, "DatabaseConnections": r.Connections, "DBLoadCPU": r.DBLoadCPU,
				"EngineUptime": r.UptimeSeconds,
			} {
				want := w.MetricAverages(testRegion, dimensions, metric, r.Time, r.Time.Add(time.Minute))
				if len(want) != 1 || want[0].Value != got {
					t.Fatalf("%s of %s at %s is %g, want %v", metric, r.Identifier, r.Time, got, want)
				}
			}
			if lag := w.MetricAverages(testRegion, dimensions, "AuroraReplicaLag", r.Time, r.Time.Add(time.Minute)); r.IsWriter != (len(lag) == 0) ||
				!r.IsWriter && r.ReplicaLag.Round(time.Microsecond) != time.Duration(lag[0].Value*1e6).Round(time.Microsecond) {
				t.Fatalf("got lag %s, want %v", r.ReplicaLag, lag)
			}
		})
	}
	for key, times := range seen {
		if times != 1 {
			t.Errorf("%s: got %d readings, want 1", key, times)
		}
	}
	want := 0
	for _, id := range []string{"orders-1", "orders-2", "orders-3"} {
		want += len(w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": id}, "CPUUtilization", testStart, w.Now()))
	}
	if len(seen) != want || want < 140 {
		t.Errorf("got %d readings, want %d", len(seen), want)
	}
}

// TestMinuteSummary_CountsDisruptions: a class change of a reader is one disruption, that of the writer with its failover one,
// a new reader none, and SetVCPUs none.
func TestMinuteSummary_CountsDisruptions(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	count := func() int {
		n := 0
		for _, m := range w.MinutesSince(testRegion, "orders", time.Time{}) {
			n += m.Disruptions
		}
		return n
	}
	class := "db.r6g.xlarge"
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"no change", func() {}, 0},
		{"class change of a reader", func() {
			must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{Class: &class, ApplyImmediately: true}))
		}, 1},
		{"failover", func() { must[*Cluster](t)(w.FailoverCluster(testRegion, "orders", "orders-2")) }, 2},
		{"class change of the writer", func() {
			other := "db.r6g.2xlarge"
			must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{Class: &other, ApplyImmediately: true}))
		}, 3},
		{"new reader", func() {
			must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "more", Cluster: "orders", Engine: "aurora-postgresql", Class: class}))
		}, 3},
		{"SetVCPUs", func() {
			if err := w.SetVCPUs(testRegion, "orders-3", 3); err != nil {
				t.Fatal(err)
			}
		}, 3},
	} {
		step.do()
		advance(w, 30*time.Minute)
		if got := count(); got != step.want {
			t.Errorf("%s: got %d disruptions in total, want %d", step.name, got, step.want)
		}
	}
	if actual, _ := w.GroundTruth(testRegion, "orders-3"); actual.VCPUs != 3 || !actual.InService {
		t.Errorf("after SetVCPUs: got %+v, want 3 vCPUs in service", actual)
	}
	if err := w.SetVCPUs(testRegion, "orders-3", 0); err == nil {
		t.Error("SetVCPUs accepted 0 vCPUs")
	}
}

// TestMinuteSummary_CountsUnservedOnce: unserved work counts once; retried work does not count again.
func TestMinuteSummary_CountsUnservedOnce(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 3, "db.r6g.large", "db.r6g.large"))
	advance(w, 2*time.Hour)
	total := 0.0
	minutes := w.MinutesSince(testRegion, "orders", testStart.Add(time.Hour))
	for _, m := range minutes {
		total += m.ReaderUnservedVCPUSeconds
	}
	// The demand is 3 vCPUs, and the reader can serve 98.5 % of 2.
	each := total / float64(len(minutes)) / 60
	if len(minutes) != 60 || math.Abs(each-1.03) > 1e-9 {
		t.Errorf("got %d minutes with %.3f unserved vCPUs, want 60 with 1.030", len(minutes), each)
	}
}

// TestRegularSeries_EqualsPoints: a series equals points at the same instants. Invalid series are refused.
func TestRegularSeries_EqualsPoints(t *testing.T) {
	series := Curve{Series: &RegularSeries{From: Instant{Offset: time.Minute}, VCPUs: []float64{1, 3, 2}}}
	series.Series.Interval.Duration = 5 * time.Minute
	points := Curve{Points: []CurvePoint{{Instant{Offset: time.Minute}, 1}, {Instant{Offset: 6 * time.Minute}, 3}, {Instant{Offset: 11 * time.Minute}, 2}}}
	s := Scenario{}
	s.Start.Time = testStart
	fromSeries, fromPoints := must[demand](t)(s.resolveDemand(series)), must[demand](t)(s.resolveDemand(points))
	for at := time.Duration(0); at < 15*time.Minute; at += 10 * time.Second {
		if a, b := fromSeries.vcpusAt(at), fromPoints.vcpusAt(at); math.Abs(a-b) > 1e-12 {
			t.Errorf("%s after the start: got %g, want %g", at, a, b)
		}
	}
	for want, invalid := range map[string]RegularSeries{
		"interval of at least": {VCPUs: []float64{1}}, "want vcpus": {Interval: series.Series.Interval}, "vcpus >= 0": {Interval: series.Series.Interval, VCPUs: []float64{math.NaN()}},
	} {
		if err := (Curve{Series: &invalid}).validate(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
