package controllers

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// policySeries are the series of the policy p, without its name and namespace.
func (h *harness) policySeries() map[string]float64 {
	h.t.Helper()
	all := map[string]float64{}
	(&scrapes{h: h}).addOperator(all)
	out := map[string]float64{}
	for series, value := range all {
		labels := `name="p", namespace="` + h.namespace + `"`
		if strings.Contains(series, labels) {
			out[strings.Replace(strings.Replace(series, labels+", ", "", 1), labels, "", 1)] = value
		}
	}
	return out
}

// expectSeries compares some of the series of the policy p.
func (h *harness) expectSeries(want map[string]float64) {
	h.t.Helper()
	got := h.policySeries()
	for series, value := range want {
		if actual, found := got[series]; !found || actual != value {
			h.t.Errorf("%s is %g (found: %t), want %g", series, actual, found, value)
		}
	}
	if h.t.Failed() {
		h.t.Logf("the series are %s", strings.Join(slices.Sorted(maps.Keys(got)), "\n"))
	}
}

// TestReconcile_PublishesState: the metrics say what prevents a change, how large the pool is and should be, what it costs, and how long an
// operation should take. They end with the policy.
func TestReconcile_PublishesState(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	h.applyPolicy(strings.Replace(verticalReadersPolicy, "mode: Enforce", `mode: Recommend
  guardrails: {maxHourlyCostUSD: "2.00"}
  prices:
  - {instanceClass: db.r6g.large, hourlyPriceUSD: "0.25"}
  - {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.50"}
  - {instanceClass: db.r6g.2xlarge, hourlyPriceUSD: "1.00"}`, 1))
	h.runFor("p", 20*time.Minute, nil)
	h.expectSeries(map[string]float64{
		`dbscaler_policy_condition{status="True", type="Ready"}`:          1,
		`dbscaler_policy_condition{status="True", type="ScalingLimited"}`: 1,
		`dbscaler_policy_scaling_limited{reason="RecommendMode"}`:         1,
		`dbscaler_policy_hourly_cost_usd{}`:                               0.75,
		`dbscaler_policy_hourly_budget_left_usd{}`:                        1.25,
		`dbscaler_pool_capacity_vcpus{pool="Readers"}`:                    2,
		`dbscaler_pool_desired_vcpus{pool="Readers"}`:                     4,
		`dbscaler_pool_maximum_vcpus{pool="Readers"}`:                     32,
		`dbscaler_pool_cpu_scale_up_threshold_percent{pool="Readers"}`:    75,
		`dbscaler_pool_overload_seconds_total{pool="Readers"}`:            0,
	})
	instances := 0
	for series := range h.policySeries() {
		if strings.HasPrefix(series, "dbscaler_pool_instance_info") {
			instances++
			if want := `dbscaler_pool_instance_info{account_id="123456789012", dbinstance_identifier="orders-2", pool="Readers", region="eu-west-1"}`; series != want {
				t.Errorf("got the instance %s, want only %s: the policy does not scale the writer", series, want)
			}
		}
		if strings.HasPrefix(series, "dbscaler_policy_operation_") && strings.HasSuffix(series, "seconds") {
			t.Errorf("no operation is in progress, and there is %s", series)
		}
	}
	if instances != 1 {
		t.Errorf("%d instances are published, want 1", instances)
	}

	p := h.getPolicy("p")
	p.Spec.Mode = v1alpha1.ModeEnforce
	if err := h.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	h.runUntil("p", "operating", 10*time.Minute, func(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil })
	operating := h.policySeries()
	start, expected := operating["dbscaler_policy_operation_start_timestamp_seconds{}"], operating["dbscaler_policy_operation_expected_end_timestamp_seconds{}"]
	if expected-start < 600 || expected-start > 7200 {
		t.Errorf("the operation should end %g s after its start, want between 10 min and 2 h", expected-start)
	}
	if _, found := operating[`dbscaler_policy_scaling_limited{reason="RecommendMode"}`]; found {
		t.Error("RecommendMode still limits the policy")
	}
	h.runUntil("p", "larger", 2*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Operation == nil && len(p.Status.History) > 0
	})
	h.runFor("p", 10*time.Minute, nil)
	h.expectSeries(map[string]float64{
		`dbscaler_pool_capacity_vcpus{pool="Readers"}`: 4, `dbscaler_pool_desired_vcpus{pool="Readers"}`: 4, `dbscaler_policy_hourly_cost_usd{}`: 1,
	})
	if err := h.client.Delete(t.Context(), h.getPolicy("p")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.reconcile("p"); err != nil {
		t.Fatal(err)
	}
	if left := h.policySeries(); len(left) > 0 {
		t.Errorf("the deleted policy has the series %v", left)
	}
}
