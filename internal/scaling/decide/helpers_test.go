package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// The classes have 2, 4, 8 and 16 vCPUs.
const (
	large   = "db.r6g.large"
	xlarge  = "db.r6g.xlarge"
	xlarge2 = "db.r6g.2xlarge"
	xlarge4 = "db.r6g.4xlarge"
)

var (
	// now is the time of evaluation, and newestMinute the newest minute that is final then: it ended a minute before.
	now          = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	newestMinute = time.Date(2026, 2, 5, 9, 58, 0, 0, time.UTC)
)

// gap is a minute without a sample: a negative value is missing.
const gap = -1

// newPolicy scales readers from 1 to 4 and nothing else, with a scale-up window of 3 and a scale-down window of 10 minutes.
func newPolicy(edits ...func(*scaling.Policy)) scaling.Policy {
	p := scaling.Policy{
		Readers: &scaling.ReaderLimits{
			InstanceClasses: []string{large, xlarge, xlarge2, xlarge4}, Min: 1, Max: 4, Preference: scaling.Cheapest,
		},
		CPU:       scaling.CPU{Target: 55, ScaleUp: 70, ScaleDown: 35},
		ScaleUp:   scaling.Behavior{Window: 3 * time.Minute},
		ScaleDown: scaling.Behavior{Window: 10 * time.Minute},
	}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

func withPreference(preference scaling.Preference) func(*scaling.Policy) {
	return func(p *scaling.Policy) { p.Readers.Preference = preference }
}

func withReaders(minCount, maxCount int, ladder ...string) func(*scaling.Policy) {
	return func(p *scaling.Policy) {
		p.Readers.Min, p.Readers.Max, p.Readers.InstanceClasses = minCount, maxCount, ladder
	}
}

func withWriter(ladder ...string) func(*scaling.Policy) {
	return func(p *scaling.Policy) { p.Writer = &scaling.WriterLimits{InstanceClasses: ladder} }
}

func withMaxStepFactor(n int) func(*scaling.Policy) {
	return func(p *scaling.Policy) { p.Guardrails.MaxStepFactor = n }
}

func withoutReaders(p *scaling.Policy) { p.Readers = nil }

func withScaleUpWindow(d time.Duration) func(*scaling.Policy) {
	return func(p *scaling.Policy) { p.ScaleUp.Window = d }
}

// newObservation is an Aurora cluster of the instances that has not changed for a day.
func newObservation(instances ...scaling.Instance) scaling.Observation {
	return scaling.Observation{
		ObservedAt: now, Found: true, Engine: "aurora-postgresql", Status: scaling.StatusAvailable, Instances: instances,
		WriterChangedAt: now.Add(-24 * time.Hour), ReadersChangedAt: now.Add(-24 * time.Hour),
	}
}

// foreignReader is a reader that the operator did not create, with 40 % of its memory freeable, 20 connections and little I/O.
func foreignReader(name, class string, cpu scaling.Series) scaling.Instance {
	i := scaling.Instance{Identifier: name, Class: class, Status: scaling.StatusAvailable, CPU: cpu, Connections: fiveMinuteSeries(20)}
	i.IO = littleIO
	if c, err := catalog.Lookup(class); err == nil {
		i.FreeableMemory = fiveMinuteSeries(0.4 * float64(c.MemoryBytes))
	}
	return i
}

// littleIO is a day of little I/O, all of it cached. Tests replace its series and do not change them.
var littleIO = scaling.IO{
	ReadIOPS: daySeries(10), WriteIOPS: daySeries(20), ReadThroughput: daySeries(160e3), WriteThroughput: daySeries(320e3),
	QueueDepth: daySeries(0.1), CacheHitRatio: daySeries(100),
}

// daySeries is a constant value every five minutes for the last 25 hours.
func daySeries(value float64) scaling.Series {
	return scaling.NewSeries(5*time.Minute, now.Add(-25*time.Hour), repeated(value, 25*12-1)...)
}

// fiveMinuteSeries is a constant value every five minutes for the last five hours.
func fiveMinuteSeries(value float64) scaling.Series {
	return scaling.NewSeries(5*time.Minute, now.Add(-5*time.Hour), repeated(value, 5*12-1)...)
}

// ownReader is a reader that the operator created.
func ownReader(name, class string, cpu scaling.Series) scaling.Instance {
	i := foreignReader(name, class, cpu)
	i.Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	return i
}

// surgeReader is a reader that an earlier operation added for its duration.
func surgeReader(name, class string, cpu scaling.Series) scaling.Instance {
	i := ownReader(name, class, cpu)
	i.Tags[scaling.TagSurge] = "0a1b2c3d"
	return i
}

func writer(class string, cpu scaling.Series) scaling.Instance {
	i := foreignReader("writer", class, cpu)
	i.Writer = true
	return i
}

// samplesUntil is one sample a minute, the last at the given minute.
func samplesUntil(last time.Time, percents ...float64) scaling.Series {
	return scaling.NewSeries(time.Minute, last.Add(-time.Duration(len(percents)-1)*time.Minute), percents...)
}

// recentSamples is one sample a minute up to newestMinute.
func recentSamples(percents ...float64) scaling.Series {
	return samplesUntil(newestMinute, percents...)
}

// constantLoad is a constant load for the last 30 minutes.
func constantLoad(percent float64) scaling.Series {
	percents := make([]float64, 30)
	for n := range percents {
		percents[n] = percent
	}
	return recentSamples(percents...)
}

// withoutMinute removes the nth newest sample; the newest is 0. A gap counts, too.
func withoutMinute(samples scaling.Series, n int) scaling.Series {
	return withMinute(samples, n, gap)
}

// withMinute changes the nth newest sample; the newest is 0. A gap counts, too.
func withMinute(samples scaling.Series, n int, percent float64) scaling.Series {
	return withValues(samples, func(k int, v float64) float64 {
		if k == samples.Len()-1-n {
			return percent
		}
		return v
	})
}

// withValues replaces the value of each sample by that of a function of it and of the number of its period.
func withValues(series scaling.Series, valueOf func(n int, v float64) float64) scaling.Series {
	values := make([]float64, series.Len())
	for n := range values {
		values[n] = gap
		if v, known := series.At(n); known {
			values[n] = valueOf(n, v)
		}
	}
	return scaling.NewSeries(series.Period(), series.Start(), values...)
}

func shape(count int, class string) scaling.Shape {
	return scaling.Shape{InstanceClass: class, Count: count}
}

// vcpus is the number of vCPUs of a shape on Aurora.
func vcpus(t *testing.T, s scaling.Shape) int {
	t.Helper()
	class, err := catalog.Lookup(s.InstanceClass)
	if err != nil {
		t.Fatal(err)
	}
	return s.Count * int(class.VCPU)
}

// onlyProposal is the only proposal of a decision.
func onlyProposal(t *testing.T, d scaling.Decision) scaling.Proposal {
	t.Helper()
	if len(d.Proposals) != 1 {
		t.Fatalf("got %d proposals, hold %q (%s); want one proposal", len(d.Proposals), d.Hold.Reason, d.Hold.Message)
	}
	return d.Proposals[0]
}

// reason is that of the first proposal, or of the hold.
func reason(d scaling.Decision) scaling.Reason {
	if len(d.Proposals) > 0 {
		return d.Proposals[0].Reason
	}
	return d.Hold.Reason
}
