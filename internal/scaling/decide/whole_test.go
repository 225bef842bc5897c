package decide

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// multiAZ is a Multi-AZ DB cluster of a writer and two standbys at these CPUs.
func multiAZ(cpu ...float64) scaling.Observation {
	o := observe(writer(xlarge, steady(cpu[0])), own("a", xlarge, steady(cpu[1])), own("b", xlarge, steady(cpu[2])))
	o.Whole = true
	return o
}

// It is sized for its busiest member, whichever that is.
func TestMultiAZClusterGoesByItsBusiestMember(t *testing.T) {
	p := policy(withWriter(large, xlarge, xlarge2))
	p.Readers = nil
	for _, test := range []struct {
		name string
		o    scaling.Observation
		want string
	}{
		{"the writer is busy", multiAZ(80, 10, 10), "1 × db.r6g.2xlarge"},
		{"a standby is busy", multiAZ(20, 10, 80), "1 × db.r6g.2xlarge"},
		{"nobody is", multiAZ(50, 40, 45), ""},
		{"all are idle", multiAZ(5, 4, 6), "1 × db.r6g.large"},
		{"one is not idle", multiAZ(5, 40, 6), ""},
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

// A Serverless v2 cluster may have a writer alone.
func TestServerlessWriterAlone(t *testing.T) {
	p := policy(withWriter("16 ACU", "32 ACU"))
	p.Readers, p.Serverless = nil, true
	o := observe(writer("16 ACU", steady(80)))
	o.Whole, o.Serverless, o.ReadersSince = true, true, time.Time{}
	if d := Evaluate(p, o, now); len(d.Proposals) != 1 || d.Proposals[0].To.String() != "1 × 32 ACU" {
		t.Errorf("got %v (%s)", d.Proposals, d.Hold.Message)
	}
}

// What one member has no sample of is missing, whatever the others say.
func TestMerged(t *testing.T) {
	at := func(minutes ...float64) scaling.Instance {
		var i scaling.Instance
		for n, v := range minutes {
			if v >= 0 || math.IsNaN(v) {
				i.CPU = append(i.CPU, scaling.Sample{At: now.Add(time.Duration(n) * time.Minute), Value: v})
			}
		}
		return i
	}
	cpu := func(i scaling.Instance) scaling.Series { return i.CPU }
	got := merged([]scaling.Instance{at(1, 2, -1, 4, math.NaN(), 6), at(3, 1, 5, -1, 5, 7), at(2, 2, 2, 2, 2, 9)}, cpu, math.Max)
	want := scaling.Series{{At: now, Value: 3}, {At: now.Add(time.Minute), Value: 2}, {At: now.Add(5 * time.Minute), Value: 9}}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for n := range want {
		if got[n] != want[n] {
			t.Errorf("got %v, want %v", got[n], want[n])
		}
	}
}
