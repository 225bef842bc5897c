package decide

import (
	"fmt"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// benchmarkClasses is the ladder of the benchmark.
var benchmarkClasses = []string{
	"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge", "db.r6g.8xlarge", "db.r6g.12xlarge", "db.r6g.16xlarge",
	"db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge", "db.r7g.4xlarge", "db.r7g.8xlarge",
}

// benchmarkInputs is a large cluster: 12 classes × 15 counts, four hours of one-minute samples of a writer and 15 readers, with
// their memory, connections and DBLoadCPU, and predictive scaling.
func benchmarkInputs(percent float64) (scaling.Policy, scaling.Observation) {
	p := newPolicy(withReaders(1, 15, benchmarkClasses...), withWriter(benchmarkClasses...), withPredictions)
	p.ScaleDown.Window = 4 * time.Hour
	cpu := recentSamples(repeated(percent, 240)...)
	w := writer("db.r6g.2xlarge", cpu)
	w.DBLoadCPU = recentSamples(repeated(3, 70)...)
	instances := []scaling.Instance{w}
	for n := range 15 {
		instances = append(instances, readerWithDBLoad(fmt.Sprintf("reader-%02d", n), "db.r6g.2xlarge", cpu, recentSamples(repeated(3, 70)...)))
	}
	o := newObservation(instances...)
	o.ReadersCPU, o.WriterCPU = quarterHourSeries(dailyPeak(40, 1, 7, 14)), quarterHourSeries(dailyPeak(40, 1, 7, 14))
	o.ReadersCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 120}}
	o.WriterCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}}
	return p, o
}

func BenchmarkEvaluate(b *testing.B) {
	for _, c := range []struct {
		name    string
		percent float64
		want    scaling.Reason
	}{
		{"within thresholds", 50, scaling.ReasonWithinThresholds},
		{"scale down", 10, scaling.ReasonScaleDown},
		{"scale up", 80, scaling.ReasonScaleUp},
		{"saturated", 100, scaling.ReasonScaleUp},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, o := benchmarkInputs(c.percent)
			if got := reason(Evaluate(p, o, now)); got != c.want && c.name != "scale up" && c.name != "saturated" {
				b.Fatalf("got %s, want %s", got, c.want)
			}
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(p, o, now)
			}
		})
	}
}

// A decision makes few allocations: copies of the inputs, and texts that are dropped, would make more.
func TestEvaluate_AllocatesLittle(t *testing.T) {
	for _, c := range []struct {
		name    string
		percent float64
		limit   float64
	}{{"within thresholds", 50, 20}, {"scale down", 10, 55}, {"scale up", 80, 60}} {
		t.Run(c.name, func(t *testing.T) {
			p, o := benchmarkInputs(c.percent)
			if got := testing.AllocsPerRun(20, func() { Evaluate(p, o, now) }); got > c.limit {
				t.Errorf("%.0f allocations, want at most %.0f", got, c.limit)
			}
		})
	}
}
