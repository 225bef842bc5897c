package controllers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// TestReconcile_IdlePoliciesShareAWSCalls: with nothing to do, many policies of one region share one snapshot and one batch of metrics a minute, and
// write nothing.
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
  tags: {dbscaler.io/policy-namespace: "*"}
  load: {writer: {noisePercent: 10, points: [{at: 0h, vcpus: 1}]}}
`, n)
	}
	l := newHarness(t, scenario.String())
	for n := range policies {
		l.applyPolicy(strings.Replace(strings.Replace(rdsInstancePolicy, "name: p", fmt.Sprintf("name: p-%d", n), 1), "ledger", fmt.Sprintf("db-%d", n), 1))
	}
	round := func() {
		for n := range policies {
			result, err := l.reconcile(fmt.Sprintf("p-%d", n))
			if err != nil || result.RequeueAfter != time.Minute {
				t.Fatalf("policy %d: %v, %v", n, result, err)
			}
		}
		l.clock.Step(time.Minute)
	}
	for range 20 { // until everything has settled
		round()
	}
	l.aws.ResetCalls()
	*l.statusWrites = 0
	const minutes = 30
	for range minutes {
		round()
	}
	for operation, want := range map[string]int{
		"DescribeDBClusters": minutes, "DescribeDBInstances": minutes,
		"GetMetricData":                     minutes + 6,                                // memory and connections, and the days before, every ten minutes each
		"DescribePendingMaintenanceActions": 2, "DescribeOrderableDBInstanceOptions": 0, // every quarter of an hour, every six hours
	} {
		if got := l.aws.CountCalls(operation); got != want {
			t.Errorf("%s was called %d times in %d minutes for %d policies, want %d", operation, got, minutes, policies, want)
		}
	}
	if *l.statusWrites != 0 {
		t.Errorf("status was written %d times", *l.statusWrites)
	}
}

// TestReconcile_RestartAfterEveryReconcile: the operator is killed and started again after every single look of a writer promotion, and
// everything happens once.
func TestReconcile_RestartAfterEveryReconcile(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"))
	l.applyPolicy(writerPolicy)
	l.runFor("p", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		l.restartReconciler()
		return hasSucceeded(p)
	})
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
	seen := map[string]int{}
	for _, change := range l.awsChanges() {
		seen[change]++
	}
	for change, times := range seen {
		if times > 1 {
			t.Errorf("%s was asked for %d times", change, times)
		}
	}
	if len(seen) != 5 {
		t.Errorf("AWS was asked for %v", seen)
	}
}

// TestReconcile_RepeatsNoChangeAfterLostResponse: AWS carries a change out, or never hears of it, and the answer is lost. Each change happens once.
func TestReconcile_RepeatsNoChangeAfterLostResponse(t *testing.T) {
	for _, kind := range []rdssim.FaultKind{rdssim.LostResponse, rdssim.LostRequest, rdssim.Throttle, rdssim.ServerError} {
		t.Run(string(kind), func(t *testing.T) {
			l := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"))
			for _, operation := range []string{"CreateDBInstance", "ModifyDBInstance", "FailoverDBCluster", "DeleteDBInstance"} {
				l.aws.InjectFault(rdssim.Fault{Kind: kind, Operation: operation, Times: 1})
			}
			l.applyPolicy(writerPolicy)
			l.runUntil("p", "resized", 4*time.Hour, hasSucceeded)
			l.runFor("p", time.Hour, nil)
			if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
				t.Errorf("the cluster is %s", got)
			}
			times := map[bool]int{true: 5, false: 9}[kind == rdssim.LostResponse]
			if got := l.awsChanges(); len(got) != times {
				t.Errorf("AWS was asked %d times, want %d:\n%s", len(got), times, strings.Join(got, "\n"))
			}
		})
	}
}

// TestReconcile_ConflictMakesNoAWSChange: somebody writes the object between the reading and the intent.
func TestReconcile_ConflictMakesNoAWSChange(t *testing.T) {
	l := newHarness(t, overloadedCluster())
	l.applyPolicy(verticalReadersPolicy)
	l.runFor("p", 7*time.Minute, nil)
	stale := l.getPolicy("p")
	l.reconciler.Client = staleClient{l.client, stale}
	fresh := l.getPolicy("p")
	fresh.Annotations = map[string]string{"somebody": "else"}
	if err := l.client.Update(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	l.runFor("p", 10*time.Minute, nil)
	if got := l.awsChanges(); len(got) > 0 {
		t.Fatalf("AWS was asked for changes on an out-of-date reading:\n%s", strings.Join(got, "\n"))
	}
	l.reconciler.Client = l.client
	l.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
}

// TestReconcile_WaitsForDisruptionWindow: the writer waits for its window; the window is in Amsterdam, an hour ahead of UTC.
func TestReconcile_WaitsForDisruptionWindow(t *testing.T) {
	l := newHarness(t, rdsInstance("db.m6g.large", 1.6, true))
	l.applyPolicy(rdsInstancePolicy + "  disruptionWindows: [{schedule: '0 12 * * *', durationSeconds: 3600, timeZone: Europe/Amsterdam}]\n")
	l.runFor("p", 2*time.Hour, nil)
	p := l.getPolicy("p")
	if got := conditionSummary(p, v1alpha1.ConditionScalingLimited); got != "True DisruptionWindow" {
		t.Fatalf("ScalingLimited is %s", got)
	}
	if p.Status.Decision.FirstBlocker() != "DisruptionWindow" || !strings.Contains(p.Status.Decision.Message, "opens at 2024-02-05T11:00:00Z") {
		t.Errorf("the decision is %+v", p.Status.Decision)
	}
	if got := len(l.events.withReason("ScalingBlocked")); got != 1 {
		t.Errorf("%d events tell that it is held back, want 1", got)
	}
	p = l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	if begun := p.Status.History[0].StartTime.UTC().Format("15:04"); begun != "11:00" {
		t.Errorf("it began at %s, want 11:00", begun)
	}
}
