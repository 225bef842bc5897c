package model

import (
	"testing"
	"time"
)

func TestBreakAndRepair(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	if err := w.Break(ireland, "orders-1", "storage-full"); err != nil {
		t.Fatal(err)
	}
	pass(w, 5*time.Minute)
	if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); c.Writer != "orders-2" || c.Status != available {
		t.Errorf("after the writer broke the cluster is %+v", c)
	}
	if truth, _ := w.Truth(ireland, "orders-1"); truth.InService {
		t.Error("what is broken is in service")
	}
	if _, err := w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge")); err == nil {
		t.Error("what is broken can be modified")
	}
	if err := w.Repair(ireland, "orders-1"); err != nil {
		t.Fatal(err)
	}
	pass(w, time.Minute)
	if truth, _ := w.Truth(ireland, "orders-1"); !truth.InService || truth.Writer {
		t.Errorf("after the repair it is %+v", truth)
	}
	for _, status := range []string{"modifying", "available"} {
		if w.Break(ireland, "orders-1", status) == nil {
			t.Errorf("an instance breaks into %s", status)
		}
	}
	if w.Break(ireland, "nobody", "failed") == nil || w.Repair(ireland, "nobody") == nil {
		t.Error("what does not exist breaks, or is repaired")
	}
}

// A delay lengthens one change.
func TestDelay(t *testing.T) {
	length := func(delay time.Duration) time.Duration {
		w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
		w.Delay(ireland, "orders-2", delay)
		try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", resize("db.r6g.xlarge")))
		for i := (*Instance)(nil); i == nil || i.Class != "db.r6g.xlarge" || i.Status != available; pass(w, time.Second) {
			i = try[*Instance](t)(w.Instance(ireland, "orders-2"))
		}
		return w.Now().Sub(begin)
	}
	if got := length(time.Hour) - length(0); got != time.Hour {
		t.Errorf("it takes %s longer, want an hour", got)
	}
}
