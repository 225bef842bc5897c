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

// auroraCluster is a scenario of an Aurora cluster of those classes at a constant load, in vCPUs.
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

// rdsInstance is a scenario of an RDS instance at a constant load, in vCPUs.
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
  tags: {dbscaler.io/policy-namespace: "@any"}
  load: {writer: {points: [{at: 0h, vcpus: %g}]}}
`, class, multiAZ, load)
}

// rdsInstanceWithReplicas is a scenario of an RDS instance with read replicas at a constant load, in vCPUs.
func rdsInstanceWithReplicas(readerLoad float64, replicas ...string) string {
	var members strings.Builder
	for n, class := range replicas {
		fmt.Fprintf(&members, "  - {identifier: ledger-%d, class: %s, tags: {dbscaler.io/policy-namespace: NAMESPACE}}\n", n+1, class)
	}
	return strings.Replace(rdsInstance("db.m6g.large", 0.8, false), "  load: {", fmt.Sprintf(
		"  replicas:\n%s  load: {readers: {points: [{at: 0h, vcpus: %g}]}, ", members.String(), readerLoad), 1)
}

// multiAZCluster is a scenario of a Multi-AZ DB cluster whose standbys have a constant load, in vCPUs.
func multiAZCluster(readerLoad float64) string {
	return strings.NewReplacer("aurora-postgresql", "postgres", "db.r6g.large", "db.m6gd.large").Replace(
		auroraCluster("db.r6g.large", 0.4, readerLoad, "db.r6g.large", "db.r6g.large"))
}

const (
	multiAZClusterPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  writer: {instanceClasses: [db.m6gd.large, db.m6gd.xlarge, db.m6gd.2xlarge]}
  disruptionWindows: [{schedule: "0 10 * * *", durationSeconds: 3600, timeZone: UTC}]
`
	readReplicasPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  mode: Enforce
  readers: {instanceClasses: [db.m6g.large, db.m6g.xlarge, db.m6g.2xlarge], maxReplicas: 2, preference: Vertical}
`
	verticalReadersPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], minReplicas: 1, maxReplicas: 4, preference: Vertical}
`
	horizontalReadersPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  readers: {instanceClasses: [db.r6g.large], minReplicas: 1, maxReplicas: 4, preference: Horizontal}
  behavior: {scaleDown: {windowSeconds: 3600, cooldownSeconds: 600}}
`
	writerPolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}
`
	rdsInstancePolicy = `
metadata: {name: p}
spec:
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  mode: Enforce
  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge, db.m6g.2xlarge]}
`
)

func hasSucceeded(p *v1alpha1.DBScalingPolicy) bool {
	return len(p.Status.History) > 0 && p.Status.History[0].Outcome == v1alpha1.OutcomeSucceeded
}

// TestReconcile_ResizesReadersWithSurgeReader: a single reader at 80 % gets the next class, while a surge reader carries its load.
func TestReconcile_ResizesReadersWithSurgeReader(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.xlarge", 1, 1.6, "db.r6g.large"))
	h.applyPolicy(verticalReadersPolicy)
	p := h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	id := p.Status.History[0].ID
	h.expectChanges(
		"CreateDBInstance orders-dbscaler-"+id+"-1 db.r6g.xlarge",
		"ModifyDBInstance orders-2 db.r6g.xlarge",
		"DeleteDBInstance orders-dbscaler-"+id+"-1",
	)
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
	h.expectReaderVCPUs("orders", 2)
	for _, m := range h.groundTruth("orders") {
		if m.ReadersSaturated {
			t.Errorf("at %s a reader was saturated", m.Time.Format("15:04"))
		}
	}
	if got := conditionSummary(p, v1alpha1.ConditionReady); got != "True Ready" {
		t.Errorf("Ready is %s, want True Ready", got)
	}
}

// TestReconcile_RemovesOnlyReadersItAdded: rising load adds readers; when it falls, only those are removed.
func TestReconcile_RemovesOnlyReadersItAdded(t *testing.T) {
	t.Parallel()
	rising := strings.Replace(auroraCluster("db.r6g.xlarge", 1, 0, "db.r6g.large"), "readers: {points: [{at: 0h, vcpus: 0}]}",
		"readers: {points: [{at: 0h, vcpus: 1.6}, {at: 90m, vcpus: 1.6}, {at: 91m, vcpus: 0.2}]}", 1)
	h := newHarness(t, rising)
	h.applyPolicy(horizontalReadersPolicy)
	h.runUntil("p", "scaled up", time.Hour, hasSucceeded)
	if got := h.clusterShape("orders"); got != "db.r6g.xlarge + db.r6g.large db.r6g.large" {
		t.Fatalf("the cluster is %s, want 2 readers", got)
	}
	p := h.runUntil("p", "scaled down", 6*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool { return len(p.Status.History) == 2 && isIdle(p) })
	if p.Status.History[0].Direction != v1alpha1.DirectionDown || h.clusterShape("orders") != "db.r6g.xlarge + db.r6g.large" {
		t.Errorf("the cluster is %s after %+v", h.clusterShape("orders"), p.Status.History[0])
	}
	h.runFor("p", 5*time.Hour, nil)
	if got := len(h.awsChanges()); got != 2 {
		t.Errorf("%d AWS changes, want one reader added and removed:\n%s", got, strings.Join(h.awsChanges(), "\n"))
	}
}

// TestReconcile_ResizesWriterByPromotion: a reader is resized and promoted once. The old writer is resized as well, so that it is a
// promotion candidate for the new one.
func TestReconcile_ResizesWriterByPromotion(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0.5, "db.r6g.large"))
	h.applyPolicy(writerPolicy)
	p := h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	id := p.Status.History[0].ID
	h.expectChanges(
		"CreateDBInstance orders-dbscaler-"+id+"-1 db.r6g.xlarge",
		"ModifyDBInstance orders-2 db.r6g.xlarge",
		"FailoverDBCluster orders-2",
		"ModifyDBInstance orders-1 db.r6g.xlarge",
		"DeleteDBInstance orders-dbscaler-"+id+"-1",
	)
	h.expectShape("db.r6g.xlarge + db.r6g.xlarge")
}

// TestReconcile_ResizesRDSInstanceInPlace: Single-AZ and Multi-AZ.
func TestReconcile_ResizesRDSInstanceInPlace(t *testing.T) {
	for _, multiAZ := range []bool{false, true} {
		t.Run(fmt.Sprintf("MultiAZ=%t", multiAZ), func(t *testing.T) {
			h := newHarness(t, rdsInstance("db.m6g.large", 1.6, multiAZ))
			h.applyPolicy(rdsInstancePolicy)
			h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
			h.runFor("p", 2*time.Hour, nil)
			h.expectChanges("ModifyDBInstance ledger db.m6g.xlarge")
		})
	}
}

// TestReconcile_ResizesWriterWithoutReadersInPlace: a cluster without readers.
func TestReconcile_ResizesWriterWithoutReadersInPlace(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 1.6, 0))
	h.applyPolicy(writerPolicy)
	h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	h.expectChanges("ModifyDBInstance orders-1 db.r6g.xlarge")
}

// TestReconcile_ResizesReadReplicasWithSurgeReplica: read replicas of an RDS instance are resized as Aurora's readers are, without a
// loss of capacity, and their source is not changed.
func TestReconcile_ResizesReadReplicasWithSurgeReplica(t *testing.T) {
	h := newHarness(t, rdsInstanceWithReplicas(1.7, "db.m6g.large"))
	h.applyPolicy(readReplicasPolicy)
	p := h.runUntil("p", "resized", 3*time.Hour, hasSucceeded)
	id := p.Status.History[0].ID
	h.expectChanges(
		"CreateDBInstanceReadReplica ledger-dbscaler-"+id+"-1 db.m6g.xlarge",
		"ModifyDBInstance ledger-1 db.m6g.xlarge",
		"DeleteDBInstance ledger-dbscaler-"+id+"-1",
	)
	h.expectReaderVCPUs("ledger", 2)
}

// TestReconcile_ResizesReplicationSourceInPlace: no replica can be promoted in its place. The replicas of PostgreSQL grow before their
// source, and those that the operator did not create are never removed.
func TestReconcile_ResizesReplicationSourceInPlace(t *testing.T) {
	t.Parallel()
	scenario := strings.Replace(rdsInstanceWithReplicas(0.1, "db.m6g.large", "db.m6g.large"), "writer: {points: [{at: 0h, vcpus: 0.8}]}",
		"writer: {points: [{at: 0h, vcpus: 1.7}]}", 1)
	h := newHarness(t, scenario)
	h.applyPolicy(strings.Replace(readReplicasPolicy, "spec:\n", "spec:\n  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge]}\n", 1))
	p := h.runUntil("p", "resized", 6*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return slices.ContainsFunc(p.Status.History, func(r v1alpha1.OperationRecord) bool {
			return r.Pool == v1alpha1.PoolWriter && r.Outcome == v1alpha1.OutcomeSucceeded
		})
	})
	surge := "ledger-dbscaler-" + p.Status.History[len(p.Status.History)-1].ID + "-1"
	want := []string{
		"CreateDBInstanceReadReplica " + surge + " db.m6g.xlarge",
		"ModifyDBInstance ledger-1 db.m6g.xlarge",
		"ModifyDBInstance ledger-2 db.m6g.xlarge",
		"DeleteDBInstance " + surge,
		"ModifyDBInstance ledger db.m6g.xlarge",
	}
	h.expectChanges(want...)
	h.runFor("p", 8*time.Hour, nil)
	for _, c := range h.awsChanges()[len(want):] {
		if strings.HasPrefix(c, "Delete") {
			t.Errorf("AWS change %q, want no replica removed", c)
		}
	}
}

// TestReconcile_ResizesMultiAZClusterAsUnit: the cluster is resized in its window, for its busiest instance, with one failover.
func TestReconcile_ResizesMultiAZClusterAsUnit(t *testing.T) {
	h := newHarness(t, multiAZCluster(3.2))
	h.applyPolicy(multiAZClusterPolicy)
	p := h.runUntil("p", "resized", 5*time.Hour, hasSucceeded)
	h.expectChanges("ModifyDBCluster")
	if started := p.Status.History[0].StartTime.UTC(); started.Hour() != 10 {
		t.Errorf("the operation started at %s, want it in the window from 10:00", started)
	}
	h.expectShape("db.m6gd.xlarge + db.m6gd.xlarge db.m6gd.xlarge")
	failovers := 0
	h.aws.WithWorld(func(w *model.World) {
		for _, e := range w.Events("eu-west-1", scenarioStart, w.Now()) {
			if strings.HasPrefix(e.Message, "Completed failover") {
				failovers++
			}
		}
	})
	if failovers != 1 {
		t.Errorf("%d failovers, want 1", failovers)
	}
}

// TestReconcile_RejectsReadersOfMultiAZCluster: the instances of a Multi-AZ DB cluster cannot be resized separately.
func TestReconcile_RejectsReadersOfMultiAZCluster(t *testing.T) {
	h := newHarness(t, multiAZCluster(1))
	h.applyPolicy(strings.Replace(multiAZClusterPolicy, "spec:\n", "spec:\n  readers: {instanceClasses: [db.m6gd.large], maxReplicas: 2}\n", 1))
	p := h.runUntil("p", "observed", time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return true })
	if got := conditionSummary(p, v1alpha1.ConditionTargetFound); got != "False Unsupported" || !strings.Contains(p.Status.Decision.Message, "remove spec.readers") {
		t.Errorf("TargetFound is %s: %s", got, p.Status.Decision.Message)
	}
}

// TestReconcile_RaisesServerlessMaximum: Aurora Serverless v2 gets a higher maximum before its own scaling reaches the present one, also
// outside any window, because nothing is interrupted.
func TestReconcile_RaisesServerlessMaximum(t *testing.T) {
	scenario := strings.NewReplacer("db.r6g.large", "db.serverless", "  instances:", "  serverless: {minCapacity: 0.5, maxCapacity: 16}\n  instances:").
		Replace(auroraCluster("db.r6g.large", 3.4, 1, "db.r6g.large"))
	h := newHarness(t, scenario)
	h.applyPolicy(`
metadata: {name: p}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  serverless: {maxCapacity: {min: 8, max: 64}}
  disruptionWindows: [{schedule: "0 2 * * *", durationSeconds: 3600, timeZone: UTC}]
`)
	p := h.runUntil("p", "resized", 2*time.Hour, hasSucceeded)
	h.expectChanges("ModifyDBCluster")
	// At 16 ACUs the writer uses 87 %. 21 ACUs would run at the target of 65 %.
	if p.Status.Writer.Shape != "1 × 24 ACU" || p.Status.History[0].To.InstanceClass != "24 ACU" || p.Status.Target.CapacityRange != "0.5 ACU to 24 ACU" {
		t.Errorf("the writer is not 1 × 24 ACU; status:\n%s", statusYAML(p))
	}
}

// TestReconcile_RejectsServerlessForProvisionedCluster: spec.serverless is rejected for a cluster whose instances have classes.
func TestReconcile_RejectsServerlessForProvisionedCluster(t *testing.T) {
	h := newHarness(t, auroraCluster("db.r6g.large", 1, 1, "db.r6g.large"))
	h.applyPolicy(strings.Replace(writerPolicy, "writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}", "serverless: {maxCapacity: {min: 8, max: 16}}", 1))
	p := h.runUntil("p", "observed", time.Minute, func(*v1alpha1.DBScalingPolicy) bool { return true })
	if got := conditionSummary(p, v1alpha1.ConditionTargetFound); got != "False Unsupported" || !strings.Contains(p.Status.Decision.Message, "spec.serverless is for") {
		t.Errorf("TargetFound is %s: %s", got, p.Status.Decision.Message)
	}
}
