package decide

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newMultiAZCluster is a Multi-AZ DB cluster of a writer and two standbys with the given CPU in percent.
func newMultiAZCluster(cpu ...float64) scaling.Observation {
	o := newObservation(writer(xlarge, constantLoad(cpu[0])), ownReader("a", xlarge, constantLoad(cpu[1])), ownReader("b", xlarge, constantLoad(cpu[2])))
	o.ResizedAsUnit = true
	return o
}

// A Multi-AZ DB cluster is sized for its busiest instance.
func TestEvaluate_MultiAZClusterUsesBusiestInstance(t *testing.T) {
	p := newPolicy(withWriter(large, xlarge, xlarge2))
	p.Readers = nil
	for _, test := range []struct {
		name string
		o    scaling.Observation
		want string
	}{
		{"the writer is busy", newMultiAZCluster(80, 10, 10), "1 × db.r6g.2xlarge"},
		{"a standby is busy", newMultiAZCluster(20, 10, 80), "1 × db.r6g.2xlarge"},
		{"no instance is busy", newMultiAZCluster(50, 40, 45), ""},
		{"all instances are idle", newMultiAZCluster(5, 4, 6), "1 × db.r6g.large"},
		{"one instance is not idle", newMultiAZCluster(5, 40, 6), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Evaluate(p, test.o, now)
			got := ""
			if len(d.Proposals) > 0 {
				got = d.Proposals[0].To.String()
			}
			if got != test.want || len(d.Proposals) > 1 {
				t.Errorf("got %v (%s), want %q", d.Proposals, d.Hold.Message, test.want)
			}
		})
	}
}

// A Serverless v2 cluster may have only a writer.
func TestEvaluate_ServerlessWithoutReaders(t *testing.T) {
	p := newPolicy(withWriter("16 ACU", "32 ACU"))
	p.Readers, p.Serverless = nil, true
	o := newObservation(writer("16 ACU", constantLoad(80)))
	o.ResizedAsUnit, o.Serverless, o.ReadersChangedAt = true, true, time.Time{}
	if d := Evaluate(p, o, now); len(d.Proposals) != 1 || d.Proposals[0].To.String() != "1 × 32 ACU" {
		t.Errorf("got %v (%s)", d.Proposals, d.Hold.Message)
	}
}

// A time for which one instance has no sample is missing.
func TestMergeSeries(t *testing.T) {
	at := func(minutes ...float64) scaling.Instance {
		return scaling.Instance{CPU: scaling.NewSeries(time.Minute, now, minutes...)}
	}
	cpu := func(i scaling.Instance) scaling.Series { return i.CPU }
	got := mergeSeries([]scaling.Instance{at(1, 2, -1, 4, math.NaN(), 6), at(3, 1, 5, -1, 5, 7), at(2, 2, 2, 2, 2, 9)}, cpu, math.Max)
	if want := scaling.NewSeries(time.Minute, now, 3, 2, gap, gap, gap, 9); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
