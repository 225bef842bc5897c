package model

import (
	"slices"
	"testing"
	"time"
)

// multiAZ is a Multi-AZ DB cluster.
func multiAZ() Database {
	d := aurora(1, 1, "db.m6gd.large", "db.m6gd.large", "db.m6gd.large")
	d.Engine = "postgres"
	return d
}

// TestModifyCluster: the standbys are changed one after the other, then one of them takes over, then the old writer is.
func TestModifyCluster(t *testing.T) {
	w := world(t, nil, multiAZ())
	answer := try[*Cluster](t)(w.ModifyCluster(ireland, "orders", "db.m6gd.xlarge"))
	if answer.Status != available || answer.InstanceClass != "db.m6gd.large" {
		t.Errorf("the answer is %+v", answer)
	}
	if _, err := w.ModifyInstance(ireland, "orders-2", resize("db.m6gd.2xlarge")); err == nil {
		t.Error("a member is modified by itself")
	}
	pass(w, 40*time.Second)
	if _, err := w.ModifyCluster(ireland, "orders", "db.m6gd.2xlarge"); err == nil {
		t.Error("the cluster is modified while it is being modified")
	}
	var order []string
	for range 90 {
		out := 0
		for _, i := range w.Instances(ireland) {
			truth, _ := w.Truth(ireland, i.Identifier)
			if !truth.InService {
				out++
			}
			if i.Class == "db.m6gd.xlarge" && !slices.Contains(order, i.Identifier) {
				order = append(order, i.Identifier)
			}
		}
		if out > 1 {
			t.Fatalf("%d members are out of service at once", out)
		}
		pass(w, 20*time.Second)
	}
	c := try[*Cluster](t)(w.Cluster(ireland, "orders"))
	if c.Status != available || c.InstanceClass != "db.m6gd.xlarge" || c.Writer == "orders-1" || !slices.Equal(order, []string{"orders-2", "orders-3", "orders-1"}) {
		t.Errorf("the cluster is %+v, changed in the order %v", c, order)
	}
	failovers := 0
	for _, m := range messages(w, "orders") {
		if m == "failover: Completed failover to DB instance: "+c.Writer {
			failovers++
		}
	}
	if failovers != 1 {
		t.Errorf("%d failovers: %q", failovers, messages(w, "orders"))
	}
}

func TestModifyClusterIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, cluster, class, code string
		status                     int
	}{
		{"Aurora", "aurora", "db.r6g.xlarge", "InvalidParameterCombination", 400},
		{"nobody", "nobody", "db.m6gd.xlarge", "DBClusterNotFoundFault", 404},
		{"a class that is not for such clusters", "orders", "db.m6g.xlarge", "InvalidParameterCombination", 400},
		{"a class that AWS has run out of", "orders", "db.m6gd.4xlarge", "InsufficientDBInstanceCapacity", 400},
	} {
		other := aurora(1, 1, "db.r6g.large")
		other.Identifier, other.Instances[0].Identifier = "aurora", "aurora-1"
		w := world(t, nil, multiAZ(), other)
		w.Scarce("db.m6gd.4xlarge")
		_, err := w.ModifyCluster(ireland, test.cluster, test.class)
		t.Run(test.name, func(t *testing.T) { wantFault(t, err, test.code, test.status, "") })
	}
}
