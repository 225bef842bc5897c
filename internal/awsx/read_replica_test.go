package awsx

import (
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestSimulator_ReadReplicas uses the wire protocols of the simulator and the shipped IAM policy.
func TestSimulator_ReadReplicas(t *testing.T) {
	s := simulateScenario(t, "read-replicas", shippedIAMPolicy(t))
	ledger := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}
	o := s.observe(t, ledger)
	if o.Kind != scaling.DBInstance || o.Unsupported != "" || !o.MultiAZ || len(o.Instances) != 3 || !o.Instances[0].Writer ||
		o.Instances[0].Identifier != "ledger" || o.Shape(scaling.Readers) != (scaling.Shape{InstanceClass: "db.m6g.large", Count: 2}) {
		t.Fatalf("got %+v", o)
	}
	for _, i := range o.Instances {
		if len(i.CPU) < 50 || len(i.DBLoadCPU) < 50 || len(i.FreeableMemory) == 0 || (i.ReplicaLag != nil) == i.Writer {
			t.Errorf("%s: %d samples, lag %v", i.Identifier, len(i.CPU), i.ReplicaLag)
		}
	}
	if len(o.WriterCPU) == 0 || len(o.ReadersCPU) > 0 {
		t.Errorf("WriterCPU has %d samples and ReadersCPU %d, want some and 0", len(o.WriterCPU), len(o.ReadersCPU))
	}

	create := scaling.Call{
		Action: scaling.CreateReader, Instance: "ledger-dbscaler-0a1b2c3d-1", InstanceClass: "db.m6g.xlarge",
		Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
	}
	if err := s.client.Execute(t.Context(), ledger, create); err != nil {
		t.Fatal(err)
	}
	if i, found := s.observe(t, ledger).Instance(create.Instance); !found || i.Writer || i.IsAvailable() || !i.CreatedByOperator() || !scaling.IsOptedIn(i.Tags, "any") ||
		i.Class != "db.m6g.xlarge" {
		t.Fatalf("the new replica is %+v", i)
	}
	expectCause(t, s.client.Execute(t.Context(), ledger, create), scaling.ErrAlreadyExists)
	for range 60 {
		s.clock.Step(samplePeriod)
		if i, _ := s.observe(t, ledger).Instance(create.Instance); i.IsAvailable() && i.ReplicaLag != nil {
			break
		}
	}
	for _, rejected := range []scaling.Call{
		{Action: scaling.DeleteReader, Instance: "ledger-read"}, // not created by dbscaler
		{Action: scaling.DeleteReader, Instance: "ledger"},
		{Action: scaling.Failover, Instance: create.Instance},
	} {
		expectCause(t, s.client.Execute(t.Context(), ledger, rejected), scaling.ErrInvalid)
	}
	if err := s.client.Execute(t.Context(), ledger, scaling.Call{Action: scaling.DeleteReader, Instance: create.Instance}); err != nil {
		t.Fatal(err)
	}
	if i, found := s.observe(t, ledger).Instance(create.Instance); found && i.Status != "deleting" {
		t.Errorf("the deleted replica is %s", i.Status)
	}
	// A read replica is not supported as a target.
	replica := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger-read"}
	if o := s.observe(t, replica); o.Unsupported == "" {
		t.Error("a read replica is supported as a target")
	}
}
