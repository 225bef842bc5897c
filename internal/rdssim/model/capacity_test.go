package model

import (
	"testing"
	"time"
)

// serverlessCluster is a Serverless v2 cluster of at most 16 ACUs (4 vCPUs) with a writer demand in vCPUs.
func serverlessCluster(vcpus float64) Database {
	d := auroraCluster(vcpus, 0, "db.serverless")
	d.Serverless = &ServerlessCapacity{Min: 0.5, Max: 16}
	return d
}

func TestModifyServerlessCapacity(t *testing.T) {
	w := newWorld(t, nil, serverlessCluster(2))
	advance(w, 10*time.Minute)
	response := must[*Cluster](t)(w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{0.5, 32}, true))
	if response.Status != statusModifying || *response.Capacity != (ServerlessCapacity{0.5, 32}) {
		t.Errorf("got response %+v", response)
	}
	if _, err := w.ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{0.5, 64}, true); err == nil {
		t.Error("a second change was accepted while the first was in progress")
	}
	if actual, _ := w.GroundTruth(testRegion, "orders-1"); !actual.InService || actual.VCPUs != 8 {
		t.Errorf("got writer %+v", actual)
	}
	advance(w, 10*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Status != statusAvailable {
		t.Errorf("got cluster %s", c.Status)
	}
	utilization := cpuByMinute(w, "orders-1")
	if before, after := utilization["08:05"], utilization["08:15"]; before < 45 || before > 60 || after < 22 || after > 30 {
		t.Errorf("got CPU %g %% before and %g %% after the change, want it to halve", before, after)
	}
	for _, invalid := range []ServerlessCapacity{{0.5, 10}, {40, 32}, {0.5, 512}} {
		if _, err := w.ModifyServerlessCapacity(testRegion, "orders", invalid, true); err == nil {
			t.Errorf("capacity from %g to %g was accepted", invalid.Min, invalid.Max)
		}
	}
	if _, err := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large")).ModifyServerlessCapacity(testRegion, "orders", ServerlessCapacity{0.5, 32}, true); err == nil {
		t.Error("a provisioned cluster accepted a capacity range")
	}
}
