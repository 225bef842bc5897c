package model

import (
	"math"
	"testing"
	"time"
)

// assertNear compares numbers with a tolerance of 1 %.
func assertNear(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.01*max(1, math.Abs(want)) {
		t.Errorf("%s: got %.3f, want %.3f", what, got, want)
	}
}

// TestLoad_IsSharedByConnections: the demand of a pool is shared by connections, so the smallest reader is the hottest.
func TestLoad_IsSharedByConnections(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1.2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.2xlarge"))
	advance(w, time.Hour)
	for id, want := range map[string]struct{ wanted, percent float64 }{
		"orders-1": {1, 1.5 + 25}, "orders-2": {0.6, 1.5 + 30}, "orders-3": {0.6, 1.5 + 7.5},
	} {
		actual, _ := w.GroundTruth(testRegion, id)
		assertNear(t, "the demand on "+id, actual.RequestedVCPUs, want.wanted)
		assertNear(t, "the CPU of "+id, actual.CPUPercent, want.percent)
		if actual.Saturated || !actual.InService {
			t.Errorf("%s: got %+v, want it in service and not saturated", id, actual)
		}
	}
	writer, readers, _ := w.PoolGroundTruth(testRegion, "orders")
	if writer.VCPUs != 4 || readers.VCPUs != 2+8 || readers.DemandVCPUs != 1.2 || readers.BacklogVCPUSeconds != 0 {
		t.Errorf("got pools %+v and %+v", writer, readers)
	}
	if _, _, found := w.PoolGroundTruth(testRegion, "nobody"); found {
		t.Error("PoolGroundTruth found an unknown database")
	}
	if _, found := w.GroundTruth(testRegion, "nobody"); found {
		t.Error("GroundTruth found an unknown instance")
	}
}

// TestLoad_WriterServesReadsWithoutReaders: without a reader in service the reader endpoint resolves to the writer.
func TestLoad_WriterServesReadsWithoutReaders(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 0.5, "db.r6g.large"))
	advance(w, time.Hour)
	actual, _ := w.GroundTruth(testRegion, "orders-1")
	assertNear(t, "the demand on the writer", actual.RequestedVCPUs, 1.5)
	if _, readers, _ := w.PoolGroundTruth(testRegion, "orders"); readers.Saturated || readers.DemandVCPUs != 0.5 || readers.VCPUs != 0 {
		t.Errorf("got readers %+v", readers)
	}
}

// TestLoad_BacklogGrowsAndDrains: unserved work becomes a limited backlog, which raises DBLoadCPU above the number of vCPUs and
// keeps the CPU saturated for a while after the demand has fallen.
func TestLoad_BacklogGrowsAndDrains(t *testing.T) {
	d := auroraCluster(0.1, 0, "db.r6g.large", "db.r6g.large")
	d.Load.Readers = Curve{Points: []CurvePoint{{VCPUs: 3}}, Multipliers: []Multiplier{{From: Instant{Offset: 2 * time.Hour}, Factor: 1. / 3}}}
	w := newWorld(t, nil, d)
	reader := map[string]string{"DBInstanceIdentifier": "orders-2"}
	load := func(at time.Duration) float64 {
		points := w.MetricAverages(testRegion, reader, "DBLoadCPU", testStart.Add(at), testStart.Add(at+time.Minute))
		if len(points) != 1 {
			t.Fatalf("got %d datapoints %s after the start, want 1", len(points), at)
		}
		return points[0].Value
	}

	w.Advance(testStart.Add(2*time.Hour - tickInterval))
	limit := 2 * clientTimeout.Seconds() // of two vCPUs
	_, readers, _ := w.PoolGroundTruth(testRegion, "orders")
	if readers.DemandVCPUs != 3 || !readers.Saturated || readers.BacklogVCPUSeconds != limit {
		t.Errorf("got readers %+v, want a backlog of %g", readers, limit)
	}
	if actual, _ := w.GroundTruth(testRegion, "orders-2"); actual.CPUPercent != 100 || !actual.Saturated || !actual.Pool.Saturated {
		t.Errorf("got reader %+v", actual)
	}
	if load(5*time.Minute) <= 3 || load(5*time.Minute) > 4 {
		t.Errorf("after 5 minutes: got load %.2f, want 3 to 4", load(5*time.Minute))
	}
	assertNear(t, "the load after an hour", load(time.Hour), 3+limit/retryInterval.Seconds())

	w.Advance(testStart.Add(2*time.Hour + 10*time.Minute))
	if actual, _ := w.GroundTruth(testRegion, "orders-2"); actual.Pool.DemandVCPUs != 1 || actual.CPUPercent != 100 {
		t.Errorf("10 minutes after the fall of the demand: got %+v, want a saturated CPU", actual)
	}
	w.Advance(testStart.Add(4 * time.Hour))
	if actual, _ := w.GroundTruth(testRegion, "orders-2"); actual.Saturated || actual.Pool.BacklogVCPUSeconds > 10 {
		t.Errorf("2 hours after the fall of the demand: got %+v, want no backlog", actual)
	}

	saturated := 0
	for _, m := range w.Minutes(testRegion, "orders") {
		if m.ReadersSaturated {
			saturated++
			if m.ReaderVCPUs != 2 || m.HottestReaderPercent < 99.5 || m.WriterSaturated {
				t.Errorf("got minute %+v", m)
			}
		}
	}
	if saturated < 130 || saturated > 150 {
		t.Errorf("got %d saturated minutes, want 130 to 150", saturated)
	}
}

// TestLoad_BacklogGrowsDuringOutage: the work of an outage becomes a backlog that is worked off afterwards.
func TestLoad_BacklogGrowsDuringOutage(t *testing.T) {
	w := newWorld(t, nil, standaloneInstance(1, "db.m6g.large", false))
	advance(w, time.Hour)
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", false))
	advance(w, minRebootDuration)
	pool, _, _ := w.PoolGroundTruth(testRegion, "ledger")
	if pool.BacklogVCPUSeconds != minRebootDuration.Seconds() || !pool.Saturated || pool.VCPUs != 0 {
		t.Errorf("during the restart: got pool %+v", pool)
	}
	advance(w, 2*time.Hour)
	if pool, _, _ := w.PoolGroundTruth(testRegion, "ledger"); pool.BacklogVCPUSeconds > 1 || pool.Saturated {
		t.Errorf("2 hours later: got pool %+v, want no backlog", pool)
	}
}

// TestLoad_NewReaderWarmsUp: a new reader gains its connections gradually, and its work costs more at first.
func TestLoad_NewReaderWarmsUp(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-3", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	requested := func() (oldReader, newReader float64) {
		a, _ := w.GroundTruth(testRegion, "orders-2")
		b, _ := w.GroundTruth(testRegion, "orders-3")
		return a.RequestedVCPUs, b.RequestedVCPUs
	}
	for _, newReader := requested(); newReader == 0; _, newReader = requested() {
		advance(w, tickInterval)
	}
	oldReader, newReader := requested()
	if newReader > 0.2 || oldReader < 0.8 {
		t.Errorf("at first: got requested vCPUs %.2f (old reader) and %.2f (new reader)", oldReader, newReader)
	}
	advance(w, connectionRampDuration)
	oldReader, newReader = requested()
	assertNear(t, "the old reader's share", oldReader, 0.5)
	if newReader < 0.55 || newReader > 0.65 {
		t.Errorf("with all connections and a cold cache: got %.2f requested vCPUs, want 0.55 to 0.65", newReader)
	}
	advance(w, coldCacheDuration)
	_, newReader = requested()
	assertNear(t, "the new reader's share", newReader, 0.5)
}

// TestLoad_NoiseIsIndependentOfChanges: the noise does not depend on changes of the database, so runs can be compared.
func TestLoad_NoiseIsIndependentOfChanges(t *testing.T) {
	run := func(change func(*World)) []MinuteSummary {
		d := auroraCluster(1, 1, "db.r6g.large", "db.r6g.large")
		d.Load.Readers.NoisePercent, d.Load.Writer.NoisePercent = 20, 10
		w := newWorld(t, nil, d)
		change(w)
		advance(w, time.Hour)
		return w.Minutes(testRegion, "orders")
	}
	unchanged := run(func(*World) {})
	changed := run(func(w *World) {
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")))
	})
	seen := map[float64]bool{}
	for n := range unchanged {
		if unchanged[n].ReaderDemandVCPUs != changed[n].ReaderDemandVCPUs || unchanged[n].WriterDemandVCPUs != changed[n].WriterDemandVCPUs {
			t.Fatalf("minute %d: got %+v without and %+v with a change, want the same demands", n, unchanged[n], changed[n])
		}
		if unchanged[n].ReaderDemandVCPUs < 0.8 || unchanged[n].ReaderDemandVCPUs > 1.2 || unchanged[n].WriterDemandVCPUs < 0.9 || unchanged[n].WriterDemandVCPUs > 1.1 {
			t.Errorf("minute %d: got %+v, want noise within 20 and 10 %%", n, unchanged[n])
		}
		seen[unchanged[n].ReaderDemandVCPUs] = true
	}
	if len(unchanged) != 60 || len(seen) < 50 {
		t.Errorf("got %d minutes with %d distinct demands, want 60 with at least 50", len(unchanged), len(seen))
	}
}

// TestSetLoad: the load can change at run time. An invalid load is refused.
func TestSetLoad(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"), standaloneInstance(1, "db.m6g.large", false))
	if err := w.SetLoad(testRegion, "orders", Load{Writer: constantLoad(0.5), Readers: constantLoad(0.25)}); err != nil {
		t.Fatal(err)
	}
	advance(w, time.Minute)
	if writer, readers, _ := w.PoolGroundTruth(testRegion, "orders"); writer.DemandVCPUs != 0.5 || readers.DemandVCPUs != 0.25 {
		t.Errorf("got pools %+v and %+v", writer, readers)
	}
	for name, err := range map[string]error{
		"unknown database":         w.SetLoad(testRegion, "nobody", Load{}),
		"readers without replicas": w.SetLoad(testRegion, "ledger", Load{Readers: constantLoad(1)}),
		"negative demand":          w.SetLoad(testRegion, "orders", Load{Writer: constantLoad(-1)}),
		"missing file":             w.SetLoad(testRegion, "orders", Load{Writer: Curve{Recording: &Recording{File: "absent.csv"}}}),
	} {
		if err == nil {
			t.Errorf("%s: the load was accepted", name)
		}
	}
	if writer, _, _ := w.PoolGroundTruth(testRegion, "orders"); writer.DemandVCPUs != 0.5 {
		t.Errorf("after refused loads: got demand %g, want 0.5", writer.DemandVCPUs)
	}
}

// TestCurve_InterpolatesAndMultiplies: linear between points, constant outside, with cumulative multipliers.
func TestCurve_InterpolatesAndMultiplies(t *testing.T) {
	c := Curve{
		Points: []CurvePoint{{At: Instant{Offset: time.Hour}, VCPUs: 1}, {At: Instant{Time: testStart.Add(2 * time.Hour)}, VCPUs: 3}},
		Multipliers: []Multiplier{
			{From: Instant{Offset: 90 * time.Minute}, Factor: 2}, {From: Instant{Offset: 3 * time.Hour}, Factor: 0.25},
		},
	}
	s := Scenario{}
	s.Start.Time = testStart
	d, err := s.resolveDemand(c)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]float64{
		0: 1, time.Hour: 1, 75 * time.Minute: 1.5, 90 * time.Minute: 4, 2 * time.Hour: 6, 3 * time.Hour: 1.5, 100 * time.Hour: 1.5,
	} {
		if got := d.vcpusAt(at); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s after the start: got %g, want %g", at, got, want)
		}
	}
}

// BenchmarkAdvanceTwoMonths advances a cluster of four instances by 60 days.
func BenchmarkAdvanceTwoMonths(b *testing.B) {
	d := auroraCluster(1, 3, "db.r6g.large", "db.r6g.large", "db.r6g.large", "db.r6g.large")
	d.Load.Readers.NoisePercent = 5
	for n := range 60 * 288 {
		d.Load.Readers.Points = append(d.Load.Readers.Points, CurvePoint{Instant{Offset: time.Duration(n+1) * 5 * time.Minute}, float64(n % 5)})
	}
	s := Scenario{AccountID: testAccount, Databases: []Database{d}}
	s.Start.Time = testStart
	for b.Loop() {
		w, err := New(s)
		if err != nil {
			b.Fatal(err)
		}
		w.Advance(testStart.Add(60 * 24 * time.Hour))
	}
}
