package awsx

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/go-logr/logr/funcr"

	"github.com/dbscaler/dbscaler/internal/rdssim"
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
	if i := ledger.Instances[0]; i.BackupWindow != "09:00-09:30" || i.PendingMaintenance != nil || !i.RestartedAt.IsZero() || i.DBLoadCPU != nil {
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

// TestObserve_UnreadableMetadataIsUnknown: metadata that cannot be read is unknown, logged once and read again at its retry
// interval, and does not affect the rest.
func TestObserve_UnreadableMetadataIsUnknown(t *testing.T) {
	var lines []string
	log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	s := simulateAllKinds(t, func(o *Options) { o.Log = log })
	for _, operation := range []string{"DescribePendingMaintenanceActions", "DescribeOrderableDBInstanceOptions"} {
		s.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: operation, Code: "AccessDenied", Message: "no " + operation, HTTPStatus: 403})
	}
	for range 12 {
		o := s.observe(t, ordersCluster)
		if o.Orderable != nil || len(firstInstanceCPU(o)) == 0 || !slices.Equal(o.Instances[2].PendingMaintenance, []scaling.PendingMaintenance{{Action: scaling.MaintenanceUnknown}}) {
			t.Fatalf("orderable %v, maintenance %v, %d samples", o.Orderable, o.Instances[2].PendingMaintenance, len(firstInstanceCPU(o)))
		}
		s.clock.Step(61 * time.Second)
	}
	if n := s.CountCalls("DescribePendingMaintenanceActions"); n != 12 {
		t.Errorf("read the pending maintenance %d times in 12 minutes, want 12", n)
	}
	if n := s.CountCalls("DescribeOrderableDBInstanceOptions"); n != 3 {
		t.Errorf("read the orderable classes %d times in 12 minutes, want 3", n)
	}
	if len(lines) != 2 || !strings.Contains(lines[0], "pending maintenance") || !strings.Contains(lines[1], "aurora-postgresql 16.1") {
		t.Errorf("the log has\n%s", strings.Join(lines, "\n"))
	}
}

// TestObserve_WorksWithoutOptionalSeries: an error of an optional series is logged once and is not a MetricsErr.
func TestObserve_WorksWithoutOptionalSeries(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.statusCodes["orders000"] = "Forbidden" // the CPU history of the roles
	var lines []string
	client := c.newClient(t, func(o *Options) {
		o.Log = funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	})
	for range 5 {
		if o := mustObserve(t, client, targets[0], time.Time{}); len(firstInstanceCPU(o)) == 0 || o.ReadersCPU != nil || o.WriterCPU != nil {
			t.Errorf("%+v", o)
		}
		c.clock.Step(20 * time.Second)
	}
	if c.callCounts["GetMetricData"] != 2 || c.callCounts["GetMetricData/900"] != 2 { // once per interval
		t.Errorf("made the requests %v", c.callCounts)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "Forbidden") {
		t.Errorf("the log has\n%s", strings.Join(lines, "\n"))
	}
}

// TestTargetSeries_HistoryOfReplacedCluster: a new cluster of the same name does not get the CPU history of the old one.
func TestTargetSeries_HistoryOfReplacedCluster(t *testing.T) {
	oldTopology := auroraTopology(nil)
	newTopology := auroraTopology(func(c *types.DBCluster, _ []types.DBInstance) {
		c.DbClusterResourceId, c.ClusterCreateTime = aws.String("cluster-new"), aws.Time(minuteAfterStart(500))
	})
	before, after := oldTopology.targetSeries(ordersCluster)[0], newTopology.targetSeries(ordersCluster)[0]
	if before.metric.role == "" || before.seriesKey == after.seriesKey {
		t.Errorf("%+v and %+v are the same series", before, after)
	}
	if q := after.newQuery(cachedSeries{}, time.Hour, minuteAfterStart(601)); !q.start.Equal(minuteAfterStart(495)) || !q.end.Equal(minuteAfterStart(600)) {
		t.Errorf("the query is [%s, %s)", q.start, q.end)
	}
}

func TestRestartTime_FromUptime(t *testing.T) {
	tests := []struct {
		name    string
		samples []scaling.Sample
		want    time.Time
	}{
		{"zero without samples", nil, time.Time{}},
		{"started an hour ago", minuteSamples(8, 3540, 3600), minuteAfterStart(-50)},
		{"restarted since the sample before", minuteSamples(8, 9e6, 20), minuteAfterStart(9)},
		{"zero when the newest sample is too old", minuteSamples(-2, 3600), time.Time{}},
	}
	for _, test := range tests {
		if got := restartTime(test.samples, minuteAfterStart(10)); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestObserve_RequestsDoNotDependOnOrder compares the requests for the same targets in different orders.
func TestObserve_RequestsDoNotDependOnOrder(t *testing.T) {
	var runs [][]metricDataRequest
	for run := range 4 {
		c, targets := newFakeFleet(t, 30)
		c.performanceInsights = true
		if run%2 == 1 {
			slices.Reverse(targets)
		}
		client := c.newClient(t)
		for range 3 {
			client.Observe(t.Context(), targets, time.Time{})
			c.clock.Step(time.Minute)
		}
		runs = append(runs, c.metricRequests)
	}
	for run, requests := range runs[1:] {
		if !reflect.DeepEqual(requests, runs[0]) {
			t.Errorf("the requests of run %d differ from those of run 1", run+2)
		}
	}
}

// TestObserve_ReadsAllMetadataPages responds with three pages of each list.
func TestObserve_ReadsAllMetadataPages(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	pages := map[string]int{}
	respondInPages := func(operation, list string, element func(n int) string) {
		c.failures[operation] = func(w http.ResponseWriter) {
			n, marker := pages[operation], ""
			if pages[operation]++; n < 2 {
				marker = fmt.Sprintf("<Marker>%d</Marker>", n+1)
			}
			writeResult(w, operation, "<"+list+">"+element(n)+"</"+list+">"+marker)
		}
	}
	respondInPages("DescribeOrderableDBInstanceOptions", "OrderableDBInstanceOptions", func(n int) string {
		return fmt.Sprintf("<OrderableDBInstanceOption><DBInstanceClass>db.r%dg.large</DBInstanceClass></OrderableDBInstanceOption>", 8-n)
	})
	respondInPages("DescribePendingMaintenanceActions", "PendingMaintenanceActions", func(n int) string {
		return fmt.Sprintf("<ResourcePendingMaintenanceActions><ResourceIdentifier>arn:db:orders000-a</ResourceIdentifier>"+
			"<PendingMaintenanceActionDetails><PendingMaintenanceAction><Action>action-%d</Action></PendingMaintenanceAction>"+
			"</PendingMaintenanceActionDetails></ResourcePendingMaintenanceActions>", n)
	})
	o := mustObserve(t, c.newClient(t), targets[0], time.Time{})
	if want := []string{"db.r6g.large", "db.r7g.large", "db.r8g.large"}; !slices.Equal(o.Orderable, want) {
		t.Errorf("orderable classes are %v", o.Orderable)
	}
	want := []scaling.PendingMaintenance{{Action: "action-0"}, {Action: "action-1"}, {Action: "action-2"}}
	if got := o.Instances[0].PendingMaintenance; !slices.Equal(got, want) || o.Instances[1].PendingMaintenance != nil {
		t.Errorf("the pending maintenance is %v and %v", got, o.Instances[1].PendingMaintenance)
	}
}
