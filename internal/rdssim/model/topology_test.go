package model

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// topologyScenario is a cluster with two readers and a load of 1 and 2 vCPUs.
func topologyScenario(edit func(*Scenario, *Database)) Scenario {
	s := Scenario{Seed: 1, AccountID: testAccount, Databases: []Database{{
		Identifier: "orders", Region: "eu-west-1", Engine: "aurora-postgresql", EngineVersion: "16.1",
		Instances: []Member{{Identifier: "w", Class: "db.r6g.xlarge"}, {Identifier: "a", Class: "db.r6g.xlarge"}, {Identifier: "b", Class: "db.r6g.xlarge"}},
		Load:      Load{Writer: constantLoad(1), Readers: constantLoad(2)},
	}}}
	s.Start.Time = testStart
	if edit != nil {
		edit(&s, &s.Databases[0])
	}
	return s
}

func mustWorld(t *testing.T, s Scenario) *World {
	t.Helper()
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func usedVCPUs(w *World, instance string) float64 {
	return w.instances["eu-west-1/"+instance].usedVCPUs
}

// A static list reaches its members only, an exclusion list every other instance, and type READER never the writer.
func TestCustomEndpoint_RoutesLoad(t *testing.T) {
	for _, test := range []struct {
		name     string
		endpoint CustomEndpoint
		want     map[string]float64 // in addition to the load of the pools
	}{
		{"static list", CustomEndpoint{StaticMembers: []string{"b"}}, map[string]float64{"b": 1.2}},
		{"exclusion list", CustomEndpoint{ExcludedMembers: []string{"b"}}, map[string]float64{"w": 0.6, "a": 0.6}},
		{"exclusion list of readers", CustomEndpoint{Type: "READER", ExcludedMembers: []string{"b"}}, map[string]float64{"a": 1.2}},
		{"neither list", CustomEndpoint{}, map[string]float64{"w": 0.4, "a": 0.4, "b": 0.4}},
	} {
		test.endpoint.Identifier, test.endpoint.Load = "analytics", constantLoad(1.2)
		w := mustWorld(t, topologyScenario(func(_ *Scenario, d *Database) { d.CustomEndpoints = []CustomEndpoint{test.endpoint} }))
		w.Advance(w.Now().Add(time.Hour))
		for _, name := range []string{"w", "a", "b"} {
			if got, want := usedVCPUs(w, name), 1+test.want[name]; got < want-0.01 || got > want+0.01 {
				t.Errorf("%s: %s uses %.2f vCPUs, want %.2f", test.name, name, got, want)
			}
		}
	}
}

// After a change to a class that cannot hold the fixed page cache, the engine does not start.
func TestModifyInstance_IncompatibleParameters(t *testing.T) {
	for _, test := range []struct{ buffers, want string }{
		{"2621440", "incompatible-parameters"}, {"1310720", "available"}, {"{DBInstanceClassMemory/12038}", "available"},
	} {
		w := mustWorld(t, topologyScenario(func(s *Scenario, d *Database) {
			s.ParameterGroups = []ParameterGroup{{Name: "tuned", Region: "eu-west-1", Parameters: map[string]string{"shared_buffers": test.buffers}}}
			d.ParameterGroup = "tuned"
		}))
		class := "db.r6g.large"
		if _, err := w.ModifyInstance("eu-west-1", "a", ModifyInstanceRequest{Class: &class, ApplyImmediately: true}); err != nil {
			t.Fatal(err)
		}
		w.Advance(w.Now().Add(time.Hour))
		if i, err := w.Instance("eu-west-1", "a"); err != nil || i.Status != test.want || i.Class != class {
			t.Errorf("shared_buffers %s: %+v, %v; want %s", test.buffers, i, err, test.want)
		}
	}
}

func TestParameters_Errors(t *testing.T) {
	w := mustWorld(t, topologyScenario(nil))
	var apiErr *APIError
	if _, err := w.Parameters("eu-west-1", "none", false); !errors.As(err, &apiErr) || apiErr.Code != "DBParameterGroupNotFound" {
		t.Errorf("got %v", err)
	}
	if _, err := w.Parameters("eu-west-1", "none", true); !errors.As(err, &apiErr) || apiErr.Code != "DBClusterParameterGroupNotFound" {
		t.Errorf("got %v", err)
	}
	if values, err := w.Parameters("eu-west-1", "default.aurora-postgresql", false); err != nil || values != nil {
		t.Errorf("got %v, %v", values, err)
	}
	if _, err := New(topologyScenario(func(_ *Scenario, d *Database) { d.ParameterGroup = "unknown" })); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("an unknown parameter group: %v", err)
	}
}

// The switchover gives green the names, the ARNs, the load and the I/O of blue; the resource IDs stay with the instances.
func TestBlueGreenDeployment_Switchover(t *testing.T) {
	w := mustWorld(t, topologyScenario(func(_ *Scenario, d *Database) { d.IO = &IOWorkload{Writer: IODemand{WriteIOPS: 700}} }))
	before, _ := w.Cluster("eu-west-1", "orders")
	blueWriter, _ := w.Instance("eu-west-1", "w")
	d, err := w.CreateBlueGreenDeployment("eu-west-1", "orders", "upgrade")
	if err != nil {
		t.Fatal(err)
	}
	var apiErr *APIError
	if _, err := w.CreateBlueGreenDeployment("eu-west-1", "orders", "again"); !errors.As(err, &apiErr) || apiErr.Code != "BlueGreenDeploymentAlreadyExistsFault" {
		t.Errorf("a second deployment: %v", err)
	}
	if err := w.SwitchoverBlueGreenDeployment("eu-west-1", d.Identifier); !errors.As(err, &apiErr) || apiErr.Code != "InvalidBlueGreenDeploymentStateFault" {
		t.Errorf("a switchover while provisioning: %v", err)
	}
	w.Advance(w.Now().Add(time.Hour))
	if d.Status != BlueGreenAvailable || d.Source() != before.ARN() || !strings.Contains(d.Target(), "orders-green-") || len(d.Members()) != 3 {
		t.Fatalf("%s, source %s, target %s", d.Status, d.Source(), d.Target())
	}
	if err := w.SwitchoverBlueGreenDeployment("eu-west-1", d.Identifier); err != nil || d.Status != BlueGreenSwitchingOver {
		t.Fatal(err, d.Status)
	}
	w.Advance(w.Now().Add(30 * time.Minute))
	after, err := w.Cluster("eu-west-1", "orders")
	if err != nil {
		t.Fatal(err)
	}
	writer, err := w.Instance("eu-west-1", "w")
	if err != nil || d.Status != BlueGreenCompleted || after.ARN() != before.ARN() || after.ResourceID == before.ResourceID ||
		writer.ResourceID == blueWriter.ResourceID || after.Writer != "w" || !slices.Equal(after.Members, []string{"w", "a", "b"}) {
		t.Errorf("%s: %+v, writer %+v, %v", d.Status, after, writer, err)
	}
	if old, err := w.Instance("eu-west-1", "w-old1"); err != nil || old.ResourceID != blueWriter.ResourceID || old.Cluster != "orders-old1" {
		t.Errorf("the old writer is %+v, %v", old, err)
	}
	if used, old := usedVCPUs(w, "a"), usedVCPUs(w, "a-old1"); used < 0.9 || old > 0.1 {
		t.Errorf("the new reader uses %.2f vCPUs, the old one %.2f", used, old)
	}
	iops, _, _ := w.RequestedIO("eu-west-1", "w")
	if old, _, _ := w.RequestedIO("eu-west-1", "w-old1"); iops != 700 || old != 0 {
		t.Errorf("%.0f IOPS are requested of the new writer and %.0f of the old one, want 700 and 0", iops, old)
	}
}

func TestBlueGreenDeployment_Delete(t *testing.T) {
	w := mustWorld(t, topologyScenario(nil))
	d, err := w.CreateBlueGreenDeployment("eu-west-1", "orders", "upgrade")
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(w.Now().Add(time.Hour))
	if err := w.DeleteBlueGreenDeployment("eu-west-1", d.Identifier); err != nil || len(w.Instances("eu-west-1")) != 3 || len(w.Clusters("eu-west-1")) != 1 {
		t.Errorf("%v: %d instances", err, len(w.Instances("eu-west-1")))
	}
}
