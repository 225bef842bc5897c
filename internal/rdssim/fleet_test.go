package rdssim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// getAdmin decodes the answer of the admin API.
func (c *testServer) getAdmin(t *testing.T, path string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func TestCounts(t *testing.T) {
	c := newTestServer(t)
	query := cwtypes.MetricDataQuery{Id: aws.String("a"), MetricStat: &cwtypes.MetricStat{
		Metric: &cwtypes.Metric{Namespace: aws.String("AWS/RDS"), MetricName: aws.String("CPUUtilization")}, Period: aws.Int32(60), Stat: aws.String("Average"),
	}}
	second := query
	second.Id = aws.String("b")
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(c.clock.Now().Add(-time.Hour)), EndTime: aws.Time(c.clock.Now()), MetricDataQueries: []cwtypes.MetricDataQuery{query, second},
	}
	for range 2 {
		if _, err := c.cloudWatchClient.GetMetricData(t.Context(), input); err != nil {
			t.Fatal(err)
		}
	}
	c.InjectFault(Fault{Kind: Throttle, Operation: "DeleteDBInstance"})
	_, err := c.rdsClient.DeleteDBInstance(t.Context(), &rds.DeleteDBInstanceInput{DBInstanceIdentifier: aws.String("orders-2")})
	if errorCode(err) != "Throttling" {
		t.Fatal(err)
	}
	var counts []CallCount
	c.getAdmin(t, "/_sim/counts", &counts)
	want := []CallCount{
		{Service: "monitoring", Operation: "GetMetricData", Account: "123456789012", Calls: 2, Metrics: 4},
		{Service: "rds", Operation: "DeleteDBInstance", Account: "123456789012", Error: "Throttling", Calls: 1},
	}
	if len(counts) != 2 || counts[0] != want[0] || counts[1] != want[1] {
		t.Errorf("got %+v, want %+v", counts, want)
	}
	var calls []Call
	c.getAdmin(t, "/_sim/mutating-calls", &calls)
	if len(calls) != 1 || calls[0].Operation != "DeleteDBInstance" || len(c.Calls()) != 3 {
		t.Errorf("of %d calls those that change something are %+v, want DeleteDBInstance of 3", len(c.Calls()), calls)
	}
}

func TestAppendCall_KeepsTheNewest(t *testing.T) {
	var calls []Call
	for n := range 5*maxRecordedCalls + 7 {
		calls = appendCall(calls, Call{Time: time.Unix(int64(n), 0)})
		if len(calls) > 2*maxRecordedCalls {
			t.Fatalf("%d calls are kept", len(calls))
		}
	}
	kept := newest(calls)
	if len(kept) != maxRecordedCalls || kept[0].Time.Unix() != 4*maxRecordedCalls+7 || kept[len(kept)-1].Time.Unix() != 5*maxRecordedCalls+6 {
		t.Errorf("%d calls are kept, from %d to %d", len(kept), kept[0].Time.Unix(), kept[len(kept)-1].Time.Unix())
	}
}

func TestFault_NoResponse(t *testing.T) {
	c := newTestServer(t)
	c.options.Policy = nil
	c.InjectFault(Fault{Kind: NoResponse, Service: "rds", Account: "123456789012"})
	c.InjectFault(Fault{Kind: NoResponse, Account: "999999999999"}) // does not affect this account
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := c.rdsClient.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{})
		failed <- err
	}()
	for c.CountCalls("DescribeDBClusters") == 0 {
		select {
		case err := <-failed:
			t.Fatalf("the request was answered: %v", err)
		default:
			runtime.Gosched()
		}
	}
	// Others are served meanwhile.
	if _, err := c.cloudWatchClient.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{MetricName: aws.String("none")}); err != nil {
		t.Errorf("a request that no fault affects fails while another is not answered: %v", err)
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that the client gave up", err)
	}
	if counts := c.Counts(); len(counts) != 2 || counts[1].Error != "NoResponse" {
		t.Errorf("got %+v, want NoResponse as the error of the second", counts)
	}
}

func TestAdmin_LoadAndSamples(t *testing.T) {
	c := newTestServer(t)
	c.callAdmin(t, http.MethodPost, "/_sim/load",
		`{"region": "eu-west-1", "database": "orders", "load": {"writer": {"points": [{"vcpus": 0}]}, "readers": {"points": [{"vcpus": 0}]}}}`, 204)
	c.callAdmin(t, http.MethodPost, "/_sim/load", `{"region": "eu-west-1", "database": "nothing", "load": {}}`, 400)
	c.callAdmin(t, http.MethodGet, "/_sim/samples?region=eu-west-1", "", 400)
	c.clock.Step(10 * time.Minute)
	var samples []PublishedSample
	c.getAdmin(t, "/_sim/samples?region=eu-west-1&instance=orders-2&metric=CPUUtilization&since="+c.clock.Now().Add(-8*time.Minute).UTC().Format(time.RFC3339), &samples)
	if len(samples) < 4 {
		t.Fatalf("got samples %+v, want at least 4", samples)
	}
	for _, s := range samples {
		if delay := s.PublishedAt.Sub(s.Time.Add(time.Minute)); delay < time.Minute || delay > 90*time.Second || s.Value > 2 {
			t.Errorf("the sample of %s is %g, published %s after its end; want no load, and 60 to 90 seconds", s.Time, s.Value, delay)
		}
	}
}

func TestDescribe_FiltersByIdentifier(t *testing.T) {
	c := newTestServer(t)
	instances := func(filters ...rdstypes.Filter) string {
		t.Helper()
		out, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{Filters: filters})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range out.DBInstances {
			names = append(names, *i.DBInstanceIdentifier)
		}
		return strings.Join(names, " ")
	}
	filter := func(name string, values ...string) rdstypes.Filter {
		return rdstypes.Filter{Name: aws.String(name), Values: values}
	}
	for want, got := range map[string]string{
		"alone-1 orders-2":           instances(filter("db-instance-id", "orders-2", "alone-1", "orders-2", "none")),
		"orders-1 orders-2 orders-3": instances(filter("db-cluster-id", "orders", "none")),
		"orders-2":                   instances(filter("db-instance-id", "orders-2", "alone-1"), filter("db-cluster-id", "orders")),
		"":                           instances(filter("db-instance-id", "none")),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	clusters, err := c.rdsClient.DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{
		Filters: []rdstypes.Filter{filter("db-cluster-id", "orders", "alone", "none")},
	})
	if err != nil || len(clusters.DBClusters) != 2 || *clusters.DBClusters[0].DBClusterIdentifier != "alone" {
		t.Errorf("got %+v with error %v, want alone and orders", clusters, err)
	}
}
