package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestReconcile_IdlePoliciesShareAWSCalls: the policies of a region share one snapshot and one batch of metrics a minute, and an idle
// policy writes nothing. How many policies a reconcile lists does not depend on how many there are.
func TestReconcile_IdlePoliciesShareAWSCalls(t *testing.T) {
	const policies = 12
	var scenario strings.Builder
	scenario.WriteString("start: \"2024-02-05T08:00:00Z\"\naccountID: \"123456789012\"\ndatabases:\n")
	for n := range policies {
		fmt.Fprintf(&scenario, `- identifier: db-%d
  region: eu-west-1
  engine: postgres
  engineVersion: "16.1"
  class: db.m6g.large
  tags: {dbscaler.io/policy-namespace: "@any"}
  load: {writer: {noisePercent: 10, points: [{at: 0h, vcpus: 1}]}}
`, n)
	}
	h := newHarness(t, scenario.String())
	for n := range policies {
		h.applyPolicy(strings.Replace(strings.Replace(rdsInstancePolicy, "name: p", fmt.Sprintf("name: p-%d", n), 1), "ledger", fmt.Sprintf("db-%d", n), 1))
	}
	round := func() {
		for n := range policies {
			result, err := h.reconcile(fmt.Sprintf("p-%d", n))
			if err != nil || result.RequeueAfter != time.Minute {
				t.Fatalf("policy %d: %v, %v", n, result, err)
			}
		}
		h.clock.Step(time.Minute)
	}
	for range 20 { // until the pools are stable
		round()
	}
	h.aws.ResetCalls()
	*h.statusWrites, *h.listed = 0, 0
	const minutes = 30
	for range minutes {
		round()
	}
	for operation, want := range map[string]int{
		"DescribeDBClusters": minutes, "DescribeDBInstances": minutes,
		"GetMetricData":                     minutes + 3 + 2,                            // memory and connections every 12 minutes, earlier days every 15
		"DescribePendingMaintenanceActions": 2, "DescribeOrderableDBInstanceOptions": 0, // every 15 minutes, every 6 hours
	} {
		if got := h.aws.CountCalls(operation); got != want {
			t.Errorf("%s was called %d times in %d minutes for %d policies, want %d", operation, got, minutes, policies, want)
		}
	}
	if *h.statusWrites != 0 {
		t.Errorf("status was written %d times", *h.statusWrites)
	}
	// A reconcile looks for competitors in the index, which has itself.
	if want := policies * minutes; *h.listed != want {
		t.Errorf("%d policies were listed in %d reconciles, want %d", *h.listed, policies*minutes, want)
	}
}
