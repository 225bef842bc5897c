package model

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFailoverCluster_PromotesTarget: the target becomes the writer, no instance accepts writes until then, and the old writer
// returns as a reader.
func TestFailoverCluster_PromotesTarget(t *testing.T) {
	for _, target := range []string{"", "orders-2"} {
		d := auroraCluster(0.5, 0.5, "db.r6g.large", "db.r6g.large", "db.r6g.xlarge", "db.r6g.4xlarge")
		tier := 2
		d.Instances[3].PromotionTier = &tier
		w := newWorld(t, nil, d)
		advance(w, time.Hour)
		response := must[*Cluster](t)(w.FailoverCluster(testRegion, "orders", target))
		if response.Status != "failing-over" || response.Writer != "orders-1" {
			t.Errorf("got response %+v", response)
		}
		duration := time.Duration(0)
		for ; must[*Cluster](t)(w.Cluster(testRegion, "orders")).Status != statusAvailable; duration += time.Second {
			if actual, _ := w.GroundTruth(testRegion, "orders-1"); actual.InService {
				t.Errorf("the old writer is in service %s after the beginning of the failover", duration)
			}
			advance(w, time.Second)
		}
		if duration < minFailoverDuration || duration > maxFailoverDuration+time.Second {
			t.Errorf("the failover took %s, want %s to %s", duration, minFailoverDuration, maxFailoverDuration)
		}
		want := map[string]string{"": "orders-3", "orders-2": "orders-2"}[target] // tier 1, and the larger one
		if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != want {
			t.Errorf("got writer %s, want %s", c.Writer, want)
		}
		advance(w, time.Minute)
		if old, _ := w.GroundTruth(testRegion, "orders-1"); old.IsWriter || !old.InService {
			t.Errorf("got old writer %+v", old)
		}
		if promoted, _ := w.GroundTruth(testRegion, want); promoted.RequestedVCPUs < 0.55 || promoted.Pool.DemandVCPUs != 0.5 {
			t.Errorf("the new writer has no cold cache: %+v", promoted)
		}
		if got := eventMessages(w, "orders"); len(got) != 2 || !strings.Contains(got[0], "Started cross AZ failover to DB instance: "+want) ||
			!strings.Contains(got[1], "Completed failover to DB instance: "+want) {
			t.Errorf("got events %q", got)
		}
	}
}

// TestFailover_PromotesNextWhenCandidateIsDeleted: another reader is promoted if the candidate is deleted during the failover.
func TestFailover_PromotesNextWhenCandidateIsDeleted(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-1", true, ""))
	candidate := strings.TrimPrefix(eventMessages(w, "orders")[0], "failover: Started cross AZ failover to DB instance: ")
	advance(w, time.Second)
	must[*Instance](t)(w.DeleteInstance(testRegion, candidate, true, ""))
	advance(w, 10*time.Minute)
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if len(c.Members) != 1 || c.Writer != c.Members[0] || c.Status != statusAvailable {
		t.Errorf("got cluster %+v", c)
	}
}

// TestCreateInstance_BecomesWriterOfEmptyCluster: the first new instance of a cluster without instances becomes the writer.
func TestCreateInstance_BecomesWriterOfEmptyCluster(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-1", true, ""))
	advance(w, 10*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); len(c.Members) != 0 || c.Writer != "" {
		t.Errorf("got cluster %+v", c)
	}
	if writer, readers, _ := w.PoolGroundTruth(testRegion, "orders"); !writer.Saturated || !readers.Saturated || writer.VCPUs != 0 {
		t.Errorf("without instances: got pools %+v and %+v, want saturation without vCPUs", writer, readers)
	}
	must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "again", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}))
	advance(w, 15*time.Minute)
	if c := must[*Cluster](t)(w.Cluster(testRegion, "orders")); c.Writer != "again" {
		t.Errorf("got writer %q", c.Writer)
	}
}

// TestFailover_ReturnsToOldWriterWhenCandidateIsOut: the old writer stays the writer if the candidate is out of service for a
// change of its own at the end of the failover.
func TestFailover_ReturnsToOldWriterWhenCandidateIsOut(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
	shutdown := func() bool {
		return slices.Contains(eventMessages(w, "orders-2"), "availability: DB instance shutdown")
	}
	for !shutdown() {
		advance(w, time.Second)
	}
	// Repeat with a failover just before the outage. It has no target, because a target must be available.
	before := w.Now().Add(-5 * time.Second)
	w = newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	must[*Instance](t)(w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge")))
	w.Advance(before)
	must[*Cluster](t)(w.FailoverCluster(testRegion, "orders", ""))
	advance(w, time.Minute)
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if actual, _ := w.GroundTruth(testRegion, "orders-1"); c.Writer != "orders-1" || c.Status != statusAvailable || !actual.InService {
		t.Errorf("got cluster %+v, its writer in service: %t", c, actual.InService)
	}
	if got := eventMessages(w, "orders"); !slices.Contains(got, "failover: Promoting previous primary again: orders-1") {
		t.Errorf("got events %q", got)
	}
}
