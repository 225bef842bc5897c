package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFailover: the target takes over, nobody takes writes meanwhile, and the old writer comes back as a reader.
func TestFailover(t *testing.T) {
	for _, target := range []string{"", "orders-2"} {
		d := aurora(0.5, 0.5, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge", "db.r6g.4xlarge")
		later := 2
		d.Instances[3].PromotionTier = &later
		w := world(t, nil, d)
		pass(w, time.Hour)
		answer := try[*Cluster](t)(w.FailoverCluster(ireland, "orders", target))
		if answer.Status != "failing-over" || answer.Writer != "orders-1" {
			t.Errorf("the answer is %+v", answer)
		}
		length := time.Duration(0)
		for ; try[*Cluster](t)(w.Cluster(ireland, "orders")).Status != available; length += time.Second {
			if truth, _ := w.Truth(ireland, "orders-1"); truth.InService {
				t.Errorf("the old writer is in service after %s", length)
			}
			pass(w, time.Second)
		}
		if length < failoverLeast || length > failoverMost+time.Second {
			t.Errorf("it took %s", length)
		}
		want := map[string]string{"": "orders-3", "orders-2": "orders-2"}[target] // tier 1, and the larger one
		if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); c.Writer != want {
			t.Errorf("the writer is %s, want %s", c.Writer, want)
		}
		pass(w, time.Minute)
		if old, _ := w.Truth(ireland, "orders-1"); old.Writer || !old.InService {
			t.Errorf("the old writer is %+v", old)
		}
		if promoted, _ := w.Truth(ireland, want); promoted.Wanted < 0.55 || promoted.Pool.Demand != 0.5 {
			t.Errorf("the new writer is not cold: %+v", promoted)
		}
		if got := messages(w, "orders"); len(got) != 2 || !strings.Contains(got[0], "Started cross AZ failover to DB instance: "+want) ||
			!strings.Contains(got[1], "Completed failover to DB instance: "+want) {
			t.Errorf("the events are %q", got)
		}
	}
}

// TestHeirLost: the reader that is being promoted is lost; another takes over.
func TestHeirLost(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	try[*Instance](t)(w.DeleteInstance(ireland, "orders-1", true, ""))
	heir := strings.TrimPrefix(messages(w, "orders")[0], "failover: Started cross AZ failover to DB instance: ")
	pass(w, time.Second)
	try[*Instance](t)(w.DeleteInstance(ireland, heir, true, ""))
	pass(w, 10*time.Minute)
	c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
	if len(c.Members) != 1 || c.Writer != c.Members[0] || c.Status != available {
		t.Errorf("the cluster is %+v", c)
	}
}

// TestEveryInstanceLost: a cluster without instances gets its writer with the next instance.
func TestEveryInstanceLost(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large"))
	try[*Instance](t)(w.DeleteInstance(ireland, "orders-1", true, ""))
	pass(w, 10*time.Minute)
	if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); len(c.Members) != 0 || c.Writer != "" {
		t.Errorf("the cluster is %+v", c)
	}
	if writer, readers, _ := w.Pools(ireland, "orders"); !writer.Saturated || !readers.Saturated || writer.VCPUs != 0 {
		t.Errorf("nobody serves, and the pools are %+v and %+v", writer, readers)
	}
	try[*Instance](t)(w.CreateInstance(ireland, Create{Identifier: "again", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	pass(w, 15*time.Minute)
	if c := try[*Cluster](t)(w.Cluster(ireland, "orders")); c.Writer != "again" {
		t.Errorf("the writer is %q", c.Writer)
	}
}

// TestResizedHeir: the heir is interrupted by its own change while it is being promoted; the old writer goes on.
func TestResizedHeir(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", resize("db.r6g.xlarge")))
	shutdown := func() bool { return slices.Contains(messages(w, "orders-2"), "availability: DB instance shutdown") }
	for !shutdown() {
		pass(w, time.Second)
	}
	// The same world again, and a failover just before: without a target, since a target has to be available.
	before := w.Now().Add(-5 * time.Second)
	w = world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	try[*Instance](t)(w.ModifyInstance(ireland, "orders-2", resize("db.r6g.xlarge")))
	w.Advance(before)
	try[*Cluster](t)(w.FailoverCluster(ireland, "orders", ""))
	pass(w, time.Minute)
	c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
	if truth, _ := w.Truth(ireland, "orders-1"); c.Writer != "orders-1" || c.Status != available || !truth.InService {
		t.Errorf("the cluster is %+v, its writer in service: %t", c, truth.InService)
	}
	if got := messages(w, "orders"); !slices.Contains(got, "failover: Promoting previous primary again: orders-1") {
		t.Errorf("the events are %q", got)
	}
}
