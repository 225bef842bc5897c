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

// TestSimulatorUpkeep: backups, maintenance, a class that is withdrawn and a cluster with I/O-Optimized storage.
func TestSimulatorUpkeep(t *testing.T) {
	s := simulateScenario(t, "upkeep", nil, func(o *Options) { o.PricingRegion = "ap-south-1" })
	begin := s.clock.Now().UTC().Add(-time.Hour)
	o := s.see(t, orders)
	upgrade := scaling.Maintenance{Action: "db-upgrade", Due: begin.Add(72 * time.Hour)}
	update := scaling.Maintenance{Action: "system-update", Due: begin.Add(4 * time.Hour)}
	for _, i := range o.Instances {
		want := []scaling.Maintenance{upgrade}
		if i.Identifier == "orders-2" {
			want = append(want, update)
		}
		if !slices.Equal(i.Maintenance, want) || i.BackupWindow != "" {
			t.Errorf("%s has %v and the backup window %q, want %v", i.Identifier, i.Maintenance, i.BackupWindow, want)
		}
	}
	plain := s.see(t, scaling.Target{Scope: ireland, Kind: scaling.DBInstance, Identifier: "ledger"})
	if i := plain.Instances[0]; i.BackupWindow != "09:00-09:30" || i.Maintenance != nil || !i.RestartedAt.IsZero() || i.DBLoadCPU != nil {
		t.Errorf("the ledger is %+v", i)
	}
	// It has been withdrawn a moment ago.
	if slices.Contains(o.Orderable, "db.r6g.xlarge") || !slices.Contains(o.Orderable, "db.r6g.2xlarge") || o.Orderable[0] != slices.Min(o.Orderable) {
		t.Errorf("orderable are %v", o.Orderable)
	}
	usual := simulate(t, func(o *Options) { o.PricingRegion = "us-east-1" }).see(t, orders)
	for class, price := range usual.Prices {
		if o.Prices[class] <= price {
			t.Errorf("%s costs %s with I/O-Optimized storage and %s without", class, o.Prices[class], price)
		}
	}
}

func TestDue(t *testing.T) {
	early, late := at(0), at(60)
	tests := []struct {
		name   string
		action types.PendingMaintenanceAction
		want   time.Time
	}{
		{"nothing says so", types.PendingMaintenanceAction{}, time.Time{}},
		{"the window, not the day from which on it may be", types.PendingMaintenanceAction{AutoAppliedAfterDate: &early, CurrentApplyDate: &late}, late},
		{"the first of the others", types.PendingMaintenanceAction{AutoAppliedAfterDate: &late, ForcedApplyDate: &early}, early},
		{"one of the others", types.PendingMaintenanceAction{AutoAppliedAfterDate: &late}, late},
	}
	for _, test := range tests {
		if got := due(test.action); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestFactsThatCannotBeRead: each is unknown, is said once and asked for again after a while, and nothing else suffers.
func TestFactsThatCannotBeRead(t *testing.T) {
	var lines []string
	log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	s := simulate(t, func(o *Options) { o.Log = log })
	for _, operation := range []string{"DescribePendingMaintenanceActions", "DescribeOrderableDBInstanceOptions"} {
		s.Inject(rdssim.Fault{Kind: rdssim.Answer, Operation: operation, Code: "AccessDenied", Message: "no " + operation, HTTPStatus: 403})
	}
	for range 12 {
		o := s.see(t, orders)
		if o.Orderable != nil || len(cpu(o)) == 0 || !slices.Equal(o.Instances[2].Maintenance, []scaling.Maintenance{{Action: scaling.MaintenanceUnknown}}) {
			t.Fatalf("orderable %v, maintenance %v, %d samples", o.Orderable, o.Instances[2].Maintenance, len(cpu(o)))
		}
		s.clock.Step(61 * time.Second)
	}
	if n := s.CountCalls("DescribePendingMaintenanceActions"); n != 12 {
		t.Errorf("maintenance was asked for %d times in 12 minutes", n)
	}
	if n := s.CountCalls("DescribeOrderableDBInstanceOptions"); n != 3 {
		t.Errorf("orderable classes were asked for %d times in 12 minutes", n)
	}
	if len(lines) != 2 || !strings.Contains(lines[0], "pending maintenance") || !strings.Contains(lines[1], "aurora-postgresql 16.1") {
		t.Errorf("the log has\n%s", strings.Join(lines, "\n"))
	}
}

// TestSlowSeriesAreNotNeeded: without memory, connections and history there is still something to decide on.
func TestSlowSeriesAreNotNeeded(t *testing.T) {
	c, targets := fleet(t, 1)
	c.status["orders000"] = "Forbidden" // the roles' means
	var lines []string
	e := c.edge(t, func(o *Options) {
		o.Log = funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	})
	for range 5 {
		if o := observe(t, e, targets[0], time.Time{}); len(cpu(o)) == 0 || o.ReadersCPU != nil || o.WriterCPU != nil {
			t.Errorf("%+v", o)
		}
		c.clock.Step(20 * time.Second)
	}
	if c.calls["GetMetricData"] != 2 || c.calls["GetMetricData/900"] != 2 { // with the minute's, not in between
		t.Errorf("made the requests %v", c.calls)
	}
	if len(lines) != 1 || !strings.Contains(lines[0], "Forbidden") {
		t.Errorf("the log has\n%s", strings.Join(lines, "\n"))
	}
}

// TestHistoryOfAClusterIsItsOwn: what an older cluster of the same name carried is nobody's history.
func TestHistoryOfAClusterIsItsOwn(t *testing.T) {
	old := aurora(nil)
	created := aurora(func(c *types.DBCluster, _ []types.DBInstance) {
		c.DbClusterResourceId, c.ClusterCreateTime = aws.String("cluster-new"), aws.Time(at(500))
	})
	before, after := old.series(orders)[0], created.series(orders)[0]
	if before.metric.role == "" || before.seriesKey == after.seriesKey {
		t.Errorf("%+v and %+v are the same series", before, after)
	}
	if q := after.query(series{}, time.Hour, at(601)); !q.start.Equal(at(495)) || !q.end.Equal(at(600)) {
		t.Errorf("asks for [%s, %s)", q.start, q.end)
	}
}

func TestRestarted(t *testing.T) {
	tests := []struct {
		name    string
		samples []scaling.Sample
		want    time.Time
	}{
		{"none", nil, time.Time{}},
		{"an hour ago", samples(8, 3540, 3600), at(-50)},
		{"just now", samples(8, 9e6, 20), at(9)},
		{"too old", samples(-2, 3600), time.Time{}},
	}
	for _, test := range tests {
		if got := restarted(test.samples, at(10)); !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestRequestsAreTheSame whatever the order in which policies ask.
func TestRequestsAreTheSame(t *testing.T) {
	var asked [][]metricRequest
	for turn := range 4 {
		c, targets := fleet(t, 30)
		c.insights = true
		if turn%2 == 1 {
			slices.Reverse(targets)
		}
		e := c.edge(t)
		for range 3 {
			e.Observe(t.Context(), targets, time.Time{})
			c.clock.Step(time.Minute)
		}
		asked = append(asked, c.asked)
	}
	for turn, requests := range asked[1:] {
		if !reflect.DeepEqual(requests, asked[0]) {
			t.Errorf("in turn %d the requests are others", turn+2)
		}
	}
}

// TestPagesOfFacts: each page is read, in the size that AWS allows.
func TestPagesOfFacts(t *testing.T) {
	c, targets := fleet(t, 1)
	pages := map[string]int{}
	page := func(operation, list string, element func(n int) string) {
		c.fail[operation] = func(w http.ResponseWriter) {
			n, marker := pages[operation], ""
			if pages[operation]++; n < 2 {
				marker = fmt.Sprintf("<Marker>%d</Marker>", n+1)
			}
			answerResult(w, operation, "<"+list+">"+element(n)+"</"+list+">"+marker)
		}
	}
	page("DescribeOrderableDBInstanceOptions", "OrderableDBInstanceOptions", func(n int) string {
		return fmt.Sprintf("<OrderableDBInstanceOption><DBInstanceClass>db.r%dg.large</DBInstanceClass></OrderableDBInstanceOption>", 8-n)
	})
	page("DescribePendingMaintenanceActions", "PendingMaintenanceActions", func(n int) string {
		return fmt.Sprintf("<ResourcePendingMaintenanceActions><ResourceIdentifier>arn:db:orders000-a</ResourceIdentifier>"+
			"<PendingMaintenanceActionDetails><PendingMaintenanceAction><Action>action-%d</Action></PendingMaintenanceAction>"+
			"</PendingMaintenanceActionDetails></ResourcePendingMaintenanceActions>", n)
	})
	o := observe(t, c.edge(t), targets[0], time.Time{})
	if want := []string{"db.r6g.large", "db.r7g.large", "db.r8g.large"}; !slices.Equal(o.Orderable, want) {
		t.Errorf("orderable are %v", o.Orderable)
	}
	want := []scaling.Maintenance{{Action: "action-0"}, {Action: "action-1"}, {Action: "action-2"}}
	if got := o.Instances[0].Maintenance; !slices.Equal(got, want) || o.Instances[1].Maintenance != nil {
		t.Errorf("the maintenance is %v and %v", got, o.Instances[1].Maintenance)
	}
}
