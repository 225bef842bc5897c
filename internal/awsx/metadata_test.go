package awsx

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestObserve_ReadsMetadataAtItsInterval observes ten clusters every minute for 30 minutes and counts the requests.
func TestObserve_ReadsMetadataAtItsInterval(t *testing.T) {
	c, targets := newFakeFleet(t, 10)
	client := c.newClient(t)
	for range 30 {
		for _, got := range client.Observe(t.Context(), targets, time.Time{}) {
			if got.Err != nil || got.MetricsErr != nil {
				t.Fatal(got.Err, got.MetricsErr)
			}
		}
		c.clock.Step(time.Minute)
	}
	want := map[string]int{
		"DescribeDBClusters": 30, "DescribeDBInstances": 30, "GetMetricData": 30,
		"GetMetricData/300": 3, "GetMetricData/900": 2, // at 0, 10 and 20 minutes, and at 0 and 15
		"DescribeOrderableDBInstanceOptions": 1, "DescribePendingMaintenanceActions": 2,
		"DescribeScalableTargets": 3, "DescribeBlueGreenDeployments": 10,
	}
	for operation, times := range c.callCounts {
		if times != want[operation] {
			t.Errorf("made %[2]d requests of %[1]s, want %[3]d", operation, times, want[operation])
		}
	}
	if len(c.callCounts) != len(want) {
		t.Errorf("made the requests %v", c.callCounts)
	}
}

func TestObserve_ReadsMemoryConnectionsAndLoad(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.performanceInsights = true
	name := "orders000-b"
	c.publishMetric(name, "FreeableMemory", -60, -30, 4e9)
	c.publishMetric(name, "FreeableMemory", -42, -41, 1e9) // the minimum of its five minutes
	c.publishMetric(name, "DatabaseConnections", -60, -30, 10)
	c.publishMetric(name, "DatabaseConnections", -33, -32, 99) // the maximum
	c.publishMetric(name, "DBLoadCPU", -10, -2, 3.5)
	c.publishMetric(name, "EngineUptime", -10, -1, 7200) // the fake AWS does not increase it
	c.publishMetric("orders000 READER", "CPUUtilization", -24*60, -30, 40)
	o := mustObserve(t, c.newClient(t), targets[0], time.Time{})
	i := o.Instances[1]
	if memory := samplesOf(i.FreeableMemory); len(memory) != 6 || memory[3].Value != 1e9 || !memory[3].Time.Equal(minuteAfterStart(-45)) || memory[0].Value != 4e9 {
		t.Errorf("FreeableMemory is %v", i.FreeableMemory)
	}
	if counts := samplesOf(i.Connections); len(counts) != 6 || counts[5].Value != 99 || counts[0].Value != 10 {
		t.Errorf("Connections is %v", i.Connections)
	}
	if load := samplesOf(i.DBLoadCPU); len(load) != 8 || load[0].Value != 3.5 {
		t.Errorf("DBLoadCPU is %v", i.DBLoadCPU)
	}
	if want := minuteAfterStart(-1).Add(-2 * time.Hour); !i.RestartedAt.Equal(want) {
		t.Errorf("restarted at %s, want %s", i.RestartedAt, want)
	}
	if cpu := samplesOf(o.ReadersCPU); len(cpu) != (24*60-30)/15 || cpu[0].Value != 40 || !o.WriterCPU.IsEmpty() {
		t.Errorf("ReadersCPU has %d samples and WriterCPU %d", o.ReadersCPU.Count(), o.WriterCPU.Count())
	}
	writer := o.Instances[0]
	if !writer.FreeableMemory.IsEmpty() || !writer.Connections.IsEmpty() || !writer.DBLoadCPU.IsEmpty() || !writer.RestartedAt.IsZero() {
		t.Errorf("the writer has samples that were not published: %+v", writer)
	}
}

func TestObserve_RetriesOrderableClasses(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.failures["DescribeOrderableDBInstanceOptions"] = func(w http.ResponseWriter) {
		writeError(w, http.StatusForbidden, "AccessDenied", "not authorized")
	}
	client := c.newClient(t)
	if o := mustObserve(t, client, targets[0], time.Time{}); o.Orderable != nil || len(firstInstanceCPU(o)) == 0 {
		t.Errorf("orderable classes are %v with %d CPU samples, want none with some", o.Orderable, len(firstInstanceCPU(o)))
	}
	c.update(func() { clear(c.failures) })
	c.clock.Step(orderableRetryInterval + time.Second)
	if o := mustObserve(t, client, targets[0], time.Time{}); !slices.Equal(o.Orderable, []string{"db.r6g.large", "db.r6g.xlarge"}) {
		t.Errorf("orderable classes are %v", o.Orderable)
	}
}

func TestNew_RejectsRegionWithoutPricingAPI(t *testing.T) {
	if _, err := New(t.Context(), Options{PricingRegion: "eu-west-1"}); err == nil {
		t.Error("New accepts a region without an endpoint of the Pricing API")
	}
}

// TestSimulator_Metadata reads all metadata from the simulator over the real protocols.
func TestSimulator_Metadata(t *testing.T) {
	s := simulateAllKinds(t, func(o *Options) { o.PricingRegion = "us-east-1" })
	o := s.observe(t, ordersCluster)
	if !slices.Contains(o.Orderable, "db.r6g.large") || !slices.IsSorted(o.Orderable) || len(o.Orderable) < 20 {
		t.Errorf("%d orderable classes: %v", len(o.Orderable), o.Orderable)
	}
	large, xlarge := o.Prices["db.r6g.large"], o.Prices["db.r6g.xlarge"]
	if large < scaling.Dollar/10 || xlarge < 2*large-1000 || xlarge > 2*large+1000 {
		t.Errorf("db.r6g.large costs %s and db.r6g.xlarge %s, want twice as much", large, xlarge)
	}
	for _, i := range o.Instances {
		if i.FreeableMemory.Count() < 5 || i.Connections.Count() < 5 || i.RestartedAt.IsZero() || i.BackupWindow != "" || len(i.PendingMaintenance) > 0 {
			t.Errorf("%+v", i)
		}
	}
	if o.ReadersCPU.Count() < 2 || o.WriterCPU.Count() < 2 {
		t.Errorf("ReadersCPU has %d samples and WriterCPU %d", o.ReadersCPU.Count(), o.WriterCPU.Count())
	}
	singleAZ := s.observe(t, scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"})
	multiAZ := s.observe(t, scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "billing"})
	if singleAZ.Instances[0].BackupWindow == "" || singleAZ.WriterCPU.Count() < 2 || !singleAZ.ReadersCPU.IsEmpty() {
		t.Errorf("%+v", singleAZ)
	}
	if class := "db.m6g.large"; singleAZ.Prices[class] == 0 || multiAZ.Prices[class] <= singleAZ.Prices[class] {
		t.Errorf("a Single-AZ instance costs %s, a Multi-AZ one %s", singleAZ.Prices[class], multiAZ.Prices[class])
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
		if o := mustObserve(t, client, targets[0], time.Time{}); len(firstInstanceCPU(o)) == 0 || !o.ReadersCPU.IsEmpty() || !o.WriterCPU.IsEmpty() {
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
