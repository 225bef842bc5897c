package rdssim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// testServer is a Server with the databases of all-kinds.yaml behind real HTTP, with clients of the real SDK.
type testServer struct {
	*Server
	url   string
	clock *clocktesting.FakeClock
	aws.Config
	rdsClient        *rds.Client
	cloudWatchClient *cloudwatch.Client
	stsClient        *sts.Client
}

// requestBody hides WriteTo: smithy-go closes request bodies early, which net/http may treat as a broken connection.
type requestBody struct{ io.ReadCloser }

type bodyHidingTransport struct{ http.RoundTripper }

func (t bodyHidingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = requestBody{r.Body}
	}
	return t.RoundTripper.RoundTrip(r)
}

func newTestServer(t *testing.T) *testServer {
	t.Helper()
	scenario, err := model.LoadScenario("../../hack/rdssim/scenarios/all-kinds.yaml")
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	c := &testServer{clock: clocktesting.NewFakeClock(scenario.Start.Time)}
	c.Server = New(Options{World: world, Clock: c.clock, AccountID: scenario.AccountID, Policy: policy})
	server := httptest.NewServer(c.Server)
	t.Cleanup(server.Close)
	c.url = server.URL
	c.Config = aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(c.url), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient: &http.Client{Transport: bodyHidingTransport{http.DefaultTransport}}, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
	c.rdsClient, c.cloudWatchClient, c.stsClient = rds.NewFromConfig(c.Config), cloudwatch.NewFromConfig(c.Config), sts.NewFromConfig(c.Config)
	return c
}

// errorCode returns the code of an API error.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestDescribe_FiltersAndPaginates(t *testing.T) {
	c := newTestServer(t)
	clusters, err := c.rdsClient.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	orders := clusters.DBClusters[0]
	if len(orders.DBClusterMembers) != 3 || !*orders.DBClusterMembers[0].IsClusterWriter || *orders.Status != "available" ||
		*orders.TagList[0].Value != "platform" || *orders.Engine != "aurora-postgresql" {
		t.Errorf("got orders %+v", orders)
	}
	filtered, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{Filters: []rdstypes.Filter{
		{Name: aws.String("db-cluster-id"), Values: []string{"orders", "alone"}},
		{Name: aws.String("engine"), Values: []string{"aurora-mysql"}},
	}})
	if err != nil || len(filtered.DBInstances) != 1 || *filtered.DBInstances[0].DBInstanceIdentifier != "alone-1" {
		t.Errorf("filter: got %+v, %v, want alone-1", filtered, err)
	}
	if _, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(5)}); errorCode(err) != "InvalidParameterValue" {
		t.Errorf("pages of 5: %v", err)
	}
	if _, err := c.rdsClient.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: aws.String("nobody")}); errorCode(err) != "DBClusterNotFoundFault" {
		t.Errorf("unknown cluster: %v", err)
	}
	pages, seen := rds.NewDescribeOrderableDBInstanceOptionsPaginator(c.rdsClient, &rds.DescribeOrderableDBInstanceOptionsInput{
		Engine: aws.String("aurora-postgresql"), MaxRecords: aws.Int32(20),
	}), map[string]bool{}
	c.setPolicy(t, readOnlyPolicy)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.OrderableDBInstanceOptions {
			seen[*o.DBInstanceClass] = true
		}
	}
	if len(seen) < 80 || !seen["db.r6g.large"] || seen["db.m6g.large"] {
		t.Errorf("got %d orderable classes for Aurora, want at least 80", len(seen))
	}
}

// TestPolicy_AllowsOnlyItsStatements makes requests that the statements of the shipped policy allow, and others.
func TestPolicy_AllowsOnlyItsStatements(t *testing.T) {
	tags := []rdstypes.Tag{
		{Key: aws.String("dbscaler.io/created-by"), Value: aws.String("dbscaler")},
		{Key: aws.String("dbscaler.io/policy-namespace"), Value: aws.String("platform")},
	}
	create := func(cluster, name string, tags []rdstypes.Tag) func(context.Context, *testServer) error {
		return func(ctx context.Context, c *testServer) error {
			_, err := c.rdsClient.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
				DBClusterIdentifier: aws.String(cluster), DBInstanceIdentifier: aws.String(name), Engine: aws.String("aurora-postgresql"),
				DBInstanceClass: aws.String("db.r6g.large"), Tags: tags,
			})
			return err
		}
	}
	modify := func(name string) func(context.Context, *testServer) error {
		return func(ctx context.Context, c *testServer) error {
			_, err := c.rdsClient.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{
				DBInstanceIdentifier: aws.String(name), DBInstanceClass: aws.String("db.m6g.xlarge"), ApplyImmediately: aws.Bool(true),
			})
			return err
		}
	}
	remove := func(name string) func(context.Context, *testServer) error {
		return func(ctx context.Context, c *testServer) error {
			_, err := c.rdsClient.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{
				DBInstanceIdentifier: aws.String(name), SkipFinalSnapshot: aws.Bool(true),
			})
			return err
		}
	}
	for _, test := range []struct {
		name string
		do   func(context.Context, *testServer) error
		want string
	}{
		{"resize an opted-in instance", modify("ledger"), "<nil>"},
		{"resize an instance without opt-in", modify("untagged"), "AccessDenied"},
		{"add a reader", create("orders", "orders-dbscaler-1-1", tags), "<nil>"},
		{"add a reader without the operator's tag", create("orders", "orders-dbscaler-1-1", tags[1:]), "AccessDenied"},
		{"add a reader with another name pattern", create("orders", "orders-9", tags), "AccessDenied"},
		{"delete a reader that the operator did not create", remove("orders-3"), "AccessDenied"},
		{"fail over", func(ctx context.Context, c *testServer) error {
			_, err := c.rdsClient.FailoverDBCluster(ctx, &rds.FailoverDBClusterInput{
				DBClusterIdentifier: aws.String("orders"), TargetDBInstanceIdentifier: aws.String("orders-2"),
			})
			return err
		}, "<nil>"},
		{"add the operator's tag to an existing instance", func(ctx context.Context, c *testServer) error {
			_, err := c.rdsClient.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
				ResourceName: aws.String("arn:aws:rds:eu-west-1:123456789012:db:orders-3"), Tags: tags[:1],
			})
			return err
		}, "AccessDenied"},
		{"reboot", func(ctx context.Context, c *testServer) error {
			_, err := c.rdsClient.RebootDBInstance(ctx, &rds.RebootDBInstanceInput{DBInstanceIdentifier: aws.String("orders-3")})
			return err
		}, "AccessDenied"},
		{"delete a reader that the operator created", func(ctx context.Context, c *testServer) error {
			if err := create("orders", "orders-dbscaler-1-1", tags)(ctx, c); err != nil {
				return err
			}
			return remove("orders-dbscaler-1-1")(ctx, c)
		}, "<nil>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := errorCode(test.do(t.Context(), newTestServer(t))); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestParsePolicy_RefusesUnknownParts(t *testing.T) {
	for name, document := range map[string]string{
		"operator":  `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"1.2.3.4"}}}]}`,
		"key":       `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Null":{"aws:SourceIp":"true"}}}]}`,
		"element":   `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"*","Action":"*","Resource":"*"}]}`,
		"version":   `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"no effect": `{"Version":"2012-10-17","Statement":[{"Action":"*","Resource":"*"}]}`,
	} {
		if _, err := ParsePolicy([]byte(document)); err == nil {
			t.Errorf("%s: ParsePolicy accepted an unsupported part", name)
		}
	}
}

// TestGetMetricData_SameInBothProtocols: both protocols return the same datapoints.
func TestGetMetricData_SameInBothProtocols(t *testing.T) {
	c := newTestServer(t)
	c.clock.Step(10 * time.Minute)
	start, end := c.clock.Now().Add(-10*time.Minute), c.clock.Now()
	query := func(id, instance string) cwtypes.MetricDataQuery {
		return cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
			Stat: aws.String("Average"), Period: aws.Int32(60), Metric: &cwtypes.Metric{
				Namespace: aws.String("AWS/RDS"), MetricName: aws.String("CPUUtilization"),
				Dimensions: []cwtypes.Dimension{{Name: aws.String("DBInstanceIdentifier"), Value: aws.String(instance)}},
			},
		}}
	}
	got, err := c.cloudWatchClient.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: &start, EndTime: &end, MetricDataQueries: []cwtypes.MetricDataQuery{query("a", "ledger"), query("b", "nobody")},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, b := got.MetricDataResults[0], got.MetricDataResults[1]
	if n := len(a.Values); n < 7 || n > 9 || !a.Timestamps[0].After(a.Timestamps[1]) || a.StatusCode != cwtypes.StatusCodeComplete {
		t.Errorf("ledger: got %+v, want 7 to 9 minutes, newest first", a)
	}
	if len(b.Values) != 0 || b.StatusCode != cwtypes.StatusCodeComplete {
		t.Errorf("unknown instance: got %+v, want an empty, complete result", b)
	}
	form := url.Values{
		"Action": {"GetMetricData"}, "Version": {"2010-08-01"}, "StartTime": {start.Format(time.RFC3339)}, "EndTime": {end.Format(time.RFC3339)},
		"MetricDataQueries.member.1.Id": {"a"}, "MetricDataQueries.member.1.MetricStat.Stat": {"Average"},
		"MetricDataQueries.member.1.MetricStat.Period":                           {"60"},
		"MetricDataQueries.member.1.MetricStat.Metric.Namespace":                 {"AWS/RDS"},
		"MetricDataQueries.member.1.MetricStat.Metric.MetricName":                {"CPUUtilization"},
		"MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name":  {"DBInstanceIdentifier"},
		"MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value": {"ledger"},
	}
	if text := c.postForm(t, "monitoring", form); strings.Count(text, "<member>") < len(a.Values)*2 || !strings.Contains(text, "<StatusCode>Complete</StatusCode>") {
		t.Errorf("Query protocol: got\n%s", text)
	}
	if _, err := c.cloudWatchClient.GetMetricData(t.Context(), &cloudwatch.GetMetricDataInput{
		StartTime: &start, EndTime: &end, MetricDataQueries: []cwtypes.MetricDataQuery{query("A", "ledger")},
	}); errorCode(err) != "ValidationError" {
		t.Errorf("upper-case ID: %v", err)
	}
}

// postForm sends a request of the Query protocol, as the AWS CLI does, and returns the response.
func (c *testServer) postForm(t *testing.T, service string, form url.Values) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20240205/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAssumeRole_SeesOwnAccount: a role sees only the databases of its account.
func TestAssumeRole_SeesOwnAccount(t *testing.T) {
	c := newTestServer(t)
	for role, want := range map[string]int{"arn:aws:iam::123456789012:role/dbscaler": 7, "arn:aws:iam::210987654321:role/dbscaler": 0} {
		assumed, err := c.stsClient.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("test")})
		if err != nil {
			t.Fatal(err)
		}
		if assumed.Credentials.Expiration.Before(time.Now()) {
			t.Errorf("got credentials that expired at %s", assumed.Credentials.Expiration)
		}
		config := c.Copy()
		config.Credentials = credentials.NewStaticCredentialsProvider(*assumed.Credentials.AccessKeyId, "simulated", "simulated")
		seen, err := rds.NewFromConfig(config).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
		if err != nil || len(seen.DBInstances) != want {
			t.Errorf("%s: got %d instances, %v, want %d", role, len(seen.DBInstances), err, want)
		}
		identity, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil || !strings.HasSuffix(*identity.Arn, "assumed-role/dbscaler/test") {
			t.Errorf("got caller identity %v, %v", identity, err)
		}
	}
}

func TestInjectFault(t *testing.T) {
	for _, test := range []struct {
		fault   Fault
		want    string
		changed bool
	}{
		{Fault{Kind: Throttle, Times: 1}, "Throttling", false},
		{Fault{Kind: ServerError, Times: 1}, "InternalFailure", false},
		{Fault{Kind: Unavailable, Times: 1}, "ServiceUnavailable", false},
		{Fault{Kind: ErrorResponse, Code: "InsufficientDBInstanceCapacity", HTTPStatus: 400, Times: 1}, "InsufficientDBInstanceCapacity", false},
		{Fault{Kind: LostRequest, Times: 1}, "EOF", false},
		{Fault{Kind: LostResponse, Times: 1}, "EOF", true},
		{Fault{Kind: Throttle, Operation: "DeleteDBInstance"}, "<nil>", true},
		{Fault{Kind: Throttle, Instance: "billing"}, "<nil>", true},
	} {
		t.Run(fmt.Sprint(test.fault.Kind, test.fault.Operation, test.fault.Instance), func(t *testing.T) {
			c := newTestServer(t)
			c.InjectFault(test.fault)
			_, err := c.rdsClient.ModifyDBInstance(t.Context(), &rds.ModifyDBInstanceInput{
				DBInstanceIdentifier: aws.String("ledger"), DBInstanceClass: aws.String("db.m6g.xlarge"), ApplyImmediately: aws.Bool(true),
			})
			if got := errorCode(err); !strings.Contains(got, test.want) {
				t.Errorf("got error %s, want %s", got, test.want)
			}
			var pending string
			c.WithWorld(func(w *model.World) {
				if i, err := w.Instance("eu-west-1", "ledger"); err == nil {
					pending = i.PendingChanges.Class
				}
			})
			if (pending != "") != test.changed {
				t.Errorf("got pending class %q, want a change %t", pending, test.changed)
			}
		})
	}
}

func TestServeHTTP_RefusesUnknownRequests(t *testing.T) {
	c := newTestServer(t)
	if text := c.postForm(t, "rds", url.Values{"Action": {"StopDBInstance"}}); !strings.Contains(text, "<Code>InvalidAction</Code>") {
		t.Errorf("unknown action: got %s", text)
	}
	if text := c.postForm(t, "ec2", url.Values{"Action": {"DescribeInstances"}}); !strings.Contains(text, "no service ec2") {
		t.Errorf("unknown service: got %s", text)
	}
	response, err := http.PostForm(c.url, url.Values{"Action": {"DescribeDBInstances"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("without credentials: got %s", response.Status)
	}
}
