package model

import (
	"fmt"
	"testing"
	"time"
)

// TestFaults: what AWS refuses, with its code and in its words.
func TestFaults(t *testing.T) {
	const unknown = "RDS does not support creating a DB instance with the following combination: DBInstanceClass="
	modify := func(id string, m Modify) func(*World) error {
		return func(w *World) error {
			_, err := w.ModifyInstance(ireland, id, m)
			return err
		}
	}
	create := func(change func(*Create)) func(*World) error {
		c := Create{Identifier: "orders-9", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.large"}
		change(&c)
		return func(w *World) error {
			_, err := w.CreateInstance(ireland, c)
			return err
		}
	}
	remove := func(id string, skip bool, snapshot string) func(*World) error {
		return func(w *World) error {
			_, err := w.DeleteInstance(ireland, id, skip, snapshot)
			return err
		}
	}
	failover := func(id, target string) func(*World) error {
		return func(w *World) error {
			_, err := w.FailoverCluster(ireland, id, target)
			return err
		}
	}
	reboot := func(id string, force bool) func(*World) error {
		return func(w *World) error {
			_, err := w.RebootInstance(ireland, id, force)
			return err
		}
	}
	then := func(first, second func(*World) error) func(*World) error {
		return func(w *World) error {
			if err := first(w); err != nil {
				return fmt.Errorf("the first call: %w", err)
			}
			pass(w, time.Second)
			return second(w)
		}
	}
	class := func(name string) Modify { return Modify{Class: &name} }
	version, multi, tier := "16.3", true, 16

	for _, test := range []struct {
		name   string
		ask    func(*World) error
		code   string
		status int
		says   string
	}{
		{"modify: no such instance", modify("nobody", class("db.r6g.large")), "DBInstanceNotFound", 404, "nobody not found"},
		{"modify: unknown class", modify("orders-2", class("db.r99g.large")), "InvalidParameterCombination", 400,
			unknown + "db.r99g.large, Engine=aurora-postgresql, EngineVersion=16.1, LicenseModel=postgresql-license."},
		{"modify: class that Aurora does not offer", modify("orders-2", class("db.m6g.large")), "InvalidParameterCombination", 400, unknown},
		{"modify: class that the engine does not run on", modify("ledger", class("db.r5.8xlarge.tpc2.mem3x")), "InvalidParameterCombination", 400, unknown},
		{"modify: under way", then(modify("orders-2", resize("db.r6g.xlarge")), modify("orders-2", resize("db.r6g.2xlarge"))),
			"InvalidDBInstanceState", 400, "Database instance is not in available state."},
		{"modify: being created", then(create(func(*Create) {}), modify("orders-9", class("db.r6g.xlarge"))), "InvalidDBInstanceState", 400, "not in available state"},
		{"modify: cluster fails over", then(failover("orders", ""), modify("orders-2", class("db.r6g.xlarge"))), "InvalidDBClusterStateFault", 400, "orders is not in available state"},
		{"modify: no capacity", modify("orders-2", class("db.r6g.16xlarge")), "InsufficientDBInstanceCapacity", 400,
			"there are no instances of the requested class available in the current instance's availability zone"},
		{"modify: promotion tier", modify("orders-2", Modify{PromotionTier: &tier}), "InvalidParameterValue", 400, "from 0 to 15"},
		{"modify: version of a member", modify("orders-2", Modify{EngineVersion: &version}), "InvalidParameterCombination", 400, "member of a cluster"},
		{"modify: standby of a member", modify("orders-2", Modify{MultiAZ: &multi}), "InvalidParameterCombination", 400, "member of a cluster"},

		{"create: no such cluster", create(func(c *Create) { c.Cluster = "nobody" }), "DBClusterNotFoundFault", 404, "nobody not found"},
		{"create: name taken", create(func(c *Create) { c.Identifier = "orders-1" }), "DBInstanceAlreadyExists", 400, "orders-1"},
		{"create: no name", create(func(c *Create) { c.Identifier = "" }), "InvalidParameterValue", 400, "DBInstanceIdentifier"},
		{"create: other engine", create(func(c *Create) { c.Engine = "aurora-mysql" }), "InvalidParameterCombination", 400, "(aurora-mysql) doesn't match"},
		{"create: unknown class", create(func(c *Create) { c.Class = "large" }), "InvalidParameterCombination", 400, unknown + "large"},
		{"create: tier", create(func(c *Create) { c.PromotionTier = &tier }), "InvalidParameterValue", 400, "from 0 to 15"},
		{"create: window", create(func(c *Create) { c.MaintenanceWindow = "sunday" }), "InvalidParameterValue", 400, "sunday"},
		{"create: zone", create(func(c *Create) { c.AvailabilityZone = "us-east-1a" }), "DBSubnetGroupDoesNotCoverEnoughAZs", 400, "us-east-1a"},
		{"create: no capacity in the zone", create(func(c *Create) { c.Class, c.AvailabilityZone = "db.r6g.12xlarge", "eu-west-1b" }), "InsufficientDBInstanceCapacity", 400, "eu-west-1b"},
		{"create: no capacity at all", create(func(c *Create) { c.Class = "db.r6g.16xlarge" }), "InsufficientDBInstanceCapacity", 400, "no instances"},
		{"create: cluster fails over", then(failover("orders", ""), create(func(*Create) {})), "InvalidDBClusterStateFault", 400, "not in available state"},

		{"delete: no such instance", remove("nobody", true, ""), "DBInstanceNotFound", 404, "nobody"},
		{"delete: final snapshot of a member", remove("orders-2", false, "last"), "InvalidParameterCombination", 400,
			"FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance"},
		{"delete: neither", remove("ledger", false, ""), "InvalidParameterCombination", 400, "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified"},
		{"delete: both", remove("ledger", true, "last"), "InvalidParameterCombination", 400, "SkipFinalSnapshot"},
		{"delete: protected", remove("safe", true, ""), "InvalidParameterCombination", 400, "disable deletion protection"},
		{"delete: twice", then(remove("ledger", true, ""), remove("ledger", true, "")), "InvalidDBInstanceState", 400, "already being deleted"},

		{"failover: no such cluster", failover("nobody", ""), "DBClusterNotFoundFault", 404, "nobody"},
		{"failover: no reader", failover("alone", ""), "InvalidDBClusterStateFault", 400, "no Aurora Replica in available state"},
		{"failover: no reader in service", then(reboot("orders-2", false), failover("orders", "")), "InvalidDBClusterStateFault", 400, "available state"},
		{"failover: to the writer", failover("orders", "orders-1"), "InvalidDBInstanceState", 400, "not a reader"},
		{"failover: to another cluster's", failover("orders", "alone-1"), "InvalidDBInstanceState", 400, "not a reader"},
		{"failover: to a busy reader", then(reboot("orders-2", false), failover("orders", "orders-2")), "InvalidDBInstanceState", 400, "not in available state"},
		{"failover: twice", then(failover("orders", ""), failover("orders", "")), "InvalidDBClusterStateFault", 400, "not in available state"},

		{"reboot: no such instance", reboot("nobody", false), "DBInstanceNotFound", 404, "nobody"},
		{"reboot: under way", then(reboot("ledger", false), reboot("ledger", false)), "InvalidDBInstanceState", 400, "in-progress management operation"},
		{"reboot: no standby", reboot("ledger", true), "InvalidParameterCombination", 400, "Multi-AZ"},

		{"cluster", func(w *World) error { _, err := w.Cluster("eu-west-2", "orders"); return err }, "DBClusterNotFoundFault", 404, "orders"},
		{"instance", func(w *World) error { _, err := w.Instance("eu-west-2", "ledger"); return err }, "DBInstanceNotFound", 404, "ledger"},
		{"tags of an instance", func(w *World) error { return w.AddTags("arn:aws:rds:eu-west-1:123456789012:db:nobody", nil) }, "DBInstanceNotFound", 404, "nobody"},
		{"tags of a cluster", func(w *World) error { return w.RemoveTags("arn:aws:rds:eu-west-1:123456789012:cluster:nobody", nil) }, "DBClusterNotFoundFault", 404, "nobody"},
	} {
		t.Run(test.name, func(t *testing.T) {
			alone := aurora(1, 0, "db.r6g.large")
			alone.Identifier, alone.Instances[0].Identifier = "alone", "alone-1"
			safe := plain(1, "db.m6g.large", false)
			safe.Identifier, safe.DeletionProtection = "safe", true
			w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"), plain(1, "db.m6g.large", false), alone, safe)
			w.Scarce("db.r6g.16xlarge")
			w.Scarce("db.r6g.12xlarge", "eu-west-1b")
			wantFault(t, test.ask(w), test.code, test.status, test.says)
		})
	}
}

// TestQuotas: how many instances there can be.
func TestQuotas(t *testing.T) {
	create := func(w *World, cluster string, n int) error {
		_, err := w.CreateInstance(ireland, Create{
			Identifier: fmt.Sprintf("%s-new-%d", cluster, n), Cluster: cluster, Engine: "aurora-postgresql", Class: "db.r6g.large",
		})
		return err
	}
	t.Run("readers of a cluster", func(t *testing.T) {
		w := world(t, nil, aurora(1, 1, "db.r6g.large"))
		for n := range maxReaders {
			if err := create(w, "orders", n); err != nil {
				t.Fatal(err)
			}
		}
		wantFault(t, create(w, "orders", maxReaders), "InstanceQuotaExceeded", 400, "Aurora Replicas (15)")
	})
	t.Run("instances of a region", func(t *testing.T) {
		databases := []Database{aurora(1, 1, "db.r6g.large")}
		for n := range maxInstances - 1 {
			d := plain(1, "db.m6g.large", false)
			d.Identifier = fmt.Sprintf("plain-%d", n)
			databases = append(databases, d)
		}
		w := world(t, nil, databases...)
		wantFault(t, create(w, "orders", 0), "InstanceQuotaExceeded", 400, "(40)")
		try[*Instance](t)(w.DeleteInstance(ireland, "plain-0", true, ""))
		pass(w, 5*time.Minute)
		if err := create(w, "orders", 0); err != nil {
			t.Errorf("after one has gone: %v", err)
		}
	})
}

// TestShortage: a scenario and a hook can make a class scarce and plentiful.
func TestShortage(t *testing.T) {
	until := Moment{Offset: 2 * time.Hour}
	w := world(t, func(s *Scenario) {
		s.Shortages = []Shortage{{Class: "db.r6g.xlarge", Zones: []string{"eu-west-1b"}, From: Moment{Time: begin.Add(time.Hour)}, Until: &until}}
	}, aurora(1, 1, "db.r6g.large", "db.r6g.large", "db.r6g.large")) // in the zones a, b and c
	ask := func() error {
		_, err := w.ModifyInstance(ireland, "orders-2", resize("db.r6g.xlarge"))
		return err
	}
	w.Advance(begin.Add(time.Hour))
	wantFault(t, ask(), "InsufficientDBInstanceCapacity", 400, "")
	made := try[*Instance](t)(w.CreateInstance(ireland, Create{Identifier: "orders-4", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge"}))
	if made.AvailabilityZone != "eu-west-1a" {
		t.Errorf("without a zone of its own it is put into %s", made.AvailabilityZone)
	}
	w.Advance(begin.Add(2 * time.Hour))
	w.Scarce("db.r6g.xlarge")
	wantFault(t, ask(), "InsufficientDBInstanceCapacity", 400, "")
	w.Plenty("db.r6g.xlarge")
	if err := ask(); err != nil {
		t.Errorf("when there is plenty: %v", err)
	}
}

// TestRefuseAfterAvailable: right after available is shown, AWS may still refuse.
func TestRefuseAfterAvailable(t *testing.T) {
	w := world(t, func(s *Scenario) { s.RefuseAfterAvailable.Duration = 10 * time.Second }, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	ask := func() error {
		tier := 0
		_, err := w.ModifyInstance(ireland, "orders-2", Modify{PromotionTier: &tier})
		return err
	}
	if err := ask(); err != nil {
		t.Errorf("it has been available all along: %v", err)
	}
	try[*Instance](t)(w.RebootInstance(ireland, "orders-2", false))
	for try[*Instance](t)(w.Instance(ireland, "orders-2")).Status != available {
		pass(w, time.Second)
	}
	wantFault(t, ask(), "InvalidDBInstanceState", 400, "Database instance is not in available state.")
	pass(w, 10*time.Second)
	if err := ask(); err != nil {
		t.Errorf("ten seconds later: %v", err)
	}
}

// TestTags: of clusters and instances, with or without any before.
func TestTags(t *testing.T) {
	d := aurora(1, 1, "db.r6g.large")
	d.Tags = map[string]string{"team": "care"}
	w := world(t, nil, d)
	cluster := try[*Cluster](t)(w.Cluster(ireland, "orders")).ARN()
	instance := try[*Instance](t)(w.Instance(ireland, "orders-1")).ARN()
	for _, arn := range []string{cluster, instance} {
		if err := w.AddTags(arn, map[string]string{"a": "1", "b": "2"}); err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveTags(arn, []string{"a", "team", "absent"}); err != nil {
			t.Fatal(err)
		}
		tags := try[map[string]string](t)(w.Tags(arn))
		if len(tags) != 1 || tags["b"] != "2" {
			t.Errorf("%s has the tags %v", arn, tags)
		}
		tags["c"] = "3" // a copy
		if again := try[map[string]string](t)(w.Tags(arn)); len(again) != 1 {
			t.Errorf("%s has the tags %v", arn, again)
		}
	}
}
