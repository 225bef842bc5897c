package model

import (
	"slices"
	"testing"
	"time"
)

// replicated is a plain instance with a read replica, whose readers ask for so much.
func replicated(readers float64) Database {
	d := plain(1, "db.r6g.large", true)
	d.Replicas = []Member{{Identifier: "ledger-read", Class: "db.r6g.large"}}
	d.Load.Readers = steady(readers)
	return d
}

func TestReplicas(t *testing.T) {
	w := world(t, nil, replicated(1))
	source := try[*Instance](t)(w.Instance(ireland, "ledger"))
	if !slices.Equal(source.Replicas, []string{"ledger-read"}) || !source.MultiAZ {
		t.Errorf("the source is %+v", source)
	}
	made := try[*Instance](t)(w.CreateReplica(ireland, CreateReplica{Identifier: "ledger-new", Source: "ledger"}))
	if made.Class != "db.r6g.large" || made.Source != "ledger" || made.MultiAZ || made.Status != "creating" {
		t.Errorf("the new replica is %+v", made)
	}
	pass(w, 20*time.Minute)
	if _, readers, _ := w.Pools(ireland, "ledger"); readers.VCPUs != 4 || readers.Demand != 1 {
		t.Errorf("the replicas are %+v", readers)
	}
	if truth, _ := w.Truth(ireland, "ledger-new"); truth.Writer || !truth.InService {
		t.Errorf("the new replica is %+v", truth)
	}
	lag := w.Points(ireland, map[string]string{"DBInstanceIdentifier": "ledger-read"}, "ReplicaLag", begin, w.Now())
	if len(lag) < 10 || lag[0].Value <= 0 || lag[0].Value > 1 {
		t.Errorf("its lag is %v", lag)
	}
	if _, err := w.DeleteInstance(ireland, "ledger-new", false, "snapshot"); err == nil {
		t.Error("a final snapshot is made of a replica")
	}
	try[*Instance](t)(w.DeleteInstance(ireland, "ledger-new", true, ""))
	pass(w, 10*time.Minute)
	if source := try[*Instance](t)(w.Instance(ireland, "ledger")); !slices.Equal(source.Replicas, []string{"ledger-read"}) || source.Status != available {
		t.Errorf("the source is %+v", source)
	}
}

// While its only replica is resized, the source keeps serving, and nobody takes over.
func TestAReplicaIsResized(t *testing.T) {
	w := world(t, nil, replicated(0.5))
	try[*Instance](t)(w.ModifyInstance(ireland, "ledger-read", resize("db.r6g.xlarge")))
	for range 60 {
		pass(w, 30*time.Second)
		if truth, _ := w.Truth(ireland, "ledger"); !truth.InService || !truth.Writer {
			t.Fatalf("the source is %+v", truth)
		}
	}
	if i := try[*Instance](t)(w.Instance(ireland, "ledger-read")); i.Class != "db.r6g.xlarge" || i.Status != available {
		t.Errorf("the replica is %+v", i)
	}
}

func TestReplicasThatCannotBe(t *testing.T) {
	for _, test := range []struct {
		name   string
		create CreateReplica
		code   string
		status int
	}{
		{"without a name", CreateReplica{Source: "ledger"}, "InvalidParameterValue", 400},
		{"of nobody", CreateReplica{Identifier: "new", Source: "nobody"}, "DBInstanceNotFound", 404},
		{"of a taken name", CreateReplica{Identifier: "ledger-read", Source: "ledger"}, "DBInstanceAlreadyExists", 400},
		{"of a replica", CreateReplica{Identifier: "new", Source: "ledger-read"}, "InvalidParameterCombination", 400},
		{"of Aurora", CreateReplica{Identifier: "new", Source: "orders-1"}, "InvalidParameterCombination", 400},
		{"of a class that there is not", CreateReplica{Identifier: "new", Source: "ledger", Class: "db.r99g.large"}, "InvalidParameterCombination", 400},
		{"of a class that AWS has run out of", CreateReplica{Identifier: "new", Source: "ledger", Class: "db.r6g.xlarge"}, "InsufficientDBInstanceCapacity", 400},
	} {
		w := world(t, nil, replicated(1), aurora(1, 1, "db.r6g.large"))
		w.Scarce("db.r6g.xlarge")
		_, err := w.CreateReplica(ireland, test.create)
		t.Run(test.name, func(t *testing.T) { wantFault(t, err, test.code, test.status, "") })
	}
}
