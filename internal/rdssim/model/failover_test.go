package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFailoverCluster_PromotesTarget: the target takes over, nobody takes writes meanwhile, and the old writer comes back as a reader.
func TestFailoverCluster_PromotesTarget(t *testing.T) {
	for _, target := range []string{"", "orders-2"} {
		d := auroraCluster(0.5, 0.5, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge", "db.r6g.4xlarge")
		later := 2
		d.Instances[3].PromotionTier = &later
		w := newWorld(t, nil, d)
		advance(w, time.Hour)
		answer := must[*Cluster](t)(w.FailoverCluster(testRegion, "orders", target))
		if answer.Status != "failing-over" || answer.Writer != "orders-1" {
			t.Errorf("the answer is %+v", answer)
		}
		length := time.Duration(0)
		for ; must[*Cluster](t)(w.Cluster(testRegion, "orders")).Status != statusAvailable; length += time.Second {
			if truth, _ := w.GroundTruth(testRegion, "orders-1"); truth.InService {
				t.Errorf("the old writer is in service after %s", length)
			}
			advance(w, time.Second)
		}
		if length < minFailoverDuration || length > maxFailoverDuration+time.Second {
			t.Errorf("it took %s", length)
		}
		want := map[string]string{"": "orders-3", "orders-2": "orders-2"}[target] // tier 1, and the larger one
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != want {
			t.Errorf("the writer is %s, want %s", c.Writer, want)
		}
		advance(w, time.Minute)
		if old, _ := w.GroundTruth(testRegion, "orders-1"); old.IsWriter || !old.InService {
			t.Errorf("the old writer is %+v", old)
		}
		if promoted, _ := w.GroundTruth(testRegion, want); promoted.RequestedVCPUs < 0.55 || promoted.Pool.DemandVCPUs != 0.5 {
			t.Errorf("the new writer is not cold: %+v", promoted)
		}
		if got := eventMessages(w, "orders"); len(got) != 2 || !strings.Contains(got[0], "Started cross AZ failover to DB instance: "+want) ||
			!strings.Contains(got[1], "Completed failover to DB instance: "+want) {
			t.Errorf("the events are %q", got)
		}
	}
}

// TestFailover_PromotesNextWhenCandidateIsDeleted: the reader that is being promoted is lost; another takes over.
func TestFailover_PromotesNextWhenCandidateIsDeleted(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-1", true, ""))
	heir := strings.TrimPrefix(eventMessages(w, "orders")[0], "failover: Started cross AZ failover to DB instance: ")
	advance(w, time.Second)
	must[*Instance](t)(w.DeleteInstance(testRegion, heir, true, ""))
	advance(w, 10*time.Minute)
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if len(c.Members) != 1 || c.Writer != c.Members[0] || c.Status != statusAvailable {
		t.Errorf("the cluster is %+v", c)
	}
}

// TestCreateInstance_BecomesWriterOfEmptyCluster: a cluster without instances gets its writer with the next instance.
func TestCreateInstance_BecomesWriterOfEmptyCluster(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-1", true, ""))
	advance(w, 10*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); len(c.Members) != 0 || c.Writer != "" {
		t.Errorf("the cluster is %+v", c)
	}
	if writer, readers, _ := w.PoolGroundTruth(testRegion, "orders"); !writer.Saturated || !readers.Saturated || writer.VCPUs != 0 {
		t.Errorf("nobody serves, and the pools are %+v and %+v", writer, readers)
	}
	must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "again", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	advance(w, 15*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != "again" {
		t.Errorf("the writer is %q", c.Writer)
	}
}

// TestFailover_ReturnsToOldWriterWhenCandidateIsOut: the heir is interrupted by its own change while it is being promoted; the old writer goes on.
func TestFailover_ReturnsToOldWriterWhenCandidateIsOut(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
	shutdown := func() bool {
		return slices.Contains(eventMessages(w, "orders-2"), "availability: DB instance shutdown")
	}
	for !shutdown() {
		advance(w, time.Second)
	}
	// The same world again, and a failover just before: without a target, since a target has to be available.
	before := w.Now().Add(-5 * time.Second)
	w = newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
	w.Advance(before)
	must[*Cluster](t)(w.FailoverCluster(testRegion, "orders", ""))
	advance(w, time.Minute)
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if truth, _ := w.GroundTruth(testRegion, "orders-1"); c.Writer != "orders-1" || c.Status != statusAvailable || !truth.InService {
		t.Errorf("the cluster is %+v, its writer in service: %t", c, truth.InService)
	}
	if got := eventMessages(w, "orders"); !slices.Contains(got, "failover: Promoting previous primary again: orders-1") {
		t.Errorf("the events are %q", got)
	}
}
