package model

import (
	"testing"
	"time"
)

// A creation that fails is accepted first. Nothing is left to do with the instance but to delete it.
func TestFailNextCreate(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(1), auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	for _, test := range []struct {
		database, status string
		create           func() (*Instance, error)
	}{
		{"ledger", "incompatible-network", func() (*Instance, error) {
			return w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "new", Source: "ledger"})
		}},
		{"orders", "insufficient-capacity", func() (*Instance, error) {
			return w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "new", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"})
		}},
	} {
		if err := w.FailNextCreate(testRegion, test.database, test.status); err != nil {
			t.Fatal(err)
		}
		if i := must[*Instance](t)(test.create()); i.Status != statusCreating {
			t.Errorf("%s: the new instance is %s", test.database, i.Status)
		}
		advance(w, 20*time.Minute)
		i := must[*Instance](t)(w.Instance(testRegion, "new"))
		actual, _ := w.GroundTruth(testRegion, "new")
		if i.Status != test.status || !i.CreatedAt.IsZero() || actual.InService || !actual.CreateFailed {
			t.Errorf("%s: got %+v, %+v", test.database, i, actual)
		}
		if err := w.RepairInstance(testRegion, "new"); err != nil {
			t.Fatal(err)
		}
		if i = must[*Instance](t)(w.Instance(testRegion, "new")); i.Status != test.status {
			t.Errorf("%s: repaired, it is %s", test.database, i.Status)
		}
		_, err := w.ModifyInstance(testRegion, "new", classChange("db.r6g.xlarge"))
		assertAPIError(t, err, "InvalidDBInstanceState", 400, "")
		must[*Instance](t)(w.DeleteInstance(testRegion, "new", true, ""))
		advance(w, 10*time.Minute)
		must[*Instance](t)(test.create()) // only one creation fails
		advance(w, 20*time.Minute)
		if i = must[*Instance](t)(w.Instance(testRegion, "new")); i.Status != statusAvailable {
			t.Errorf("%s: the second attempt is %s", test.database, i.Status)
		}
		must[*Instance](t)(w.DeleteInstance(testRegion, "new", true, ""))
		advance(w, 10*time.Minute)
	}
	if w.FailNextCreate(testRegion, "nobody", "failed") == nil || w.FailNextCreate(testRegion, "orders", "available") == nil {
		t.Error("FailNextCreate accepted an unknown database or status")
	}
}

// The creation time may be that of the request.
func TestFailNextCreate_CreateTimeAtAcceptance(t *testing.T) {
	for early := range map[bool]bool{false: true, true: true} {
		w := newWorld(t, func(s *Scenario) { s.CreateTimeAtAcceptance = early }, instanceWithReplica(1))
		if err := w.FailNextCreate(testRegion, "ledger", "incompatible-network"); err != nil {
			t.Fatal(err)
		}
		requestedAt := w.Now()
		must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "new", Source: "ledger"}))
		advance(w, 20*time.Minute)
		i := must[*Instance](t)(w.Instance(testRegion, "new"))
		if early != i.CreateTime().Equal(requestedAt) || early == i.CreateTime().IsZero() {
			t.Errorf("at acceptance %t: the creation time is %s, requested at %s", early, i.CreateTime(), requestedAt)
		}
		must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "newer", Source: "ledger"}))
		requestedAt = w.Now()
		advance(w, 20*time.Minute)
		if i := must[*Instance](t)(w.Instance(testRegion, "newer")); early != i.CreateTime().Equal(requestedAt) || i.CreateTime().IsZero() {
			t.Errorf("at acceptance %t: the creation time of an available instance is %s", early, i.CreateTime())
		}
	}
}

// While RDS works on the storage, the instance serves and can be changed.
func TestStoragePhases(t *testing.T) {
	w := newWorld(t, func(s *Scenario) { s.StorageInitialization.Duration = time.Hour }, instanceWithReplica(1), auroraCluster(1, 1, "db.r6g.large"))
	if err := w.OptimizeStorage(testRegion, "ledger", 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "new", Source: "ledger"}))
	advance(w, 20*time.Minute)
	for id, status := range map[string]string{"ledger": "storage-optimization", "new": "storage-initialization"} {
		i := must[*Instance](t)(w.Instance(testRegion, id))
		if actual, _ := w.GroundTruth(testRegion, id); i.Status != status || !actual.InService {
			t.Errorf("%s is %s, in service: %t", id, i.Status, actual.InService)
		}
	}
	must[*Instance](t)(w.ModifyInstance(testRegion, "ledger", classChange("db.r6g.xlarge")))
	advance(w, 90*time.Minute)
	for _, id := range []string{"ledger", "new"} {
		if i := must[*Instance](t)(w.Instance(testRegion, id)); i.Status != statusAvailable {
			t.Errorf("%s is %s afterwards", id, i.Status)
		}
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.Class != "db.r6g.xlarge" {
		t.Errorf("the class is %s", i.Class)
	}
	if w.OptimizeStorage(testRegion, "orders-1", time.Hour) == nil || w.OptimizeStorage(testRegion, "nobody", time.Hour) == nil {
		t.Error("OptimizeStorage accepted an Aurora instance or an unknown one")
	}
}

// The replica of an idle PostgreSQL source shows a lag that rises to five minutes; that of MySQL shows none.
func TestReplicaLag_IdleSource(t *testing.T) {
	for engine, want := range map[string][2]float64{"postgres": {30, 270}, "mysql": {0, 1}} {
		d := instanceWithReplica(1)
		d.Engine, d.Load.Writer = engine, constantLoad(0)
		if engine == "mysql" {
			d.EngineVersion = "8.0.35"
		}
		w := newWorld(t, nil, d)
		advance(w, time.Hour)
		lag := w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": "ledger-read"}, "ReplicaLag", testStart, w.Now())
		lowest, highest := lag[0].Value, lag[0].Value
		for _, p := range lag {
			lowest, highest = min(lowest, p.Value), max(highest, p.Value)
		}
		if engine == "postgres" && (lowest != want[0] || highest != want[1]) || lowest < want[0] || highest > want[1] {
			t.Errorf("%s: the lag is from %g to %g s", engine, lowest, highest)
		}
	}
}
