package model

import (
	"math"
	"testing"
	"time"
)

// assertNear compares to within a hundredth.
func assertNear(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.01*max(1, math.Abs(want)) {
		t.Errorf("%s is %.3f, want %.3f", what, got, want)
	}
}

// TestLoad_IsSharedByConnections: a pool's demand is spread by connection, so a small reader is the hot one.
func TestLoad_IsSharedByConnections(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1.2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.2xlarge"))
	advance(w, time.Hour)
	for id, want := range map[string]struct{ wanted, percent float64 }{
		"orders-1": {1, 1.5 + 25}, "orders-2": {0.6, 1.5 + 30}, "orders-3": {0.6, 1.5 + 7.5},
	} {
		truth, _ := w.GroundTruth(testRegion, id)
		assertNear(t, "the demand on "+id, truth.RequestedVCPUs, want.wanted)
		assertNear(t, "the CPU of "+id, truth.CPUPercent, want.percent)
		if truth.Saturated || !truth.InService {
			t.Errorf("%s is %+v", id, truth)
		}
	}
	writer, readers, _ := w.PoolGroundTruth(testRegion, "orders")
	if writer.VCPUs != 4 || readers.VCPUs != 2+8 || readers.DemandVCPUs != 1.2 || readers.BacklogVCPUSeconds != 0 {
		t.Errorf("the pools are %+v and %+v", writer, readers)
	}
	if _, _, found := w.PoolGroundTruth(testRegion, "nobody"); found {
		t.Error("there is nobody")
	}
	if _, found := w.GroundTruth(testRegion, "nobody"); found {
		t.Error("there is nobody")
	}
}

// TestLoad_WriterServesReadsWithoutReaders: without a reader in service the reader endpoint names the writer.
func TestLoad_WriterServesReadsWithoutReaders(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 0.5, "db.r6g.large"))
	advance(w, time.Hour)
	truth, _ := w.GroundTruth(testRegion, "orders-1")
	assertNear(t, "the demand on the writer", truth.RequestedVCPUs, 1.5)
	if _, readers, _ := w.PoolGroundTruth(testRegion, "orders"); readers.Saturated || readers.DemandVCPUs != 0.5 || readers.VCPUs != 0 {
		t.Errorf("the readers are %+v", readers)
	}
}

// TestLoad_BacklogGrowsAndDrains: what cannot be served waits, shows in the load above the vCPUs, is bounded, and is worked off while the
// CPU stays at its limit after the demand has fallen.
func TestLoad_BacklogGrowsAndDrains(t *testing.T) {
	d := auroraCluster(0.1, 0, "db.r6g.large", "db.r6g.large")
	d.Load.Readers = Curve{Points: []CurvePoint{{VCPUs: 3}}, Multipliers: []Multiplier{{From: Instant{Offset: 2 * time.Hour}, Factor: 1. / 3}}}
	w := newWorld(t, nil, d)
	reader := map[string]string{"DBInstanceIdentifier": "orders-2"}
	load := func(at time.Duration) float64 {
		points := w.MetricAverages(testRegion, reader, "DBLoadCPU", testStart.Add(at), testStart.Add(at+time.Minute))
		if len(points) != 1 {
			t.Fatalf("there are %d points %s after the start", len(points), at)
		}
		return points[0].Value
	}

	w.Advance(testStart.Add(2*time.Hour - tickInterval))
	limit := 2 * clientTimeout.Seconds() // of two vCPUs
	_, readers, _ := w.PoolGroundTruth(testRegion, "orders")
	if readers.DemandVCPUs != 3 || !readers.Saturated || readers.BacklogVCPUSeconds != limit {
		t.Errorf("the readers are %+v, want a backlog of %g", readers, limit)
	}
	if truth, _ := w.GroundTruth(testRegion, "orders-2"); truth.CPUPercent != 100 || !truth.Saturated || !truth.Pool.Saturated {
		t.Errorf("the reader is %+v", truth)
	}
	if load(5*time.Minute) <= 3 || load(5*time.Minute) > 4 {
		t.Errorf("soon the load is %.2f", load(5*time.Minute))
	}
	assertNear(t, "the load in the end", load(time.Hour), 3+limit/retryInterval.Seconds())

	w.Advance(testStart.Add(2*time.Hour + 10*time.Minute))
	if truth, _ := w.GroundTruth(testRegion, "orders-2"); truth.Pool.DemandVCPUs != 1 || truth.CPUPercent != 100 {
		t.Errorf("ten minutes after the demand fell the reader is %+v", truth)
	}
	w.Advance(testStart.Add(4 * time.Hour))
	if truth, _ := w.GroundTruth(testRegion, "orders-2"); truth.Saturated || truth.Pool.BacklogVCPUSeconds > 10 {
		t.Errorf("two hours after the demand fell the reader is %+v", truth)
	}

	saturated := 0
	for _, m := range w.Minutes(testRegion, "orders") {
		if m.ReadersSaturated {
			saturated++
			if m.ReaderVCPUs != 2 || m.HottestReaderPercent < 99.5 || m.WriterSaturated {
				t.Errorf("the minute is %+v", m)
			}
		}
	}
	if saturated < 130 || saturated > 150 {
		t.Errorf("the reader was saturated for %d minutes", saturated)
	}
}

// TestLoad_BacklogGrowsDuringOutage: work that comes while nobody serves waits, and is worked off afterwards.
func TestLoad_BacklogGrowsDuringOutage(t *testing.T) {
	w := newWorld(t, nil, plainInstance(1, "db.m6g.large", false))
	advance(w, time.Hour)
	must[*Instance](t)(w.RebootInstance(testRegion, "ledger", false))
	advance(w, minRebootDuration)
	pool, _, _ := w.PoolGroundTruth(testRegion, "ledger")
	if pool.BacklogVCPUSeconds != minRebootDuration.Seconds() || !pool.Saturated || pool.VCPUs != 0 {
		t.Errorf("while it restarts the pool is %+v", pool)
	}
	advance(w, 2*time.Hour)
	if pool, _, _ := w.PoolGroundTruth(testRegion, "ledger"); pool.BacklogVCPUSeconds > 1 || pool.Saturated {
		t.Errorf("later the pool is %+v", pool)
	}
}

// TestLoad_NewReaderWarmsUp: it gets its connections little by little, and its work is dearer at first.
func TestLoad_NewReaderWarmsUp(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(0.1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-3", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	wanted := func() (old, young float64) {
		a, _ := w.GroundTruth(testRegion, "orders-2")
		b, _ := w.GroundTruth(testRegion, "orders-3")
		return a.RequestedVCPUs, b.RequestedVCPUs
	}
	for _, young := wanted(); young == 0; _, young = wanted() {
		advance(w, tickInterval)
	}
	old, young := wanted()
	if young > 0.2 || old < 0.8 {
		t.Errorf("at first the readers want %.2f and %.2f", old, young)
	}
	advance(w, connectionRampDuration)
	old, young = wanted()
	assertNear(t, "the old reader's share", old, 0.5)
	if young < 0.55 || young > 0.65 {
		t.Errorf("with its share of connections but cold the new reader wants %.2f", young)
	}
	advance(w, coldCacheDuration)
	_, young = wanted()
	assertNear(t, "the new reader's share", young, 0.5)
}

// TestLoad_NoiseIsIndependentOfChanges: noise does not depend on what is done to the database, so that two runs can be compared.
func TestLoad_NoiseIsIndependentOfChanges(t *testing.T) {
	play := func(act func(*World)) []MinuteSummary {
		d := auroraCluster(1, 1, "db.r6g.large", "db.r6g.large")
		d.Load.Readers.NoisePercent, d.Load.Writer.NoisePercent = 20, 10
		w := newWorld(t, nil, d)
		act(w)
		advance(w, time.Hour)
		return w.Minutes(testRegion, "orders")
	}
	left := play(func(*World) {})
	changed := play(func(w *World) {
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")))
	})
	seen := map[float64]bool{}
	for n := range left {
		if left[n].ReaderDemandVCPUs != changed[n].ReaderDemandVCPUs || left[n].WriterDemandVCPUs != changed[n].WriterDemandVCPUs {
			t.Fatalf("minute %d asks for %+v and %+v", n, left[n], changed[n])
		}
		if left[n].ReaderDemandVCPUs < 0.8 || left[n].ReaderDemandVCPUs > 1.2 || left[n].WriterDemandVCPUs < 0.9 || left[n].WriterDemandVCPUs > 1.1 {
			t.Errorf("minute %d asks for %+v", n, left[n])
		}
		seen[left[n].ReaderDemandVCPUs] = true
	}
	if len(left) != 60 || len(seen) < 50 {
		t.Errorf("%d minutes have %d demands", len(left), len(seen))
	}
}

// TestSetLoad: a load can be changed at run time.
func TestSetLoad(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"), plainInstance(1, "db.m6g.large", false))
	if err := w.SetLoad(testRegion, "orders", Load{Writer: constantLoad(0.5), Readers: constantLoad(0.25)}); err != nil {
		t.Fatal(err)
	}
	advance(w, time.Minute)
	if writer, readers, _ := w.PoolGroundTruth(testRegion, "orders"); writer.DemandVCPUs != 0.5 || readers.DemandVCPUs != 0.25 {
		t.Errorf("the pools are %+v and %+v", writer, readers)
	}
	for name, err := range map[string]error{
		"nobody's":              w.SetLoad(testRegion, "nobody", Load{}),
		"a plain one's readers": w.SetLoad(testRegion, "ledger", Load{Readers: constantLoad(1)}),
		"less than nothing":     w.SetLoad(testRegion, "orders", Load{Writer: constantLoad(-1)}),
		"absent file":           w.SetLoad(testRegion, "orders", Load{Writer: Curve{Recording: &Recording{File: "absent.csv"}}}),
	} {
		if err == nil {
			t.Errorf("%s load was taken", name)
		}
	}
	if writer, _, _ := w.PoolGroundTruth(testRegion, "orders"); writer.DemandVCPUs != 0.5 {
		t.Errorf("a refused load changed the demand to %g", writer.DemandVCPUs)
	}
}

// TestCurve_InterpolatesAndMultiplies: straight lines between points, level outside, and multipliers on top of one another.
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
			t.Errorf("%s after the start it is %g, want %g", at, got, want)
		}
	}
}

// BenchmarkAdvanceTwoMonths advances one cluster of four instances by sixty days.
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
