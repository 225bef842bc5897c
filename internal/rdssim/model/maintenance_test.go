package model

import (
	"testing"
	"time"
)

const (
	ordersARN  = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
	orders1ARN = "arn:aws:rds:eu-west-1:123456789012:db:orders-1"
)

// TestAddPendingMaintenance_IsListedOnly: what AWS wants to do is only shown, until it ends or what it is for is gone.
func TestAddPendingMaintenance_IsListedOnly(t *testing.T) {
	w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large", "db.r6g.large"))
	maintain := func(m MaintenanceAction) {
		t.Helper()
		if err := w.AddPendingMaintenance(m); err != nil {
			t.Fatal(err)
		}
	}
	maintain(MaintenanceAction{ARN: orders1ARN, Action: "system-update", Description: "old"})
	maintain(MaintenanceAction{ARN: orders1ARN, Action: "system-update", Description: "new"})
	maintain(MaintenanceAction{ARN: orders1ARN, Action: "ca-certificate-rotation"})
	maintain(MaintenanceAction{ARN: ordersARN, Action: "db-upgrade"})
	if got := w.PendingMaintenance(testRegion); len(got) != 3 || got[0].Description != "new" {
		t.Errorf("it is %+v", got)
	}
	if got := w.PendingMaintenance("eu-west-2"); len(got) != 0 {
		t.Errorf("elsewhere it is %+v", got)
	}
	advance(w, 8*24*time.Hour) // past a maintenance window
	w.RemovePendingMaintenance(orders1ARN, "system-update")
	if got := w.PendingMaintenance(testRegion); len(got) != 2 || got[0].Action != "ca-certificate-rotation" {
		t.Errorf("without the update it is %+v", got)
	}
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-1", true, ""))
	advance(w, time.Hour)
	if got := w.PendingMaintenance(testRegion); len(got) != 1 || got[0].ARN != ordersARN {
		t.Errorf("without the instance it is %+v", got)
	}
	w.RemovePendingMaintenance(ordersARN, "")
	if got := w.PendingMaintenance(testRegion); len(got) != 0 {
		t.Errorf("in the end it is %+v", got)
	}
	assertAPIError(t, w.AddPendingMaintenance(MaintenanceAction{ARN: orders1ARN, Action: "system-update"}), "DBInstanceNotFound", 404, orders1ARN)
}

// TestNextApplyDate: the tests begin on a Monday, and the window opens on Sunday at two.
func TestNextApplyDate(t *testing.T) {
	sunday := time.Date(2024, 2, 11, 2, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		m    MaintenanceAction
		want time.Time
	}{
		"nothing says so":                 {MaintenanceAction{}, time.Time{}},
		"as soon as possible":             {MaintenanceAction{OptInStatus: OptInImmediate, ForcedApplyDate: sunday}, testStart},
		"in the next window":              {MaintenanceAction{OptInStatus: OptInNextWindow}, sunday},
		"in the window after a date":      {MaintenanceAction{AutoAppliedAfterDate: sunday.Add(time.Hour)}, sunday.AddDate(0, 0, 7)},
		"in the window after a past date": {MaintenanceAction{AutoAppliedAfterDate: testStart.AddDate(0, 0, -30)}, sunday},
		"forced before the window":        {MaintenanceAction{AutoAppliedAfterDate: testStart, ForcedApplyDate: testStart.Add(time.Hour)}, testStart.Add(time.Hour)},
		"as it is told":                   {MaintenanceAction{OptInStatus: OptInImmediate, CurrentApplyDate: sunday}, sunday},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
			test.m.ARN, test.m.Action = orders1ARN, "system-update"
			if err := w.AddPendingMaintenance(test.m); err != nil {
				t.Fatal(err)
			}
			if got := w.PendingMaintenance(testRegion)[0].CurrentApplyDate; !got.Equal(test.want) {
				t.Errorf("it is due at %s, want %s", got, test.want)
			}
		})
	}
}

// TestScheduledMaintenance_BeginsAndEnds: a scenario's come up and end by themselves, for a member, a cluster or a plain instance.
func TestScheduledMaintenance_BeginsAndEnds(t *testing.T) {
	later, end := Instant{Offset: 5 * time.Hour}, Instant{Offset: 2 * time.Hour}
	cluster, ledger := auroraCluster(1, 1, "db.r6g.large"), plainInstance(1, "db.m6g.large", false)
	cluster.Maintenance = []ScheduledMaintenance{
		{Instance: "orders-1", Action: "system-update", From: Instant{Offset: time.Hour}, Until: &end}, {Action: "db-upgrade"},
	}
	ledger.Maintenance = []ScheduledMaintenance{{Action: "system-update", AutoAppliedAfterDate: &later, ForcedApplyDate: &later}}
	w := newWorld(t, nil, cluster, ledger)
	for _, want := range []struct {
		at   time.Duration
		arns []string
	}{
		{0, []string{ordersARN, "arn:aws:rds:eu-west-1:123456789012:db:ledger"}},
		{time.Hour, []string{ordersARN, "arn:aws:rds:eu-west-1:123456789012:db:ledger", orders1ARN}},
		{2 * time.Hour, []string{ordersARN, "arn:aws:rds:eu-west-1:123456789012:db:ledger"}},
	} {
		w.Advance(testStart.Add(want.at))
		got := w.PendingMaintenance(testRegion)
		if len(got) != len(want.arns) {
			t.Fatalf("after %s it is %+v", want.at, got)
		}
		for n, arn := range want.arns {
			if got[n].ARN != arn {
				t.Errorf("after %s number %d is of %s, want %s", want.at, n, got[n].ARN, arn)
			}
		}
		if at := testStart.Add(5 * time.Hour); !got[1].AutoAppliedAfterDate.Equal(at) || !got[1].CurrentApplyDate.Equal(at) {
			t.Errorf("the ledger's is %+v", got[1])
		}
	}
}

// TestMaintenanceScenario: the scenario has one of each thing that keeps a database from being changed.
func TestMaintenanceScenario(t *testing.T) {
	s := must[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/upkeep.yaml"))
	w := must[*World](t)(New(s))
	advance(w, 61*time.Minute)
	pending := w.PendingMaintenance(testRegion)
	if len(pending) != 2 || !pending[1].CurrentApplyDate.Equal(testStart.Add(4*time.Hour)) || !pending[0].CurrentApplyDate.Equal(testStart.Add(72*time.Hour)) {
		t.Errorf("the maintenance is %+v", pending)
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.Status != statusBackingUp {
		t.Errorf("the ledger is %s", i.Status)
	}
	_, err := w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge"))
	assertAPIError(t, err, "InvalidParameterCombination", 400, "db.r6g.xlarge")
}

// TestSetUnorderable_RefusesAndHidesClass: a class that cannot be ordered is neither listed nor taken, and those who have it keep it.
func TestSetUnorderable_RefusesAndHidesClass(t *testing.T) {
	w := newWorld(t, func(s *Scenario) {
		until := Instant{Offset: time.Hour}
		s.UnorderableClasses = []UnorderableClass{{Region: testRegion, Class: "db.r6g.xlarge", Until: &until}}
	}, auroraCluster(1, 1, "db.r6g.large", "db.r6g.xlarge"))
	listed := func(region string) bool {
		for _, c := range w.OrderableClasses(region, "aurora-postgresql") {
			if c.Name == "db.r6g.xlarge" {
				return true
			}
		}
		return false
	}
	if listed(testRegion) || !listed("eu-west-2") {
		t.Errorf("it is listed: %t here, %t elsewhere", listed(testRegion), listed("eu-west-2"))
	}
	_, err := w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge"))
	assertAPIError(t, err, "InvalidParameterCombination", 400, "DBInstanceClass=db.r6g.xlarge")
	_, err = w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-3", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge"})
	assertAPIError(t, err, "InvalidParameterCombination", 400, "DBInstanceClass=db.r6g.xlarge")
	advance(w, time.Hour)
	if !listed(testRegion) {
		t.Error("it stays withdrawn")
	}
	if i := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge"))); i.PendingChanges.Class != "db.r6g.xlarge" {
		t.Errorf("pending is %+v", i.PendingChanges)
	}
}
