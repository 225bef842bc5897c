package model

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func instance(id string) map[string]string { return map[string]string{"DBInstanceIdentifier": id} }

func role(cluster, role string) map[string]string {
	return map[string]string{"DBClusterIdentifier": cluster, "Role": role}
}

// value is a metric's only point of the minute that begins so long after the start.
func value(t *testing.T, w *World, dimensions map[string]string, metric string, at time.Duration) float64 {
	t.Helper()
	points := w.Points(ireland, dimensions, metric, begin.Add(at), begin.Add(at+time.Minute))
	if len(points) != 1 || !points[0].At.Equal(begin.Add(at)) {
		t.Fatalf("%s of %v has %v %s after the start", metric, dimensions, points, at)
	}
	return points[0].Value
}

// TestMetrics: which series there are, and what they say.
func TestMetrics(t *testing.T) {
	w := world(t, nil, aurora(0.5, 1, "db.r6g.large", "db.r6g.xlarge"), plain(1, "db.m6g.large", false))
	pass(w, 30*time.Minute)
	const gib = 1 << 30
	const year = 366 * 24 * time.Hour // since 5 February 2023 it has been 365 days
	for _, test := range []struct {
		dimensions  map[string]string
		metric      string
		least, most float64
	}{
		{instance("orders-1"), "CPUUtilization", 26.49, 26.51},
		{instance("orders-2"), "CPUUtilization", 26.49, 26.51},
		{role("orders", "WRITER"), "CPUUtilization", 26.49, 26.51},
		{role("orders", "READER"), "CPUUtilization", 26.49, 26.51},
		{instance("orders-2"), "DatabaseConnections", 40, 60},
		{instance("orders-1"), "FreeableMemory", 4 * gib, 8 * gib},
		{instance("orders-2"), "FreeableMemory", 8 * gib, 16 * gib},
		{instance("orders-2"), "AuroraReplicaLag", 10, 50},
		{instance("orders-2"), "EngineUptime", 364 * 86400, year.Seconds()},
		{instance("orders-2"), "DBLoadCPU", 0.99, 1.01},
		{instance("orders-2"), "DBLoad", 1.01, 1.5},
		{instance("ledger"), "CPUUtilization", 51.49, 51.51},
	} {
		if got := value(t, w, test.dimensions, test.metric, 10*time.Minute); got < test.least || got > test.most {
			t.Errorf("%s of %v is %g, want from %g to %g", test.metric, test.dimensions, got, test.least, test.most)
		}
	}
	for _, test := range []struct {
		region     string
		dimensions map[string]string
		metric     string
	}{
		{ireland, instance("orders-1"), "AuroraReplicaLag"}, // of the writer
		{ireland, instance("ledger"), "EngineUptime"},       // of a plain instance
		{ireland, instance("ledger"), "DBLoadCPU"},          // without Performance Insights
		{ireland, instance("orders-1"), "NoSuchMetric"},
		{ireland, instance("nobody"), "CPUUtilization"},
		{"eu-west-2", instance("orders-1"), "CPUUtilization"},
		{ireland, role("orders", "ANY"), "CPUUtilization"},
		{ireland, map[string]string{"DBClusterIdentifier": "orders"}, "CPUUtilization"},
		{ireland, nil, "CPUUtilization"},
	} {
		if got := w.Points(test.region, test.dimensions, test.metric, begin, w.Now()); len(got) != 0 {
			t.Errorf("%s of %v in %s has %d points", test.metric, test.dimensions, test.region, len(got))
		}
	}
}

// TestSamples: a role has a sample of each of its instances.
func TestSamples(t *testing.T) {
	w := world(t, nil, aurora(0.5, 1, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge"))
	pass(w, 30*time.Minute)
	at := begin.Add(10 * time.Minute)
	got := w.Samples(ireland, role("orders", "READER"), "CPUUtilization", at, at.Add(time.Minute))
	if len(got) != 2 {
		t.Fatalf("the samples are %v", got)
	}
	near(t, "the smaller reader", got[0].Value, 26.5)
	near(t, "the larger reader", got[1].Value, 14)
	near(t, "their mean", value(t, w, role("orders", "READER"), "CPUUtilization", 10*time.Minute), 20.25)
}

// TestNoPerformanceInsights: without it there is no load, of an instance or of a role.
func TestNoPerformanceInsights(t *testing.T) {
	d := aurora(1, 1, "db.r6g.large", "db.r6g.large")
	d.PerformanceInsights = false
	w := world(t, nil, d)
	pass(w, 10*time.Minute)
	for _, metric := range []string{"DBLoad", "DBLoadCPU"} {
		for _, dimensions := range []map[string]string{
			instance("orders-1"), instance("orders-2"), role("orders", "WRITER"), role("orders", "READER"),
		} {
			if got := w.Points(ireland, dimensions, metric, begin, w.Now()); len(got) != 0 {
				t.Errorf("%s of %v has %d points", metric, dimensions, len(got))
			}
		}
	}
	if got := w.Points(ireland, instance("orders-1"), "CPUUtilization", begin, w.Now()); len(got) < 7 {
		t.Errorf("CPUUtilization has %d points", len(got))
	}
}

// TestIdleHasNoLoad: the load is absent, rather than zero, while there is none.
func TestIdleHasNoLoad(t *testing.T) {
	w := world(t, nil, aurora(0, 0, "db.r6g.large"))
	pass(w, 10*time.Minute)
	if got := w.Points(ireland, instance("orders-1"), "DBLoadCPU", begin, w.Now()); len(got) != 0 {
		t.Errorf("the load is %v", got)
	}
	if got := value(t, w, instance("orders-1"), "CPUUtilization", 0); got <= 0 || got > 5 {
		t.Errorf("the CPU of an idle instance is %g", got)
	}
}

// TestLateMetrics: a minute appears a while after it has ended, in order, and asking includes from and excludes to.
func TestLateMetrics(t *testing.T) {
	for name, delay := range map[string]struct{ set, least, most time.Duration }{
		"by default":   {0, 60 * time.Second, 90 * time.Second},
		"as described": {5 * time.Minute, 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := world(t, func(s *Scenario) { s.PublishDelay.Duration = delay.set }, aurora(1, 1, "db.r6g.large"))
			appeared := 0
			delays := map[time.Duration]bool{}
			for range 60 * 60 {
				pass(w, time.Second)
				points := w.Points(ireland, instance("orders-1"), "CPUUtilization", begin, w.Now())
				if len(points) > appeared {
					appeared++
					late := w.Now().Sub(points[appeared-1].At.Add(time.Minute))
					delays[late] = true
					if late < delay.least || late > delay.most {
						t.Errorf("the minute %s appeared %s after its end", points[appeared-1].At, late)
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
	w := world(t, nil, aurora(1, 1, "db.r6g.large"))
	pass(w, time.Hour)
	points := w.Points(ireland, instance("orders-1"), "CPUUtilization", begin.Add(5*time.Minute), begin.Add(8*time.Minute))
	if len(points) != 3 || !points[0].At.Equal(begin.Add(5*time.Minute)) || !points[2].At.Equal(begin.Add(7*time.Minute)) {
		t.Errorf("from 5 until before 8 minutes the points are %v", points)
	}
}

// TestMissingMetrics: minutes that were spent out of service for the most part have no point. Nor have gaps.
func TestMissingMetrics(t *testing.T) {
	w := world(t, func(s *Scenario) {
		s.MetricGaps = []MetricGap{{ireland, "orders-2", Moment{Offset: 30 * time.Minute}, Moment{Time: begin.Add(35 * time.Minute)}}}
	}, aurora(1, 1, "db.r6g.large", "db.r6g.large"), plain(1, "db.m6g.large", false))
	w.Gap(ireland, "orders-2", begin.Add(50*time.Minute), begin.Add(51*time.Minute))
	try[*Instance](t)(w.ModifyInstance(ireland, "ledger", resize("db.m6g.xlarge")))
	out := map[string]int{} // ticks out of service, by the minute
	for range 6 * 90 {
		pass(w, tick)
		if truth, _ := w.Truth(ireland, "ledger"); !truth.InService {
			out[w.Now().Add(-tick).Format("15:04")]++
		}
	}
	points := cpu(w, "ledger")
	missing := 0
	for at := begin; at.Before(begin.Add(80 * time.Minute)); at = at.Add(time.Minute) {
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

	all := maps.Clone(cpu(w, "orders-1"))
	maps.DeleteFunc(all, func(clock string, _ float64) bool { return cpu(w, "orders-2")[clock] > 0 })
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, []string{"08:30", "08:31", "08:32", "08:33", "08:34", "08:50"}) {
		t.Errorf("the gaps are %v", got)
	}
}

// TestRoleSeriesFollowTheRole: at a failover they jump to the other instance, and the past stays as it was.
func TestRoleSeriesFollowTheRole(t *testing.T) {
	w := world(t, nil, aurora(1, 0.2, "db.r6g.large", "db.r6g.xlarge"))
	pass(w, 10*time.Minute)
	try[*Cluster](t)(w.FailoverCluster(ireland, "orders", ""))
	pass(w, 30*time.Minute)
	for _, test := range []struct {
		role, instance string
		at             time.Duration
	}{
		{"WRITER", "orders-1", 5 * time.Minute}, {"READER", "orders-2", 5 * time.Minute},
		{"WRITER", "orders-2", 30 * time.Minute}, {"READER", "orders-1", 30 * time.Minute},
	} {
		got := value(t, w, role("orders", test.role), "CPUUtilization", test.at)
		if want := value(t, w, instance(test.instance), "CPUUtilization", test.at); got != want {
			t.Errorf("%s after the start the %s has %g, %s has %g", test.at, test.role, got, test.instance, want)
		}
	}
	if lag := w.Points(ireland, instance("orders-1"), "AuroraReplicaLag", begin, w.Now()); len(lag) < 20 || lag[0].At.Before(begin.Add(10*time.Minute)) {
		t.Errorf("the lag of the new reader is %v", lag)
	}
	before := value(t, w, instance("orders-2"), "EngineUptime", 5*time.Minute)
	if after := value(t, w, instance("orders-2"), "EngineUptime", 30*time.Minute); after > 30*60 || before < 86400 {
		t.Errorf("the promoted reader was up for %g s before and %g s after", before, after)
	}
}

// TestMetricsOutliveTheirInstance: the series goes on when another instance takes the name.
func TestMetricsOutliveTheirInstance(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	pass(w, 10*time.Minute)
	try[*Instance](t)(w.DeleteInstance(ireland, "orders-2", true, ""))
	pass(w, 10*time.Minute)
	if got := len(cpu(w, "orders-2")); got != 10 {
		t.Errorf("%d minutes are left of an instance that is gone", got)
	}
	try[*Instance](t)(w.CreateInstance(ireland, Create{Identifier: "orders-2", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	pass(w, 30*time.Minute)
	points := cpu(w, "orders-2")
	if points["08:05"] == 0 || points["08:45"] == 0 || points["08:18"] != 0 {
		t.Errorf("the points are %v", points)
	}
}

// TestHistory: points and minutes are kept for so long and no longer.
func TestHistory(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	try[*Instance](t)(w.DeleteInstance(ireland, "orders-2", true, ""))
	w.Gap(ireland, "orders-1", begin, begin.Add(time.Hour))
	w.Advance(begin.Add(History + 48*time.Hour))
	oldest := w.Now().Add(-History - 24*time.Hour) // it is cleared up once a day
	points := w.Points(ireland, instance("orders-1"), "CPUUtilization", begin, w.Now())
	minutes := w.Minutes(ireland, "orders")
	if points[0].At.Before(oldest) || points[0].At.After(oldest.Add(24*time.Hour)) || !minutes[0].At.Equal(points[0].At) {
		t.Errorf("at %s the oldest point is of %s, the oldest minute of %s", w.Now(), points[0].At, minutes[0].At)
	}
	if len(w.retired) != 0 || len(w.gaps) != 0 {
		t.Errorf("%d instances and %d gaps are remembered", len(w.retired), len(w.gaps))
	}
	if got := w.Minutes(ireland, "nobody"); got != nil {
		t.Errorf("nobody has %d minutes", len(got))
	}
}

// TestEvents: by region and time, and not for ever.
func TestEvents(t *testing.T) {
	w := world(t, nil, plain(1, "db.m6g.large", false))
	pass(w, time.Hour)
	try[*Instance](t)(w.RebootInstance(ireland, "ledger", false))
	pass(w, time.Hour)
	got := w.Events(ireland, begin.Add(time.Hour), begin.Add(time.Hour+time.Second))
	want := Event{begin.Add(time.Hour), "ledger", "db-instance", "arn:aws:rds:eu-west-1:123456789012:db:ledger", ireland, "availability", "DB instance shutdown"}
	if len(got) != 1 || got[0] != want {
		t.Errorf("the events are %+v, want %+v", got, want)
	}
	if got := w.Events("eu-west-2", begin, w.Now()); len(got) != 0 {
		t.Errorf("elsewhere the events are %+v", got)
	}
	for range eventsKept {
		try[*Instance](t)(w.RebootInstance(ireland, "ledger", false))
		pass(w, 2*time.Minute)
	}
	if got := w.Events(ireland, begin, w.Now()); len(got) != eventsKept || got[eventsKept-1].Message != "DB instance restarted" {
		t.Errorf("%d events are kept", len(got))
	}
}

// TestTimeNeverGoesBack, and an advance in one go is the same as in many.
func TestTimeNeverGoesBack(t *testing.T) {
	play := func(step time.Duration) ([]Point, time.Time) {
		w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
		try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", resize("db.r6g.xlarge")))
		for at := begin; !at.After(begin.Add(time.Hour)); at = at.Add(step) {
			w.Advance(at)
			w.Advance(at.Add(-time.Minute))
			if !w.Now().Equal(at) {
				t.Fatalf("it is %s, want %s", w.Now(), at)
			}
		}
		return w.Points(ireland, instance("orders-2"), "CPUUtilization", begin, w.Now()), w.Now()
	}
	a, end := play(time.Hour)
	b, _ := play(4 * time.Second)
	if !slices.Equal(a, b) || !end.Equal(begin.Add(time.Hour)) {
		t.Errorf("in one go the points are %v, in many %v", a, b)
	}
}
