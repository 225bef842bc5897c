package model

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func instanceDimensions(id string) map[string]string {
	return map[string]string{"DBInstanceIdentifier": id}
}

func roleDimensions(cluster, role string) map[string]string {
	return map[string]string{"DBClusterIdentifier": cluster, "Role": role}
}

// singleValue returns the only datapoint of a metric for the minute at an offset from the start.
func singleValue(t *testing.T, w *World, dimensions map[string]string, metric string, at time.Duration) float64 {
	t.Helper()
	points := w.MetricAverages(testRegion, dimensions, metric, testStart.Add(at), testStart.Add(at+time.Minute))
	if len(points) != 1 || !points[0].Time.Equal(testStart.Add(at)) {
		t.Fatalf("%s of %v: got %v %s after the start, want one datapoint", metric, dimensions, points, at)
	}
	return points[0].Value
}

// TestMetricAverages_Series: the existing series have plausible values; others have no datapoints.
func TestMetricAverages_Series(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 1, "db.r6g.large", "db.r6g.xlarge"), standaloneInstance(1, "db.m6g.large", false))
	advance(w, 30*time.Minute)
	const gib = 1 << 30
	const year = 366 * 24 * time.Hour // 365 days since 5 February 2023, and a margin
	for _, test := range []struct {
		dimensions       map[string]string
		metric           string
		minimum, maximum float64
	}{
		{instanceDimensions("orders-1"), "CPUUtilization", 26.49, 26.51},
		{instanceDimensions("orders-2"), "CPUUtilization", 26.49, 26.51},
		{roleDimensions("orders", "WRITER"), "CPUUtilization", 26.49, 26.51},
		{roleDimensions("orders", "READER"), "CPUUtilization", 26.49, 26.51},
		{instanceDimensions("orders-2"), "DatabaseConnections", 40, 60},
		{instanceDimensions("orders-1"), "FreeableMemory", 4 * gib, 8 * gib},
		{instanceDimensions("orders-2"), "FreeableMemory", 8 * gib, 16 * gib},
		{instanceDimensions("orders-2"), "AuroraReplicaLag", 10, 50},
		{instanceDimensions("orders-2"), "EngineUptime", 364 * 86400, year.Seconds()},
		{instanceDimensions("orders-2"), "DBLoadCPU", 0.99, 1.01},
		{instanceDimensions("orders-2"), "DBLoad", 1.01, 1.5},
		{instanceDimensions("ledger"), "CPUUtilization", 51.49, 51.51},
	} {
		if got := singleValue(t, w, test.dimensions, test.metric, 10*time.Minute); got < test.minimum || got > test.maximum {
			t.Errorf("%s of %v: got %g, want %g to %g", test.metric, test.dimensions, got, test.minimum, test.maximum)
		}
	}
	for _, test := range []struct {
		region     string
		dimensions map[string]string
		metric     string
	}{
		{testRegion, instanceDimensions("orders-1"), "AuroraReplicaLag"}, // of the writer
		{testRegion, instanceDimensions("ledger"), "EngineUptime"},       // of a standalone instance
		{testRegion, instanceDimensions("ledger"), "DBLoadCPU"},          // without Performance Insights
		{testRegion, instanceDimensions("orders-1"), "NoSuchMetric"},
		{testRegion, instanceDimensions("nobody"), "CPUUtilization"},
		{"eu-west-2", instanceDimensions("orders-1"), "CPUUtilization"},
		{testRegion, roleDimensions("orders", "ANY"), "CPUUtilization"},
		{testRegion, map[string]string{"DBClusterIdentifier": "orders"}, "CPUUtilization"},
		{testRegion, nil, "CPUUtilization"},
	} {
		if got := w.MetricAverages(test.region, test.dimensions, test.metric, testStart, w.Now()); len(got) != 0 {
			t.Errorf("%s of %v in %s: got %d datapoints, want none", test.metric, test.dimensions, test.region, len(got))
		}
	}
}

// TestMetricSamples_OnePerInstanceOfRole: the series of a role has one sample for each instance.
func TestMetricSamples_OnePerInstanceOfRole(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge"))
	advance(w, 30*time.Minute)
	at := testStart.Add(10 * time.Minute)
	got := w.MetricSamples(testRegion, roleDimensions("orders", "READER"), "CPUUtilization", at, at.Add(time.Minute))
	if len(got) != 2 {
		t.Fatalf("got samples %v", got)
	}
	assertNear(t, "the smaller reader", got[0].Value, 26.5)
	assertNear(t, "the larger reader", got[1].Value, 14)
	assertNear(t, "their mean", singleValue(t, w, roleDimensions("orders", "READER"), "CPUUtilization", 10*time.Minute), 20.25)
}

// TestMetrics_NoDBLoadWithoutPerformanceInsights: neither instances nor roles have DBLoad metrics.
func TestMetrics_NoDBLoadWithoutPerformanceInsights(t *testing.T) {
	d := auroraCluster(1, 1, "db.r6g.large", "db.r6g.large")
	d.PerformanceInsights = false
	w := newWorld(t, nil, d)
	advance(w, 10*time.Minute)
	for _, metric := range []string{"DBLoad", "DBLoadCPU"} {
		for _, dimensions := range []map[string]string{
			instanceDimensions("orders-1"), instanceDimensions("orders-2"), roleDimensions("orders", "WRITER"), roleDimensions("orders", "READER"),
		} {
			if got := w.MetricAverages(testRegion, dimensions, metric, testStart, w.Now()); len(got) != 0 {
				t.Errorf("%s of %v: got %d datapoints, want none", metric, dimensions, len(got))
			}
		}
	}
	if got := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart, w.Now()); len(got) < 7 {
		t.Errorf("CPUUtilization: got %d datapoints, want at least 7", len(got))
	}
}

// TestMetrics_NoDBLoadWhileIdle: without load DBLoad metrics are missing rather than zero.
func TestMetrics_NoDBLoadWhileIdle(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0, 0, "db.r6g.large"))
	advance(w, 10*time.Minute)
	if got := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "DBLoadCPU", testStart, w.Now()); len(got) != 0 {
		t.Errorf("got DBLoadCPU %v, want none", got)
	}
	if got := singleValue(t, w, instanceDimensions("orders-1"), "CPUUtilization", 0); got <= 0 || got > 5 {
		t.Errorf("got CPU %g of an idle instance, want 0 to 5", got)
	}
}

// TestMetrics_AppearAfterPublishDelay: a minute appears after the publish delay, in order. Queries include from and exclude to.
func TestMetrics_AppearAfterPublishDelay(t *testing.T) {
	for name, delay := range map[string]struct{ set, minimum, maximum time.Duration }{
		"default delay":  {0, 60 * time.Second, 90 * time.Second},
		"scenario delay": {5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(s *Scenario) { s.PublishDelay.Duration = delay.set }, auroraCluster(1, 1, "db.r6g.large"))
			appeared := 0
			delays := map[time.Duration]bool{}
			for range 60 * 60 {
				advance(w, time.Second)
				points := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart, w.Now())
				if len(points) > appeared {
					appeared++
					late := w.Now().Sub(points[appeared-1].Time.Add(time.Minute))
					delays[late] = true
					if late < delay.minimum || late > delay.maximum {
						t.Errorf("minute %s appeared %s after its end", points[appeared-1].Time, late)
					}
				}
				if len(points) != appeared {
					t.Fatalf("at %s: got %d datapoints, want %d", w.Now(), len(points), appeared)
				}
			}
			if appeared < 50 || delay.set == 0 && len(delays) < 10 {
				t.Errorf("got %d minutes with %d distinct delays", appeared, len(delays))
			}
		})
	}
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
	advance(w, time.Hour)
	points := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart.Add(5*time.Minute), testStart.Add(8*time.Minute))
	if len(points) != 3 || !points[0].Time.Equal(testStart.Add(5*time.Minute)) || !points[2].Time.Equal(testStart.Add(7*time.Minute)) {
		t.Errorf("from minute 5 to 8: got %v, want minutes 5, 6 and 7", points)
	}
}

// TestMetrics_MissingDuringOutagesAndGaps: minutes that were mostly spent out of service and minutes in a metric gap have no
// datapoint.
func TestMetrics_MissingDuringOutagesAndGaps(t *testing.T) {
	w := newWorld(t, func(s *Scenario) {
		s.MetricGaps = []MetricGap{{testRegion, "orders-2", Instant{Offset: 30 * time.Minute}, Instant{Time: testStart.Add(35 * time.Minute)}}}
	}, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"), standaloneInstance(1, "db.m6g.large", false))
	w.AddMetricGap(testRegion, "orders-2", testStart.Add(50*time.Minute), testStart.Add(51*time.Minute))
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge")))
	out := map[string]int{} // ticks out of service, by the minute
	for range 6 * 90 {
		advance(w, tickInterval)
		if actual, _ := w.GroundTruth(testRegion, "ledger"); !actual.InService {
			out[w.Now().Add(-tickInterval).Format("15:04")]++
		}
	}
	points := cpuByMinute(w, "ledger")
	missing := 0
	for at := testStart; at.Before(testStart.Add(80 * time.Minute)); at = at.Add(time.Minute) {
		clock := at.Format("15:04")
		_, has := points[clock]
		if has != (out[clock] <= 3) {
			t.Errorf("out of service for %d ticks of minute %s: got a datapoint %t", out[clock], clock, has)
		}
		if !has {
			missing++
		}
		if has && points[clock] < 20 {
			t.Errorf("at %s: got CPU %g %%, want at least 20", clock, points[clock])
		}
	}
	if missing < 5 || missing > 16 {
		t.Errorf("got %d missing minutes, want 5 to 16", missing)
	}
	if points["08:01"] < 50 || points["09:10"] > 30 {
		t.Errorf("got CPU %g %% of two vCPUs before and %g %% of four after", points["08:01"], points["09:10"])
	}

	all := maps.Clone(cpuByMinute(w, "orders-1"))
	maps.DeleteFunc(all, func(clock string, _ float64) bool { return cpuByMinute(w, "orders-2")[clock] > 0 })
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"08:30", "08:31", "08:32", "08:33", "08:34", "08:50"}) {
		t.Errorf("got gaps %v", got)
	}
}

// TestMetrics_RoleSeriesFollowFailover: after a failover the series of a role is that of the other instance; earlier datapoints
// stay.
func TestMetrics_RoleSeriesFollowFailover(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 0.2, "db.r6g.large", "db.r6g.xlarge"))
	advance(w, 10*time.Minute)
	must[*Cluster](t)(w.FailoverCluster(testRegion, "orders", ""))
	advance(w, 30*time.Minute)
	for _, test := range []struct {
		role, instance string
		at             time.Duration
	}{
		{"WRITER", "orders-1", 5 * time.Minute}, {"READER", "orders-2", 5 * time.Minute},
		{"WRITER", "orders-2", 30 * time.Minute}, {"READER", "orders-1", 30 * time.Minute},
	} {
		got := singleValue(t, w, roleDimensions("orders", test.role), "CPUUtilization", test.at)
		if want := singleValue(t, w, instanceDimensions(test.instance), "CPUUtilization", test.at); got != want {
			t.Errorf("%s after the start: got %s %g, want that of %s, %g", test.at, test.role, got, test.instance, want)
		}
	}
	if lag := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "AuroraReplicaLag", testStart, w.Now()); len(lag) < 20 || lag[0].Time.Before(testStart.Add(10*time.Minute)) {
		t.Errorf("got lag of the new reader %v", lag)
	}
	before := singleValue(t, w, instanceDimensions("orders-2"), "EngineUptime", 5*time.Minute)
	if after := singleValue(t, w, instanceDimensions("orders-2"), "EngineUptime", 30*time.Minute); after > 30*60 || before < 86400 {
		t.Errorf("got EngineUptime %g s before and %g s after the promotion, want a restart", before, after)
	}
}

// TestMetrics_OutliveInstance: the metrics of a deleted instance remain, and a new instance of the same name continues the
// series.
func TestMetrics_OutliveInstance(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	advance(w, 10*time.Minute)
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-2", true, ""))
	advance(w, 10*time.Minute)
	if got := len(cpuByMinute(w, "orders-2")); got != 10 {
		t.Errorf("got %d minutes of the deleted instance, want 10", got)
	}
	must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-2", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	advance(w, 30*time.Minute)
	points := cpuByMinute(w, "orders-2")
	if points["08:05"] == 0 || points["08:45"] == 0 || points["08:18"] != 0 {
		t.Errorf("got points %v", points)
	}
}

// TestRetention_PrunesOldPoints: samples, minute summaries, deleted instances and gaps are removed after the retention time.
func TestRetention_PrunesOldPoints(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-2", true, ""))
	w.AddMetricGap(testRegion, "orders-1", testStart, testStart.Add(time.Hour))
	w.Advance(testStart.Add(DefaultRetention + 48*time.Hour))
	oldest := w.Now().Add(-DefaultRetention - 24*time.Hour) // pruning runs once a day
	points := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart, w.Now())
	minutes := w.Minutes(testRegion, "orders")
	if points[0].Time.Before(oldest) || points[0].Time.After(oldest.Add(24*time.Hour)) || !minutes[0].Time.Equal(points[0].Time) {
		t.Errorf("at %s: got the oldest datapoint at %s, the oldest minute at %s", w.Now(), points[0].Time, minutes[0].Time)
	}
	if len(w.deletedInstances) != 0 || len(w.metricGaps) != 0 {
		t.Errorf("got %d deleted instances and %d gaps, want none", len(w.deletedInstances), len(w.metricGaps))
	}
	if got := w.Minutes(testRegion, "nobody"); got != nil {
		t.Errorf("unknown database: got %d minutes", len(got))
	}
}

// TestEvents_FiltersAndKeepsTwoWeeks: Events filters by region and time, and AWS keeps events for 14 days.
func TestEvents_FiltersAndKeepsTwoWeeks(t *testing.T) {
	w := newWorld(t, nil, standaloneInstance(1, "db.m6g.large", false))
	advance(w, time.Hour)
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", false))
	advance(w, time.Hour)
	got := w.Events(testRegion, testStart.Add(time.Hour), testStart.Add(time.Hour+time.Second))
	want := Event{testStart.Add(time.Hour), "ledger", "db-instance", "arn:aws:rds:eu-west-1:123456789012:db:ledger", testRegion, "availability", "DB instance shutdown"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("got events %+v, want %+v", got, want)
	}
	if got := w.Events("eu-west-2", testStart, w.Now()); len(got) != 0 {
		t.Errorf("in another region: got events %+v", got)
	}
	advance(w, 14*24*time.Hour-time.Hour)
	if got := w.Events(testRegion, testStart, w.Now()); len(got) == 0 || got[0] != want {
		t.Errorf("after 14 days the events are %+v", got)
	}
	advance(w, time.Second)
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", false))
	if got := w.Events(testRegion, testStart, w.Now()); len(got) == 0 || got[0] == want {
		t.Errorf("after more than 14 days the events are %+v", got)
	}
}

// TestAdvance_NeverGoesBack: advancing to the past has no effect, and one long advance equals many short ones.
func TestAdvance_NeverGoesBack(t *testing.T) {
	run := func(step time.Duration) ([]Point, time.Time) {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
		for at := testStart; !at.After(testStart.Add(time.Hour)); at = at.Add(step) {
			w.Advance(at)
			w.Advance(at.Add(-time.Minute))
			if !w.Now().Equal(at) {
				t.Fatalf("got time %s, want %s", w.Now(), at)
			}
		}
		return w.MetricAverages(testRegion, instanceDimensions("orders-2"), "CPUUtilization", testStart, w.Now()), w.Now()
	}
	a, end := run(time.Hour)
	b, _ := run(4 * time.Second)
	if !slices.Equal(a, b) || !end.Equal(testStart.Add(time.Hour)) {
		t.Errorf("got %v in one advance and %v in many", a, b)
	}
}
