package rdssim

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwschemas "github.com/aws/aws-sdk-go-v2/service/cloudwatch/schemas"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// risingScenario is a cluster whose writer demand rises linearly, with two readers of different sizes. It has no noise, so the
// tests can compute its metrics.
const risingScenario = `
start: "2024-02-01T00:00:00Z"
accountID: "123456789012"
publishDelay: 60s
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: INSIGHTS
  instances:
  - {identifier: orders-1, class: db.r6g.large}
  - {identifier: orders-2, class: db.r6g.large}
  - {identifier: orders-3, class: db.r6g.xlarge}
  load: {writer: {points: [{at: 0h, vcpus: 0}, {at: 400h, vcpus: 1.6}]}, readers: {points: [{at: 0h, vcpus: 1}]}}
`

// newRisingServer returns a server with only the cluster of risingScenario, at an age after its start.
func newRisingServer(t *testing.T, insights string, age time.Duration) *testServer {
	t.Helper()
	scenario, err := model.ParseScenario([]byte(strings.Replace(risingScenario, "INSIGHTS", insights, 1)))
	if err != nil {
		t.Fatal(err)
	}
	c := newTestServer(t)
	if c.options.World, err = model.New(scenario); err != nil {
		t.Fatal(err)
	}
	c.clock.SetTime(scenario.Start.Add(age))
	return c
}

// newMetricDataQuery returns a query for an instance, or without one for a role of the cluster.
func newMetricDataQuery(id, metric, instance, role, stat string, period int32) cwtypes.MetricDataQuery {
	dimension := func(name, value string) cwtypes.Dimension {
		return cwtypes.Dimension{Name: aws.String(name), Value: aws.String(value)}
	}
	dimensions := []cwtypes.Dimension{dimension("DBInstanceIdentifier", instance)}
	if instance == "" {
		dimensions = []cwtypes.Dimension{dimension("DBClusterIdentifier", "orders"), dimension("Role", role)}
	}
	return cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
		Stat: aws.String(stat), Period: aws.Int32(period),
		Metric: &cwtypes.Metric{Namespace: aws.String("AWS/RDS"), MetricName: aws.String(metric), Dimensions: dimensions},
	}}
}

// getSeries returns all pages of a series, oldest first.
func (c *testServer) getSeries(
	t *testing.T, client *cloudwatch.Client, from, to time.Time, q cwtypes.MetricDataQuery,
) (at []time.Time, values []float64) {
	t.Helper()
	for all := cloudwatch.NewGetMetricDataPaginator(client, &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: &to, ScanBy: cwtypes.ScanByTimestampAscending, MetricDataQueries: []cwtypes.MetricDataQuery{q},
		MaxDatapoints: aws.Int32(1000),
	}); all.HasMorePages(); {
		page, err := all.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.MetricDataResults {
			at, values = append(at, r.Timestamps...), append(values, r.Values...)
		}
	}
	return at, values
}

// clientsByProtocol returns a CloudWatch client for each protocol of the SDK.
func (c *testServer) clientsByProtocol() map[string]*cloudwatch.Client {
	return map[string]*cloudwatch.Client{
		"CBOR": c.cloudWatchClient,
		"Query": cloudwatch.NewFromConfig(c.Config, func(o *cloudwatch.Options) {
			o.Protocol = awsquery.New(cwschemas.GraniteServiceVersion20100801)
		}),
	}
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// TestGetMetricData_Statistics compares series of each kind, in each protocol, with values computed from the minutes of the
// instances.
func TestGetMetricData_Statistics(t *testing.T) {
	c := newRisingServer(t, "true", 15*24*time.Hour+30*time.Minute)
	to := c.clock.Now().Truncate(15 * time.Minute).Add(-15 * time.Minute) // so that all datapoints are published
	minutes := func(instance string, from time.Time) (points []model.Point) {
		c.WithWorld(func(w *model.World) {
			points = w.MetricAverages("eu-west-1", map[string]string{"DBInstanceIdentifier": instance}, "CPUUtilization", from, to)
		})
		return points
	}
	for _, source := range []struct {
		instance, role string
		instances      []string
	}{
		{"orders-1", "", []string{"orders-1"}},
		{"", "WRITER", []string{"orders-1"}},
		{"", "READER", []string{"orders-2", "orders-3"}},
	} {
		for period, window := range map[int32]time.Duration{60: 24 * time.Hour, 300: 72 * time.Hour, 900: 15 * 24 * time.Hour} {
			from := to.Add(-window)
			buckets := map[int64][]float64{}
			for _, i := range source.instances {
				for _, p := range minutes(i, from) {
					begins := p.Time.Unix() - p.Time.Unix()%int64(period)
					buckets[begins] = append(buckets[begins], p.Value)
				}
			}
			for stat, compute := range map[string]func([]float64) float64{
				"Average": mean, "Minimum": slices.Min[[]float64], "Maximum": slices.Max[[]float64],
			} {
				for protocol, client := range c.clientsByProtocol() {
					at, values := c.getSeries(t, client, from, to, newMetricDataQuery("a", "CPUUtilization", source.instance, source.role, stat, period))
					want := int(window.Seconds()) / int(period)
					if len(at) != want || len(buckets) != want || !slices.IsSortedFunc(at, time.Time.Compare) {
						t.Fatalf("%s of %v by %d s in %s: %d points of %d periods, want %d in order", stat, source, period, protocol, len(at), len(buckets), want)
					}
					for n := range at {
						if want := compute(buckets[at[n].Unix()]); math.Abs(values[n]-want) > 1e-9 {
							t.Fatalf("%s of %v by %d s in %s at %s is %g, want %g", stat, source, period, protocol, at[n], values[n], want)
						}
					}
				}
			}
		}
	}
}

// TestGetMetricData_RoleMaximumShowsHottestReader: the Maximum of a role is that of its hottest instance, which the Average
// hides.
func TestGetMetricData_RoleMaximumShowsHottestReader(t *testing.T) {
	c := newRisingServer(t, "true", 2*time.Hour)
	to := c.clock.Now().Add(-30 * time.Minute).Truncate(15 * time.Minute)
	for stat, want := range map[string]float64{"Minimum": 14, "Average": 20.25, "Maximum": 26.5, "SampleCount": 30} {
		_, got := c.getSeries(t, c.cloudWatchClient, to.Add(-15*time.Minute), to, newMetricDataQuery("a", "CPUUtilization", "", "READER", stat, 900))
		if len(got) != 1 || math.Abs(got[0]-want) > 0.01 {
			t.Errorf("%s of the readers: got %v, want %g", stat, got, want)
		}
	}
}

// TestGetMetricData_RoleFollowsFailover: after a failover the series of a role continues with the new instance.
func TestGetMetricData_RoleFollowsFailover(t *testing.T) {
	c := newRisingServer(t, "true", time.Hour)
	c.WithWorld(func(w *model.World) {
		if _, err := w.FailoverCluster("eu-west-1", "orders", "orders-3"); err != nil {
			t.Fatal(err)
		}
	})
	c.clock.Step(time.Hour)
	to := c.clock.Now().Add(-10 * time.Minute)
	_, writer := c.getSeries(t, c.cloudWatchClient, to.Add(-time.Minute), to, newMetricDataQuery("a", "CPUUtilization", "", "WRITER", "Average", 60))
	_, third := c.getSeries(t, c.cloudWatchClient, to.Add(-time.Minute), to, newMetricDataQuery("a", "CPUUtilization", "orders-3", "", "Average", 60))
	if len(writer) != 1 || !slices.Equal(writer, third) {
		t.Errorf("got %v for the writer role, want %v, that of the promoted instance", writer, third)
	}
}

// TestGetMetricData_ReturnsWholePeriods: a query that starts within a period returns the whole period, with the time of its
// start.
func TestGetMetricData_ReturnsWholePeriods(t *testing.T) {
	c := newRisingServer(t, "true", 3*time.Hour)
	from := c.clock.Now().Add(-time.Hour).Truncate(15 * time.Minute)
	q, to := newMetricDataQuery("a", "CPUUtilization", "orders-1", "", "Average", 900), from.Add(30*time.Minute)
	want, all := c.getSeries(t, c.cloudWatchClient, from, to, q)
	got, some := c.getSeries(t, c.cloudWatchClient, from.Add(7*time.Minute), to, q)
	if len(want) != 2 || !want[0].Equal(from) || !slices.EqualFunc(got, want, time.Time.Equal) || !slices.Equal(some, all) {
		t.Errorf("from the start of the period: got %v %v; from within: got %v %v", want, all, got, some)
	}
}

// TestGetMetricData_OneMinuteRetention: after 15 days only multiples of five minutes return datapoints.
func TestGetMetricData_OneMinuteRetention(t *testing.T) {
	c := newRisingServer(t, "true", 16*24*time.Hour)
	from := c.clock.Now().Add(-16 * 24 * time.Hour)
	to := from.Add(2 * 24 * time.Hour)
	for period, want := range map[int32]int{60: 24 * 60, 300: 48 * 12, 900: 48 * 4} {
		if at, _ := c.getSeries(t, c.cloudWatchClient, from, to, newMetricDataQuery("a", "CPUUtilization", "orders-1", "", "Average", period)); len(at) != want {
			t.Errorf("two days, one of them older than 15 days: got %d datapoints of %d s, want %d", len(at), period, want)
		}
	}
}

// TestGetMetricData_DBLoadNeedsPerformanceInsights: without Performance Insights DBLoad has no datapoints and is not listed.
func TestGetMetricData_DBLoadNeedsPerformanceInsights(t *testing.T) {
	for insights, want := range map[string]bool{"true": true, "false": false} {
		t.Run(insights, func(t *testing.T) {
			c := newRisingServer(t, insights, time.Hour)
			c.setPolicy(t, readOnlyPolicy)
			for _, metric := range []string{"DBLoad", "DBLoadCPU"} {
				at, _ := c.getSeries(t, c.cloudWatchClient, c.clock.Now().Add(-time.Hour), c.clock.Now(), newMetricDataQuery("a", metric, "orders-2", "", "Average", 300))
				if (len(at) > 0) != want {
					t.Errorf("%s: got %d datapoints", metric, len(at))
				}
				listed, err := c.cloudWatchClient.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{MetricName: aws.String(metric)})
				if err != nil || (len(listed.Metrics) > 0) != want {
					t.Errorf("%s: got list %+v, %v", metric, listed, err)
				}
			}
			instances, err := c.rdsClient.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
			if err != nil || *instances.DBInstances[0].PerformanceInsightsEnabled != want {
				t.Errorf("got instances %+v, %v", instances, err)
			}
		})
	}
}
