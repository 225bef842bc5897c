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
		t.Errorf("after the failure of the writer: got cluster %+v, want the writer orders-2", c)
	}
	if actual, _ := w.GroundTruth(testRegion, "orders-1"); actual.InService {
		t.Error("the failed instance is in service")
	}
	if _, err := w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge")); err == nil {
		t.Error("a change of the failed instance was accepted")
	}
	if err := w.RepairInstance(testRegion, "orders-1"); err != nil {
		t.Fatal(err)
	}
	advance(w, time.Minute)
	if actual, _ := w.GroundTruth(testRegion, "orders-1"); !actual.InService || actual.IsWriter {
		t.Errorf("after the repair: got %+v, want a reader in service", actual)
	}
	for _, status := range []string{"modifying", "available"} {
		if w.FailInstance(testRegion, "orders-1", status) == nil {
			t.Errorf("FailInstance accepted the status %s", status)
		}
	}
	if w.FailInstance(testRegion, "nobody", "failed") == nil || w.RepairInstance(testRegion, "nobody") == nil {
		t.Error("FailInstance or RepairInstance accepted an unknown instance")
	}
}

// TestDelayNextChange_LengthensOneChange: the duration of a change grows by exactly the delay.
func TestDelayNextChange_LengthensOneChange(t *testing.T) {
	duration := func(delay time.Duration) time.Duration {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
		w.DelayNextChange(testRegion, "orders-2", delay)
		must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
		for i := (*Instance)(nil); i == nil || i.Class != "db.r6g.xlarge" || i.Status != statusAvailable; advance(w, time.Second) {
			i = must[*Instance](t)(w.Instance(testRegion, "orders-2"))
		}
		return w.Now().Sub(testStart)
	}
	if got := duration(time.Hour) - duration(0); got != time.Hour {
		t.Errorf("got %s more than without a delay, want an hour", got)
	}
}
