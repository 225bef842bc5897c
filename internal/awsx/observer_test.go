package awsx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// mustObserve observes one target and fails the test on an error of either kind.
func mustObserve(t *testing.T, client *Client, target scaling.Target, notBefore time.Time) scaling.Observation {
	t.Helper()
	got := client.Observe(t.Context(), []scaling.Target{target}, notBefore)[0]
	if got.Err != nil || got.MetricsErr != nil {
		t.Fatalf("%s: %v, metrics: %v", target, got.Err, got.MetricsErr)
	}
	return got.Observation
}

// tracked returns the targets as Track takes them, with one window for all.
func tracked(targets []scaling.Target, window time.Duration) []scaling.TrackedTarget {
	var out []scaling.TrackedTarget
	for _, t := range targets {
		out = append(out, scaling.TrackedTarget{Target: t, Window: window})
	}
	return out
}

// firstInstanceCPU returns the CPU samples of the first instance.
func firstInstanceCPU(o scaling.Observation) []scaling.Sample { return samplesOf(o.Instances[0].CPU) }

// newFakeFleet returns a fake AWS with clusters of two members each, and their targets.
func newFakeFleet(t *testing.T, clusters int) (*fakeAWS, []scaling.Target) {
	t.Helper()
	c := newFakeAWS(t)
	var targets []scaling.Target
	for n := range clusters {
		name := fmt.Sprintf("orders%03d", n)
		c.clusters[name] = []string{name + "-a", name + "-b"}
		c.publishMetric(name+"-a", "CPUUtilization", -20, -1, float64(n))
		c.publishMetric(name+"-b", "CPUUtilization", -20, -1, float64(n+1))
		c.publishMetric(name+"-b", "AuroraReplicaLag", -20, -1, 25)
		targets = append(targets, clusterTarget(name))
	}
	return c, targets
}

func TestObserve_SharesOneSnapshot(t *testing.T) {
	c, targets := newFakeFleet(t, 50)
	client := c.newClient(t)
	for n, got := range client.Observe(t.Context(), targets, time.Time{}) {
		if got.Err != nil || got.MetricsErr != nil {
			t.Fatal(got.Err, got.MetricsErr)
		}
		o := got.Observation
		if !o.Found || len(o.Instances) != 2 || len(firstInstanceCPU(o)) != 19 || firstInstanceCPU(o)[0].Value != float64(n) || !o.Instances[0].Writer {
			t.Fatalf("%s: %+v", targets[n], o)
		}
		if want := (&scaling.Lag{MeasuredAt: minuteAfterStart(-2), Value: 25 * time.Millisecond}); *o.Instances[1].ReplicaLag != *want {
			t.Errorf("lag %v", o.Instances[1].ReplicaLag)
		}
	}
	once := map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 1}
	c.expectCalls(t, once)

	// Each policy observes on its own, all at the same time, and again within maxSnapshotAge.
	c.clock.Step(time.Minute)
	for range 2 {
		var wg sync.WaitGroup
		for _, target := range targets {
			wg.Go(func() {
				if got := client.Observe(t.Context(), []scaling.Target{target}, time.Time{})[0]; got.Err != nil || got.MetricsErr != nil {
					t.Error(got.Err, got.MetricsErr)
				}
			})
		}
		wg.Wait()
		c.clock.Step(20 * time.Second)
	}
	c.expectCalls(t, once)
}

func TestObserve_ReadsAllTopologyPages(t *testing.T) {
	c, targets := newFakeFleet(t, 101) // 202 instances
	got := c.newClient(t).Observe(t.Context(), targets[100:], time.Time{})[0]
	if got.Err != nil || len(got.Observation.Instances) != 2 {
		t.Errorf("%+v", got)
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 3, "GetMetricData": 1})
}

// TestObserve_PagesThatMove: an instance that is on two pages is one instance, and one that is on none, although its cluster names it, is read
// again.
func TestObserve_PagesThatMove(t *testing.T) {
	c, targets := newFakeFleet(t, 3)
	c.repeated, c.skipped = map[string]bool{"orders000-b": true}, map[string]bool{"orders001-b": true}
	client := c.newClient(t)
	client.Track(tracked(targets, 0))
	for n, target := range targets {
		o := mustObserve(t, client, target, time.Time{})
		if len(o.Instances) != 2 || o.Instances[0].Identifier == o.Instances[1].Identifier {
			t.Errorf("target %d has the instances %+v, want two", n, o.Instances)
		}
	}
	c.expectCalls(t, map[string]int{
		"DescribeDBClusters": 1, "DescribeDBInstances": 1, "DescribeDBClusters/filtered": 1, "DescribeDBInstances/filtered": 1, "GetMetricData": 2,
	})
}

func TestObserve_SplitsManySeries(t *testing.T) {
	c, targets := newFakeFleet(t, 200) // 400 series that reach back 310 minutes, 600 that reach back 10
	client := c.newClient(t)
	for _, got := range client.Observe(t.Context(), targets, time.Time{}) {
		if got.MetricsErr != nil || len(firstInstanceCPU(got.Observation)) != 19 || got.Observation.Instances[1].ReplicaLag == nil {
			t.Fatalf("%+v", got)
		}
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 4, "GetMetricData": 3})
	c.clock.Step(time.Minute)
	client.Observe(t.Context(), targets[:1], time.Time{})
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 4, "GetMetricData": 2})
}

func TestObserve_HonoursNotBefore(t *testing.T) {
	c, targets := newFakeFleet(t, 2)
	client := c.newClient(t)
	if o := mustObserve(t, client, targets[0], time.Time{}); !o.ObservedAt.Equal(testStart) {
		t.Errorf("read at %s", o.ObservedAt)
	}
	c.clock.Step(10 * time.Second)
	mustObserve(t, client, targets[0], testStart)
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 1})

	// A notBefore after the last read, even one from a clock that is ahead, reads only the topology again.
	for _, notBefore := range []time.Duration{time.Second, time.Hour} {
		c.clock.Step(time.Second)
		if o := mustObserve(t, client, targets[0], testStart.Add(notBefore)); o.ObservedAt.Before(testStart.Add(time.Second)) {
			t.Errorf("read at %s", o.ObservedAt)
		}
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters/filtered": 2, "DescribeDBInstances/filtered": 2})
}

func TestObserve_MergesRequestsOfLaterTargets(t *testing.T) {
	c, targets := newFakeFleet(t, 3)
	client := c.newClient(t)
	mustObserve(t, client, targets[0], time.Time{})
	c.clock.Step(20 * time.Second)
	if o := mustObserve(t, client, targets[1], time.Time{}); len(firstInstanceCPU(o)) != 19 {
		t.Errorf("samples %v", firstInstanceCPU(o))
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 2})

	// Later reads share one request.
	c.clock.Step(40 * time.Second)
	mustObserve(t, client, targets[0], time.Time{})
	c.clock.Step(20 * time.Second)
	mustObserve(t, client, targets[1], time.Time{})
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 1})

	// A target that is no longer observed is no longer read.
	c.clock.Step(idleRetention + time.Minute)
	mustObserve(t, client, targets[1], time.Time{})
	if got := len(c.lastMetricRequest().MetricDataQueries); got != 5 { // CPU and uptime of two, and a lag
		t.Errorf("%d queries for one target", got)
	}
}

func TestObserve_ReadsSamplesIncrementally(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	client := c.newClient(t)
	client.Track(tracked(targets, time.Hour))
	mustObserve(t, client, targets[0], time.Time{})
	if got := c.metricRequests[len(c.metricRequests)-1]; !got.StartTime.Equal(minuteAfterStart(-70)) || !got.EndTime.Equal(minuteAfterStart(0)) {
		t.Errorf("the first query is [%s, %s)", got.StartTime, got.EndTime)
	}
	// Minute -1 arrives late, minute -2 changes, minutes 1 and 2 are missing.
	name := "orders000-a"
	c.publishMetric(name, "CPUUtilization", -1, 1, 50)
	c.publishMetric(name, "CPUUtilization", -2, -1, 49)
	c.publishMetric(name, "CPUUtilization", 3, 4, 53)
	c.clock.Step(4 * time.Minute)
	o := mustObserve(t, client, targets[0], time.Time{})
	if got := c.lastMetricRequest(); !got.StartTime.Equal(minuteAfterStart(-12)) || !got.EndTime.Equal(minuteAfterStart(4)) {
		t.Errorf("the second query is [%s, %s)", got.StartTime, got.EndTime)
	}
	want := slices.Concat(minuteSamples(-20, slices.Repeat([]float64{0}, 18)...), minuteSamples(-2, 49, 50, 50), minuteSamples(3, 53))
	if got := firstInstanceCPU(o); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	// What a caller appends to the samples that it gets, and what is read later, do not meet.
	appended := append(firstInstanceCPU(o), scaling.Sample{Value: 1000})
	c.publishMetric(name, "CPUUtilization", 4, 5, 54)
	c.clock.Step(time.Minute)
	if got := firstInstanceCPU(mustObserve(t, client, targets[0], time.Time{})); !slices.Equal(got, append(want, minuteSamples(4, 54)...)) {
		t.Errorf("after a caller has appended a sample: got %v", got)
	}
	if appended[len(want)].Value != 1000 {
		t.Error("the samples of a caller were overwritten")
	}
}

func TestObserve_DropsSamplesOfReplacedInstance(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	client := c.newClient(t)
	mustObserve(t, client, targets[0], time.Time{})

	// The reader is replaced under the same name: the samples of the old one do not belong to it.
	c.update(func() { c.createdAt["orders000-b"] = time.Time{} })
	c.clock.Step(time.Minute)
	reader := mustObserve(t, client, targets[0], time.Time{}).Instances[1]
	if !reader.CPU.IsEmpty() || reader.ReplicaLag != nil || !reader.CreatedAt.IsZero() {
		t.Errorf("an instance that is being created has samples: %+v", reader)
	}
	c.update(func() { c.createdAt["orders000-b"] = minuteAfterStart(-5).Add(30 * time.Second) })
	c.clock.Step(time.Minute)
	reader = mustObserve(t, client, targets[0], time.Time{}).Instances[1]
	if want := minuteSamples(-4, 1, 1, 1); !slices.Equal(samplesOf(reader.CPU), want) {
		t.Errorf("got %v, want %v", reader.CPU, want)
	}
}

func TestObserve_ReadsAllMetricPages(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.metricPageSize = 7
	o := mustObserve(t, c.newClient(t), targets[0], time.Time{})
	if len(firstInstanceCPU(o)) != 19 || o.Instances[1].CPU.Count() != 19 || o.Instances[1].ReplicaLag == nil {
		t.Errorf("%d and %d samples, lag %v", len(firstInstanceCPU(o)), o.Instances[1].CPU.Count(), o.Instances[1].ReplicaLag)
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 3})
}

func TestObserve_ReportsMetricErrors(t *testing.T) {
	tests := []struct {
		name string
		fail func(c *fakeAWS)
		want error
	}{
		{"request denied", func(c *fakeAWS) {
			c.failures["GetMetricData"] = func(w http.ResponseWriter) {
				w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
				w.Header().Set("Content-Type", "application/cbor")
				w.Header().Set("X-Amzn-Query-Error", "AccessDenied;Sender")
				w.Header().Set("X-Amzn-Requestid", "9d1f")
				w.WriteHeader(http.StatusForbidden)
				w.Write([]byte("\xa2\x66__type\x78\x35com.amazonaws.cloudwatch.v2010_08_01#AccessDeniedExce\x67message\x64nope"))
			}
		}, scaling.ErrDenied},
		{"one series with an internal error", func(c *fakeAWS) { c.statusCodes["orders000-b"] = "InternalError" }, scaling.ErrUnavailable},
		{"one series forbidden", func(c *fakeAWS) { c.statusCodes["orders000-b"] = "Forbidden" }, scaling.ErrDenied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, targets := newFakeFleet(t, 2)
			test.fail(c)
			client := c.newClient(t)
			got := client.Observe(t.Context(), targets, time.Time{})
			if got[0].Err != nil || !got[0].Observation.Found || len(got[0].Observation.Instances) != 2 {
				t.Errorf("the topology is missing: %+v", got[0])
			}
			expectCause(t, got[0].MetricsErr, test.want)
			if !strings.HasPrefix(got[0].MetricsErr.Error(), "cloudwatch:GetMetricData in eu-west-1: ") {
				t.Errorf("the message %q does not start with the operation and the scope", got[0].MetricsErr)
			}
			// The error is served from memory for maxErrorAge, then the read is repeated.
			clear(c.callCounts)
			client.Observe(t.Context(), targets, time.Time{})
			c.expectCalls(t, map[string]int{})
			c.update(func() { clear(c.failures); clear(c.statusCodes) })
			c.clock.Step(maxErrorAge + time.Second)
			if o := mustObserve(t, client, targets[0], time.Time{}); o.Instances[1].CPU.Count() != 19 {
				t.Errorf("samples %v", o.Instances[1].CPU)
			}
		})
	}
}

func TestObserve_ReportsTopologyErrors(t *testing.T) {
	c, targets := newFakeFleet(t, 2)
	client := c.newClient(t)
	c.failures["DescribeDBClusters"] = func(w http.ResponseWriter) {
		writeError(w, http.StatusForbidden, "AccessDenied", "not authorized to perform: rds:DescribeDBClusters")
	}
	for range 2 {
		for _, got := range client.Observe(t.Context(), targets, time.Time{}) {
			expectCause(t, got.Err, scaling.ErrDenied)
			if !strings.HasPrefix(got.Err.Error(), "rds:DescribeDBClusters in eu-west-1: AccessDenied: ") {
				t.Errorf("the message %q does not start with the operation, the scope and the code", got.Err)
			}
		}
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1})
	c.update(func() { clear(c.failures) })
	c.clock.Step(maxErrorAge + time.Second)
	mustObserve(t, client, targets[0], time.Time{})
}

func TestObserve_ReadsScopesSeparately(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	otherRegion := targets[0]
	otherRegion.Scope.Region = "us-east-1"
	got := c.newClient(t).Observe(t.Context(), []scaling.Target{otherRegion, targets[0], {Scope: euWest1, Identifier: "missing"}}, time.Time{})
	if !got[0].Observation.Found || !got[1].Observation.Found || got[2].Observation.Found || got[2].Err != nil {
		t.Errorf("%+v", got)
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 2, "DescribeDBInstances": 2, "GetMetricData": 2})
}

func TestObserve_CanceledCallerDoesNotStopRefresh(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	reached, release := make(chan struct{}), make(chan struct{})
	c.failures["DescribeDBClusters"] = func(w http.ResponseWriter) {
		c.failures["DescribeDBClusters"] = nil
		close(reached)
		<-release
		writeResult(w, "DescribeDBClusters", c.describeClusters())
	}
	client := c.newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan scaling.ObservationResult)
	go func() { first <- client.Observe(ctx, targets, time.Time{})[0] }()
	<-reached
	second := make(chan scaling.ObservationResult)
	go func() { second <- client.Observe(t.Context(), targets, time.Time{})[0] }()
	cancel()
	if got := <-first; !errors.Is(got.Err, context.Canceled) {
		t.Errorf("the first caller got %v", got.Err)
	}
	close(release)
	if got := <-second; got.Err != nil || !got.Observation.Found {
		t.Errorf("the second caller got %+v", got)
	}
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 1})
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

// The read of one target serves all that are tracked, without a request for each.
func TestTrack_SharesTheNextRead(t *testing.T) {
	c, targets := newFakeFleet(t, 50)
	client := c.newClient(t)
	client.Track(tracked(targets, 0))
	if len(c.metricRequests) > 0 {
		t.Errorf("Track made %d metric requests", len(c.metricRequests))
	}
	mustObserve(t, client, targets[0], time.Time{})
	requests := len(c.metricRequests)
	for n, target := range targets {
		if o := mustObserve(t, client, target, time.Time{}); len(firstInstanceCPU(o)) != 19 {
			t.Errorf("target %d has %d samples, want 19", n, len(firstInstanceCPU(o)))
		}
	}
	if got := len(c.metricRequests); got != requests {
		t.Errorf("%d further metric requests were made, want none", got-requests)
	}
}

// TestTrack_ScaleDownWindow: connections are kept for the shorter window only, and read again as far back when it becomes longer.
func TestTrack_ScaleDownWindow(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.publishMetric("orders000-a", "DatabaseConnections", -300, 60, 7)
	c.publishMetric("orders000-a", "CPUUtilization", -300, 60, 40)
	client := c.newClient(t)
	for _, test := range []struct {
		window      time.Duration
		connections int // five-minute periods of the window and of the overlap of ten minutes
	}{{time.Hour, 14}, {30 * time.Minute, 8}, {2 * time.Hour, 26}, {0, 38}} {
		client.Track([]scaling.TrackedTarget{{Target: targets[0], Window: 3 * time.Hour, ScaleDownWindow: test.window}})
		i := mustObserve(t, client, targets[0], time.Time{}).Instances[0]
		if got := i.Connections.Count(); got != test.connections {
			t.Errorf("with a window of %s there are %d samples of the connections, want %d", test.window, got, test.connections)
		}
		if got := i.CPU.Count(); got != 190 {
			t.Errorf("with a window of %s there are %d samples of the CPU, want 190", test.window, got)
		}
		c.clock.Step(slowInterval)
	}
}

// TestTrack_ReadersOnly: of a writer that is not scaled, only its load of the last hour is read. The next read after a failover, and once it
// is scaled, reaches as far back as that of others.
func TestTrack_ReadersOnly(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	for _, instance := range []string{"orders000-a", "orders000-b"} {
		c.publishMetric(instance, "DatabaseConnections", -300, 60, 7)
		c.publishMetric(instance, "ReadIOPS", -300, 60, 100)
		c.publishMetric(instance, "CPUUtilization", -300, 60, 40)
	}
	client := c.newClient(t)
	for _, test := range []struct {
		name        string
		readersOnly bool
		members     []string // the writer is the first
		cpu         map[string]int
		slow        map[string]int
	}{
		{"readers only", true, []string{"orders000-a", "orders000-b"}, map[string]int{"orders000-a": 70, "orders000-b": 190},
			map[string]int{"orders000-a": 0, "orders000-b": 38}},
		{"after a failover", true, []string{"orders000-b", "orders000-a"}, map[string]int{"orders000-a": 190, "orders000-b": 70},
			map[string]int{"orders000-a": 38, "orders000-b": 0}},
		{"with the writer", false, []string{"orders000-b", "orders000-a"}, map[string]int{"orders000-a": 190, "orders000-b": 190},
			map[string]int{"orders000-a": 38, "orders000-b": 38}},
	} {
		c.clusters["orders000"] = test.members
		client.Track([]scaling.TrackedTarget{{Target: targets[0], Window: 3 * time.Hour, ReadersOnly: test.readersOnly}})
		o := mustObserve(t, client, targets[0], c.clock.Now())
		for _, i := range o.Instances {
			if got := i.CPU.Count(); got != test.cpu[i.Identifier] {
				t.Errorf("%s: there are %d samples of the CPU of %s, want %d", test.name, got, i.Identifier, test.cpu[i.Identifier])
			}
			if got, want := i.Connections.Count(), test.slow[i.Identifier]; got != want || i.IO.ReadIOPS.Count() != want {
				t.Errorf("%s: there are %d samples of the connections of %s and %d of ReadIOPS, want %d", test.name, got, i.Identifier,
					i.IO.ReadIOPS.Count(), want)
			}
		}
		c.clock.Step(slowInterval)
	}
}
