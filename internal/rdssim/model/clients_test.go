package model

import (
	"slices"
	"testing"
	"time"
)

// connectionsOf returns the newest number of connections of an instance.
func connectionsOf(w *World, id string) float64 {
	points := w.MetricAverages(testRegion, map[string]string{"DBInstanceIdentifier": id}, "DatabaseConnections", testStart, w.Now())
	if len(points) == 0 {
		return -1
	}
	return points[len(points)-1].Value
}

// A replica that no client knows has no connections and no load; the others carry its share.
func TestSetClientWeight(t *testing.T) {
	zero := 0.0
	d := instanceWithReplica(1)
	d.NewReplicaClientWeight = &zero
	w := newWorld(t, nil, d)
	must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "ledger-new", Source: "ledger"}))
	advance(w, 30*time.Minute)
	if got := connectionsOf(w, "ledger-new"); got != 0 {
		t.Errorf("the new replica has %g connections, want 0", got)
	}
	truth, _ := w.GroundTruth(testRegion, "ledger-new")
	other, _ := w.GroundTruth(testRegion, "ledger-read")
	if truth.HasClients || truth.RequestedVCPUs != 0 || !other.HasClients || other.RequestedVCPUs < 0.9 || connectionsOf(w, "ledger-read") <= 0 {
		t.Errorf("the new replica is %+v, the other %+v", truth, other)
	}
	if err := w.SetClientWeight(testRegion, "ledger-new", 3); err != nil {
		t.Fatal(err)
	}
	advance(w, 10*time.Minute)
	if truth, _ := w.GroundTruth(testRegion, "ledger-new"); truth.RequestedVCPUs < 0.7 || connectionsOf(w, "ledger-new") <= 0 {
		t.Errorf("with three quarters of the clients the replica is %+v", truth)
	}
	for _, id := range []string{"ledger-read", "ledger-new"} { // the clients then use the source
		if err := w.SetClientWeight(testRegion, id, 0); err != nil {
			t.Fatal(err)
		}
	}
	advance(w, 10*time.Minute)
	if _, readers, _ := w.PoolGroundTruth(testRegion, "ledger"); readers.Saturated || connectionsOf(w, "ledger-read") != 0 {
		t.Errorf("without clients the replicas are %+v", readers)
	}
	if source, _ := w.GroundTruth(testRegion, "ledger"); source.RequestedVCPUs < 1.5 {
		t.Errorf("the source is %+v, want it to carry both loads", source)
	}
	if w.SetClientWeight(testRegion, "ledger", 0) == nil || w.SetClientWeight(testRegion, "ledger-new", -1) == nil {
		t.Error("the weight of the source, or a negative one, was accepted")
	}
}

// A replica with automated backups can be the source of another one.
func TestCreateReplica_OfReplica(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(1))
	if err := w.SetAutomatedBackups(testRegion, "ledger-read", true); err != nil {
		t.Fatal(err)
	}
	must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "ledger-copy", Source: "ledger-read"}))
	middle := must[*Instance](t)(w.Instance(testRegion, "ledger-read"))
	source := must[*Instance](t)(w.Instance(testRegion, "ledger"))
	if !slices.Equal(middle.Replicas, []string{"ledger-copy"}) || !slices.Equal(source.Replicas, []string{"ledger-read"}) {
		t.Errorf("the source has %v, the middle %v", source.Replicas, middle.Replicas)
	}
}

// A class that is not offered in a zone or with Performance Insights is refused.
func TestSetClassLimit(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(1))
	w.SetClassLimit(testRegion, "db.r6g.xlarge", []string{testRegion + "a"}, []string{FeatureInsights})
	for _, test := range []struct {
		name   string
		create CreateReplicaRequest
		text   string
	}{
		{"zone", CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r6g.xlarge", AvailabilityZone: testRegion + "a"}, "AvailabilityZone=" + testRegion + "a"},
		{"feature", CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r6g.xlarge", AvailabilityZone: testRegion + "b", PerformanceInsights: true},
			"Performance Insights not supported for this configuration"},
	} {
		_, err := w.CreateReplica(testRegion, test.create)
		t.Run(test.name, func(t *testing.T) { assertAPIError(t, err, "InvalidParameterCombination", 400, test.text) })
	}
	must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "new", Source: "ledger", Class: "db.r6g.xlarge", AvailabilityZone: testRegion + "b"}))
}

// An instance and a replica that were created by requests have clients, as those of the scenario do.
func TestCreateStandalone_HasClients(t *testing.T) {
	w := newWorld(t, nil, instanceWithReplica(1))
	must[*Instance](t)(w.CreateStandalone(testRegion, "123456789012", CreateStandaloneRequest{
		Identifier: "created", Engine: "postgres", Class: "db.r6g.large", AllocatedGiB: 100,
		Credentials: MasterCredentials{Username: "app", Password: "correct-horse-battery"},
	}))
	advance(w, 30*time.Minute)
	must[*Instance](t)(w.CreateReplica(testRegion, CreateReplicaRequest{Identifier: "created-read", Source: "created"}))
	advance(w, 30*time.Minute)
	for _, id := range []string{"created", "created-read"} {
		if actual, exists := w.GroundTruth(testRegion, id); !exists || !actual.HasClients || connectionsOf(w, id) <= 0 {
			t.Errorf("%s is %+v with %g connections", id, actual, connectionsOf(w, id))
		}
	}
}
