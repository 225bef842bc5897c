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

// singleValue is a metric's only point of the minute that begins so long after the start.
func singleValue(t *testing.T, w *World, dimensions map[string]string, metric string, at time.Duration) float64 {
	t.Helper()
	points := w.MetricAverages(testRegion, dimensions, metric, testStart.Add(at), testStart.Add(at+time.Minute))
	if len(points) != 1 || !points[0].Time.Equal(testStart.Add(at)) {
		t.Fatalf("%s of %v has %v %s after the start", metric, dimensions, points, at)
	}
	return points[0].Value
}

// TestMetricAverages_Series: which series there are, and what they say.
func TestMetricAverages_Series(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 1, "db.r6g.large", "db.r6g.xlarge"), plainInstance(1, "db.m6g.large", false))
	advance(w, 30*time.Minute)
	const gib = 1 << 30
	const year = 366 * 24 * time.Hour // since 5 February 2023 it has been 365 days
	for _, test := range []struct {
		dimensions  map[string]string
		metric      string
		least, most float64
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
		if got := singleValue(t, w, test.dimensions, test.metric, 10*time.Minute); got < test.least || got > test.most {
			t.Errorf("%s of %v is %g, want from %g to %g", test.metric, test.dimensions, got, test.least, test.most)
		}
	}
	for _, test := range []struct {
		region     string
		dimensions map[string]string
		metric     string
	}{
		{testRegion, instanceDimensions("orders-1"), "AuroraReplicaLag"}, // of the writer
		{testRegion, instanceDimensions("ledger"), "EngineUptime"},       // of a plain instance
		{testRegion, instanceDimensions("ledger"), "DBLoadCPU"},          // without Performance Insights
		{testRegion, instanceDimensions("orders-1"), "NoSuchMetric"},
		{testRegion, instanceDimensions("nobody"), "CPUUtilization"},
		{"eu-west-2", instanceDimensions("orders-1"), "CPUUtilization"},
		{testRegion, roleDimensions("orders", "ANY"), "CPUUtilization"},
		{testRegion, map[string]string{"DBClusterIdentifier": "orders"}, "CPUUtilization"},
		{testRegion, nil, "CPUUtilization"},
	} {
		if got := w.MetricAverages(test.region, test.dimensions, test.metric, testStart, w.Now()); len(got) != 0 {
			t.Errorf("%s of %v in %s has %d points", test.metric, test.dimensions, test.region, len(got))
		}
	}
}

// TestMetricSamples_OnePerInstanceOfRole: a role has a sample of each of its instances.
func TestMetricSamples_OnePerInstanceOfRole(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge"))
	advance(w, 30*time.Minute)
	at := testStart.Add(10 * time.Minute)
	got := w.MetricSamples(testRegion, roleDimensions("orders", "READER"), "CPUUtilization", at, at.Add(time.Minute))
	if len(got) != 2 {
		t.Fatalf("the samples are %v", got)
	}
	assertNear(t, "the smaller reader", got[0].Value, 26.5)
	assertNear(t, "the larger reader", got[1].Value, 14)
	assertNear(t, "their mean", singleValue(t, w, roleDimensions("orders", "READER"), "CPUUtilization", 10*time.Minute), 20.25)
}

// TestMetrics_NoDBLoadWithoutPerformanceInsights: without it there is no load, of an instance or of a role.
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
				t.Errorf("%s of %v has %d points", metric, dimensions, len(got))
			}
		}
	}
	if got := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart, w.Now()); len(got) < 7 {
		t.Errorf("CPUUtilization has %d points", len(got))
	}
}

// TestMetrics_NoDBLoadWhileIdle: the load is absent, rather than zero, while there is none.
func TestMetrics_NoDBLoadWhileIdle(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0, 0, "db.r6g.large"))
	advance(w, 10*time.Minute)
	if got := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "DBLoadCPU", testStart, w.Now()); len(got) != 0 {
		t.Errorf("the load is %v", got)
	}
	if got := singleValue(t, w, instanceDimensions("orders-1"), "CPUUtilization", 0); got <= 0 || got > 5 {
		t.Errorf("the CPU of an idle instance is %g", got)
	}
}

// TestMetrics_AppearAfterPublishDelay: a minute appears a while after it has ended, in order, and asking includes from and excludes to.
func TestMetrics_AppearAfterPublishDelay(t *testing.T) {
	for name, delay := range map[string]struct{ set, least, most time.Duration }{
		"by default":   {0, 60 * time.Second, 90 * time.Second},
		"as described": {5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
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
					if late < delay.least || late > delay.most {
						t.Errorf("the minute %s appeared %s after its end", points[appeared-1].Time, late)
					}
				}
				if len(points) != appeared {
					t.Fatalf("at %s there are %d points after %d", w.Now(), len(points), appeared)
				}
			}
			if appeared < 50 || delay.set == 0 && len(delays) < 10 {
				t.Errorf("%d minutes appeared with %d delays", appeared, len(delays))
			}
		})
	}
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
	advance(w, time.Hour)
	points := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart.Add(5*time.Minute), testStart.Add(8*time.Minute))
	if len(points) != 3 || !points[0].Time.Equal(testStart.Add(5*time.Minute)) || !points[2].Time.Equal(testStart.Add(7*time.Minute)) {
		t.Errorf("from 5 until before 8 minutes the points are %v", points)
	}
}

// TestMetrics_MissingDuringOutagesAndGaps: minutes that were spent out of service for the most part have no point. Nor have gaps.
func TestMetrics_MissingDuringOutagesAndGaps(t *testing.T) {
	w := newWorld(t, func(s *Scenario) {
		s.MetricGaps = []MetricGap{{testRegion, "orders-2", Instant{Offset: 30 * time.Minute}, Instant{Time: testStart.Add(35 * time.Minute)}}}
	}, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"), plainInstance(1, "db.m6g.large", false))
	w.AddMetricGap(testRegion, "orders-2", testStart.Add(50*time.Minute), testStart.Add(51*time.Minute))
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.m6g.xlarge")))
	out := map[string]int{} // ticks out of service, by the minute
	for range 6 * 90 {
		advance(w, tickInterval)
		if truth, _ := w.GroundTruth(testRegion, "ledger"); !truth.InService {
			out[w.Now().Add(-tickInterval).Format("15:04")]++
		}
	}
	points := cpuByMinute(w, "ledger")
	missing := 0
	for at := testStart; at.Before(testStart.Add(80 * time.Minute)); at = at.Add(time.Minute) {
		clock := at.Format("15:04")
		_, has := points[clock]
		if has != (out[clock] <= 3) {
			t.Errorf("it was out for %d ticks of %s; there is a point: %t", out[clock], clock, has)
		}
		if !has {
			missing++
		}
		if has && points[clock] < 20 {
			t.Errorf("at %s the CPU is %g %%", clock, points[clock])
		}
	}
	if missing < 5 || missing > 16 {
		t.Errorf("%d minutes are missing", missing)
	}
	if points["08:01"] < 50 || points["09:10"] > 30 {
		t.Errorf("the CPU was %g %% of two vCPUs and is %g %% of four", points["08:01"], points["09:10"])
	}

	all := maps.Clone(cpuByMinute(w, "orders-1"))
	maps.DeleteFunc(all, func(clock string, _ float64) bool { return cpuByMinute(w, "orders-2")[clock] > 0 })
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"08:30", "08:31", "08:32", "08:33", "08:34", "08:50"}) {
		t.Errorf("the gaps are %v", got)
	}
}

// TestMetrics_RoleSeriesFollowFailover: at a failover they jump to the other instance, and the past stays as it was.
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
			t.Errorf("%s after the start the %s has %g, %s has %g", test.at, test.role, got, test.instance, want)
		}
	}
	if lag := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "AuroraReplicaLag", testStart, w.Now()); len(lag) < 20 || lag[0].Time.Before(testStart.Add(10*time.Minute)) {
		t.Errorf("the lag of the new reader is %v", lag)
	}
	before := singleValue(t, w, instanceDimensions("orders-2"), "EngineUptime", 5*time.Minute)
	if after := singleValue(t, w, instanceDimensions("orders-2"), "EngineUptime", 30*time.Minute); after > 30*60 || before < 86400 {
		t.Errorf("the promoted reader was up for %g s before and %g s after", before, after)
	}
}

// TestMetrics_OutliveInstance: the series goes on when another instance takes the name.
func TestMetrics_OutliveInstance(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	advance(w, 10*time.Minute)
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-2", true, ""))
	advance(w, 10*time.Minute)
	if got := len(cpuByMinute(w, "orders-2")); got != 10 {
		t.Errorf("%d minutes are left of an instance that is gone", got)
	}
	must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-2", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	advance(w, 30*time.Minute)
	points := cpuByMinute(w, "orders-2")
	if points["08:05"] == 0 || points["08:45"] == 0 || points["08:18"] != 0 {
		t.Errorf("the points are %v", points)
	}
}

// TestRetention_PrunesOldPoints: points and minutes are kept for so long and no longer.
func TestRetention_PrunesOldPoints(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-2", true, ""))
	w.AddMetricGap(testRegion, "orders-1", testStart, testStart.Add(time.Hour))
	w.Advance(testStart.Add(DefaultRetention + 48*time.Hour))
	oldest := w.Now().Add(-DefaultRetention - 24*time.Hour) // it is cleared up once a day
	points := w.MetricAverages(testRegion, instanceDimensions("orders-1"), "CPUUtilization", testStart, w.Now())
	minutes := w.Minutes(testRegion, "orders")
	if points[0].Time.Before(oldest) || points[0].Time.After(oldest.Add(24*time.Hour)) || !minutes[0].Time.Equal(points[0].Time) {
		t.Errorf("at %s the oldest point is of %s, the oldest minute of %s", w.Now(), points[0].Time, minutes[0].Time)
	}
	if len(w.deletedInstances) != 0 || len(w.metricGaps) != 0 {
		t.Errorf("%d instances and %d gaps are remembered", len(w.deletedInstances), len(w.metricGaps))
	}
	if got := w.Minutes(testRegion, "nobody"); got != nil {
		t.Errorf("nobody has %d minutes", len(got))
	}
}

// TestEvents_FiltersAndKeepsLatest: by region and time, and not for ever.
func TestEvents_FiltersAndKeepsLatest(t *testing.T) {
	w := newWorld(t, nil, plainInstance(1, "db.m6g.large", false))
	advance(w, time.Hour)
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", false))
	advance(w, time.Hour)
	got := w.Events(testRegion, testStart.Add(time.Hour), testStart.Add(time.Hour+time.Second))
	want := Event{testStart.Add(time.Hour), "ledger", "db-instance", "arn:aws:rds:eu-west-1:123456789012:db:ledger", testRegion, "availability", "DB instance shutdown"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("the events are %+v, want %+v", got, want)
	}
	if got := w.Events("eu-west-2", testStart, w.Now()); len(got) != 0 {
		t.Errorf("elsewhere the events are %+v", got)
	}
	for range maxEvents {
		must[*Instance](t)(w.RebootInstance(testRegion, "ledger", false))
		advance(w, 2*time.Minute)
	}
	if got := w.Events(testRegion, testStart, w.Now()); len(got) != maxEvents || got[maxEvents-1].Message != "DB instance restarted" {
		t.Errorf("%d events are kept", len(got))
	}
}

// TestAdvance_NeverGoesBack, and an advance in one go is the same as in many.
func TestAdvance_NeverGoesBack(t *testing.T) {
	play := func(step time.Duration) ([]Point, time.Time) {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
		for at := testStart; !at.After(testStart.Add(time.Hour)); at = at.Add(step) {
			w.Advance(at)
			w.Advance(at.Add(-time.Minute))
			if !w.Now().Equal(at) {
				t.Fatalf("it is %s, want %s", w.Now(), at)
			}
		}
		return w.MetricAverages(testRegion, instanceDimensions("orders-2"), "CPUUtilization", testStart, w.Now()), w.Now()
	}
	a, end := play(time.Hour)
	b, _ := play(4 * time.Second)
	if !slices.Equal(a, b) || !end.Equal(testStart.Add(time.Hour)) {
		t.Errorf("in one go the points are %v, in many %v", a, b)
	}
}
