package model

import (
	"testing"
	"time"
)

const (
	ordersARN = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
	orders1   = "arn:aws:rds:eu-west-1:123456789012:db:orders-1"
)

// TestMaintain: what AWS wants to do is only shown, until it ends or what it is for is gone.
func TestMaintain(t *testing.T) {
	w := world(t, nil, aurora(1, 1, "db.r6g.large", "db.r6g.large"))
	maintain := func(m Maintenance) {
		t.Helper()
		if err := w.Maintain(m); err != nil {
			t.Fatal(err)
		}
	}
	maintain(Maintenance{ARN: orders1, Action: "system-update", Description: "old"})
	maintain(Maintenance{ARN: orders1, Action: "system-update", Description: "new"})
	maintain(Maintenance{ARN: orders1, Action: "ca-certificate-rotation"})
	maintain(Maintenance{ARN: ordersARN, Action: "db-upgrade"})
	if got := w.PendingMaintenance(ireland); len(got) != 3 || got[0].Description != "new" {
		t.Errorf("it is %+v", got)
	}
	if got := w.PendingMaintenance("eu-west-2"); len(got) != 0 {
		t.Errorf("elsewhere it is %+v", got)
	}
	pass(w, 8*24*time.Hour) // past a maintenance window
	w.Maintained(orders1, "system-update")
	if got := w.PendingMaintenance(ireland); len(got) != 2 || got[0].Action != "ca-certificate-rotation" {
		t.Errorf("without the update it is %+v", got)
	}
	try[*Instance](t)(w.DeleteInstance(ireland, "orders-1", true, ""))
	pass(w, time.Hour)
	if got := w.PendingMaintenance(ireland); len(got) != 1 || got[0].ARN != ordersARN {
		t.Errorf("without the instance it is %+v", got)
	}
	w.Maintained(ordersARN, "")
	if got := w.PendingMaintenance(ireland); len(got) != 0 {
		t.Errorf("in the end it is %+v", got)
	}
	wantFault(t, w.Maintain(Maintenance{ARN: orders1, Action: "system-update"}), "DBInstanceNotFound", 404, orders1)
}

// TestWhenMaintenanceIsDue: the tests begin on a Monday, and the window opens on Sunday at two.
func TestWhenMaintenanceIsDue(t *testing.T) {
	sunday := time.Date(2024, 2, 11, 2, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		m    Maintenance
		want time.Time
	}{
		"nothing says so":                 {Maintenance{}, time.Time{}},
		"as soon as possible":             {Maintenance{OptIn: OptInImmediate, ForcedApply: sunday}, begin},
		"in the next window":              {Maintenance{OptIn: OptInNextWindow}, sunday},
		"in the window after a date":      {Maintenance{AutoAppliedAfter: sunday.Add(time.Hour)}, sunday.AddDate(0, 0, 7)},
		"in the window after a past date": {Maintenance{AutoAppliedAfter: begin.AddDate(0, 0, -30)}, sunday},
		"forced before the window":        {Maintenance{AutoAppliedAfter: begin, ForcedApply: begin.Add(time.Hour)}, begin.Add(time.Hour)},
		"as it is told":                   {Maintenance{OptIn: OptInImmediate, CurrentApply: sunday}, sunday},
	} {
		t.Run(name, func(t *testing.T) {
			w := world(t, nil, aurora(1, 1, "db.r6g.large"))
			test.m.ARN, test.m.Action = orders1, "system-update"
			if err := w.Maintain(test.m); err != nil {
				t.Fatal(err)
			}
			if got := w.PendingMaintenance(ireland)[0].CurrentApply; !got.Equal(test.want) {
				t.Errorf("it is due at %s, want %s", got, test.want)
			}
		})
	}
}

// TestScenarioMaintenance: a scenario's come up and end by themselves, for a member, a cluster or a plain instance.
func TestScenarioMaintenance(t *testing.T) {
	later, end := Moment{Offset: 5 * time.Hour}, Moment{Offset: 2 * time.Hour}
	cluster, ledger := aurora(1, 1, "db.r6g.large"), plain(1, "db.m6g.large", false)
	cluster.Maintenance = []Upkeep{
		{Instance: "orders-1", Action: "system-update", From: Moment{Offset: time.Hour}, Until: &end}, {Action: "db-upgrade"},
	}
	ledger.Maintenance = []Upkeep{{Action: "system-update", AutoAppliedAfter: &later, ForcedApply: &later}}
	w := world(t, nil, cluster, ledger)
	for _, want := range []struct {
		at   time.Duration
		arns []string
	}{
		{0, []string{ordersARN, "arn:aws:rds:eu-west-1:123456789012:db:ledger"}},
		{time.Hour, []string{ordersARN, "arn:aws:rds:eu-west-1:123456789012:db:ledger", orders1}},
		{2 * time.Hour, []string{ordersARN, "arn:aws:rds:eu-west-1:123456789012:db:ledger"}},
	} {
		w.Advance(begin.Add(want.at))
		got := w.PendingMaintenance(ireland)
		if len(got) != len(want.arns) {
			t.Fatalf("after %s it is %+v", want.at, got)
		}
		for n, arn := range want.arns {
			if got[n].ARN != arn {
				t.Errorf("after %s number %d is of %s, want %s", want.at, n, got[n].ARN, arn)
			}
		}
		if at := begin.Add(5 * time.Hour); !got[1].AutoAppliedAfter.Equal(at) || !got[1].CurrentApply.Equal(at) {
			t.Errorf("the ledger's is %+v", got[1])
		}
	}
}

// TestUpkeep: the scenario has one of each thing that keeps a database from being changed.
func TestUpkeep(t *testing.T) {
	s := try[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/upkeep.yaml"))
	w := try[*World](t)(New(s))
	pass(w, 61*time.Minute)
	pending := w.PendingMaintenance(ireland)
	if len(pending) != 2 || !pending[1].CurrentApply.Equal(begin.Add(4*time.Hour)) || !pending[0].CurrentApply.Equal(begin.Add(72*time.Hour)) {
		t.Errorf("the maintenance is %+v", pending)
	}
	if i := try[*Instance](t)(w.Instance(ireland, "ledger")); i.Status != backingUp {
		t.Errorf("the ledger is %s", i.Status)
	}
	_, err := w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge"))
	wantFault(t, err, "InvalidParameterCombination", 400, "db.r6g.xlarge")
}

// TestWithdraw: a class that cannot be ordered is neither listed nor taken, and those who have it keep it.
func TestWithdraw(t *testing.T) {
	w := world(t, func(s *Scenario) {
		until := Moment{Offset: time.Hour}
		s.Withdrawals = []Withdrawal{{Region: ireland, Class: "db.r6g.xlarge", Until: &until}}
	}, aurora(1, 1, "db.r6g.large", "db.r6g.xlarge"))
	listed := func(region string) bool {
		for _, c := range w.Orderable(region, "aurora-postgresql") {
			if c.Name == "db.r6g.xlarge" {
				return true
			}
		}
		return false
	}
	if listed(ireland) || !listed("eu-west-2") {
		t.Errorf("it is listed: %t here, %t elsewhere", listed(ireland), listed("eu-west-2"))
	}
	_, err := w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge"))
	wantFault(t, err, "InvalidParameterCombination", 400, "DBInstanceClass=db.r6g.xlarge")
	_, err = w.CreateInstance(ireland, Create{Identifier: "orders-3", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge"})
	wantFault(t, err, "InvalidParameterCombination", 400, "DBInstanceClass=db.r6g.xlarge")
	pass(w, time.Hour)
	if !listed(ireland) {
		t.Error("it stays withdrawn")
	}
	if i := try[*Instance](t)(w.ModifyInstance(ireland, "orders-1", resize("db.r6g.xlarge"))); i.Pending.Class != "db.r6g.xlarge" {
		t.Errorf("pending is %+v", i.Pending)
	}
}
