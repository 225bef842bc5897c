package main

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// controllerName is the label of the metrics of the policies' controller.
	controllerName = "dbscalingpolicy"
	// pricePerThousandMetrics is what GetMetricData costs in USD for 1,000 metrics requested (CloudWatch pricing).
	pricePerThousandMetrics = 0.01
	// minutesPerMonth is 730 hours, as in docs/installing.md.
	minutesPerMonth = 730 * 60
)

// The metrics of the operator that are read.
const (
	leaderMetric        = "leader_election_master_status"
	evaluatedMetric     = "dbscaler_policies_evaluated"
	reconcilesMetric    = "controller_runtime_reconcile_total"
	reconcileTimeMetric = "controller_runtime_reconcile_time_seconds"
	queueMetric         = "workqueue_queue_duration_seconds"
	intervalMetric      = "dbscaler_policy_evaluation_interval_seconds"
	mallocsMetric       = "go_memstats_mallocs_total"
	allocatedMetric     = "go_memstats_alloc_bytes_total"
)

// snapshot is everything that is counted, at one time.
type snapshot struct {
	at        time.Time
	operator  metricsSnapshot
	apiServer metricsSnapshot
	aws       callCounts
}

func (t *loadTest) takeSnapshot(ctx context.Context) (s snapshot, err error) {
	s.operator, err = t.retryScrape(ctx, "the leader", func() (metricsSnapshot, error) {
		return t.leader.scrape(ctx, reconcilesMetric, reconcileTimeMetric, queueMetric, intervalMetric, mallocsMetric, allocatedMetric)
	})
	if err != nil {
		return s, err
	}
	s.apiServer, err = t.retryScrape(ctx, "the API server", func() (metricsSnapshot, error) {
		return scrape(ctx, t.plane.http, t.plane.metricsURL())
	})
	if err != nil {
		return s, err
	}
	s.aws, err = t.admin.counts(ctx)
	s.at = time.Now()
	return s, err
}

// steadyFigures are what was counted and used between two snapshots.
type steadyFigures struct {
	// minutes is the simulated time between them.
	minutes float64
	usages  map[string]usage
	// reconciles is their number, and mallocs and allocated the number of objects and of bytes that the operator allocated on the heap
	// meanwhile.
	reconciles, mallocs, allocated  float64
	reconcileTime, queued, interval histogram
	// awsCalls are by operation. They and metrics are of the healthy accounts only.
	awsCalls map[string]float64
	metrics  float64
	// apiWrites and apiLists are the requests of all clients to the API server, by resource/subresource.
	apiWrites, apiLists map[string]float64
}

// compare returns what happened between two snapshots.
func (t *loadTest) compare(before, after snapshot) steadyFigures {
	f := steadyFigures{
		minutes: after.at.Sub(before.at).Minutes() * t.speed, usages: map[string]usage{},
	}
	for _, name := range []string{processLeader, processStandby, processAWS, processAPIServer, processEtcd} {
		f.usages[name] = t.meter.between(name, before.at, after.at)
	}
	controller := labels{"controller": controllerName}
	f.reconciles = after.operator.sum(reconcilesMetric, controller) - before.operator.sum(reconcilesMetric, controller)
	f.mallocs = after.operator.sum(mallocsMetric, nil) - before.operator.sum(mallocsMetric, nil)
	f.allocated = after.operator.sum(allocatedMetric, nil) - before.operator.sum(allocatedMetric, nil)
	difference := func(name string, selector labels) histogram {
		return after.operator.histogram(name, selector).minus(before.operator.histogram(name, selector))
	}
	f.reconcileTime = difference(reconcileTimeMetric, controller)
	f.queued = difference(queueMetric, controller)
	f.interval = difference(intervalMetric, nil)

	healthy := map[string]bool{}
	for scope := range t.scopes {
		if t.isHealthyScope(scope) {
			healthy[accountID(scope)] = true
		}
	}
	calls, metrics := after.aws.since(before.aws, func(account string) bool { return healthy[account] })
	f.awsCalls, f.metrics = subtract(calls, nil), metrics["GetMetricData"]

	f.apiWrites = subtract(after.apiServer.apiRequests(isWrite), before.apiServer.apiRequests(isWrite))
	f.apiLists = subtract(after.apiServer.apiRequests(isList), before.apiServer.apiRequests(isList))
	return f
}

// monthlyCost is what GetMetricData costs in a month at this rate, in USD.
func (f steadyFigures) monthlyCost() float64 {
	return f.metrics / f.minutes * minutesPerMonth / 1000 * pricePerThousandMetrics
}

// statusWrites are the writes of the status of policies.
func (f steadyFigures) statusWrites() float64 { return f.apiWrites[policyResource+"/status"] }

// policyResource is the resource of policies in the metrics of the API server.
const policyResource = "dbscalingpolicies"

// isWrite and isList say what a verb in the metrics of the API server is.
func isWrite(verb string) bool {
	return slices.Contains([]string{"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}, verb)
}
func isList(verb string) bool { return verb == "LIST" }

// apiRequests counts the requests to the API server whose verb is included, by resource/subresource.
func (s metricsSnapshot) apiRequests(includes func(verb string) bool) map[string]float64 {
	out := map[string]float64{}
	for _, m := range s.families["apiserver_request_total"].GetMetric() {
		values := map[string]string{}
		for _, pair := range m.GetLabel() {
			values[pair.GetName()] = pair.GetValue()
		}
		if includes(values["verb"]) {
			out[strings.TrimSuffix(values["resource"]+"/"+values["subresource"], "/")] += m.GetCounter().GetValue()
		}
	}
	return out
}

// subtract returns the differences that are not zero.
func subtract(after, before map[string]float64) map[string]float64 {
	out := map[string]float64{}
	for key, n := range after {
		if n -= before[key]; n != 0 {
			out[key] = n
		}
	}
	return out
}

// total adds up all values.
func total(values map[string]float64) float64 {
	sum := 0.0
	for _, n := range values {
		sum += n
	}
	return sum
}
