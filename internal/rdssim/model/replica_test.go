package model

import (
	"slices"
	"testing"
	"time"
)

// instanceWithReplica is a standalone instance with a read replica and a reader demand in vCPUs.
func instanceWithReplica(readerVCPUs float64) Database {
	d := standaloneInstance(1, "db.r6g.large", true)
	d.Replicas = []Member{{Identifier: "ledger-read", Class: "db.r6g.large"}}
	d.Load.Readers = constantLoad(readerVCPUs)
	return d
}

func TestCreateReplica(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(1))
	source := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	if !slices.Equal(source.Replicas, []string{"ledger-read"}) || !source.MultiAZ {
		t.Errorf("got source %+v", source)
	}
	created := must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "ledger-new", Source: "ledger"}))
	if created.Class != "db.r6g.large" || created.ReplicationSource != "ledger" || created.MultiAZ || created.Status != "creating" {
		t.Errorf("got new replica %+v", created)
	}
	advance(w, 20*time.Minute)
	if _, readers, _ := w.PoolGroundTruth(testRegion, "ledger"); readers.VCPUs != 4 || readers.DemandVCPUs != 1 {
		t.Errorf("got replicas %+v", readers)
	}
	if actual, _ := w.GroundTruth(testRegion, "ledger-new"); actual.IsWriter || !actual.InService {
		t.Errorf("got new replica %+v", actual)
	}
	lag := w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": "ledger-read"}, "ReplicaLag", testStart, w.Now())
	if len(lag) < 10 || lag[0].Value <= 0 || lag[0].Value > 1 {
		t.Errorf("got lag %v, want 0 to 1 s", lag)
	}
	if _, err := w.DeleteInstance(testRegion, "ledger-new", false, "snapshot"); err == nil {
		t.Error("a final snapshot of a replica was accepted")
	}
	must[*Instance](t)(w.DeleteInstance(testRegion, "ledger-new", true, ""))
	advance(w, 10*time.Minute)
	if source := must[*Instance](t)(w.Instance(testRegion, "ledger")); !slices.Equal(source.Replicas, []string{"ledger-read"}) || source.Status != statusAvailable {
		t.Errorf("got source %+v", source)
	}
}

// TestModifyInstance_ReplicaLeavesSourceInService: a change of the only replica affects neither the source nor its role.
func TestModifyInstance_ReplicaLeavesSourceInService(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(0.5))
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger-read", classChange("db.r6g.xlarge")))
	for range 60 {
		advance(w, 30*time.Second)
		if actual, _ := w.GroundTruth(testRegion, "ledger"); !actual.InService || !actual.IsWriter {
			t.Fatalf("got source %+v", actual)
		}
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger-read")); i.Class != "db.r6g.xlarge" || i.Status != statusAvailable {
		t.Errorf("got replica %+v", i)
	}
}

func TestCreateReplica_RefusesInvalidRequest(t *testing.T) {
	for _, test := range []struct {
		name   string
		create CreateReplicaRequest
		code   string
		status int
	}{
		{"no identifier", CreateReplicaRequest{Source: "ledger"}, "InvalidParameterValue", 400},
		{"unknown source", CreateReplicaRequest{Identifier: "new", Source: "nobody"}, "DBInstanceNotFound", 404},
		{"identifier in use", CreateReplicaRequest{Identifier: "ledger-read", Source: "ledger"}, "DBInstanceAlreadyExists", 400},
		{"source is a replica without backups", CreateReplicaRequest{Identifier: "new", Source: "ledger-read"}, "InvalidDBInstanceState", 400},
		{"source is an Aurora instance", CreateReplicaRequest{Identifier: "new", Source: "orders-1"}, "InvalidParameterCombination", 400},
		{"unknown class", CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r99g.large"}, "InvalidParameterCombination", 400},
		{"class with a capacity shortage", CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r6g.xlarge"}, "InsufficientDBInstanceCapacity", 400},
	} {
		w := newWorld(t, nil, instanceWithReplica(1), auroraCluster(1, 1, "db.r6g.large"))
		w.SetCapacityShortage("db.r6g.xlarge")
		_, err := w.CreateReplica(testRegion, test.create)
		t.Run(test.name, func(t *testing.T) { assertAPIError(t, err, test.code, test.status, "") })
	}
}
