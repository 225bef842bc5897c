package rdssim

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	ordersARN  = "arn:aws:rds:eu-west-1:123456789012:cluster:orders"
	orders2ARN = "arn:aws:rds:eu-west-1:123456789012:db:orders-2"
	ledgerARN  = "arn:aws:rds:eu-west-1:123456789012:db:ledger"
)

// readOnlyPolicy allows only the read operations of these tests.
const readOnlyPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":
["rds:DescribeOrderableDBInstanceOptions","rds:DescribePendingMaintenanceActions","rds:DescribeDBInstances","rds:DescribeDBClusters",
"cloudwatch:GetMetricData","cloudwatch:ListMetrics","pricing:GetProducts"]}]}`

// setPolicy replaces the IAM policy.
func (c *testServer) setPolicy(t *testing.T, document string) {
	t.Helper()
	policy, err := ParsePolicy([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	c.options.Policy = policy
}

type (
	orderableInput = rds.DescribeOrderableDBInstanceOptionsInput
	pendingInput   = rds.DescribePendingMaintenanceActionsInput
)

// listOrderable returns the options of all pages, and the number of pages.
func (c *testServer) listOrderable(t *testing.T, in orderableInput) (options []rdstypes.OrderableDBInstanceOption, pages int) {
	t.Helper()
	for all := rds.NewDescribeOrderableDBInstanceOptionsPaginator(c.rdsClient, &in); all.HasMorePages(); pages++ {
		page, err := all.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, page.OrderableDBInstanceOptions...)
	}
	return options, pages
}

func TestDescribeOrderableDBInstanceOptions(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, readOnlyPolicy)
	for _, test := range []struct {
		name                 string
		in                   orderableInput
		minClasses, minPages int
		has, lacks           string
	}{
		{"Aurora in pages of 20", orderableInput{
			Engine: aws.String("aurora-postgresql"), MaxRecords: aws.Int32(20)}, 80, 5, "db.r6g.large", "db.m6g.large"},
		{"standalone in pages of the default 100", orderableInput{
			Engine: aws.String("postgres")}, 200, 3, "db.m6g.large", "db.c6gd.large"},
		{"standalone in one page", orderableInput{
			Engine: aws.String("postgres"), MaxRecords: aws.Int32(1000)}, 200, 1, "db.m6g.large", "db.c6gd.large"},
		{"filtered by class and version", orderableInput{Engine: aws.String("aurora-postgresql"),
			EngineVersion: aws.String("16.1"), DBInstanceClass: aws.String("db.r6g.large")}, 1, 1, "db.r6g.large", "db.r6g.xlarge"},
		{"class that Aurora does not support", orderableInput{Engine: aws.String("aurora-postgresql"),
			DBInstanceClass: aws.String("db.m6g.large")}, 0, 1, "", "db.m6g.large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			options, pages := c.listOrderable(t, test.in)
			seen, combinations := map[string]bool{}, map[string]bool{}
			for _, o := range options {
				combination := *o.DBInstanceClass + " with " + *o.StorageType
				if combinations[combination] {
					t.Errorf("%s is listed twice", combination)
				}
				combinations[combination], seen[*o.DBInstanceClass] = true, true
				if len(o.AvailabilityZones) != 3 || *o.AvailabilityZones[0].Name != "eu-west-1a" || *o.Engine != *test.in.Engine ||
					aws.ToString(o.EngineVersion) != aws.ToString(test.in.EngineVersion) {
					t.Fatalf("got option %+v", o)
				}
			}
			if len(seen) < test.minClasses || pages < test.minPages || test.has != "" && !seen[test.has] || seen[test.lacks] {
				t.Errorf("got %d classes in %d pages, %s listed %t, %s listed %t",
					len(seen), pages, test.has, seen[test.has], test.lacks, seen[test.lacks])
			}
		})
	}
	for _, in := range []*orderableInput{
		{Engine: aws.String("mysql"), MaxRecords: aws.Int32(19)}, {Engine: aws.String("mysql"), MaxRecords: aws.Int32(1001)},
		{Engine: aws.String("mysql"), Marker: aws.String("nonsense")},
	} {
		if _, err := c.rdsClient.DescribeOrderableDBInstanceOptions(t.Context(), in); errorCode(err) != "InvalidParameterValue" {
			t.Errorf("%+v: got %v", in, err)
		}
	}
	text := c.postForm(t, "rds", map[string][]string{"Action": {"DescribeOrderableDBInstanceOptions"}})
	if !strings.Contains(text, "MissingParameter") {
		t.Errorf("without an engine: got %s", text)
	}
}

// TestUnorderableClass_IsNotListed: a class that the World or the admin API made unorderable is not listed.
func TestUnorderableClass_IsNotListed(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, readOnlyPolicy)
	isListed := func() bool {
		options, _ := c.listOrderable(t, orderableInput{Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.m6g.large")})
		return len(options) > 0
	}
	c.WithWorld(func(w *model.World) { w.SetUnorderable("eu-west-1", "db.m6g.large") })
	if isListed() {
		t.Error("an unorderable class is listed")
	}
	c.WithWorld(func(w *model.World) { w.SetOrderable("eu-west-1", "db.m6g.large") })
	if !isListed() {
		t.Error("a class that is orderable again is not listed")
	}
	c.callAdmin(t, http.MethodPost, "/_sim/unorderable-classes", `{"region": "eu-west-1", "class": "db.m6g.large"}`, http.StatusNoContent)
	if isListed() {
		t.Error("a class that the admin API made unorderable is listed")
	}
	c.callAdmin(t, http.MethodDelete, "/_sim/unorderable-classes?region=eu-west-1&class=db.m6g.large", "", http.StatusNoContent)
	if !isListed() {
		t.Error("a class that the admin API made orderable again is not listed")
	}
	for _, invalid := range []string{`{"region": "eu-west-1", "class": "large"}`, `{"class": "db.m6g.large"}`, `{"regoin": "x"}`} {
		c.callAdmin(t, http.MethodPost, "/_sim/unorderable-classes", invalid, http.StatusBadRequest)
	}
}

// callAdmin calls the admin API and checks the status.
func (c *testServer) callAdmin(t *testing.T, method, path, body string, want int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != want {
		t.Errorf("%s %s with body %s: got %s, want %d", method, path, body, response.Status, want)
	}
}

// listPendingMaintenance returns the pending actions of all pages as "ARN action".
func (c *testServer) listPendingMaintenance(t *testing.T, in pendingInput) []string {
	t.Helper()
	var out []string
	for all := rds.NewDescribePendingMaintenanceActionsPaginator(c.rdsClient, &in); all.HasMorePages(); {
		page, err := all.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.PendingMaintenanceActions {
			for _, d := range r.PendingMaintenanceActionDetails {
				out = append(out, *r.ResourceIdentifier+" "+*d.Action)
			}
		}
	}
	return out
}

func TestDescribePendingMaintenanceActions(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, readOnlyPolicy)
	if got := c.listPendingMaintenance(t, pendingInput{}); len(got) != 0 {
		t.Errorf("at the start: got %v", got)
	}
	now := c.clock.Now().UTC()
	c.WithWorld(func(w *model.World) {
		for _, m := range []model.MaintenanceAction{
			{ARN: ledgerARN, Action: "system-update", Description: "New Operating System update is available", OptInStatus: model.OptInNextWindow,
				AutoAppliedAfterDate: now.Add(24 * time.Hour), ForcedApplyDate: now.Add(48 * time.Hour), CurrentApplyDate: now.Add(36 * time.Hour)},
			{ARN: ordersARN, Action: "db-upgrade"}, {ARN: orders2ARN, Action: "system-update"},
		} {
			if err := w.AddPendingMaintenance(m); err != nil {
				t.Fatal(err)
			}
		}
	})
	c.callAdmin(t, http.MethodPost, "/_sim/maintenance", `{"arn": "`+ledgerARN+`", "action": "ca-certificate-rotation"}`, http.StatusNoContent)
	for _, invalid := range []string{
		`{"arn": "` + ledgerARN + `"}`, `{"arn": "arn:aws:rds:eu-west-1:123456789012:db:nobody", "action": "db-upgrade"}`,
	} {
		c.callAdmin(t, http.MethodPost, "/_sim/maintenance", invalid, http.StatusBadRequest)
	}
	got, err := c.rdsClient.DescribePendingMaintenanceActions(t.Context(), &pendingInput{ResourceIdentifier: aws.String(ledgerARN)})
	if err != nil || len(got.PendingMaintenanceActions) != 1 || len(got.PendingMaintenanceActions[0].PendingMaintenanceActionDetails) != 2 {
		t.Fatalf("got %+v, %v, want ledger with two actions", got, err)
	}
	d := got.PendingMaintenanceActions[0].PendingMaintenanceActionDetails[0]
	if !d.AutoAppliedAfterDate.Equal(now.Add(24*time.Hour)) || !d.ForcedApplyDate.Equal(now.Add(48*time.Hour)) ||
		!d.CurrentApplyDate.Equal(now.Add(36*time.Hour)) || *d.OptInStatus != "next-maintenance" ||
		!strings.Contains(*d.Description, "Operating") {
		t.Errorf("got update %+v", d)
	}
	d = got.PendingMaintenanceActions[0].PendingMaintenanceActionDetails[1]
	if d.AutoAppliedAfterDate != nil || d.CurrentApplyDate != nil || d.OptInStatus != nil {
		t.Errorf("got rotation %+v, want no dates and no opt-in status", d)
	}
	filter := func(name string, values ...string) rdstypes.Filter {
		return rdstypes.Filter{Name: aws.String(name), Values: values}
	}
	for _, test := range []struct {
		filters []rdstypes.Filter
		want    []string
	}{
		{nil, []string{
			ledgerARN + " system-update", ledgerARN + " ca-certificate-rotation", ordersARN + " db-upgrade", orders2ARN + " system-update",
		}},
		{[]rdstypes.Filter{filter("db-instance-id", "orders-2", "orders-3")}, []string{orders2ARN + " system-update"}},
		{[]rdstypes.Filter{filter("db-instance-id", orders2ARN)}, []string{orders2ARN + " system-update"}},
		{[]rdstypes.Filter{filter("db-cluster-id", "orders")}, []string{ordersARN + " db-upgrade"}},
		{[]rdstypes.Filter{filter("db-cluster-id", "alone")}, nil},
	} {
		if got := c.listPendingMaintenance(t, pendingInput{Filters: test.filters}); !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.filters, got, test.want)
		}
	}
	c.callAdmin(t, http.MethodDelete, "/_sim/maintenance?arn="+ledgerARN, "", http.StatusNoContent)
	if got := c.listPendingMaintenance(t, pendingInput{}); len(got) != 2 {
		t.Errorf("after the removal of the actions of ledger: got %v, want 2", got)
	}
}

// TestDescribePendingMaintenanceActions_Paginates: the pages together contain all actions.
func TestDescribePendingMaintenanceActions_Paginates(t *testing.T) {
	c := newTestServer(t)
	c.setPolicy(t, readOnlyPolicy)
	document := "accountID: \"123456789012\"\nstart: \"2024-02-05T08:00:00Z\"\ndatabases:\n"
	for n := range 30 {
		name := string(rune('a'+n/26)) + string(rune('a'+n%26))
		document += "- {identifier: " + name + ", region: eu-west-1, engine: postgres, engineVersion: \"16.1\", class: db.m6g.large, " +
			"maintenance: [{action: system-update, from: 0s}]}\n"
	}
	scenario, err := model.ParseScenario([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if c.options.World, err = model.New(scenario); err != nil {
		t.Fatal(err)
	}
	got, pages := c.listPendingMaintenance(t, pendingInput{MaxRecords: aws.Int32(20)}), c.CountCalls("DescribePendingMaintenanceActions")
	if len(got) != 30 || pages != 2 {
		t.Errorf("got %d actions in %d pages, want 30 in 2", len(got), pages)
	}
}

// TestDescribe_ShowsWindows: clusters and instances have both windows.
func TestDescribe_ShowsWindows(t *testing.T) {
	c := newTestServer(t)
	clusters, err := c.rdsClient.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range clusters.DBClusters {
		if *d.PreferredBackupWindow != "01:00-01:30" || *d.PreferredMaintenanceWindow != "sun:02:00-sun:02:30" {
			t.Errorf("%s: got windows %s and %s", *d.DBClusterIdentifier, *d.PreferredBackupWindow, *d.PreferredMaintenanceWindow)
		}
	}
	instances, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range instances.DBInstances {
		if *d.PreferredBackupWindow != "01:00-01:30" || *d.PreferredMaintenanceWindow != "sun:02:00-sun:02:30" {
			t.Errorf("%s: got windows %s and %s", *d.DBInstanceIdentifier, *d.PreferredBackupWindow, *d.PreferredMaintenanceWindow)
		}
	}
	if len(clusters.DBClusters) != 2 || len(instances.DBInstances) != 7 {
		t.Errorf("got %d clusters and %d instances", len(clusters.DBClusters), len(instances.DBInstances))
	}
}

// TestFaults_AffectReadOperations: faults apply to read operations too. Without permission the operations are denied.
func TestFaults_AffectReadOperations(t *testing.T) {
	for operation, call := range map[string]func(*testServer) error{
		"DescribeOrderableDBInstanceOptions": func(c *testServer) error {
			_, err := c.rdsClient.DescribeOrderableDBInstanceOptions(t.Context(), &orderableInput{Engine: aws.String("mysql")})
			return err
		},
		"DescribePendingMaintenanceActions": func(c *testServer) error {
			_, err := c.rdsClient.DescribePendingMaintenanceActions(t.Context(), &pendingInput{})
			return err
		},
		"GetProducts": func(c *testServer) error {
			_, err := c.listProducts(t, nil)
			return err
		},
	} {
		t.Run(operation, func(t *testing.T) {
			c := newTestServer(t)
			c.setPolicy(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":"sts:GetCallerIdentity"}]}`)
			if err := call(c); !strings.HasPrefix(errorCode(err), "AccessDenied") {
				t.Errorf("without permission: got %v", err)
			}
			c.setPolicy(t, readOnlyPolicy)
			c.InjectFault(Fault{Kind: Throttle, Operation: operation, Times: 1})
			c.InjectFault(Fault{Kind: ServerError, Operation: operation, Times: 1})
			c.InjectFault(Fault{Kind: LostRequest, Operation: operation, Times: 1})
			for _, want := range []string{"Throttling", "Internal", "EOF", "<nil>"} {
				if err := call(c); !strings.Contains(errorCode(err), want) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		})
	}
}
