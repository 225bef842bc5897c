package model

import (
	"testing"
	"time"
)

func TestFailAndRepairInstance(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	if err := w.FailInstance(testRegion, "orders-1", "storage-full"); err != nil {
		t.Fatal(err)
	}
	advance(w, 5*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != "orders-2" || c.Status != statusAvailable {
		t.Errorf("after the writer broke the cluster is %+v", c)
	}
	if truth, _ := w.GroundTruth(testRegion, "orders-1"); truth.InService {
		t.Error("what is broken is in service")
	}
	if _, err := w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")); err == nil {
		t.Error("what is broken can be modified")
	}
	if err := w.RepairInstance(testRegion, "orders-1"); err != nil {
		t.Fatal(err)
	}
	advance(w, time.Minute)
	if truth, _ := w.GroundTruth(testRegion, "orders-1"); !truth.InService || truth.IsWriter {
		t.Errorf("after the repair it is %+v", truth)
	}
	for _, status := range []string{"modifying", "available"} {
		if w.FailInstance(testRegion, "orders-1", status) == nil {
			t.Errorf("an instance breaks into %s", status)
		}
	}
	if w.FailInstance(testRegion, "nobody", "failed") == nil || w.RepairInstance(testRegion, "nobody") == nil {
		t.Error("what does not exist breaks, or is repaired")
	}
}

// A delay lengthens one change.
func TestDelayNextChange_LengthensOneChange(t *testing.T) {
	length := func(delay time.Duration) time.Duration {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		w.DelayNextChange(testRegion, "orders-2", delay)
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
		for i := (*Instance)(nil); i == nil || i.Class != "db.r6g.xlarge" || i.Status != statusAvailable; advance(w, time.Second) {
			i = must[*Instance](t)(w.Instance(testRegion, "orders-2"))
		}
		return w.Now().Sub(testStart)
	}
	if got := length(time.Hour) - length(0); got != time.Hour {
		t.Errorf("it takes %s longer, want an hour", got)
	}
}
