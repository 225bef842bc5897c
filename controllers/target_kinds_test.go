package controllers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// auroraCluster is an Aurora cluster at a steady load: writer vCPUs and reader vCPUs, on the classes named.
func auroraCluster(writerClass string, writerLoad float64, readerLoad float64, readerClasses ...string) string {
	var members strings.Builder
	for n, class := range append([]string{writerClass}, readerClasses...) {
		fmt.Fprintf(&members, "  - {identifier: orders-%d, class: %s, tags: {dbscaler.io/policy-namespace: NAMESPACE}}\n", n+1, class)
	}
	return fmt.Sprintf(`
start: "2024-02-05T08:00:00Z"
seed: 7
accountID: "123456789012"
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
%s  load: {writer: {points: [{at: 0h, vcpus: %g}]}, readers: {points: [{at: 0h, vcpus: %g}]}}
`, members.String(), writerLoad, readerLoad)
}

// rdsInstance is an RDS instance at a steady load.
func rdsInstance(class string, load float64, multiAZ bool) string {
	return fmt.Sprintf(`
start: "2024-02-05T08:00:00Z"
seed: 7
accountID: "123456789012"
databases:
- identifier: ledger
  region: eu-west-1
  engine: postgres
  engineVersion: "16.1"
  class: %s
  multiAZ: %t
  tags: {dbscaler.io/policy-namespace: "*"}
  load: {writer: {points: [{at: 0h, vcpus: %g}]}}
`, class, multiAZ, load)
}

// rdsInstanceWithReplicas is an RDS instance with read replicas at a steady load, one of them made by hand.
func rdsInstanceWithReplicas(readerLoad float64, replicas ...string) string {
	var members strings.Builder
	for n, class := range replicas {
		fmt.Fprintf(&members, "  - {identifier: ledger-%d, class: %s, tags: {dbscaler.io/policy-namespace: NAMESPACE}}\n", n+1, class)
	}
	return strings.Replace(rdsInstance("db.m6g.large", 0.8, false), "  load: {", fmt.Sprintf(
		"  replicas:\n%s  load: {readers: {points: [{at: 0h, vcpus: %g}]}, ", members.String(), readerLoad), 1)
}

// multiAZCluster is a Multi-AZ DB cluster whose standbys carry a steady load.
func multiAZCluster(readerLoad float64) string {
	return strings.NewReplacer("aurora-postgresql", "postgres", "db.r6g.large", "db.m6gd.large").Replace(
		auroraCluster("db.r6g.large", 0.4, readerLoad, "db.r6g.large", "db.r6g.large"))
}

const (
	multiAZClusterPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.m6gd.large, db.m6gd.xlarge, db.m6gd.2xlarge]}
  disruptionWindows: [{schedule: "0 10 * * *", durationSeconds: 3600, timeZone: UTC}]
`
	readReplicasPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  readers: {instanceClasses: [db.m6g.large, db.m6g.xlarge, db.m6g.2xlarge], maxReplicas: 2, preference: Vertical}
`
	verticalReadersPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], minReplicas: 1, maxReplicas: 4, preference: Vertical}
`
	horizontalReadersPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large], minReplicas: 1, maxReplicas: 4, preference: Horizontal}
  behavior: {scaleDown: {windowSeconds: 3600, cooldownSeconds: 600}}
`
	writerPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}
`
	rdsInstancePolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge, db.m6g.2xlarge]}
`
)

func hasSucceeded(p *v1alpha1.DBScalingPolicy) bool {
	return len(p.Status.History) > 0 && p.Status.History[0].Outcome == v1alpha1.OutcomeSucceeded
}

// TestReconcile_ResizesReadersWithSurgeReader: one reader at 80 % gets the next class; a surge reader carries the load
// meanwhile, and goes afterwards.
func TestReconcile_ResizesReadersWithSurgeReader(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
	l.applyPolicy(verticalReadersPolicy)
	p := l.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	id := p.Status.History[0].ID
	want := []string{
		"CreateDBInstance orders-dbscaler-" + id + "-1 db.r6g.xlarge",
		"ModifyDBInstance orders-2 db.r6g.xlarge",
		"DeleteDBInstance orders-dbscaler-" + id + "-1",
	}
	if got := l.awsChanges(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("AWS was asked for\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
	for _, m := range l.groundTruth("orders") {
		if m.ReaderVCPUs < 2 {
			t.Errorf("at %s only %g vCPUs of readers were in service", m.Time.Format("15:04"), m.ReaderVCPUs)
		}
		if m.ReadersSaturated {
			t.Errorf("at %s a reader was saturated", m.Time.Format("15:04"))
		}
	}
	if got := conditionSummary(p, v1alpha1.ConditionReady); got != "True Ready" {
		t.Errorf("Ready is %s", got)
	}
}

// TestReconcile_RemovesOnlyReadersItAdded: load that rises adds readers; when it falls, only those that were added go.
func TestReconcile_RemovesOnlyReadersItAdded(t *testing.T) {
	rising := strings.Replace(auroraCluster("db.r6g.xlarge", 1, 0, "db.r6g.large"), "readers: {points: [{at: 0h, vcpus: 0}]}",
		"readers: {points: [{at: 0h, vcpus: 1.6}, {at: 90m, vcpus: 1.6}, {at: 91m, vcpus: 0.2}]}", 1)
	l := newHarness(t, rising)
	l.applyPolicy(horizontalReadersPolicy)
	l.runUntil("p", "grown", time.Hour, hasSucceeded)
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.large" {
		t.Fatalf("the cluster is %s", got)
	}
	p := l.runUntil("p", "shrunk", 6*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) == 2 && isIdle(p) })
	if p.Status.History[0].Direction != v1alpha1.DirectionDown || l.clusterShape("orders") != "db.r6g.xlarge + db.r6g.large" {
		t.Errorf("the cluster is %s after %+v", l.clusterShape("orders"), p.Status.History[0])
	}
	l.runFor("p", 5*time.Hour, nil)
	if got := len(l.awsChanges()); got != 2 {
		t.Errorf("AWS was asked for %d changes, want one reader added and removed:\n%s", got, strings.Join(l.awsChanges(), "\n"))
	}
}

// TestReconcile_ResizesWriterByPromotion: the heir gets the class, is promoted once, and the old writer gets it as well, so that it
// could succeed the new one.
func TestReconcile_ResizesWriterByPromotion(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"))
	l.applyPolicy(writerPolicy)
	p := l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	id := p.Status.History[0].ID
	want := []string{
		"CreateDBInstance orders-dbscaler-" + id + "-1 db.r6g.xlarge",
		"ModifyDBInstance orders-2 db.r6g.xlarge",
		"FailoverDBCluster orders-2",
		"ModifyDBInstance orders-1 db.r6g.xlarge",
		"DeleteDBInstance orders-dbscaler-" + id + "-1",
	}
	if got := l.awsChanges(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("AWS was asked for\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := l.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
}

// TestReconcile_ResizesRDSInstanceInPlace: Single-AZ and Multi-AZ.
func TestReconcile_ResizesRDSInstanceInPlace(t *testing.T) {
	for _, multiAZ := range []bool{false, true} {
		t.Run(fmt.Sprintf("MultiAZ=%t", multiAZ), func(t *testing.T) {
			l := newHarness(t, rdsInstance("db.m6g.large", 1.6, multiAZ))
			l.applyPolicy(rdsInstancePolicy)
			l.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
			l.runFor("p", 2*time.Hour, nil)
			if got := strings.Join(l.awsChanges(), "\n"); got != "ModifyDBInstance ledger db.m6g.xlarge" {
				t.Errorf("AWS was asked for\n%s", got)
			}
		})
	}
}

// TestReconcile_ResizesWriterWithoutReadersInPlace: a cluster without readers.
func TestReconcile_ResizesWriterWithoutReadersInPlace(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0))
	l.applyPolicy(writerPolicy)
	l.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	if got := strings.Join(l.awsChanges(), "\n"); got != "ModifyDBInstance orders-1 db.r6g.xlarge" {
		t.Errorf("AWS was asked for\n%s", got)
	}
}

// Read replicas of an RDS instance grow as Aurora's readers do: with a surge replica, so that none of their vCPUs are out of
// service, and without touching their source.
func TestReconcile_ResizesReadReplicasWithSurgeReplica(t *testing.T) {
	l := newHarness(t, rdsInstanceWithReplicas(1.7, "db.m6g.large"))
	l.applyPolicy(readReplicasPolicy)
	p := l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	id := p.Status.History[0].ID
	want := []string{
		"CreateDBInstanceReadReplica ledger-dbscaler-" + id + "-1 db.m6g.xlarge",
		"ModifyDBInstance ledger-1 db.m6g.xlarge",
		"DeleteDBInstance ledger-dbscaler-" + id + "-1",
	}
	if got := l.awsChanges(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("AWS was asked for\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, m := range l.groundTruth("ledger") {
		if m.ReaderVCPUs < 2 {
			t.Errorf("at %s %g vCPUs of replicas were in service", m.Time.Format("15:04"), m.ReaderVCPUs)
		}
	}
}

// A replica that somebody made by hand is resized and never removed; the instance itself is resized in place, since no replica can
// succeed it.
func TestReconcile_ResizesReplicationSourceInPlace(t *testing.T) {
	scenario := strings.Replace(rdsInstanceWithReplicas(0.1, "db.m6g.large", "db.m6g.large"), "writer: {points: [{at: 0h, vcpus: 0.8}]}",
		"writer: {points: [{at: 0h, vcpus: 1.7}]}", 1)
	l := newHarness(t, scenario)
	l.applyPolicy(strings.Replace(readReplicasPolicy, "spec:\n", "spec:\n  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge]}\n", 1))
	p := l.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	if got := l.awsChanges(); len(got) != 1 || got[0] != "ModifyDBInstance ledger db.m6g.xlarge" {
		t.Errorf("AWS was asked for %q", got)
	}
	if p.Status.Readers == nil || p.Status.Readers.Shape != "2 × db.m6g.large" {
		t.Errorf("the readers are %+v", p.Status.Readers)
	}
	l.runFor("p", 8*time.Hour, nil)
	if got := l.awsChanges(); slices.ContainsFunc(got, func(c string) bool { return strings.HasPrefix(c, "Delete") }) {
		t.Errorf("AWS was asked for %q", got)
	}
}

// A Multi-AZ DB cluster is resized as a whole, in its window, for its busiest member, with one failover.
func TestReconcile_ResizesMultiAZClusterAsUnit(t *testing.T) {
	l := newHarness(t, multiAZCluster(3.2))
	l.applyPolicy(multiAZClusterPolicy)
	p := l.runUntil("p", "resized", 5*time.Hour, hasSucceeded)
	if got := l.awsChanges(); len(got) != 1 || got[0] != "ModifyDBCluster" {
		t.Errorf("AWS was asked for %q", got)
	}
	if begun := p.Status.History[0].StartTime.UTC(); begun.Hour() != 10 {
		t.Errorf("it was begun at %s, and the window opens at 10:00", begun)
	}
	if got := l.clusterShape("orders"); got != "db.m6gd.xlarge + db.m6gd.xlarge db.m6gd.xlarge" {
		t.Errorf("the cluster is %s", got)
	}
	failovers := 0
	l.aws.WithWorld(func(w *model.World) {
		for _, e := range w.Events("eu-west-1", scenarioStart, w.Now()) {
			if strings.HasPrefix(e.Message, "Completed failover") {
				failovers++
			}
		}
	})
	if failovers != 1 {
		t.Errorf("it failed over %d times", failovers)
	}
}

// Readers of their own it has none, which the policy is told.
func TestReconcile_RejectsReadersOfMultiAZCluster(t *testing.T) {
	l := newHarness(t, multiAZCluster(1))
	l.applyPolicy(strings.Replace(multiAZClusterPolicy, "spec:\n", "spec:\n  readers: {instanceClasses: [db.m6gd.large], maxReplicas: 2}\n", 1))
	p := l.runUntil("p", "looked at", time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return true })
	if got := conditionSummary(p, v1alpha1.ConditionTargetFound); got != "False Unsupported" || !strings.Contains(p.Status.Decision.Message, "remove spec.readers") {
		t.Errorf("it is %s: %s", got, p.Status.Decision.Message)
	}
}

// Aurora Serverless v2 gets a higher maximum before its own scaling ends at the one it has, outside any window: nothing is interrupted.
func TestReconcile_RaisesServerlessMaximum(t *testing.T) {
	scenario := strings.NewReplacer("db.r6g.large", "db.serverless", "  instances:", "  serverless: {minCapacity: 0.5, maxCapacity: 16}\n  instances:").
		Replace(auroraCluster("db.r6g.large", 3.4, 1, "db.r6g.large"))
	l := newHarness(t, scenario)
	l.applyPolicy(`
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  serverless: {maxCapacities: [8, 16, 32, 64]}
  disruptionWindows: [{schedule: "0 2 * * *", durationSeconds: 3600, timeZone: UTC}]
`)
	p := l.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	if got := l.awsChanges(); len(got) != 1 || got[0] != "ModifyDBCluster" {
		t.Errorf("AWS was asked for %q", got)
	}
	if p.Status.Writer.Shape != "1 × 32 ACU" || p.Status.History[0].To.InstanceClass != "32 ACU" {
		t.Errorf("the status is\n%s", statusYAML(p))
	}
}

// Its members have no class of their own, which the policy is told, and the other way round.
func TestReconcile_RejectsServerlessForProvisionedCluster(t *testing.T) {
	l := newHarness(t, auroraCluster("db.r6g.large", 1, 1, "db.r6g.large"))
	l.applyPolicy(strings.Replace(writerPolicy, "writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}", "serverless: {maxCapacities: [8, 16]}", 1))
	p := l.runUntil("p", "looked at", time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return true })
	if got := conditionSummary(p, v1alpha1.ConditionTargetFound); got != "False Unsupported" || !strings.Contains(p.Status.Decision.Message, "spec.serverless is for") {
		t.Errorf("it is %s: %s", got, p.Status.Decision.Message)
	}
}
