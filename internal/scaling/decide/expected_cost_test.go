package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// pastWeek returns the CPU of a reader pool of 8 vCPUs over a week, by the quarter of an hour: 15 %, and
// burstPercent of 32 vCPUs in the first quarters of each day.
func pastWeek(bursts int, burstPercent float64) (scaling.Series, []scaling.CapacityPeriod) {
	from := now.Add(-7 * day).Truncate(quarterHour)
	var cpu scaling.Series
	var periods []scaling.CapacityPeriod
	for at := from; at.Before(now.Add(-quarterHour)); at = at.Add(quarterHour) {
		isBurst := int(at.Sub(from)%day/quarterHour) < bursts
		vcpus, percent := 8.0, 15.0
		if isBurst {
			vcpus, percent = 32, burstPercent
		}
		cpu = append(cpu, scaling.Sample{Time: at, Value: percent})
		if last := len(periods) - 1; last >= 0 && periods[last].VCPUs == vcpus {
			periods[last].EndedAt = at.Add(quarterHour)
		} else {
			periods = append(periods, scaling.CapacityPeriod{StartedAt: at, EndedAt: at.Add(quarterHour), VCPUs: vcpus})
		}
	}
	return cpu, periods
}

func TestEvaluate_ClassByThePast(t *testing.T) {
	for _, test := range []struct {
		name   string
		price  int
		bursts int // quarters of an hour each day
		burst  float64
		want   string // class of the decision; empty when nothing changes
	}{
		{"no bursts", 16, 0, 0, xlarge},
		{"bursts that four smaller readers carry", 16, 4, 40, xlarge},
		{"bursts that they do not carry", 16, 4, 60, ""},
		{"the same, and an overloaded minute costs little", 1, 4, 60, xlarge},
		{"the same, and the past is ignored", 0, 4, 60, xlarge},
		{"one short burst a day", 4, 1, 60, xlarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
			p.OverloadedMinuteVCPUHours = test.price
			o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
			o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(test.bursts, test.burst)
			d := Evaluate(p, o, now)
			if test.want == "" {
				if len(d.Proposals) > 0 {
					t.Errorf("got %s, want no change", d.Proposals[0].Message)
				}
				return
			}
			if got := onlyProposal(t, d).To; got != shape(1, test.want) {
				t.Errorf("got %s, want 1 × %s", got, test.want)
			}
		})
	}
}

// Less than a day of the past decides nothing.
func TestEvaluate_ShortPastDecidesNothing(t *testing.T) {
	p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
	p.OverloadedMinuteVCPUHours = 16
	o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
	cpu, periods := pastWeek(96, 60)
	o.ReadersCPU, o.ReadersCapacityHistory = cpu[len(cpu)-95:], periods
	if got := onlyProposal(t, Evaluate(p, o, now)).To; got != shape(1, xlarge) {
		t.Errorf("got %s", got)
	}
}

func TestEvaluate_EarlyGrowth(t *testing.T) {
	saturated := func(name string) scaling.Instance {
		i := foreignReader(name, xlarge, constantLoad(100))
		i.DBLoadCPU, i.CreatedAt = constantLoad(9), now.Add(-time.Hour)
		return i
	}
	grown := scaling.OperationRecord{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, CompletedAt: now.Add(-2 * time.Minute)}
	for _, test := range []struct {
		name string
		edit func(*scaling.Policy, *scaling.Observation)
		want int // readers; 0 for no proposal
	}{
		{"observed for the first time", func(*scaling.Policy, *scaling.Observation) {}, 4},
		{"after an operation that added readers", func(_ *scaling.Policy, o *scaling.Observation) { o.History = scaling.History{grown} }, 4},
		{"after a scale-down", func(_ *scaling.Policy, o *scaling.Observation) {
			down := grown
			down.Direction = scaling.Down
			o.History = scaling.History{down}
		}, 0},
		{"the pool has changed since the operation", func(_ *scaling.Policy, o *scaling.Observation) {
			o.History = scaling.History{grown}
			o.History[0].CompletedAt = now.Add(-time.Hour)
		}, 0},
		{"the pool was known before, and a failover may have changed it", func(_ *scaling.Policy, o *scaling.Observation) {
			o.ReadersCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-2 * day), EndedAt: now.Add(-time.Minute), VCPUs: 4}, {StartedAt: now}}
		}, 0},
		{"it is changing", func(_ *scaling.Policy, o *scaling.Observation) { o.ReadersChangedAt = time.Time{} }, 0},
		{"the reader has just restarted", func(_ *scaling.Policy, o *scaling.Observation) {
			o.Instances[0].RestartedAt = now.Add(-2 * time.Minute)
		}, 0},
		{"read replicas of an instance", func(_ *scaling.Policy, o *scaling.Observation) { o.Kind = scaling.DBInstance }, 0},
		{"another reader has no samples yet", func(_ *scaling.Policy, o *scaling.Observation) {
			o.Instances = append(o.Instances, foreignReader("b", xlarge, nil))
		}, 4},
		{"the demand is hidden", func(_ *scaling.Policy, o *scaling.Observation) { o.Instances[0].DBLoadCPU = nil }, 0},
		{"the policy prefers larger readers", func(p *scaling.Policy, _ *scaling.Observation) { p.Readers.Preference = scaling.Vertical }, 0},
		{"it is not saturated", func(_ *scaling.Policy, o *scaling.Observation) { o.Instances[0].CPU = constantLoad(60) }, 0},
		{"at the maximum", func(p *scaling.Policy, _ *scaling.Observation) { p.Readers.Max = 1 }, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, o := newPolicy(), cluster(saturated("a"))
			o.ReadersChangedAt = now.Add(-time.Minute)
			test.edit(&p, &o)
			d := Evaluate(p, o, now)
			if test.want == 0 {
				if len(d.Proposals) > 0 {
					t.Errorf("got %s, want no proposal", d.Proposals[0].Message)
				}
				return
			}
			if got := onlyProposal(t, d); got.To != shape(test.want, xlarge) || got.Direction != scaling.Up {
				t.Errorf("got %s, want %d readers", got.To, test.want)
			}
		})
	}
}
