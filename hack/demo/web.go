package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// webFleet are the databases that --web adds, so that the page has more than one: a writer that becomes too small outside its disruption
// window, readers that need more than the policy allows, one with nothing to do, and one that is paused.
const webFleet = `
start: "2024-02-05T03:00:00Z"
accountID: "123456789012"
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: shop}
  instances:
  - {identifier: orders-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: shop}}
  - {identifier: orders-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: shop}}
  load:
    writer: {noisePercent: 3, points: [{at: 0h, vcpus: 0.6}, {at: 3h, vcpus: 0.9}, {at: 4h, vcpus: 1.2}, {at: 5h30m, vcpus: 1.75}]}
    readers: {noisePercent: 3, points: [{at: 0h, vcpus: 0.5}, {at: 5h, vcpus: 1.1}]}
- identifier: billing
  region: eu-west-1
  engine: aurora-mysql
  engineVersion: "8.0.mysql_aurora.3.08.0"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: finance}
  instances:
  - {identifier: billing-1, class: db.r6g.xlarge, tags: {dbscaler.io/policy-namespace: finance}}
  - {identifier: billing-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: finance}}
  load:
    writer: {noisePercent: 3, points: [{at: 0h, vcpus: 1.1}]}
    readers: {noisePercent: 3, points: [{at: 0h, vcpus: 1.2}, {at: 4h, vcpus: 1.3}, {at: 5h, vcpus: 1.8}]}
- identifier: search
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  tags: {dbscaler.io/policy-namespace: shop}
  instances:
  - {identifier: search-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: shop}}
  - {identifier: search-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: shop}}
  load:
    writer: {noisePercent: 3, points: [{at: 0h, vcpus: 0.4}]}
    readers: {noisePercent: 3, points: [{at: 0h, vcpus: 1.1}, {at: 6h, vcpus: 1.3}]}
- identifier: sessions
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  tags: {dbscaler.io/policy-namespace: platform}
  instances:
  - {identifier: sessions-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: platform}}
  - {identifier: sessions-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: platform}}
  load:
    writer: {noisePercent: 3, points: [{at: 0h, vcpus: 0.3}]}
    readers: {noisePercent: 3, points: [{at: 0h, vcpus: 0.4}]}
`

// webPolicies are the policies of webFleet, and one for a database that does not exist.
const webPolicies = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: finance}
---
apiVersion: v1
kind: Namespace
metadata: {name: analytics}
---
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders, namespace: shop}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0.313"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.626"}]
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}
  disruptionWindows: [{schedule: "0 22 * * *", durationSeconds: 3600, timeZone: UTC}]
---
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: billing, namespace: finance}
spec:
  targetRef: {kind: DBCluster, identifier: billing, region: eu-west-1}
  mode: Enforce
  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0.313"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.626"}]
  readers: {instanceClasses: [db.r6g.large], maxReplicas: 1}
---
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: search, namespace: shop}
spec:
  targetRef: {kind: DBCluster, identifier: search, region: eu-west-1}
  mode: Enforce
  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0.313"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.626"}]
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 2}
---
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: sessions, namespace: platform, annotations: {scaling.dbscaler.io/paused-until: "2024-02-06T00:00:00Z"}}
spec:
  targetRef: {kind: DBCluster, identifier: sessions, region: eu-west-1}
  mode: Enforce
  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0.313"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.626"}]
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 2}
---
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: reports, namespace: analytics}
spec:
  targetRef: {kind: DBCluster, identifier: raports, region: eu-west-1}
  mode: Enforce
  prices: [{instanceClass: db.r6g.large, hourlyPriceUSD: "0.313"}, {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.626"}]
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 2}
`

// addWebFleet adds the databases of --web to a scenario.
func addWebFleet(scenario *model.Scenario) error {
	fleet, err := model.ParseScenario([]byte(webFleet))
	if err != nil {
		return err
	}
	scenario.Databases = append(scenario.Databases, fleet.Databases...)
	return scenario.Validate()
}

// writeWebPolicies writes the policies of --web to a file for kubectl.
func (d *demo) writeWebPolicies() (string, error) {
	path := filepath.Join(d.workDir, "fleet.yaml")
	return path, os.WriteFile(path, []byte(webPolicies), 0o600)
}

// ledgerPath is the ledger that the operator writes with --web; empty without it.
func (d *demo) ledgerPath() string {
	if !d.web {
		return ""
	}
	return filepath.Join(d.workDir, "ledger.jsonl")
}

// startWeb serves the page of kubectl dbscaler dashboard, on the clock of the demonstration. The plugin prints its address.
func (d *demo) startWeb(ctx context.Context) error {
	if err := os.WriteFile(d.ledgerPath(), nil, 0o600); err != nil { // the operator writes its first record later
		return err
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	var failure strings.Builder
	//nolint:contextcheck // each command takes the context of its execution
	plugin := app.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: d.webOut, ErrOut: &failure}, d.clock)
	plugin.SetArgs([]string{
		"dashboard", "--kubeconfig", filepath.Join(d.workDir, "kubeconfig"), "--metrics", "--endpoint-url", d.operator.endpoint,
		"--ledger", d.ledgerPath(), "--refresh", "1s", "--port", fmt.Sprint(d.webPort),
	})
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- plugin.ExecuteContext(ctx) }()
	d.stopWeb = func() error {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("the dashboard: %w", err)
		}
		return nil
	}
	return nil
}
