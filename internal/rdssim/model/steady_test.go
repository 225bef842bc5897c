package model

import (
	"math"
	"strings"
	"testing"
	"time"
)

// dailyCluster is an Aurora cluster with a daily load: a writer and two readers.
func dailyCluster(steady bool) Database {
	d := auroraCluster(0, 0, "db.r6g.large", "db.r6g.large", "db.r6g.large")
	d.Steady = steady
	d.Load = Load{
		Writer:  Curve{Daily: &DailyLoad{MeanVCPUs: 0.6, VariationPercent: 30, Peak: Instant{Offset: 5 * time.Hour}}},
		Readers: Curve{Daily: &DailyLoad{MeanVCPUs: 1.4, VariationPercent: 20, Peak: Instant{Offset: 7 * time.Hour}}},
	}
	return d
}

// comparedMetrics are those that the operator reads of an Aurora cluster.
var comparedMetrics = []string{
	"CPUUtilization", "DatabaseConnections", "FreeableMemory", "EngineUptime", "AuroraReplicaLag", "DBLoadCPU", "DBLoad", "ReadIOPS",
	"WriteIOPS", "BufferCacheHitRatio", "CPUCreditBalance", "ServerlessDatabaseCapacity",
}

// compareSamples fails the test if two Worlds publish different samples.
func compareSamples(t *testing.T, steady, simulated *World) {
	t.Helper()
	for _, dimensions := range []map[string]string{
		{"DBInstanceIdentifier": "orders-1"}, {"DBInstanceIdentifier": "orders-2"}, {"DBInstanceIdentifier": "orders-3"},
		{"DBInstanceIdentifier": "orders-4"}, {"DBClusterIdentifier": "orders", "Role": "WRITER"},
		{"DBClusterIdentifier": "orders", "Role": "READER"},
	} {
		for _, metric := range comparedMetrics {
			got := steady.MetricSamples(testRegion, dimensions, metric, testStart, steady.Now())
			want := simulated.MetricSamples(testRegion, dimensions, metric, testStart, steady.Now())
			if len(got) != len(want) {
				t.Fatalf("%s of %v has %d samples, want %d as simulated", metric, dimensions, len(got), len(want))
			}
			for n := range got {
				if !got[n].Time.Equal(want[n].Time) || math.Abs(got[n].Value-want[n].Value) > 1e-4*(1+math.Abs(want[n].Value)) {
					t.Fatalf("%s of %v at %s is %g, want %g at %s as simulated", metric, dimensions, got[n].Time, got[n].Value, want[n].Value, want[n].Time)
				}
			}
		}
	}
}

func TestSteady_SamplesAreThoseOfTheSimulation(t *testing.T) {
	steady, simulated := newWorld(t, nil, dailyCluster(true)), newWorld(t, nil, dailyCluster(false))
	both := func(change func(*World)) { change(steady); change(simulated) }
	both(func(w *World) { advance(w, 90*time.Minute+25*time.Second) })
	compareSamples(t, steady, simulated)
	if steady.groups[0].instances[0].samples != nil {
		t.Error("a steady database has stored samples before anything changed")
	}
	both(func(w *World) {
		if err := w.SetLoad(testRegion, "orders", Load{Writer: constantLoad(0.5), Readers: constantLoad(5)}); err != nil {
			t.Fatal(err)
		}
		advance(w, 12*time.Minute)
	})
	compareSamples(t, steady, simulated)
	both(func(w *World) {
		request := CreateInstanceRequest{Identifier: "orders-4", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}
		if _, err := w.CreateInstance(testRegion, request); err != nil {
			t.Fatal(err)
		}
		advance(w, 40*time.Minute)
		if _, err := w.FailoverCluster(testRegion, "orders", "orders-2"); err != nil {
			t.Fatal(err)
		}
		advance(w, 10*time.Minute)
		if _, err := w.DeleteInstance(testRegion, "orders-3", false, ""); err != nil {
			t.Fatal(err)
		}
		advance(w, 20*time.Minute)
	})
	compareSamples(t, steady, simulated)
}

func TestSteady_EveryChangeEndsIt(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*World) error
	}{
		{"a load", func(w *World) error { return w.SetLoad(testRegion, "orders", Load{}) }},
		{"a reboot", func(w *World) error { _, err := w.RebootInstance(testRegion, "orders-2", false); return err }},
		{"a failover", func(w *World) error { _, err := w.FailoverCluster(testRegion, "orders", "orders-3"); return err }},
		{"a deletion", func(w *World) error { _, err := w.DeleteInstance(testRegion, "orders-3", false, ""); return err }},
		{"vCPUs", func(w *World) error { return w.SetVCPUs(testRegion, "orders-1", 3) }},
		{"a custom endpoint", func(w *World) error {
			return w.SetCustomEndpoint(testRegion, "orders", CustomEndpoint{Identifier: "reports", Load: constantLoad(0.1)})
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, nil, dailyCluster(true))
			advance(w, time.Hour)
			if err := test.change(w); err != nil {
				t.Fatal(err)
			}
			advance(w, 5*time.Minute)
			if samples := w.groups[0].instances[0].samples; len(samples) < 4 {
				t.Errorf("five minutes after the change there are %d simulated samples, want at least 4", len(samples))
			}
		})
	}
}

func TestSteady_HasAPast(t *testing.T) {
	d := dailyCluster(true)
	d.Age.Duration = 24 * time.Hour
	w := newWorld(t, nil, d)
	points := w.MetricSamples(testRegion, map[string]string{"DBInstanceIdentifier": "orders-2"}, "CPUUtilization", testStart.AddDate(0, 0, -15), testStart)
	if len(points) < 24*60-3 || len(points) > 24*60 {
		t.Errorf("a day after its creation an instance has %d samples of one minute, want nearly %d", len(points), 24*60)
	}
	if first := points[0].Time; first.Before(testStart.Add(-24 * time.Hour)) {
		t.Errorf("the first sample is from %s, before the creation", first)
	}
}

func TestSteady_Validation(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(*Database)
	}{
		{"no reader", "at least one reader", func(d *Database) { d.Instances = d.Instances[:1] }},
		{"noise", "a load that the writer can serve", func(d *Database) { d.Load.Writer.NoisePercent = 1 }},
		{"saturated", "a load that the readers can serve", func(d *Database) { d.Load.Readers.Daily.MeanVCPUs = 4 }},
		{"burstable", "not burstable", func(d *Database) { d.Instances[1].Class = "db.t4g.medium" }},
		{"two sources", "want only one of", func(d *Database) { d.Load.Writer.Points = []CurvePoint{{}} }},
		{"variation", "daily: want", func(d *Database) { d.Load.Writer.Daily.VariationPercent = 101 }},
		{"too young", "an age of at least 1h", func(d *Database) { d.Age.Duration = time.Minute }},
		{"different readers", "readers of one class", func(d *Database) { d.Instances[2].Class = "db.r6g.xlarge" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := dailyCluster(true)
			test.change(&d)
			s := Scenario{AccountID: testAccount, Databases: []Database{d}}
			s.Start.Time = testStart
			if err := s.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestSteady_FewSamplesSufficeForAPeriod(t *testing.T) {
	w := newWorld(t, nil, dailyCluster(true))
	dimensions := map[string]string{"DBInstanceIdentifier": "orders-2"}
	from := testStart.AddDate(0, 0, -2)
	all := w.MetricSamples(testRegion, dimensions, "CPUUtilization", from, from.Add(24*time.Hour))
	few := w.MetricSamplesOfPeriods(testRegion, dimensions, "CPUUtilization", from, from.Add(24*time.Hour), 15*time.Minute)
	if len(all) != 24*60 || len(few) != 24*4*3 {
		t.Fatalf("there are %d samples, and %d that suffice, want %d and %d", len(all), len(few), 24*60, 24*4*3)
	}
	for n := range 24 * 4 {
		mean, highest := 0.0, 0.0
		for _, p := range all[15*n : 15*n+15] {
			mean, highest = mean+p.Value/15, math.Max(highest, p.Value)
		}
		gotMean, gotHighest := 0.0, 0.0
		for _, p := range few[3*n : 3*n+3] {
			gotMean, gotHighest = gotMean+p.Value/3, math.Max(gotHighest, p.Value)
		}
		if math.Abs(gotMean-mean) > 0.01 || math.Abs(gotHighest-highest) > 0.01 {
			t.Errorf("in period %d the mean is %g and the maximum %g, want %g and %g", n, gotMean, gotHighest, mean, highest)
		}
	}
}

// BenchmarkSteady_MetricSamples reads 15 days of quarter-hours.
func BenchmarkSteady_MetricSamples(b *testing.B) {
	s := Scenario{AccountID: testAccount, Databases: []Database{dailyCluster(true)}}
	s.Start.Time = testStart
	w, err := New(s)
	if err != nil {
		b.Fatal(err)
	}
	dimensions := map[string]string{"DBClusterIdentifier": "orders", "Role": "READER"}
	for b.Loop() {
		w.MetricSamplesOfPeriods(testRegion, dimensions, "CPUUtilization", testStart.AddDate(0, 0, -15), testStart, 15*time.Minute)
	}
}
