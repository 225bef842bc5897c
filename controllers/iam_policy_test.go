package controllers

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
)

// risesAndFalls is a load that starts at low, is high from a quarter of an hour on, and low again after two and a half hours, in vCPUs.
func risesAndFalls(low, high float64) string {
	return fmt.Sprintf("{points: [{at: 0h, vcpus: %g}, {at: 14m, vcpus: %g}, {at: 15m, vcpus: %g}, {at: 150m, vcpus: %g}, {at: 151m, vcpus: %g}]}",
		low, low, high, high, low)
}

// growingDatabase is a database whose load rises and falls, in vCPUs, and the policy for it.
type growingDatabase struct {
	name, database, spec    string
	writerLow, writerHigh   float64
	readersLow, readersHigh float64
}

// growingDatabases are one of each kind.
var growingDatabases = []growingDatabase{
	{
		name: "Aurora cluster", writerLow: 0.2, writerHigh: 1.7, readersLow: 0.2, readersHigh: 1.7,
		database: `
- identifier: orders
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: true
  clusterParameterGroup: tuned-cluster
  customEndpoints: [{identifier: analytics}]
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: orders-1, class: db.r6g.large, parameterGroup: tuned, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-2, class: db.r6g.large, parameterGroup: tuned, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
`,
		spec: `
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], minReplicas: 1, maxReplicas: 3}
`,
	},
	{
		// The classes have the same memory: the simulated PostgreSQL uses too much of it for half.
		name: "RDS for PostgreSQL with replicas", writerLow: 0.2, writerHigh: 1.7, readersLow: 0.2, readersHigh: 1.8,
		database: `
- identifier: ledger
  engine: postgres
  engineVersion: "16.1"
  class: db.r6g.large
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  replicas:
  - {identifier: ledger-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
`,
		spec: `
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  writer: {instanceClasses: [db.r6g.large, db.m6g.xlarge]}
  readers: {instanceClasses: [db.r6g.large, db.m6g.xlarge], maxReplicas: 1, preference: Vertical}
`,
	},
	{
		name: "Multi-AZ RDS for MySQL", writerLow: 0.2, writerHigh: 1.7,
		database: `
- identifier: billing
  engine: mysql
  engineVersion: "8.0.36"
  class: db.m6g.large
  multiAZ: true
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
`,
		spec: `
  targetRef: {kind: DBInstance, identifier: billing, region: eu-west-1}
  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge]}
`,
	},
	{
		name: "Multi-AZ DB cluster", writerLow: 0.2, writerHigh: 1.7, readersLow: 0.2, readersHigh: 0.3,
		database: `
- identifier: reports
  engine: postgres
  engineVersion: "16.1"
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: reports-1, class: db.r6gd.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: reports-2, class: db.r6gd.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: reports-3, class: db.r6gd.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
`,
		spec: `
  targetRef: {kind: DBCluster, identifier: reports, region: eu-west-1}
  writer: {instanceClasses: [db.r6gd.large, db.m6gd.xlarge]}
  prices: [{instanceClass: db.r6gd.large, hourlyPriceUSD: "0.30"}, {instanceClass: db.m6gd.xlarge, hourlyPriceUSD: "0.40"}]
`,
	},
	{
		name: "Aurora Serverless v2", writerLow: 0.3, writerHigh: 2.6, readersLow: 0.1, readersHigh: 0.1,
		database: `
- identifier: sessions
  engine: aurora-postgresql
  engineVersion: "16.3"
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  serverless: {minCapacity: 0.5, maxCapacity: 10.5}
  instances:
  - {identifier: sessions-1, class: db.serverless, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: sessions-2, class: db.serverless, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
`,
		spec: `
  targetRef: {kind: DBCluster, identifier: sessions, region: eu-west-1}
  serverless: {maxCapacity: {min: "3.5", max: 64}, minCapacity: {min: "0.5", max: 16}}
`,
	},
}

// scenario writes the database with its load.
func (d growingDatabase) scenario() string {
	load := "  region: eu-west-1\n  load: {writer: " + risesAndFalls(d.writerLow, d.writerHigh)
	if d.readersHigh > 0 {
		load += ", readers: " + risesAndFalls(d.readersLow, d.readersHigh)
	}
	return "start: \"2024-02-05T08:00:00Z\"\nseed: 7\naccountID: \"123456789012\"\nparameterGroups:\n" +
		"- {name: tuned, region: eu-west-1, parameters: {work_mem: \"65536\"}}\n" +
		"- {name: tuned-cluster, region: eu-west-1, cluster: true, parameters: {work_mem: \"65536\"}}\n" +
		"databases:" + d.database + load + "}\n"
}

// policy writes the policy for the database, which scales down after ten minutes.
func (d growingDatabase) policy() string {
	return "metadata: {name: p}\nspec:" + d.spec + `
  mode: Enforce
  behavior: {scaleUp: {windowSeconds: 120, cooldownSeconds: 60}, scaleDown: {windowSeconds: 600, classWindowSeconds: 600, cooldownSeconds: 0}}
  guardrails: {maxOperationsPerDay: 48, surgeReaders: 1, maxStepFactor: 4, emergencyDisruption: Allow}
  predictiveScaling: {trend: Disabled, history: Disabled}
`
}

// TestIAMPolicy_AllowsWhatIsNeededAndNothingElse: a database of each kind scales up and down under the shipped IAM policy. AWS denies no
// call, and each action and each resource of each statement is needed at least once.
func TestIAMPolicy_AllowsWhatIsNeededAndNothingElse(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range growingDatabases {
		t.Run(d.name, func(t *testing.T) {
			h := newHarnessWithIAMPolicy(t, d.scenario(), policy)
			h.pricingRegion = "us-east-1"
			h.restartReconciler()
			h.applyPolicy(d.policy())
			scaledUp := false
			p := h.runUntil("p", "scaled up and down", 8*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
				scaledDown := 0
				for _, r := range p.Status.History {
					if r.Outcome != v1alpha1.OutcomeSucceeded {
						continue
					}
					scaledUp = scaledUp || r.Direction == v1alpha1.DirectionUp
					if r.Direction == v1alpha1.DirectionDown {
						scaledDown++
					}
				}
				// An hour after the load has fallen, with time for the pools to scale down one after the other.
				return scaledUp && scaledDown > 0 && isIdle(p) && h.clock.Since(scenarioStart) > 5*time.Hour
			})
			for _, c := range h.aws.Calls() {
				if strings.Contains(c.Error, "Denied") || strings.Contains(c.Error, "Unauthorized") {
					t.Errorf("AWS denied %s: %s %v", c.Operation, c.Error, c.Parameters)
				}
			}
			for _, r := range p.Status.History {
				if r.Outcome != v1alpha1.OutcomeSucceeded {
					t.Errorf("operation %s of %s failed: %s: %s", r.ID, r.Pool, r.Reason, r.Message)
				}
			}
		})
	}
	if unused := policy.Unused(); len(unused) > 0 && !t.Failed() {
		t.Errorf("config/iam/policy.json grants what no database needed:\n%s", strings.Join(unused, "\n"))
	}
}
