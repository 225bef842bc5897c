package model

import (
	"testing"
	"time"
)

const (
	ordersARN  = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
	orders1ARN = "arn:aws:rds:eu-west-1:123456789012:db:orders-1"
)

// TestAddPendingMaintenance_IsListedOnly: an action is listed and never applied, until it is removed or its resource is deleted.
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
		t.Errorf("got %+v, want 3 actions with the replaced update first", got)
	}
	if got := w.PendingMaintenance("eu-west-2"); len(got) != 0 {
		t.Errorf("in another region: got %+v, want none", got)
	}
	advance(w, 8*24*time.Hour) // past a maintenance window
	w.RemovePendingMaintenance(orders1ARN, "system-update")
	if got := w.PendingMaintenance(testRegion); len(got) != 2 || got[0].Action != "ca-certificate-rotation" {
		t.Errorf("after the removal of the update: got %+v", got)
	}
	must[*Instance](t)(w.DeleteInstance(testRegion, "orders-1", true, ""))
	advance(w, time.Hour)
	if got := w.PendingMaintenance(testRegion); len(got) != 1 || got[0].ARN != ordersARN {
		t.Errorf("after the deletion of the instance: got %+v", got)
	}
	w.RemovePendingMaintenance(ordersARN, "")
	if got := w.PendingMaintenance(testRegion); len(got) != 0 {
		t.Errorf("after the removal of all actions: got %+v", got)
	}
	assertAPIError(t, w.AddPendingMaintenance(MaintenanceAction{ARN: orders1ARN, Action: "system-update"}), "DBInstanceNotFound", 404, orders1ARN)
}

// TestNextApplyDate: testStart is a Monday, and the window opens on Sunday at 02:00.
func TestNextApplyDate(t *testing.T) {
	sunday := time.Date(2024, 2, 11, 2, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		m    MaintenanceAction
		want time.Time
	}{
		"no dates":                         {MaintenanceAction{}, time.Time{}},
		"immediate opt-in":                 {MaintenanceAction{OptInStatus: OptInImmediate, ForcedApplyDate: sunday}, testStart},
		"next-window opt-in":               {MaintenanceAction{OptInStatus: OptInNextWindow}, sunday},
		"auto-applied after a future date": {MaintenanceAction{AutoAppliedAfterDate: sunday.Add(time.Hour)}, sunday.AddDate(0, 0, 7)},
		"auto-applied after a past date":   {MaintenanceAction{AutoAppliedAfterDate: testStart.AddDate(0, 0, -30)}, sunday},
		"forced before the window":         {MaintenanceAction{AutoAppliedAfterDate: testStart, ForcedApplyDate: testStart.Add(time.Hour)}, testStart.Add(time.Hour)},
		"explicit date":                    {MaintenanceAction{OptInStatus: OptInImmediate, CurrentApplyDate: sunday}, sunday},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, auroraCluster(1, 1, "db.r6g.large"))
			test.m.ARN, test.m.Action = orders1ARN, "system-update"
			if err := w.AddPendingMaintenance(test.m); err != nil {
				t.Fatal(err)
			}
			if got := w.PendingMaintenance(testRegion)[0].CurrentApplyDate; !got.Equal(test.want) {
				t.Errorf("got CurrentApplyDate %s, want %s", got, test.want)
			}
		})
	}
}

// TestScheduledMaintenance_BeginsAndEnds: actions of a scenario for a member, a cluster and a standalone instance begin and end
// at their instants.
func TestScheduledMaintenance_BeginsAndEnds(t *testing.T) {
	later, end := Instant{Offset: 5 * time.Hour}, Instant{Offset: 2 * time.Hour}
	cluster, ledger := auroraCluster(1, 1, "db.r6g.large"), standaloneInstance(1, "db.m6g.large", false)
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
			t.Fatalf("after %s: got %+v", want.at, got)
		}
		for n, arn := range want.arns {
			if got[n].ARN != arn {
				t.Errorf("after %s: action %d: got ARN %s, want %s", want.at, n, got[n].ARN, arn)
			}
		}
		if at := testStart.Add(5 * time.Hour); !got[1].AutoAppliedAfterDate.Equal(at) || !got[1].CurrentApplyDate.Equal(at) {
			t.Errorf("got ledger's %+v", got[1])
		}
	}
}

// TestMaintenanceScenario: the scenario maintenance.yaml blocks changes by maintenance, a backup and an unorderable class.
func TestMaintenanceScenario(t *testing.T) {
	s := must[Scenario](t)(LoadScenario("../../../hack/rdssim/scenarios/maintenance.yaml"))
	w := must[*World](t)(New(s))
	advance(w, 61*time.Minute)
	pending := w.PendingMaintenance(testRegion)
	if len(pending) != 2 || !pending[1].CurrentApplyDate.Equal(testStart.Add(4*time.Hour)) || !pending[0].CurrentApplyDate.Equal(testStart.Add(72*time.Hour)) {
		t.Errorf("got maintenance %+v", pending)
	}
	if i := must[*Instance](t)(w.Instance(testRegion, "ledger")); i.Status != statusBackingUp {
		t.Errorf("got status %s of ledger, want backing-up", i.Status)
	}
	_, err := w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge"))
	assertAPIError(t, err, "InvalidParameterCombination", 400, "db.r6g.xlarge")
}

// TestSetUnorderable_RefusesAndHidesClass: an unorderable class is not listed and is refused; existing instances keep it.
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
		t.Errorf("got listed %t in the region and %t in another, want only the latter", listed(testRegion), listed("eu-west-2"))
	}
	_, err := w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge"))
	assertAPIError(t, err, "InvalidParameterCombination", 400, "DBInstanceClass=db.r6g.xlarge")
	_, err = w.CreateInstance(testRegion, CreateInstanceRequest{Identifier: "orders-3", Cluster: "orders", Engine: "aurora-postgresql", Class: "db.r6g.xlarge"})
	assertAPIError(t, err, "InvalidParameterCombination", 400, "DBInstanceClass=db.r6g.xlarge")
	advance(w, time.Hour)
	if !listed(testRegion) {
		t.Error("the class is still unorderable after until")
	}
	if i := must[*Instance](t)(w.ModifyInstance(testRegion, "orders-1", classChange("db.r6g.xlarge"))); i.PendingChanges.Class != "db.r6g.xlarge" {
		t.Errorf("got pending %+v", i.PendingChanges)
	}
}
