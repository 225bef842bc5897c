package decide

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// verdictOn is the verdict of a decision on a shape, with what was compared.
func verdictOn(t *testing.T, d scaling.Decision, pool scaling.Pool, shape scaling.Shape) scaling.Candidate {
	t.Helper()
	for _, a := range d.Pools {
		for _, c := range a.Candidates {
			if a.Load.Pool == pool && c.Shape == shape {
				return c
			}
		}
	}
	t.Fatalf("%s was not considered", shape)
	return scaling.Candidate{}
}

// withSamples replaces the first of every so many samples by another value.
func withSamples(series scaling.Series, every int, value float64) scaling.Series {
	return withValues(series, func(n int, v float64) float64 {
		if n%every == 0 {
			return value
		}
		return v
	})
}

// db.r6g.large sustains 3,600 IOPS and 78.75 MB/s, of which 70 % are 2,520 IOPS and 55.125 MB/s.
func TestEvaluate_IOOfTheVolumes(t *testing.T) {
	ofDay := func(reads, writes, readBytes, writeBytes float64) scaling.IO {
		return scaling.IO{
			ReadIOPS: daySeries(reads), WriteIOPS: daySeries(writes), ReadThroughput: daySeries(readBytes),
			WriteThroughput: daySeries(writeBytes), QueueDepth: daySeries(1),
		}
	}
	edit := func(edits ...func(*scaling.IO)) scaling.IO {
		io := ofDay(1000, 500, 10e6, 10e6)
		for _, e := range edits {
			e(&io)
		}
		return io
	}
	for _, test := range []struct {
		name   string
		io     scaling.IO
		limits scaling.IOLimits
		class  string
		want   scaling.Verdict
	}{
		{name: "fits", io: edit(), want: scaling.VerdictChosen},
		{name: "as much as allowed", io: ofDay(1260, 1260, 50e6, 5.125e6), want: scaling.VerdictChosen},
		{name: "too many operations", io: ofDay(1260, 1261, 50e6, 5e6), want: scaling.VerdictInsufficientIO},
		{name: "too many bytes", io: ofDay(100, 100, 50e6, 5.2e6), want: scaling.VerdictInsufficientIO},
		{name: "too much, but the policy ignores it", io: ofDay(9000, 9000, 50e6, 50e6), limits: scaling.IgnoreIOLimits, want: scaling.VerdictChosen},
		{name: "too much in 1 % of the day", io: edit(func(io *scaling.IO) {
			io.ReadIOPS = withSamples(io.ReadIOPS, 120, 20000)
		}), want: scaling.VerdictChosen},
		{name: "too much in 2 % of the day", io: edit(func(io *scaling.IO) {
			io.ReadIOPS = withSamples(io.ReadIOPS, 50, 20000)
		}), want: scaling.VerdictInsufficientIO},
		{name: "burst balance never below 100 %", io: edit(func(io *scaling.IO) {
			io.IOBalance, io.ByteBalance = daySeries(100), daySeries(100)
		}), want: scaling.VerdictChosen},
		{name: "throughput balance low", io: edit(func(io *scaling.IO) {
			io.ByteBalance = withSamples(daySeries(100), 30, 60)
		}), want: scaling.VerdictIOSaturated},
		{name: "IOPS balance low", io: edit(func(io *scaling.IO) { io.IOBalance = daySeries(89) }), want: scaling.VerdictIOSaturated},
		{name: "requests queue", io: edit(func(io *scaling.IO) { io.QueueDepth = daySeries(3.7) }), want: scaling.VerdictIOSaturated},
		{name: "queue that keeps the volumes busy", io: edit(func(io *scaling.IO) { io.QueueDepth = daySeries(3.6) }), want: scaling.VerdictChosen},
		{name: "nothing was read", io: scaling.IO{}, want: scaling.VerdictIOUnknown},
		{name: "no samples of writes", io: edit(func(io *scaling.IO) { io.WriteIOPS = scaling.Series{} }), want: scaling.VerdictIOUnknown},
		{name: "no samples of the throughput", io: edit(func(io *scaling.IO) { io.ReadThroughput = scaling.Series{} }), want: scaling.VerdictIOUnknown},
		{name: "no samples of the queue", io: edit(func(io *scaling.IO) { io.QueueDepth = scaling.Series{} }), want: scaling.VerdictIOUnknown},
		{name: "old samples", io: edit(func(io *scaling.IO) { io.ReadIOPS = io.ReadIOPS.Before(now.Add(-30 * time.Minute)) }), want: scaling.VerdictIOUnknown},
		{name: "a third of the day is missing", io: edit(func(io *scaling.IO) {
			io.ReadIOPS = io.ReadIOPS.From(io.ReadIOPS.TimeAt(100))
		}), want: scaling.VerdictIOUnknown},
		{name: "reads and writes at other times", io: edit(func(io *scaling.IO) {
			everyOther := func(remainder int) func(int, float64) float64 {
				return func(n int, v float64) float64 {
					if n%5 == remainder {
						return gap
					}
					return v
				}
			}
			io.ReadIOPS, io.WriteIOPS = withValues(io.ReadIOPS, everyOther(1)), withValues(io.WriteIOPS, everyOther(3))
		}), want: scaling.VerdictIOUnknown},
		{name: "not a number", io: edit(func(io *scaling.IO) { io.ReadIOPS = daySeries(math.NaN()) }), want: scaling.VerdictIOUnknown},
		{name: "a class without known limits", io: edit(), class: "db.t2.medium", want: scaling.VerdictIOUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			class := large
			if test.class != "" {
				class = test.class
			}
			p := newPolicy(withoutReaders, withWriter(class, xlarge))
			p.ScaleDownClassWindow = 10 * time.Minute
			w := writer(xlarge, recentSamples(repeated(10, 40)...))
			w.IO, w.FreeableMemory = test.io, fiveMinuteSeries(30<<30) // of 32 GiB
			o := newObservation(w)
			o.Engine = "postgres"
			o.Prices = map[string]scaling.Money{class: 1e6, xlarge: 2e6}
			p.ScaleDownClassWindow, p.Guardrails.IOLimits = 24*time.Hour, test.limits
			// The load of the day, in quarters of an hour, so that only the I/O decides.
			o.WriterCPU = quarterHourSeries(func(time.Time) float64 { return 10 })
			o.WriterCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 4}}
			d := Evaluate(p, o, now)
			got := verdictOn(t, d, scaling.Writer, scaling.Shape{InstanceClass: class, Count: 1})
			if got.Verdict != test.want {
				t.Errorf("got %s with %+v (%s), want %s", got.Verdict, got.IO, d.Hold.Message, test.want)
			}
			if (len(d.Proposals) > 0) != (test.want == scaling.VerdictChosen) {
				t.Errorf("got the proposals %v", d.Proposals)
			}
		})
	}
}

// Two read replicas of 1,000 operations each: when one is removed, the other has all of them.
func TestEvaluate_IOOfFewerReplicas(t *testing.T) {
	for _, test := range []struct {
		name string
		iops float64
		want scaling.Reason
	}{
		{"one replica sustains the I/O of two", 1200, scaling.ReasonScaleDown},
		{"one replica does not", 1300, scaling.ReasonAtMinimum}, // 2,600 of 2,520
	} {
		t.Run(test.name, func(t *testing.T) {
			cpu := recentSamples(repeated(10, 40)...)
			readers := []scaling.Instance{ownReader("a", large, cpu), ownReader("b", large, cpu)}
			for n := range readers {
				readers[n].IO.ReadIOPS, readers[n].IO.WriteIOPS = fiveMinuteSeries(test.iops), fiveMinuteSeries(0)
			}
			o := newObservation(append(readers, writer(large, cpu))...)
			o.Engine = "mysql"
			if d := Evaluate(newPolicy(withReaders(1, 4, large)), o, now); reason(d) != test.want {
				t.Errorf("got %s, want %s: %s", reason(d), test.want, d.Hold.Message)
			}
		})
	}
}

// A smaller class of Aurora has a smaller cache. db.r6g.large sustains 3,600 IOPS and has half the memory of db.r6g.xlarge.
func TestEvaluate_BufferCache(t *testing.T) {
	for _, test := range []struct {
		name     string
		hits     scaling.Series
		reads    scaling.Series
		changed  time.Duration
		noLimits bool
		want     scaling.Verdict
	}{
		{name: "everything is cached", hits: fiveMinuteSeries(100), reads: fiveMinuteSeries(5), want: scaling.VerdictChosen},
		{name: "exactly 99 %", hits: fiveMinuteSeries(99), reads: fiveMinuteSeries(5), want: scaling.VerdictChosen},
		{name: "98.9 %", hits: fiveMinuteSeries(98.9), reads: fiveMinuteSeries(5), want: scaling.VerdictInsufficientCache},
		{name: "low in 4 % of the time", hits: withSamples(fiveMinuteSeries(100), 30, 50), reads: fiveMinuteSeries(5), want: scaling.VerdictChosen},
		{name: "low in 10 % of the time", hits: withSamples(fiveMinuteSeries(100), 10, 50), reads: fiveMinuteSeries(5), want: scaling.VerdictInsufficientCache},
		{name: "low since the class changed", hits: withValues(fiveMinuteSeries(100), func(n int, v float64) float64 {
			if n >= 42 {
				return 97
			}
			return v
		}), changed: 80 * time.Minute,
			reads: fiveMinuteSeries(5), want: scaling.VerdictInsufficientCache},
		{name: "many reads miss nevertheless", hits: fiveMinuteSeries(99.5), reads: fiveMinuteSeries(1261), want: scaling.VerdictInsufficientIO},
		{name: "as many as allowed", hits: fiveMinuteSeries(99.5), reads: fiveMinuteSeries(1260), want: scaling.VerdictChosen},
		{name: "no hit ratio", reads: fiveMinuteSeries(5), want: scaling.VerdictIOUnknown},
		{name: "no reads", hits: fiveMinuteSeries(100), want: scaling.VerdictIOUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := writer(xlarge, recentSamples(repeated(10, 40)...))
			w.IO = scaling.IO{CacheHitRatio: test.hits, ReadIOPS: test.reads}
			o := newObservation(w)
			if test.changed > 0 {
				o.WriterChangedAt = now.Add(-test.changed)
			}
			p := newPolicy(withoutReaders, withWriter(large, xlarge))
			p.ScaleDownClassWindow = 5 * time.Hour
			o.WriterCPU = quarterHourSeries(func(time.Time) float64 { return 10 })
			o.WriterCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 4}}
			d := Evaluate(p, o, now)
			if got := verdictOn(t, d, scaling.Writer, scaling.Shape{InstanceClass: large, Count: 1}); got.Verdict != test.want {
				t.Errorf("got %s with %+v (%s), want %s", got.Verdict, got.IO, d.Hold.Message, test.want)
			}
		})
	}
}

// Fewer Aurora readers of the same class have the same cache, and no volumes of their own.
func TestEvaluate_FewerAuroraReadersNeedNoIOSamples(t *testing.T) {
	cpu := recentSamples(repeated(10, 40)...)
	a, b := ownReader("a", large, cpu), ownReader("b", large, cpu)
	a.IO, b.IO = scaling.IO{}, scaling.IO{}
	if d := Evaluate(newPolicy(withReaders(1, 4, large)), newObservation(writer(large, cpu), a, b), now); reason(d) != scaling.ReasonScaleDown {
		t.Errorf("got %s: %s", reason(d), d.Hold.Message)
	}
}

// The busiest member of a Multi-AZ DB cluster decides, whatever its role.
func TestEvaluate_IOOfAMultiAZCluster(t *testing.T) {
	cpu := recentSamples(repeated(10, 40)...)
	for iops, want := range map[float64]scaling.Reason{1000: scaling.ReasonScaleDown, 3000: scaling.ReasonAtMinimum} {
		standby := foreignReader("standby", xlarge, cpu)
		standby.IO.ReadIOPS = fiveMinuteSeries(iops)
		o := newObservation(writer(xlarge, cpu), standby, foreignReader("other", xlarge, cpu))
		for n := range o.Instances {
			o.Instances[n].FreeableMemory = fiveMinuteSeries(30 << 30) // of 32 GiB
		}
		o.Engine, o.ResizedAsUnit = "postgres", true
		p := newPolicy(withoutReaders, withWriter(large, xlarge))
		if d := Evaluate(p, o, now); reason(d) != want {
			t.Errorf("%.0f IOPS: got %s, want %s: %s", iops, reason(d), want, d.Hold.Message)
		}
	}
}

// A capacity range of Serverless v2 has a cache that follows it, and no EBS limits.
func TestEvaluate_BufferCacheOfServerless(t *testing.T) {
	cpu := recentSamples(repeated(10, 40)...)
	for percent, want := range map[float64]scaling.Reason{100: scaling.ReasonScaleDown, 95: scaling.ReasonAtMinimum} {
		w := writer("16 ACU", cpu)
		w.FreeableMemory, w.IO.CacheHitRatio = fiveMinuteSeries(30<<30), fiveMinuteSeries(percent)
		o := newObservation(w)
		o.Serverless, o.ResizedAsUnit = true, true
		p := newPolicy(withoutReaders, withWriter("8 ACU", "16 ACU"))
		if d := Evaluate(p, o, now); reason(d) != want {
			t.Errorf("%.0f %%: got %s, want %s: %s", percent, reason(d), want, d.Hold.Message)
		}
	}
}
