package doctor

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	accountARN = "arn:aws:rds:eu-west-1:123456789012:"
	memberRole = "arn:aws:iam::123456789012:role/dbscaler-member"
	admin      = "arn:aws:sts::123456789012:assumed-role/admin/person"
)

var testTime = time.Date(2024, 2, 5, 9, 0, 0, 0, time.UTC)

// optedIn are tags with the consent of the owner.
func optedIn() map[string]string { return map[string]string{scaling.TagOptIn: "shop"} }

func testInstance(name, class string, writer bool) scaling.Instance {
	return scaling.Instance{
		Identifier: name, ARN: accountARN + "db:" + name, Class: class, Status: scaling.StatusAvailable, Writer: writer, Tags: optedIn(),
		CPU: scaling.NewSeries(time.Minute, testTime.Add(-2*time.Minute), 40), CreatedAt: testTime.Add(-time.Hour), AvailabilityZone: "eu-west-1a",
	}
}

// allowAll lets the simulation allow everything.
func (in *Input) allowAll() {
	in.Permissions = Simulation{Principal: memberRole, OfOperator: true}
	in.Permissions.Permissions = RequiredPermissions(in.Policy, in.Observation, in.Settings)
	for range in.Permissions.Permissions {
		in.Permissions.Decisions = append(in.Permissions.Decisions, allowed)
	}
}

// deny gives the permissions of an action a decision.
func (in *Input) deny(action, decision string) {
	for n, p := range in.Permissions.Permissions {
		if p.Action == action {
			in.Permissions.Decisions[n] = decision
		}
	}
}

// clusterInput is a policy for an Aurora cluster in which nothing is wrong.
func clusterInput() Input {
	in := Input{
		Now: testTime,
		Policy: scaling.Policy{
			Name: "shop/orders", Namespace: "shop", Mode: scaling.Enforce,
			Target: scaling.Target{Kind: scaling.DBCluster, Identifier: "orders", Scope: scaling.Scope{
				Region: "eu-west-1", Account: "production", RoleARN: memberRole}},
			Writer:     &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}},
			Readers:    &scaling.ReaderLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}, Min: 1, Max: 3},
			Guardrails: scaling.Guardrails{SurgeReaders: 1, MaxOperationsPerDay: 6},
		},
		Access: Access{Account: "production", RoleARN: memberRole, Caller: admin,
			RoleSession: "arn:aws:sts::123456789012:assumed-role/dbscaler-member/dbscaler"},
		Observation: scaling.Observation{
			ObservedAt: testTime, Found: true, Kind: scaling.DBCluster, ARN: accountARN + "cluster:orders", Engine: "aurora-postgresql",
			EngineVersion: "16.1", Status: scaling.StatusAvailable, Tags: optedIn(),
			Instances: []scaling.Instance{testInstance("orders-1", "db.r6g.large", true), testInstance("orders-2", "db.r6g.large", false)},
			Orderable: []string{"db.r6g.large", "db.r6g.xlarge"},
		},
		Settings: Settings{SubnetGroup: "default", ParameterGroup: "default.aurora-postgresql16",
			MonitoringRoleARN: "arn:aws:iam::123456789012:role/rds-monitoring-role",
			Insights:          map[string]bool{"orders-1": true, "orders-2": true}},
		Quotas: map[string]Quota{instanceQuota: {2, 40}, replicaQuota: {0, 15}},
	}
	for _, action := range readActions() {
		if action == "pricing:GetProducts" { // is not read without --pricing-region
			continue
		}
		in.Reads = append(in.Reads, Read{Action: action})
	}
	in.allowAll()
	return in
}

// instanceInput is a policy for a DB instance with a read replica.
func instanceInput() Input {
	in := clusterInput()
	in.Policy.Target.Kind = scaling.DBInstance
	o := &in.Observation
	o.Kind, o.ARN, o.Engine = scaling.DBInstance, accountARN+"db:orders", "postgres"
	o.Instances = []scaling.Instance{testInstance("orders", "db.r6g.large", true), testInstance("orders-replica", "db.r6g.large", false)}
	o.Instances[0].BackupWindow = "03:00-03:30"
	in.Settings.OptionGroup, in.Settings.Insights = "default:postgres-16", map[string]bool{"orders": true, "orders-replica": true}
	in.allowAll()
	return in
}

// serverlessInput is a policy for an Aurora Serverless v2 cluster.
func serverlessInput() Input {
	in := clusterInput()
	in.Policy.Serverless, in.Policy.Readers = true, nil
	in.Policy.Writer = &scaling.WriterLimits{InstanceClasses: []string{"db.serverless-8", "db.serverless-16"}}
	in.Observation.Serverless, in.Observation.ResizedAsUnit = true, true
	in.allowAll()
	return in
}

// multiAZInput is a policy for a Multi-AZ DB cluster.
func multiAZInput() Input {
	in := clusterInput()
	in.Policy.Readers = nil
	in.Observation.ResizedAsUnit, in.Observation.Engine = true, "postgres"
	in.allowAll()
	return in
}
