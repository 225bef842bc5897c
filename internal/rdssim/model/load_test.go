package model

import (
	"math"
	"testing"
	"time"
)

// near compares to within a hundredth.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.01*max(1, math.Abs(want)) {
		t.Errorf("%s is %.3f, want %.3f", what, got, want)
	}
}

// TestSharing: a pool's demand is spread by connection, so a small reader is the hot one.
func TestSharing(t *testing.T) {
	w := world(t, nil, aurora(1, 1.2, "db.r6g.xlarge", "db.r6g.large", "db.r6g.2xlarge"))
	pass(w, time.Hour)
	for id, want := range map[string]struct{ wanted, percent float64 }{
		"orders-1": {1, 1.5 + 25}, "orders-2": {0.6, 1.5 + 30}, "orders-3": {0.6, 1.5 + 7.5},
	} {
		truth, _ := w.Truth(ireland, id)
		near(t, "the demand on "+id, truth.Wanted, want.wanted)
		near(t, "the CPU of "+id, truth.CPUPercent, want.percent)
		if truth.Saturated || !truth.InService {
			t.Errorf("%s is %+v", id, truth)
		}
	}
	writer, readers, _ := w.Pools(ireland, "orders")
	if writer.VCPUs != 4 || readers.VCPUs != 2+8 || readers.Demand != 1.2 || readers.Backlog != 0 {
		t.Errorf("the pools are %+v and %+v", writer, readers)
	}
	if _, _, found := w.Pools(ireland, "nobody"); found {
		t.Error("there is nobody")
	}
	if _, found := w.Truth(ireland, "nobody"); found {
		t.Error("there is nobody")
	}
}

// TestWriterServesReaders: without a reader in service the reader endpoint names the writer.
func TestWriterServesReaders(t *testing.T) {
	w := world(t, nil, aurora(1, 0.5, "db.r6g.large"))
	pass(w, time.Hour)
	truth, _ := w.Truth(ireland, "orders-1")
	near(t, "the demand on the writer", truth.Wanted, 1.5)
	if _, readers, _ := w.Pools(ireland, "orders"); readers.Saturated || readers.Demand != 0.5 || readers.VCPUs != 0 {
		t.Errorf("the readers are %+v", readers)
	}
}

// TestSaturation: what cannot be served waits, shows in the load above the vCPUs, is bounded, and is worked off while the
// CPU stays at its limit after the demand has fallen.
func TestSaturation(t *testing.T) {
	d := aurora(0.1, 0, "db.r6g.large", "db.r6g.large")
	d.Load.Readers = Curve{Points: []CurvePoint{{VCPUs: 3}}, Multipliers: []Multiplier{{From: Moment{Offset: 2 * time.Hour}, Factor: 1. / 3}}}
	w := world(t, nil, d)
	reader := map[string]string{"DBInstanceIdentifier": "orders-2"}
	load := func(at time.Duration) float64 {
		points := w.Points(ireland, reader, "DBLoadCPU", begin.Add(at), begin.Add(at+time.Minute))
		if len(points) != 1 {
			t.Fatalf("there are %d points %s after the start", len(points), at)
		}
		return points[0].Value
	}

	w.Advance(begin.Add(2*time.Hour - tick))
	limit := 2 * patience.Seconds() // of two vCPUs
	_, readers, _ := w.Pools(ireland, "orders")
	if readers.Demand != 3 || !readers.Saturated || readers.Backlog != limit {
		t.Errorf("the readers are %+v, want a backlog of %g", readers, limit)
	}
	if truth, _ := w.Truth(ireland, "orders-2"); truth.CPUPercent != 100 || !truth.Saturated || !truth.Pool.Saturated {
		t.Errorf("the reader is %+v", truth)
	}
	if load(5*time.Minute) <= 3 || load(5*time.Minute) > 4 {
		t.Errorf("soon the load is %.2f", load(5*time.Minute))
	}
	near(t, "the load in the end", load(time.Hour), 3+limit/retryWithin.Seconds())

	w.Advance(begin.Add(2*time.Hour + 10*time.Minute))
	if truth, _ := w.Truth(ireland, "orders-2"); truth.Pool.Demand != 1 || truth.CPUPercent != 100 {
		t.Errorf("ten minutes after the demand fell the reader is %+v", truth)
	}
	w.Advance(begin.Add(4 * time.Hour))
	if truth, _ := w.Truth(ireland, "orders-2"); truth.Saturated || truth.Pool.Backlog > 10 {
		t.Errorf("two hours after the demand fell the reader is %+v", truth)
	}

	saturated := 0
	for _, m := range w.Minutes(ireland, "orders") {
		if m.Saturated {
			saturated++
			if m.ReaderVCPUs != 2 || m.HottestReader < 99.5 || m.WriterSaturated {
				t.Errorf("the minute is %+v", m)
			}
		}
	}
	if saturated < 130 || saturated > 150 {
		t.Errorf("the reader was saturated for %d minutes", saturated)
	}
}

// TestBacklogOfAnOutage: work that comes while nobody serves waits, and is worked off afterwards.
func TestBacklogOfAnOutage(t *testing.T) {
	w := world(t, nil, plain(1, "db.m6g.large", false))
	pass(w, time.Hour)
	try[*Instance](t)(w.RebootInstance(ireland, "ledger", false))
	pass(w, rebootLeast)
	pool, _, _ := w.Pools(ireland, "ledger")
	if pool.Backlog != rebootLeast.Seconds() || !pool.Saturated || pool.VCPUs != 0 {
		t.Errorf("while it restarts the pool is %+v", pool)
	}
	pass(w, 2*time.Hour)
	if pool, _, _ := w.Pools(ireland, "ledger"); pool.Backlog > 1 || pool.Saturated {
		t.Errorf("later the pool is %+v", pool)
	}
}

// TestNewReaderWarmsUp: it gets its connections little by little, and its work is dearer at first.
func TestNewReaderWarmsUp(t *testing.T) {
	w := world(t, nil, aurora(0.1, 1, "db.r6g.large", "db.r6g.large"))
	try[*Instance](t)(w.CreateInstance(ireland, Create{Identifier: "orders-3", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	wanted := func() (old, young float64) {
		a, _ := w.Truth(ireland, "orders-2")
		b, _ := w.Truth(ireland, "orders-3")
		return a.Wanted, b.Wanted
	}
	for _, young := wanted(); young == 0; _, young = wanted() {
		pass(w, tick)
	}
	old, young := wanted()
	if young > 0.2 || old < 0.8 {
		t.Errorf("at first the readers want %.2f and %.2f", old, young)
	}
	pass(w, joinFor)
	old, young = wanted()
	near(t, "the old reader's share", old, 0.5)
	if young < 0.55 || young > 0.65 {
		t.Errorf("with its share of connections but cold the new reader wants %.2f", young)
	}
	pass(w, coldFor)
	_, young = wanted()
	near(t, "the new reader's share", young, 0.5)
}

// TestSameLoadWhateverIsDone: noise does not depend on what is done to the database, so that two runs can be compared.
func TestSameLoadWhateverIsDone(t *testing.T) {
	play := func(act func(*World)) []Minute {
		d := aurora(1, 1, "db.r6g.large", "db.r6g.large")
		d.Load.Readers.NoisePercent, d.Load.Writer.NoisePercent = 20, 10
		w := world(t, nil, d)
		act(w)
		pass(w, time.Hour)
		return w.Minutes(ireland, "orders")
	}
	left := play(func(*World) {})
	changed := play(func(w *World) { try[*Instance](t)(w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge"))) })
	seen := map[float64]bool{}
	for n := range left {
		if left[n].ReaderDemand != changed[n].ReaderDemand || left[n].WriterDemand != changed[n].WriterDemand {
			t.Fatalf("minute %d asks for %+v and %+v", n, left[n], changed[n])
		}
		if left[n].ReaderDemand < 0.8 || left[n].ReaderDemand > 1.2 || left[n].WriterDemand < 0.9 || left[n].WriterDemand > 1.1 {
			t.Errorf("minute %d asks for %+v", n, left[n])
		}
		seen[left[n].ReaderDemand] = true
	}
	if len(left) != 60 || len(seen) < 50 {
		t.Errorf("%d minutes have %d demands", len(left), len(seen))
	}
}

// TestSetLoad: a load can be changed at run time.
func TestSetLoad(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"), plain(1, "db.m6g.large", false))
	if err := w.SetLoad(ireland, "orders", Load{Writer: steady(0.5), Readers: steady(0.25)}); err != nil {
		t.Fatal(err)
	}
	pass(w, time.Minute)
	if writer, readers, _ := w.Pools(ireland, "orders"); writer.Demand != 0.5 || readers.Demand != 0.25 {
		t.Errorf("the pools are %+v and %+v", writer, readers)
	}
	for name, err := range map[string]error{
		"nobody's":              w.SetLoad(ireland, "nobody", Load{}),
		"a plain one's readers": w.SetLoad(ireland, "ledger", Load{Readers: steady(1)}),
		"less than nothing":     w.SetLoad(ireland, "orders", Load{Writer: steady(-1)}),
		"absent file":           w.SetLoad(ireland, "orders", Load{Writer: Curve{Recording: &Recording{File: "absent.csv"}}}),
	} {
		if err == nil {
			t.Errorf("%s load was taken", name)
		}
	}
	if writer, _, _ := w.Pools(ireland, "orders"); writer.Demand != 0.5 {
		t.Errorf("a refused load changed the demand to %g", writer.Demand)
	}
}

// TestCurve: straight lines between points, level outside, and multipliers on top of one another.
func TestCurve(t *testing.T) {
	c := Curve{
		Points: []CurvePoint{{At: Moment{Offset: time.Hour}, VCPUs: 1}, {At: Moment{Time: begin.Add(2 * time.Hour)}, VCPUs: 3}},
		Multipliers: []Multiplier{
			{From: Moment{Offset: 90 * time.Minute}, Factor: 2}, {From: Moment{Offset: 3 * time.Hour}, Factor: 0.25},
		},
	}
	s := Scenario{}
	s.Start.Time = begin
	d, err := s.resolve(c)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]float64{
		0: 1, time.Hour: 1, 75 * time.Minute: 1.5, 90 * time.Minute: 4, 2 * time.Hour: 6, 3 * time.Hour: 1.5, 100 * time.Hour: 1.5,
	} {
		if got := d.at(at); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s after the start it is %g, want %g", at, got, want)
		}
	}
}

// BenchmarkTwoMonths advances one cluster of four instances by sixty days.
func BenchmarkTwoMonths(b *testing.B) {
	d := aurora(1, 3, "db.r6g.large", "db.r6g.large", "db.r6g.large", "db.r6g.large")
	d.Load.Readers.NoisePercent = 5
	for n := range 60 * 288 {
		d.Load.Readers.Points = append(d.Load.Readers.Points, CurvePoint{Moment{Offset: time.Duration(n+1) * 5 * time.Minute}, float64(n % 5)})
	}
	s := Scenario{AccountID: account, Databases: []Database{d}}
	s.Start.Time = begin
	for b.Loop() {
		w, err := New(s)
		if err != nil {
			b.Fatal(err)
		}
		w.Advance(begin.Add(60 * 24 * time.Hour))
	}
}
