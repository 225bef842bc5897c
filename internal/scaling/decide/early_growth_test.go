package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

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
			o.Instances = append(o.Instances, foreignReader("b", xlarge, scaling.Series{}))
		}, 4},
		{"the demand is hidden", func(_ *scaling.Policy, o *scaling.Observation) { o.Instances[0].DBLoadCPU = scaling.Series{} }, 0},
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
