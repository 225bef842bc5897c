package model

import (
	"math"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// newIOWorld simulates one database for an hour and returns the newest value of each metric of its first instance.
func newIOWorld(t *testing.T, d Database, duration time.Duration) (*World, func(instance, metric string) (float64, bool)) {
	t.Helper()
	start := time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC)
	d.Region, d.EngineVersion = "eu-west-1", "16.4"
	w, err := New(Scenario{Start: metav1.NewTime(start), AccountID: "123456789012", Databases: []Database{d}})
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(start.Add(duration))
	return w, func(instance, metric string) (float64, bool) {
		points := w.MetricSamples("eu-west-1", map[string]string{"DBInstanceIdentifier": instance}, metric, start, w.Now())
		if len(points) == 0 {
			return 0, false
		}
		return points[len(points)-1].Value, true
	}
}

// db.r6g.large sustains 3,600 IOPS and 78.75 MB/s, and reaches 20,000 and 593.75 MB/s for half an hour a day.
func TestWorld_IOLimitsOfTheClass(t *testing.T) {
	for _, test := range []struct {
		name                                                         string
		io                                                           IOWorkload
		minutes                                                      int
		readIOPS, writeIOPS, queue, ioBalance, byteBalance, tolerate float64
	}{
		{"no I/O", IOWorkload{}, 60, 0, 0, 0, 100, 100, 0},
		{"within the baseline", IOWorkload{Writer: IODemand{2000, 1000}}, 60, 2000, 1000, 1.5, 100, 100, 0},
		{"burst of 15 minutes at the highest rate", IOWorkload{Writer: IODemand{10000, 10000}, OperationBytes: 1024}, 17, 10000, 10000, 10, 50, 100, 7},
		{"the burst is used up", IOWorkload{Writer: IODemand{10000, 10000}, OperationBytes: 1024}, 60, 1800, 1800, 250, 0, 100, 0},
		{"limited by bytes", IOWorkload{Writer: IODemand{1000, 0}, OperationBytes: 787500}, 90, 100, 0, 18.05, 100, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			io := test.io
			_, value := newIOWorld(t, Database{Identifier: "orders", Engine: "postgres", Class: "db.r6g.large", IO: &io}, time.Duration(test.minutes)*time.Minute)
			for metric, want := range map[string]float64{
				"ReadIOPS": test.readIOPS, "WriteIOPS": test.writeIOPS, "DiskQueueDepth": test.queue,
				"EBSIOBalance%": test.ioBalance, "EBSByteBalance%": test.byteBalance,
				"ReadThroughput":  test.readIOPS * max(1, orDefault(io.OperationBytes)),
				"WriteThroughput": test.writeIOPS * max(1, orDefault(io.OperationBytes)),
			} {
				if got, published := value("orders", metric); !published || math.Abs(got-want) > max(0.001*want, test.tolerate) {
					t.Errorf("%s is %v, %t, want %v", metric, got, published, want)
				}
			}
			if got, published := value("orders", "BufferCacheHitRatio"); published {
				t.Errorf("RDS for PostgreSQL publishes BufferCacheHitRatio %v", got)
			}
		})
	}
}

func orDefault(bytes float64) float64 {
	if bytes == 0 {
		return defaultOperationBytes
	}
	return bytes
}

// A class whose baseline is its highest rate publishes no balance, and Aurora has no volumes.
func TestWorld_BalancesOnlyWhereTheClassBursts(t *testing.T) {
	_, value := newIOWorld(t, Database{Identifier: "orders", Engine: "mysql", Class: "db.r6g.4xlarge"}, time.Hour)
	_, aurora := newIOWorld(t, Database{
		Identifier: "orders", Engine: "aurora-postgresql", Instances: []Member{{Identifier: "a", Class: "db.r6g.large"}},
	}, time.Hour)
	for _, metric := range []string{"EBSIOBalance%", "EBSByteBalance%"} {
		if got, published := value("orders", metric); published {
			t.Errorf("%s of a class that does not burst is %v", metric, got)
		}
		if got, published := aurora("a", metric); published {
			t.Errorf("%s of Aurora is %v", metric, got)
		}
	}
}

// The cache of Aurora PostgreSQL is 64.6 % of the memory: 10.3 GiB of db.r6g.large, 20.7 GiB of db.r6g.xlarge.
func TestWorld_BufferCacheFollowsTheClass(t *testing.T) {
	io := IOWorkload{Writer: IODemand{ReadIOPS: 1000}, WorkingSetGiB: 16}
	for class, want := range map[string]float64{"db.r6g.large": 64.6, "db.r6g.xlarge": 100} {
		w, value := newIOWorld(t, Database{
			Identifier: "orders", Engine: "aurora-postgresql", IO: &io, Instances: []Member{{Identifier: "a", Class: class}},
		}, time.Hour)
		hits, _ := value("a", "BufferCacheHitRatio")
		reads, _ := value("a", "ReadIOPS")
		if math.Abs(hits-want) > 0.1 || math.Abs(reads-1000*(1-want/100)) > 1 {
			t.Errorf("%s: %.1f %% hits and %.0f reads, want %.1f %%", class, hits, reads, want)
		}
		if got := w.CacheHitPercent("eu-west-1", "a", "db.r6g.large"); math.Abs(got-64.6) > 0.1 {
			t.Errorf("a smaller class would have %.1f %% hits", got)
		}
	}
}

// Every replica applies the writes of its source, and the replicas share the reads.
func TestWorld_IOOfReplicas(t *testing.T) {
	io := IOWorkload{Writer: IODemand{ReadIOPS: 100, WriteIOPS: 500}, Readers: IODemand{ReadIOPS: 600}}
	w, value := newIOWorld(t, Database{
		Identifier: "orders", Engine: "mysql", Class: "db.r6g.xlarge", IO: &io,
		Replicas: []Member{{Identifier: "r1", Class: "db.r6g.xlarge"}, {Identifier: "r2", Class: "db.r6g.xlarge"}},
	}, time.Hour)
	reads, _ := value("r1", "ReadIOPS")
	writes, _ := value("r1", "WriteIOPS")
	if reads != 300 || writes != 500 {
		t.Errorf("a replica does %v reads and %v writes, want 300 and 500", reads, writes)
	}
	if iops, bytes, exists := w.RequestedIO("eu-west-1", "orders"); iops != 600 || bytes != 600*defaultOperationBytes || !exists {
		t.Errorf("the source is asked for %v operations and %v bytes, %t", iops, bytes, exists)
	}
}

func TestScenario_InvalidIO(t *testing.T) {
	for _, io := range []IOWorkload{{Writer: IODemand{ReadIOPS: -1}}, {WorkingSetGiB: math.NaN()}} {
		if io.validate() == nil {
			t.Errorf("%+v is valid", io)
		}
	}
}

// db.t2.medium earns 24 credits an hour, that is 0.4 vCPU. With 2 vCPUs of load it uses up 24 hours of credits in 6 hours.
func TestWorld_CPUCredits(t *testing.T) {
	load := Load{Writer: Curve{Points: []CurvePoint{{VCPUs: 1.9}}}}
	for _, test := range []struct {
		class            string
		hours            int
		wantBalance      float64
		wantCPU          float64
		wantCharged      bool
		surplusPublished bool
	}{
		{"db.t2.medium", 2, 576 - 120*(1.9-0.4), 96.5, false, false},
		{"db.t2.medium", 12, 0, 21.5, false, false}, // at its baseline
		{"db.t3.medium", 12, 0, 96.5, false, true},  // surplus credits
		{"db.t3.medium", 30, 0, 96.5, true, true},   // more of them than it earns in a day
	} {
		_, value := newIOWorld(t, Database{Identifier: "orders", Engine: "mysql", Class: test.class, Load: load}, time.Duration(test.hours)*time.Hour)
		balance, _ := value("orders", "CPUCreditBalance")
		cpu, _ := value("orders", "CPUUtilization")
		charged, published := value("orders", "CPUSurplusCreditsCharged")
		if math.Abs(balance-test.wantBalance) > 10 || math.Abs(cpu-test.wantCPU) > 1.5 || charged > 0 != test.wantCharged || published != test.surplusPublished {
			t.Errorf("%s after %d h: balance %.0f, CPU %.1f %%, charged %.2f %t", test.class, test.hours, balance, cpu, charged, published)
		}
	}
}
