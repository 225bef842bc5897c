package decide

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// knownPast returns the CPU history of a pool, and its capacity.
type knownPast func() (scaling.Series, []scaling.CapacityPeriod)

func quietWeek() (scaling.Series, []scaling.CapacityPeriod)  { return pastWeek(0, 0) }
func burstyWeek() (scaling.Series, []scaling.CapacityPeriod) { return pastWeek(4, 40) }
func noPast() (scaling.Series, []scaling.CapacityPeriod)     { return scaling.Series{}, nil }

// TestReadPlan: a database of 8 vCPUs whose week is known is read rarely only while nothing that it has done would bring it near the
// threshold of 70 %, which is 5.6 vCPUs.
func TestReadPlan(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  scaling.Series
		past knownPast
		edit func(*scaling.Policy)
		want time.Duration
	}{
		{"quiet", constantLoad(15), quietWeek, nil, ReadQuiet},
		{"at half of the threshold", constantLoad(36), quietWeek, nil, ReadQuiet},
		{"a rise between two reads could bring it near the threshold", withMinute(constantLoad(50), 20, 44), quietWeek, nil, ReadEveryMinute},
		{"near the threshold", constantLoad(57), quietWeek, nil, ReadAsPublished},
		{"above the threshold", constantLoad(80), quietWeek, nil, ReadAsPublished},
		{"bursts in the past", constantLoad(15), burstyWeek, nil, ReadEveryMinute},
		{"nothing known of the past", constantLoad(15), noPast, nil, ReadEveryMinute},
		{"a steep rise in the last half hour", withMinute(constantLoad(15), 15, 52), quietWeek, nil, ReadEveryMinute},
		{"no recent samples", samplesUntil(newestMinute.Add(-10*time.Minute), 15, 15, 15, 15), quietWeek, nil, ReadAsPublished},
		{"a short window", constantLoad(15), quietWeek, withScaleUpWindow(time.Minute), ReadEveryMinute},
		{"the pool is not scaled", constantLoad(80), quietWeek, withoutReaders, ReadQuiet},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
			if test.edit != nil {
				test.edit(&p)
			}
			o := newObservation(foreignReader("a", xlarge2, test.cpu))
			o.ReadersCPU, o.ReadersCapacityHistory = test.past()
			var plan ReadPlan
			if got := plan.Interval(&p, &o, Evaluate(p, o, now).Pools, now); got != test.want {
				t.Errorf("read every %s, want every %s", got, test.want)
			}
		})
	}
}

// TestReadPlan_LooksAtThePastAgain: what is remembered is for a quarter of an hour and for the capacity of the pool.
func TestReadPlan_LooksAtThePastAgain(t *testing.T) {
	p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
	o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
	o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(0, 0)
	pools := Evaluate(p, o, now).Pools
	var plan ReadPlan
	interval := func(after time.Duration) time.Duration { return plan.Interval(&p, &o, pools, now.Add(after)) }
	if got := interval(0); got != ReadQuiet {
		t.Fatalf("read every %s, want every %s", got, ReadQuiet)
	}
	o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(4, 40)
	if got := interval(quietnessInterval - time.Minute); got != ReadQuiet {
		t.Errorf("within a quarter of an hour: read every %s, want every %s", got, ReadQuiet)
	}
	if got := interval(quietnessInterval); got != ReadEveryMinute {
		t.Errorf("after a quarter of an hour: read every %s, want every %s", got, ReadEveryMinute)
	}
}

// TestReadPlan_UnexpectedRise: a demand that rises further than ever is read as it is published, though it is far from the threshold: a minute
// later it may be above it. Also when the past is looked at again in the same moment, of which it is a part by then.
func TestReadPlan_UnexpectedRise(t *testing.T) {
	p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
	for _, test := range []struct {
		name    string
		percent float64
		after   time.Duration
		want    time.Duration
	}{
		{"far from the threshold", 35, 2 * time.Minute, ReadAsPublished},
		{"when the past is looked at again", 35, quietnessInterval, ReadAsPublished},
		{"no rise", 15, 2 * time.Minute, ReadQuiet},
	} {
		var plan ReadPlan
		o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
		o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(0, 0)
		plan.Interval(&p, &o, Evaluate(p, o, now).Pools, now.Add(-test.after))
		o.Instances[0].CPU = withMinute(constantLoad(15), 0, test.percent)
		if got := plan.Interval(&p, &o, Evaluate(p, o, now).Pools, now); got != test.want {
			t.Errorf("%s: read every %s, want every %s", test.name, got, test.want)
		}
	}
}

// TestReadPlan_RiseLimits: between two reads a pool is expected to rise by what its past has, and by 2 % of its capacity at least.
func TestReadPlan_RiseLimits(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  scaling.Series
		past knownPast
		edit func(*scaling.Policy)
		want scaling.RiseLimits
	}{
		{"a load that does not vary", constantLoad(15), quietWeek, nil, scaling.RiseLimits{Readers: 17}},
		{"a rise by 16 % of the capacity in the last half hour", withMinute(constantLoad(15), 20, 31), quietWeek, nil,
			scaling.RiseLimits{Readers: 15 + 1.25*16}},
		{"no samples", scaling.Series{}, quietWeek, nil, scaling.RiseLimits{}},
		{"nothing known of the past", constantLoad(15), noPast, nil, scaling.RiseLimits{}},
		{"the pool is not scaled", constantLoad(15), quietWeek, withoutReaders, scaling.RiseLimits{}},
	} {
		p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
		o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
		o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(0, 0)
		var plan ReadPlan
		plan.Interval(&p, &o, Evaluate(p, o, now).Pools, now.Add(-quietnessInterval)) // forgotten
		if test.edit != nil {
			test.edit(&p)
		}
		o.Instances[0].CPU = test.cpu
		o.ReadersCPU, o.ReadersCapacityHistory = test.past()
		plan.Interval(&p, &o, Evaluate(p, o, now).Pools, now)
		got := plan.RiseLimits()
		if math.Abs(got.Readers-test.want.Readers) > 0.01 || got.Writer != test.want.Writer {
			t.Errorf("%s: the limits are %v, want %v", test.name, got, test.want)
		}
	}
}

// TestReadPlan_ChangeIsDue: while something is to change, samples are read every minute.
func TestReadPlan_ChangeIsDue(t *testing.T) {
	p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
	o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
	o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(0, 0)
	d := Evaluate(p, o, now)
	d.Proposals = append(d.Proposals, scaling.Proposal{})
	if got := new(ReadPlan).IntervalFor(&d, &p, &o, now); got != ReadEveryMinute {
		t.Errorf("read every %s, want every %s", got, ReadEveryMinute)
	}
}
