package model

import (
	"slices"
	"testing"
	"time"
)

// instanceWithReplica is a plain instance with a read replica, whose readers ask for so much.
func instanceWithReplica(readers float64) Database {
	d := plainInstance(1, "db.r6g.large", true)
	d.Replicas = []Member{{Identifier: "ledger-read", Class: "db.r6g.large"}}
	d.Load.Readers = constantLoad(readers)
	return d
}

func TestCreateReplica(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(1))
	source := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	if !slices.Equal(source.Replicas, []string{"ledger-read"}) || !source.MultiAZ {
		t.Errorf("the source is %+v", source)
	}
	made := must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "ledger-new", Source: "ledger"}))
	if made.Class != "db.r6g.large" || made.ReplicationSource != "ledger" || made.MultiAZ || made.Status != "creating" {
		t.Errorf("the new replica is %+v", made)
	}
	advance(w, 20*time.Minute)
	if _, readers, _ := w.PoolGroundTruth(testRegion, "ledger"); readers.VCPUs != 4 || readers.DemandVCPUs != 1 {
		t.Errorf("the replicas are %+v", readers)
	}
	if truth, _ := w.GroundTruth(testRegion, "ledger-new"); truth.IsWriter || !truth.InService {
		t.Errorf("the new replica is %+v", truth)
	}
	lag := w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": "ledger-read"}, "ReplicaLag", testStart, w.Now())
	if len(lag) < 10 || lag[0].Value <= 0 || lag[0].Value > 1 {
		t.Errorf("its lag is %v", lag)
	}
	if _, err := w.DeleteInstance(testRegion, "ledger-new", false, "snapshot"); err == nil {
		t.Error("a final snapshot is made of a replica")
	}
	must[*Instance](t)(w.DeleteInstance(testRegion, "ledger-new", true, ""))
	advance(w, 10*time.Minute)
	if source := must[*Instance](t)(w.Instance(testRegion, "ledger")); !slices.Equal(source.Replicas, []string{"ledger-read"}) || source.Status != statusAvailable {
		t.Errorf("the source is %+v", source)
	}
}

// While its only replica is resized, the source keeps serving, and nobody takes over.
func TestModifyInstance_ReplicaLeavesSourceInService(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(0.5))
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger-read", classChange("db.r6g.xlarge")))
	for range 60 {
		advance(w, 30*time.Second)
		if truth, _ := w.GroundTruth(testRegion, "ledger"); !truth.InService || !truth.IsWriter {
			t.Fatalf("the source is %+v", truth)
		}
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger-read")); i.Class != "db.r6g.xlarge" || i.Status != statusAvailable {
		t.Errorf("the replica is %+v", i)
	}
}

func TestCreateReplica_RefusesInvalidRequest(t *testing.T) {
	for _, test := range []struct {
		name   string
		create CreateReplicaRequest
		code   string
		status int
	}{
		{"without a name", CreateReplicaRequest{Source: "ledger"}, "InvalidParameterValue", 400},
		{"of nobody", CreateReplicaRequest{Identifier: "new", Source: "nobody"}, "DBInstanceNotFound", 404},
		{"of a taken name", CreateReplicaRequest{Identifier: "ledger-read", Source: "ledger"}, "DBInstanceAlreadyExists", 400},
		{"of a replica", CreateReplicaRequest{Identifier: "new", Source: "ledger-read"}, "InvalidParameterCombination", 400},
		{"of Aurora", CreateReplicaRequest{Identifier: "new", Source: "orders-1"}, "InvalidParameterCombination", 400},
		{"of a class that there is not", CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r99g.large"}, "InvalidParameterCombination", 400},
		{"of a class that AWS has run out of", CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r6g.xlarge"}, "InsufficientDBInstanceCapacity", 400},
	} {
		w := newWorld(t, nil, instanceWithReplica(1), auroraCluster(1, 1, "db.r6g.large"))
		w.SetCapacityShortage("db.r6g.xlarge")
		_, err := w.CreateReplica(testRegion, test.create)
		t.Run(test.name, func(t *testing.T) { assertAPIError(t, err, test.code, test.status, "") })
	}
}
