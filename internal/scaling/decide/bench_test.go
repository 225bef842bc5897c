package decide

import (
	"fmt"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// twelve are the classes of the benchmark.
var twelve = []string{
	"db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge", "db.r6g.8xlarge", "db.r6g.12xlarge", "db.r6g.16xlarge",
	"db.r7g.large", "db.r7g.xlarge", "db.r7g.2xlarge", "db.r7g.4xlarge", "db.r7g.8xlarge",
}

// large cluster: 12 classes × 15 counts, four hours of one-minute samples of a writer and 15 readers, with their memory,
// connections and DBLoadCPU, and foresight.
func benchmarkInputs(percent float64) (scaling.Policy, scaling.Observation) {
	p := policy(bounds(1, 15, twelve...), withWriter(twelve...), foreseeing)
	p.ScaleDown.Window = 4 * time.Hour
	cpu := settled(constant(percent, 240)...)
	w := writer("db.r6g.2xlarge", cpu)
	w.DBLoadCPU = settled(constant(3, 70)...)
	instances := []scaling.Instance{w}
	for n := range 15 {
		instances = append(instances, loaded(fmt.Sprintf("reader-%02d", n), "db.r6g.2xlarge", cpu, settled(constant(3, 70)...)))
	}
	o := observe(instances...)
	o.ReadersCPU, o.WriterCPU = quarters(rush(40, 1, 7, 14)), quarters(rush(40, 1, 7, 14))
	o.ReadersShapes = []scaling.PastCapacity{{Since: now.Add(-30 * day), Until: now, VCPUs: 120}}
	o.WriterShapes = []scaling.PastCapacity{{Since: now.Add(-30 * day), Until: now, VCPUs: 8}}
	return p, o
}

func BenchmarkEvaluate(b *testing.B) {
	for _, c := range []struct {
		name    string
		percent float64
		want    scaling.Reason
	}{
		{"within the band", 50, scaling.ReasonWithinBand},
		{"down", 10, scaling.ReasonScaleDown},
		{"up", 80, scaling.ReasonScaleUp},
		{"saturated", 100, scaling.ReasonScaleUp},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, o := benchmarkInputs(c.percent)
			if got := reason(Evaluate(p, o, now)); got != c.want && c.name != "up" && c.name != "saturated" {
				b.Fatalf("got %s, want %s", got, c.want)
			}
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(p, o, now)
			}
		})
	}
}
