package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// growingTo is an operation that adds readers to a pool of one.
func growingTo(count int, class string) scaling.Operation {
	op := scaling.Operation{
		ID: "0badcafe", Pool: scaling.Readers, Direction: scaling.Up, From: shape(1, class), To: shape(count, class), StartedAt: now.Add(-5 * time.Minute),
	}
	for n := 1; n < count; n++ {
		op.Steps = append(op.Steps, scaling.Step{Action: scaling.CreateReader, Instance: "engine-new-" + string(rune('0'+n)), InstanceClass: class})
	}
	return op
}

// creatingReader is a reader of growingTo that is not in service.
func creatingReader(n int, class string) scaling.Instance {
	i := ownReader("engine-new-"+string(rune('0'+n)), class, scaling.Series{})
	i.Status, i.CreatedAt = "creating", time.Time{}
	return i
}

// cluster is an Aurora cluster of the instances.
func cluster(instances ...scaling.Instance) scaling.Observation {
	o := newObservation(instances...)
	o.Kind = scaling.DBCluster
	return o
}

func TestEvaluateRaise(t *testing.T) {
	saturatedWithLoad := func(vcpus float64) scaling.Instance {
		i := foreignReader("a", xlarge, constantLoad(100))
		i.DBLoadCPU = constantLoad(vcpus)
		return i
	}
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		o      scaling.Observation
		op     scaling.Operation
		want   int // readers; 0 for no proposal
	}{
		{"the operation suffices", newPolicy(), cluster(foreignReader("a", xlarge, constantLoad(90)), creatingReader(1, xlarge)), growingTo(2, xlarge), 0},
		{"the demand has outgrown it", newPolicy(), cluster(saturatedWithLoad(6.5), creatingReader(1, xlarge)), growingTo(2, xlarge), 3},
		{"by several readers", newPolicy(), cluster(saturatedWithLoad(8.5), creatingReader(1, xlarge)), growingTo(2, xlarge), 4},
		{"by more than the policy allows", newPolicy(), cluster(saturatedWithLoad(30), creatingReader(1, xlarge)), growingTo(2, xlarge), 4},
		{"at the maximum", newPolicy(withReaders(1, 2, xlarge)), cluster(saturatedWithLoad(30), creatingReader(1, xlarge)), growingTo(2, xlarge), 0},
		{"further than one step", newPolicy(withMaxStepFactor(2), withReaders(1, 8, xlarge)),
			cluster(saturatedWithLoad(30), creatingReader(1, xlarge)), growingTo(2, xlarge), 4},
		{"a hidden demand is at most doubled", newPolicy(withReaders(1, 8, xlarge)),
			cluster(foreignReader("a", xlarge, constantLoad(100)), creatingReader(1, xlarge)), growingTo(2, xlarge), 0},
		{"a reader in warm-up does not count", newPolicy(), func() scaling.Observation {
			young := ownReader("engine-new-1", xlarge, constantLoad(100))
			young.CreatedAt = now.Add(-WarmUp)
			return cluster(foreignReader("a", xlarge, constantLoad(90)), young)
		}(), growingTo(2, xlarge), 0},
		{"a reader in service counts", newPolicy(), func() scaling.Observation {
			o := cluster(foreignReader("a", xlarge, constantLoad(90)), ownReader("engine-new-1", xlarge, constantLoad(90)))
			return o
		}(), growingTo(2, xlarge), 4},
		{"readers to be removed take the room", newPolicy(), cluster(saturatedWithLoad(30), creatingReader(1, xlarge), ownReader("c", large, scaling.Series{})), func() scaling.Operation {
			op := growingTo(2, xlarge)
			op.Steps = append(op.Steps, scaling.Step{Action: scaling.DeleteReader, Instance: "c"})
			return op
		}(), 3},
		{"the policy prefers larger readers", newPolicy(withPreference(scaling.Vertical)),
			cluster(saturatedWithLoad(30), creatingReader(1, xlarge)), growingTo(2, xlarge), 0},
		{"missing samples are no rise", newPolicy(func(p *scaling.Policy) { p.PredictiveScaling.Trend = true }, withReaders(1, 8, xlarge)),
			cluster(foreignReader("a", xlarge, constantLoad(90)), foreignReader("b", xlarge, withoutMinute(constantLoad(90), 2)),
				foreignReader("c", xlarge, withoutMinute(withoutMinute(constantLoad(90), 2), 1))), growingTo(4, xlarge), 0},
		{"no samples", newPolicy(), cluster(foreignReader("a", xlarge, scaling.Series{}), creatingReader(1, xlarge)), growingTo(2, xlarge), 0},
		{"read replicas of an instance", newPolicy(), func() scaling.Observation {
			o := cluster(saturatedWithLoad(30), creatingReader(1, xlarge))
			o.Kind = scaling.DBInstance
			return o
		}(), growingTo(2, xlarge), 0},
		{"an operation that removes readers", newPolicy(), cluster(saturatedWithLoad(30), creatingReader(1, xlarge)), func() scaling.Operation {
			op := growingTo(2, xlarge)
			op.Direction = scaling.Down
			return op
		}(), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := EvaluateRaise(test.policy, test.o, test.op, now)
			if test.want == 0 {
				if len(d.Proposals) > 0 {
					t.Fatalf("got %+v, want no proposal", d.Proposals[0])
				}
				return
			}
			p := onlyProposal(t, d)
			if p.From != test.op.To || p.To != shape(test.want, test.op.To.InstanceClass) || p.Direction != scaling.Up || p.Cause == "" {
				t.Errorf("got %s → %s (%s), want %s → %d readers", p.From, p.To, p.Cause, test.op.To, test.want)
			}
		})
	}
}

// More demand never leads to fewer readers.
func TestEvaluateRaise_IsMonotone(t *testing.T) {
	last := 0
	for demand := 1.0; demand < 40; demand += 0.5 {
		i := foreignReader("a", xlarge, constantLoad(100))
		i.DBLoadCPU = constantLoad(demand)
		d := EvaluateRaise(newPolicy(withReaders(1, 8, xlarge)), cluster(i, creatingReader(1, xlarge)), growingTo(2, xlarge), now)
		count := 2
		if len(d.Proposals) > 0 {
			count = d.Proposals[0].To.Count
		}
		if count < last {
			t.Errorf("%g vCPU: %d readers, and %d for less", demand, count, last)
		}
		last = count
	}
	if last != 8 {
		t.Errorf("40 vCPU: %d readers, want 8", last)
	}
}
