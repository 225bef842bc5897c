package awsx

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestSimulator_MaintenanceAndWithdrawnClass observes backup windows, pending maintenance, a withdrawn class and the prices of
// I/O-Optimized storage.
func TestSimulator_MaintenanceAndWithdrawnClass(t *testing.T) {
	s := simulateScenario(t, "maintenance", nil, func(o *Options) { o.PricingRegion = "ap-south-1" })
	scenarioStart := s.clock.Now().UTC().Add(-time.Hour)
	o := s.observe(t, ordersCluster)
	upgrade := scaling.PendingMaintenance{Action: "db-upgrade", ScheduledAt: scenarioStart.Add(72 * time.Hour)}
	update := scaling.PendingMaintenance{Action: "system-update", ScheduledAt: scenarioStart.Add(4 * time.Hour)}
	for _, i := range o.Instances {
		want := []scaling.PendingMaintenance{upgrade}
		if i.Identifier == "orders-2" {
			want = append(want, update)
		}
		if !slices.Equal(i.PendingMaintenance, want) || i.BackupWindow != "" {
			t.Errorf("%s has %v and the backup window %q, want %v", i.Identifier, i.PendingMaintenance, i.BackupWindow, want)
		}
	}
	ledger := s.observe(t, scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"})
	if i := ledger.Instances[0]; i.BackupWindow != "09:00-09:30" || i.PendingMaintenance != nil || !i.RestartedAt.IsZero() || !i.DBLoadCPU.IsEmpty() {
		t.Errorf("the instance ledger is %+v", i)
	}
	// The scenario has just withdrawn db.r6g.xlarge.
	if slices.Contains(o.Orderable, "db.r6g.xlarge") || !slices.Contains(o.Orderable, "db.r6g.2xlarge") || o.Orderable[0] != slices.Min(o.Orderable) {
		t.Errorf("orderable classes are %v", o.Orderable)
	}
	standardStorage := simulateAllKinds(t, func(o *Options) { o.PricingRegion = "us-east-1" }).observe(t, ordersCluster)
	for class, price := range standardStorage.Prices {
		if o.Prices[class] <= price {
			t.Errorf("%s costs %s with I/O-Optimized storage and %s without", class, o.Prices[class], price)
		}
	}
}

func TestScheduledTime_PrefersCurrentApplyDate(t *testing.T) {
	early, late := minuteAfterStart(0), minuteAfterStart(60)
	tests := []struct {
		name   string
		action types.PendingMaintenanceAction
		want   time.Time
	}{
		{"zero without dates", types.PendingMaintenanceAction{}, time.Time{}},
		{"CurrentApplyDate before AutoAppliedAfterDate", types.PendingMaintenanceAction{AutoAppliedAfterDate: &early, CurrentApplyDate: &late}, late},
		{"earlier of the other dates", types.PendingMaintenanceAction{AutoAppliedAfterDate: &late, ForcedApplyDate: &early}, early},
		{"only one other date", types.PendingMaintenanceAction{AutoAppliedAfterDate: &late}, late},
	}
	for _, test := range tests {
		if got := scheduledTime(test.action); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

func TestObserve_ReportsPendingMaintenance(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.maintenance = map[string]string{
		"arn:db:orders000-a":    "<AutoAppliedAfterDate>2029-12-28T00:00:00Z</AutoAppliedAfterDate><CurrentApplyDate>2030-01-01T03:00:00Z</CurrentApplyDate>",
		"arn:cluster:orders000": "", "arn:db:other-database": "",
	}
	client := c.newClient(t)
	o := mustObserve(t, client, targets[0], time.Time{})
	due := time.Date(2030, 1, 1, 3, 0, 0, 0, time.UTC)
	if want := []scaling.PendingMaintenance{{Action: "system-update"}, {Action: "system-update", ScheduledAt: due}}; !slices.Equal(o.Instances[0].PendingMaintenance, want) {
		t.Errorf("got %v, want %v", o.Instances[0].PendingMaintenance, want)
	}
	if want := []scaling.PendingMaintenance{{Action: "system-update"}}; !slices.Equal(o.Instances[1].PendingMaintenance, want) {
		t.Errorf("got %v, want %v", o.Instances[1].PendingMaintenance, want)
	}
	c.update(func() {
		c.failures["DescribePendingMaintenanceActions"] = func(w http.ResponseWriter) {
			writeError(w, http.StatusForbidden, "AccessDenied", "not authorized")
		}
	})
	c.clock.Step(maintenanceInterval + time.Second)
	o = mustObserve(t, client, targets[0], time.Time{})
	if got := o.Instances[0].PendingMaintenance; len(got) != 1 || got[0].Action != scaling.MaintenanceUnknown {
		t.Errorf("after a read error the pending maintenance is %v, want unknown", got)
	}
}
