package model

import (
	"slices"
	"testing"
	"time"
)

// multiAZCluster is a Multi-AZ DB cluster.
func multiAZCluster() Database {
	d := auroraCluster(1, 1, "db.m6gd.large", "db.m6gd.large", "db.m6gd.large")
	d.Engine = "postgres"
	return d
}

// TestModifyClusterClass_ChangesWriterLast: the standbys change one after the other; after a failover to one of them the old
// writer changes.
func TestModifyClusterClass_ChangesWriterLast(t *testing.T) {
	w := newWorld(t, nil, multiAZCluster())
	response := must[*Cluster](t)(w.ModifyClusterClass(testRegion, "orders", "db.m6gd.xlarge"))
	if response.Status != statusAvailable || response.InstanceClass != "db.m6gd.large" {
		t.Errorf("got response %+v", response)
	}
	if _, err := w.ModifyInstance(testRegion, "orders-2", classChange("db.m6gd.2xlarge")); err == nil {
		t.Error("ModifyInstance of a member was accepted")
	}
	advance(w, 40*time.Second)
	if _, err := w.ModifyClusterClass(testRegion, "orders", "db.m6gd.2xlarge"); err == nil {
		t.Error("a second change was accepted while the first was in progress")
	}
	var order []string
	for range 90 {
		out := 0
		for _, i := range w.Instances(testRegion) {
			actual, _ := w.GroundTruth(testRegion, i.Identifier)
			if !actual.InService {
				out++
			}
			if i.Class == "db.m6gd.xlarge" && !slices.Contains(order, i.Identifier) {
				order = append(order, i.Identifier)
			}
		}
		if out > 1 {
			t.Fatalf("%d members are out of service at once", out)
		}
		advance(w, 20*time.Second)
	}
	c := must[*Cluster](t)(w.Cluster(testRegion, "orders"))
	if c.Status != statusAvailable || c.InstanceClass != "db.m6gd.xlarge" || c.Writer == "orders-1" || !slices.Equal(order, []string{"orders-2", "orders-3", "orders-1"}) {
		t.Errorf("got cluster %+v, changed in the order %v", c, order)
	}
	failovers := 0
	for _, m := range eventMessages(w, "orders") {
		if m == "failover: Completed failover to DB instance: "+c.Writer {
			failovers++
		}
	}
	if failovers != 1 {
		t.Errorf("got %d failovers, want 1: %q", failovers, eventMessages(w, "orders"))
	}
}

func TestModifyClusterClass_RefusesInvalidRequest(t *testing.T) {
	for _, test := range []struct {
		name, cluster, class, code string
		status                     int
	}{
		{"Aurora", "aurora", "db.r6g.xlarge", "InvalidParameterCombination", 400},
		{"unknown cluster", "nobody", "db.m6gd.xlarge", "DBClusterNotFoundFault", 404},
		{"class without support for Multi-AZ DB clusters", "orders", "db.m6g.xlarge", "InvalidParameterCombination", 400},
		{"class with a capacity shortage", "orders", "db.m6gd.4xlarge", "InsufficientDBInstanceCapacity", 400},
	} {
		other := auroraCluster(1, 1, "db.r6g.large")
		other.Identifier, other.Instances[0].Identifier = "aurora", "aurora-1"
		w := newWorld(t, nil, multiAZCluster(), other)
		w.SetCapacityShortage("db.m6gd.4xlarge")
		_, err := w.ModifyClusterClass(testRegion, test.cluster, test.class)
		t.Run(test.name, func(t *testing.T) { assertAPIError(t, err, test.code, test.status, "") })
	}
}
