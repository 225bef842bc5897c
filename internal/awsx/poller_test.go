package awsx

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// pollerHarness runs a Poller against a fake AWS, whose clock only the test steps.
type pollerHarness struct {
	*fakeAWS
	t      *testing.T
	poller *Poller
	reads  chan []scaling.Target
	// loops is how many loops of the poller run.
	loops int
}

// startPoller starts an active Poller in one scope.
func startPoller(t *testing.T, c *fakeAWS, change ...func(*Options)) *pollerHarness {
	t.Helper()
	h := startStandby(t, c, change...)
	h.poller.Activate()
	return h
}

// startStandby starts the Poller of a replica that is not the leader.
func startStandby(t *testing.T, c *fakeAWS, change ...func(*Options)) *pollerHarness {
	t.Helper()
	h := &pollerHarness{fakeAWS: c, t: t, reads: make(chan []scaling.Target, 1000), loops: 4}
	h.poller = NewPoller(c.newClient(t, change...), func(_ context.Context, targets []scaling.Target) { h.reads <- targets })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = h.poller.Start(ctx) // it returns no error
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return h
}

// awaitRead waits, without time passing, until a target was read.
func (h *pollerHarness) awaitRead(target scaling.Target) {
	h.t.Helper()
	for {
		select {
		case targets := <-h.reads:
			if slices.Contains(targets, target) {
				return
			}
		case <-h.t.Context().Done():
			h.t.Fatalf("%s was not read", target)
		}
	}
}

// forgetReads forgets what was read so far.
func (h *pollerHarness) forgetReads() {
	for len(h.reads) > 0 {
		<-h.reads
	}
}

// passTime lets time pass second by second, and waits after each until all loops wait again.
func (h *pollerHarness) passTime(d time.Duration) {
	h.t.Helper()
	for range int(d / time.Second) {
		h.awaitLoops()
		h.clock.Step(time.Second)
	}
	h.awaitLoops()
}

// awaitLoops waits until all loops wait for their timers.
func (h *pollerHarness) awaitLoops() {
	h.t.Helper()
	for h.clock.Waiters() < h.loops {
		if h.t.Context().Err() != nil {
			h.t.Fatal("a loop of the poller does not end its read")
		}
		runtime.Gosched()
	}
}

// observe returns the observation of a target, which must be there.
func (h *pollerHarness) observe(target scaling.Target, notBefore time.Time) scaling.Observation {
	h.t.Helper()
	got := h.poller.Observe(h.t.Context(), []scaling.Target{target}, notBefore)[0]
	if got.Err != nil || got.MetricsErr != nil {
		h.t.Fatalf("%s: %v, metrics: %v", target, got.Err, got.MetricsErr)
	}
	return got.Observation
}

// expectNotRead checks that the observation of a target is not there.
func (h *pollerHarness) expectNotRead(target scaling.Target, notBefore time.Time) {
	h.t.Helper()
	if got := h.poller.Observe(h.t.Context(), []scaling.Target{target}, notBefore)[0]; !errors.Is(got.Err, scaling.ErrNotRead) {
		h.t.Fatalf("%s: got error %v, want %v", target, got.Err, scaling.ErrNotRead)
	}
}

// TestPoller_ReadsInBackground: an observation waits for nobody. What is tracked is read with one snapshot and one batch a minute.
func TestPoller_ReadsInBackground(t *testing.T) {
	c, targets := newFakeFleet(t, 50)
	h := startPoller(t, c)
	h.poller.Track(tracked(targets, 0))
	h.expectNotRead(targets[0], time.Time{})
	h.awaitRead(targets[0])
	for n, target := range targets {
		if o := h.observe(target, time.Time{}); len(firstInstanceCPU(o)) != 19 || firstInstanceCPU(o)[0].Value != float64(n) {
			t.Fatalf("%s: %+v", target, o)
		}
	}
	h.awaitLoops()
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 1, "GetMetricData": 1}) // no change needs the lag

	h.passTime(time.Minute) // the samples are read when they are published, spread over three seconds
	c.update(func() {
		if n := c.callCounts["GetMetricData"]; n < 1 || n > 6+1 || c.callCounts["DescribeDBInstances"] != 1 {
			t.Errorf("in a minute made the requests %v, want one read of the topology, and samples in a few seconds", c.callCounts)
		}
	})
	h.poller.Track(tracked(targets, 0))
	h.observe(targets[49], time.Time{})
}

// TestPoller_ReadsChangedTargetAtOnce: after a call, and for an operation in progress, only the target is read, at once.
func TestPoller_ReadsChangedTargetAtOnce(t *testing.T) {
	c, targets := newFakeFleet(t, 2)
	h := startPoller(t, c)
	h.poller.Track(tracked(targets, 0))
	h.awaitRead(targets[0])
	h.awaitLoops()
	c.update(func() { clear(c.callCounts) })

	h.poller.client.clientForScope(euWest1).invalidate(targets[0])
	h.expectNotRead(targets[0], time.Time{})
	h.observe(targets[1], time.Time{})
	h.awaitRead(targets[0])
	h.observe(targets[0], time.Time{})

	h.clock.Step(5 * time.Second)
	now := h.clock.Now()
	h.expectNotRead(targets[0], now)
	h.awaitRead(targets[0])
	if o := h.observe(targets[0], now); o.ObservedAt.Before(now) {
		t.Errorf("observed at %s, want %s", o.ObservedAt, now)
	}
	h.awaitLoops()
	c.update(func() {
		if c.callCounts["DescribeDBInstances/filtered"] != 2 || c.callCounts["DescribeDBInstances"] != 0 {
			t.Errorf("made the requests %v, want two for the target only", c.callCounts)
		}
	})
}

// TestPoller_SlowScopeDelaysNoOther: while AWS does not answer for one account, the targets of another are read.
func TestPoller_SlowScopeDelaysNoOther(t *testing.T) {
	slow, slowTargets := newFakeFleet(t, 1)
	quick, quickTargets := newFakeFleet(t, 1)
	answer := make(chan struct{})
	slow.failures["DescribeDBClusters"] = func(w http.ResponseWriter) {
		<-answer
		w.WriteHeader(http.StatusInternalServerError)
	}
	defer close(answer)
	h := startPoller(t, quick, func(o *Options) {
		o.WrapHTTPClient = hostByRegion(map[string]string{"eu-north-1": slow.Listener.Addr().String()})
	})
	slowTargets[0].Scope.Region = "eu-north-1"
	h.poller.Track(tracked(slices.Concat(slowTargets, quickTargets), 0))
	h.expectNotRead(slowTargets[0], time.Time{})
	h.awaitRead(quickTargets[0])
	h.observe(quickTargets[0], time.Time{})
	h.expectNotRead(slowTargets[0], time.Time{})
}

// TestPoller_ReportsError: the policies of a scope that cannot be read are reconciled, and show why.
func TestPoller_ReportsError(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.failures["DescribeDBClusters"] = func(w http.ResponseWriter) { writeError(w, http.StatusForbidden, "AccessDenied", "not authorized") }
	h := startPoller(t, c)
	h.poller.Track(tracked(targets, 0))
	h.awaitRead(targets[0])
	if got := h.poller.Observe(t.Context(), targets, time.Time{})[0]; !errors.Is(got.Err, scaling.ErrDenied) {
		t.Errorf("got error %v, want %v", got.Err, scaling.ErrDenied)
	}
	c.update(func() { c.failures = map[string]func(http.ResponseWriter){} })
	h.passTime(topologyRetryInterval)
	h.awaitRead(targets[0])
	h.observe(targets[0], time.Time{})
}

// TestPoller_ReportsErrorOfSlowRead: a read that fails after a minute shows its error too, and what waits for it does not wait again.
func TestPoller_ReportsErrorOfSlowRead(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	poller := NewPoller(c.newClient(t), func(context.Context, []scaling.Target) {}) // it is not started: the test makes its reads
	scope := poller.scopePollerFor(euWest1)
	if !scope.readScopeTopology(t.Context()) {
		t.Fatal("the databases could not be read")
	}
	denySlowly := func(w http.ResponseWriter) {
		c.clock.Step(time.Minute)
		writeError(w, http.StatusForbidden, "AccessDenied", "not authorized")
	}
	c.failures["DescribeEvents"], c.failures["DescribeDBClusters"] = denySlowly, denySlowly

	from := c.clock.Now().Add(-time.Hour)
	if _, err := poller.ReadEvents(t.Context(), targets[0], from, c.clock.Now()); !errors.Is(err, scaling.ErrNotRead) {
		t.Fatalf("events: got error %v, want %v", err, scaling.ErrNotRead)
	}
	scope.refreshEvents(t.Context(), from, eventsTimeout)
	if _, err := poller.ReadEvents(t.Context(), targets[0], from, c.clock.Now()); !errors.Is(err, scaling.ErrDenied) {
		t.Errorf("events: got error %v, want %v", err, scaling.ErrDenied)
	}

	scope.readTargets(t.Context(), targets)
	notBefore := c.clock.Now().Add(-15 * time.Second) // as for an operation in progress
	if got := poller.Observe(t.Context(), targets, notBefore)[0]; !errors.Is(got.Err, scaling.ErrDenied) {
		t.Errorf("databases: got error %v, want %v", got.Err, scaling.ErrDenied)
	}
}

// TestPoller_ForgetsTargets: a target whose policy is gone is not read, and a scope without targets not at all.
func TestPoller_ForgetsTargets(t *testing.T) {
	c, targets := newFakeFleet(t, 2)
	h := startPoller(t, c)
	h.poller.Track(tracked(targets, 0))
	h.awaitRead(targets[0])
	h.passTime(forgetAfter + time.Second)
	h.poller.Track(tracked(targets[:1], 0))
	h.passTime(2 * time.Minute)
	for _, query := range c.lastMetricRequest().MetricDataQueries {
		if name := query.MetricStat.Metric.Dimensions[0].Value; strings.HasPrefix(name, targets[1].Identifier) {
			t.Errorf("%s of %s is still read", query.MetricStat.Metric.MetricName, name)
		}
	}
	h.clock.Step(forgetAfter + time.Second)
	h.poller.Track(nil)
	h.loops = 0
	c.update(func() { clear(c.callCounts) })
	if len(h.poller.scopes) != 0 {
		t.Errorf("%d scopes are still read", len(h.poller.scopes))
	}
}

// TestPoller_ReadsLoadWhileSaturated: the load of sessions is asked for only after a saturated minute, and then includes the minutes that
// were not asked for.
func TestPoller_ReadsLoadWhileSaturated(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	c.performanceInsights = true
	c.publishMetric("orders000-a", "DBLoadCPU", -20, 5, 9)
	h := startPoller(t, c)
	h.poller.Track(tracked(targets, 0))
	h.awaitRead(targets[0])
	if o := h.observe(targets[0], time.Time{}); !o.Instances[0].DBLoadCPU.IsEmpty() {
		t.Fatalf("%d samples were read while the CPU was idle", o.Instances[0].DBLoadCPU.Count())
	}
	c.publishMetric("orders000-a", "CPUUtilization", -1, 1, 99)
	h.passTime(time.Minute)
	h.awaitRead(targets[0])
	if o := h.observe(targets[0], time.Time{}); o.Instances[0].DBLoadCPU.Count() < 20 {
		t.Errorf("%d samples were read after a saturated minute, want at least 20", o.Instances[0].DBLoadCPU.Count())
	}
}

// TestPoller_Standby: a replica that is not the leader reads each database soon after its start and then rarely. When it becomes the leader,
// it reads the one-minute samples at once, and the rest later.
func TestPoller_Standby(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	h := startStandby(t, c)
	h.poller.Track(tracked(targets, 0))
	h.awaitLoops()
	for minute := range 40 {
		h.passTime(time.Minute)
		h.poller.Track(tracked(targets, 0))
		if minute == int(standbySpread/time.Minute) {
			h.awaitRead(targets[0])
			c.update(func() { c.metricRequests = nil })
		}
	}
	c.update(func() {
		if len(c.metricRequests) > 2 { // one for each period
			t.Errorf("made %d requests for metrics in half an hour, want at most one read", len(c.metricRequests))
		}
		c.metricRequests = nil
	})
	h.forgetReads()
	h.poller.Activate()
	h.awaitRead(targets[0])
	h.observe(targets[0], time.Time{})
	c.update(func() {
		for _, request := range c.metricRequests {
			for _, query := range request.MetricDataQueries {
				if name := query.MetricStat.Metric.MetricName; name != "CPUUtilization" && name != "AuroraReplicaLag" {
					t.Errorf("%s was read first", name)
				}
			}
		}
	})
}

// TestPoller_NewLeaderUsesTopologyOfStandby: to read the databases of a large account again takes a minute, for which a new leader does not
// wait. Later it does.
func TestPoller_NewLeaderUsesTopologyOfStandby(t *testing.T) {
	c, targets := newFakeFleet(t, 1)
	poller := NewPoller(c.newClient(t), func(context.Context, []scaling.Target) {}) // it is not started: the test makes its reads
	poller.Track(tracked(targets, 0))
	scope := poller.scopePollerFor(euWest1)
	if !scope.readScopeTopology(t.Context()) {
		t.Fatal("the databases could not be read")
	}
	scope.refreshMetadata(t.Context(), targets)
	for _, test := range []struct {
		prepare func()
		want    error
	}{{poller.Activate, nil}, {func() { scope.setReady() }, scaling.ErrNotRead}} {
		test.prepare()
		c.clock.SetTime(minuteAfterStart(4).Add(30 * time.Second)) // of the topology
		scope.readSamples(t.Context(), targets)
		if got := poller.Observe(t.Context(), targets, time.Time{})[0]; !errors.Is(got.Err, test.want) {
			t.Errorf("got error %v, want %v", got.Err, test.want)
		}
	}
}

// hostByRegion sends the requests of some regions to other servers.
func hostByRegion(hosts map[string]string) func(aws.HTTPClient) aws.HTTPClient {
	return func(next aws.HTTPClient) aws.HTTPClient {
		return httpClientFunc(func(r *http.Request) (*http.Response, error) {
			for region, host := range hosts {
				if strings.Contains(r.Header.Get("Authorization"), "/"+region+"/") { // the scope of the signature
					r.URL.Host = host
				}
			}
			return next.Do(r)
		})
	}
}

type httpClientFunc func(*http.Request) (*http.Response, error)

// Do implements aws.HTTPClient.
func (f httpClientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }
