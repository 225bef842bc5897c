package model

import (
	"testing"
	"time"
)

// serverless is a cluster whose writer asks for so many vCPUs of at most 4.
func serverless(vcpus float64) Database {
	d := aurora(vcpus, 0, "db.serverless")
	d.Serverless = &Capacity{Min: 0.5, Max: 16}
	return d
}

func TestModifyCapacity(t *testing.T) {
	w := world(t, nil, serverless(2))
	pass(w, 10*time.Minute)
	answer := try[*Cluster](t)(w.ModifyCapacity(ireland, "orders", Capacity{0.5, 32}))
	if answer.Status != modifying || *answer.Capacity != (Capacity{0.5, 32}) {
		t.Errorf("the answer is %+v", answer)
	}
	if _, err := w.ModifyCapacity(ireland, "orders", Capacity{0.5, 64}); err == nil {
		t.Error("it is changed again while it is being changed")
	}
	if truth, _ := w.Truth(ireland, "orders-1"); !truth.InService || truth.VCPUs != 8 {
		t.Errorf("the writer is %+v", truth)
	}
	pass(w, 10*time.Minute)
	if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); c.Status != available {
		t.Errorf("the cluster is %s", c.Status)
	}
	used := cpu(w, "orders-1")
	if before, after := used["08:05"], used["08:15"]; before < 45 || before > 60 || after < 22 || after > 30 {
		t.Errorf("CPU was %g %% before and %g %% after", before, after)
	}
	for _, wrong := range []Capacity{{0.5, 10}, {40, 32}, {0.5, 512}} {
		if _, err := w.ModifyCapacity(ireland, "orders", wrong); err == nil {
			t.Errorf("it scales from %g to %g", wrong.Min, wrong.Max)
		}
	}
	if _, err := world(t, nil, aurora(1, 1, "db.r6g.large")).ModifyCapacity(ireland, "orders", Capacity{0.5, 32}); err == nil {
		t.Error("instances of a class have a capacity")
	}
}
