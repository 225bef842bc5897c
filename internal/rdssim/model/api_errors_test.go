package model

import (
	"fmt"
	"testing"
	"time"
)

// TestAPIErrors_CodesOfAWS checks the requests that AWS refuses, with its error codes and messages.
func TestAPIErrors_CodesOfAWS(t *testing.T) {
	const unknown = "RDS does not support creating a DB instance with the following combination: DBInstanceClass="
	modify := func(id string, m ModifyInstanceRequest) func(*World) error {
		return func(w *World) error {
			_, err := w.ModifyInstance(testRegion, id, m)
			return err
		}
	}
	create := func(change func(*CreateInstanceRequest)) func(*World) error {
		c := CreateInstanceRequest{Identifier: "orders-9", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}
		change(&c)
		return func(w *World) error {
			_, err := w.CreateInstance(testRegion, c)
			return err
		}
	}
	deleteInstance := func(id string, skip bool, snapshot string) func(*World) error {
		return func(w *World) error {
			_, err := w.DeleteInstance(testRegion, id, skip, snapshot)
			return err
		}
	}
	failover := func(id, target string) func(*World) error {
		return func(w *World) error {
			_, err := w.FailoverCluster(testRegion, id, target)
			return err
		}
	}
	reboot := func(id string, force bool) func(*World) error {
		return func(w *World) error {
			_, err := w.RebootInstance(testRegion, id, force)
			return err
		}
	}
	inSequence := func(first, second func(*World) error) func(*World) error {
		return func(w *World) error {
			if err := first(w); err != nil {
				return fmt.Errorf("the first call: %w", err)
			}
			advance(w, time.Second)
			return second(w)
		}
	}
	class := func(name string) ModifyInstanceRequest { return ModifyInstanceRequest{Class: &name} }
	version, multi, tier := "16.3", true, 16

	for _, test := range []struct {
		name    string
		request func(*World) error
		code    string
		status  int
		message string
	}{
		{"modify: unknown instance", modify("nobody", class("db.r6g.large")), "DBInstanceNotFound", 404, "nobody not found"},
		{"modify: unknown class", modify("orders-2", class("db.r99g.large")), "InvalidParameterCombination", 400,
			unknown + "db.r99g.large, Engine=aurora-postgresql, EngineVersion=16.1, LicenseModel=postgresql-license."},
		{"modify: class that Aurora does not support", modify("orders-2", class("db.m6g.large")), "InvalidParameterCombination", 400, unknown},
		{"modify: class that the engine does not support", modify("ledger", class("db.r5.8xlarge.tpc2.mem3x")), "InvalidParameterCombination", 400, unknown},
		{"modify: change in progress", inSequence(modify("orders-2", classChange("db.r6g.xlarge")), modify("orders-2", classChange("db.r6g.2xlarge"))),
			"InvalidDBInstanceState", 400, "Database instance is not in available state."},
		{"modify: creation in progress", inSequence(create(func(*CreateInstanceRequest) {}), modify("orders-9", class("db.r6g.xlarge"))), "InvalidDBInstanceState", 400, "not in available state"},
		{"modify: failover in progress", inSequence(failover("orders", ""), modify("orders-2", class("db.r6g.xlarge"))), "InvalidDBClusterStateFault", 400, "orders is not in available state"},
		{"modify: capacity shortage", modify("orders-2", class("db.r6g.16xlarge")), "InsufficientDBInstanceCapacity", 400,
			"there are no instances of the requested class available in the current instance's availability zone"},
		{"modify: promotion tier too high", modify("orders-2", ModifyInstanceRequest{PromotionTier: &tier}), "InvalidParameterValue", 400, "from 0 to 15"},
		{"modify: engine version of a cluster member", modify("orders-2", ModifyInstanceRequest{EngineVersion: &version}), "InvalidParameterCombination", 400, "member of a cluster"},
		{"modify: Multi-AZ of a cluster member", modify("orders-2", ModifyInstanceRequest{MultiAZ: &multi}), "InvalidParameterCombination", 400, "member of a cluster"},

		{"create: unknown cluster", create(func(c *CreateInstanceRequest) { c.Cluster = "nobody" }), "DBClusterNotFoundFault", 404, "nobody not found"},
		{"create: identifier in use", create(func(c *CreateInstanceRequest) { c.Identifier = "orders-1" }), "DBInstanceAlreadyExists", 400, "orders-1"},
		{"create: no identifier", create(func(c *CreateInstanceRequest) { c.Identifier = "" }), "InvalidParameterValue", 400, "DBInstanceIdentifier"},
		{"create: engine of another cluster", create(func(c *CreateInstanceRequest) { c.Engine = "aurora-mysql" }), "InvalidParameterCombination", 400, "(aurora-mysql) doesn't match"},
		{"create: unknown class", create(func(c *CreateInstanceRequest) { c.Class = "large" }), "InvalidParameterCombination", 400, unknown + "large"},
		{"create: promotion tier too high", create(func(c *CreateInstanceRequest) { c.PromotionTier = &tier }), "InvalidParameterValue", 400, "from 0 to 15"},
		{"create: invalid maintenance window", create(func(c *CreateInstanceRequest) { c.MaintenanceWindow = "sunday" }), "InvalidParameterValue", 400, "sunday"},
		{"create: zone of another region", create(func(c *CreateInstanceRequest) { c.AvailabilityZone = "us-east-1a" }), "DBSubnetGroupDoesNotCoverEnoughAZs", 400, "us-east-1a"},
		{"create: capacity shortage in the zone", create(func(c *CreateInstanceRequest) { c.Class, c.AvailabilityZone = "db.r6g.12xlarge", "eu-west-1b" }), "InsufficientDBInstanceCapacity", 400, "eu-west-1b"},
		{"create: capacity shortage in all zones", create(func(c *CreateInstanceRequest) { c.Class = "db.r6g.16xlarge" }), "InsufficientDBInstanceCapacity", 400, "no instances"},
		{"create: failover in progress", inSequence(failover("orders", ""), create(func(*CreateInstanceRequest) {})), "InvalidDBClusterStateFault", 400, "not in available state"},

		{"delete: unknown instance", deleteInstance("nobody", true, ""), "DBInstanceNotFound", 404, "nobody"},
		{"delete: final snapshot of a cluster member", deleteInstance("orders-2", false, "last"), "InvalidParameterCombination", 400,
			"FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance"},
		{"delete: neither final snapshot nor SkipFinalSnapshot", deleteInstance("ledger", false, ""), "InvalidParameterCombination", 400, "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified"},
		{"delete: both final snapshot and SkipFinalSnapshot", deleteInstance("ledger", true, "last"), "InvalidParameterCombination", 400, "SkipFinalSnapshot"},
		{"delete: deletion protection", deleteInstance("safe", true, ""), "InvalidParameterCombination", 400, "disable deletion protection"},
		{"delete: twice", inSequence(deleteInstance("ledger", true, ""), deleteInstance("ledger", true, "")), "InvalidDBInstanceState", 400, "already being deleted"},

		{"failover: unknown cluster", failover("nobody", ""), "DBClusterNotFoundFault", 404, "nobody"},
		{"failover: no reader", failover("alone", ""), "InvalidDBClusterStateFault", 400, "no Aurora Replica in available state"},
		{"failover: no reader in service", inSequence(reboot("orders-2", false), failover("orders", "")), "InvalidDBClusterStateFault", 400, "available state"},
		{"failover: to the writer", failover("orders", "orders-1"), "InvalidDBInstanceState", 400, "not a reader"},
		{"failover: to a reader of another cluster", failover("orders", "alone-1"), "InvalidDBInstanceState", 400, "not a reader"},
		{"failover: to a busy reader", inSequence(reboot("orders-2", false), failover("orders", "orders-2")), "InvalidDBInstanceState", 400, "not in available state"},
		{"failover: twice", inSequence(failover("orders", ""), failover("orders", "")), "InvalidDBClusterStateFault", 400, "not in available state"},

		{"reboot: unknown instance", reboot("nobody", false), "DBInstanceNotFound", 404, "nobody"},
		{"reboot: reboot in progress", inSequence(reboot("ledger", false), reboot("ledger", false)), "InvalidDBInstanceState", 400, "in-progress management operation"},
		{"reboot: forced failover without a standby", reboot("ledger", true), "InvalidParameterCombination", 400, "Multi-AZ"},

		{"describe: cluster of another region", func(w *World) error { _, err := w.Cluster("eu-west-2", "orders"); return err }, "DBClusterNotFoundFault", 404, "orders"},
		{"describe: instance of another region", func(w *World) error { _, err := w.Instance("eu-west-2", "ledger"); return err }, "DBInstanceNotFound", 404, "ledger"},
		{"tags: unknown instance", func(w *World) error { return w.AddTags("arn:aws:rds:eu-west-1:123456789012:db:nobody", nil) }, "DBInstanceNotFound", 404, "nobody"},
		{"tags: unknown cluster", func(w *World) error { return w.RemoveTags("arn:aws:rds:eu-west-1:123456789012:cluster:nobody", nil) }, "DBClusterNotFoundFault", 404, "nobody"},
	} {
		t.Run(test.name, func(t *testing.T) {
			alone := auroraCluster(1, 0, "db.r6g.large")
			alone.Identifier, alone.Instances[0].Identifier = "alone", "alone-1"
			safe := standaloneInstance(1, "db.m6g.large", false)
			safe.Identifier, safe.DeletionProtection = "safe", true
			w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"), standaloneInstance(1, "db.m6g.large", false), alone, safe)
			w.SetCapacityShortage("db.r6g.16xlarge")
			w.SetCapacityShortage("db.r6g.12xlarge", "eu-west-1b")
			assertAPIError(t, test.request(w), test.code, test.status, test.message)
		})
	}
}

// TestCreateInstance_EnforcesQuotas: the quotas of readers of a cluster and of instances in a region.
func TestCreateInstance_EnforcesQuotas(t *testing.T) {
	create := func(w *World, cluster string, n int) error {
		_, err := w.CreateInstance(testRegion, CreateInstanceRequest{
			Identifier: fmt.Sprintf("%s-new-%d", cluster, n), Cluster: cluster, Engine: "aurora-postgresql", Class: "db.r6g.large",
		})
		return err
	}
	t.Run("readers of a cluster", func(t *testing.T) {
		w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
		for n := range maxReaders {
			if err := create(w, "orders", n); err != nil {
				t.Fatal(err)
			}
		}
		assertAPIError(t, create(w, "orders", maxReaders), "InstanceQuotaExceeded", 400, "Aurora Replicas (15)")
	})
	t.Run("instances of a region", func(t *testing.T) {
		databases := []Database{auroraCluster(1, 1, "db.r6g.large")}
		for n := range maxInstancesPerRegion - 1 {
			d := standaloneInstance(1, "db.m6g.large", false)
			d.Identifier = fmt.Sprintf("standalone-%d", n)
			databases = append(databases, d)
		}
		w := newWorld(t, nil, databases...)
		assertAPIError(t, create(w, "orders", 0), "InstanceQuotaExceeded", 400, "(40)")
		must[*Instance](t)(w.DeleteInstance(testRegion, "standalone-0", true, ""))
		advance(w, 5*time.Minute)
		if err := create(w, "orders", 0); err != nil {
			t.Errorf("after the deletion of an instance: %v", err)
		}
	})
}

// TestCapacityShortage_RefusesClass: a scenario and SetCapacityShortage can begin and end a capacity shortage.
func TestCapacityShortage_RefusesClass(t *testing.T) {
	until := Instant{Offset: 2 * time.Hour}
	w := newWorld(t, func(s *Scenario) {
		s.CapacityShortages = []CapacityShortage{{Class: "db.r6g.xlarge", Zones: []string{"eu-west-1b"}, From: Instant{Time: testStart.Add(time.Hour)}, Until: &until}}
	}, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large")) // in the zones a, b and c
	request := func() error {
		_, err := w.ModifyInstance(testRegion, "orders-2", classChange("db.r6g.xlarge"))
		return err
	}
	w.Advance(testStart.Add(time.Hour))
	assertAPIError(t, request(), "InsufficientDBInstanceCapacity", 400, "")
	created := must[*Instance](t)(w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-4", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge"}))
	if created.AvailabilityZone != "eu-west-1a" {
		t.Errorf("got zone %s, want eu-west-1a, the least used zone with capacity", created.AvailabilityZone)
	}
	w.Advance(testStart.Add(2 * time.Hour))
	w.SetCapacityShortage("db.r6g.xlarge")
	assertAPIError(t, request(), "InsufficientDBInstanceCapacity", 400, "")
	w.ClearCapacityShortage("db.r6g.xlarge")
	if err := request(); err != nil {
		t.Errorf("after the shortage: %v", err)
	}
}

// TestModifyInstance_RefusesJustAfterAvailable: AWS may still refuse a change just after the status is available again.
func TestModifyInstance_RefusesJustAfterAvailable(t *testing.T) {
	w := newWorld(t, func(s *Scenario) { s.RefuseAfterAvailable.Duration = 10 * time.Second }, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	request := func() error {
		tier := 0
		_, err := w.ModifyInstance(testRegion, "orders-2", ModifyInstanceRequest{PromotionTier: &tier})
		return err
	}
	if err := request(); err != nil {
		t.Errorf("available since the start: %v", err)
	}
	must[*Instance](t)(w.RebootInstance(testRegion, "orders-2", false))
	for must[*Instance](t)(w.Instance(testRegion, "orders-2")).Status != statusAvailable {
		advance(w, time.Second)
	}
	assertAPIError(t, request(), "InvalidDBInstanceState", 400, "Database instance is not in available state.")
	advance(w, 10*time.Second)
	if err := request(); err != nil {
		t.Errorf("ten seconds later: %v", err)
	}
}

// TestTags_AddAndRemove: tags of a cluster that has some and of an instance that has none.
func TestTags_AddAndRemove(t *testing.T) {
	d := auroraCluster(1, 1, "db.r6g.large")
	d.Tags = map[string]string{"team": "care"}
	w := newWorld(t, nil, d)
	cluster := must[*Cluster](t)(w.Cluster(testRegion, "orders")).ARN()
	instance := must[*Instance](t)(w.Instance(testRegion, "orders-1")).ARN()
	for _, arn := range []string{cluster, instance} {
		if err := w.AddTags(arn, map[string]string{"a": "1", "b": "2"}); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveTags(arn, []string{"a", "team", "absent"}); err != nil {
			t.Fatal(err)
		}
		tags := must[map[string]string](t)(w.Tags(arn))
		if len(tags) != 1 || tags["b"] != "2" {
			t.Errorf("%s: got tags %v, want b=2", arn, tags)
		}
		tags["c"] = "3" // a copy
		if again := must[map[string]string](t)(w.Tags(arn)); len(again) != 1 {
			t.Errorf("%s: got tags %v after the caller changed its copy", arn, again)
		}
	}
}
