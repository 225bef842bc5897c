package model

import (
	"testing"
	"time"
)

// serverlessCluster is a cluster whose writer asks for so many vCPUs of at most 4.
func serverlessCluster(vcpus float64) Database {
	d := auroraCluster(vcpus, 0, "db.serverless")
	d.Serverless = &ServerlessCapacity{Min: 0.5, Max: 16}
	return d
}

func TestModifyServerlessCapacity(t *testing.T) {
	w := newWorld(t, nil, serverlessCluster(2))
	advance(w, 10*time.Minute)
	answer := must[*Cluster](t)(w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{0.5, 32}))
	if answer.Status != statusModifying || *answer.Capacity != (ServerlessCapacity{0.5, 32}) {
		t.Errorf("the answer is %+v", answer)
	}
	if _, err := w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{0.5, 64}); err == nil {
		t.Error("it is changed again while it is being changed")
	}
	if truth, _ := w.GroundTruth(testRegion, "orders-1"); !truth.InService || truth.VCPUs != 8 {
		t.Errorf("the writer is %+v", truth)
	}
	advance(w, 10*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Status != statusAvailable {
		t.Errorf("the cluster is %s", c.Status)
	}
	used := cpuByMinute(w, "orders-1")
	if before, after := used["08:05"], used["08:15"]; before < 45 || before > 60 || after < 22 || after > 30 {
		t.Errorf("CPU was %g %% before and %g %% after", before, after)
	}
	for _, wrong := range []ServerlessCapacity{{0.5, 10}, {40, 32}, {0.5, 512}} {
		if _, err := w.ModifyServerlessCapacity(testRegion, "orders", wrong); err == nil {
			t.Errorf("it scales from %g to %g", wrong.Min, wrong.Max)
		}
	}
	if _, err := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large")).ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{0.5, 32}); err == nil {
		t.Error("instances of a class have a capacity")
	}
}
