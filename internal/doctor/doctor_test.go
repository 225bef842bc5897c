package doctor

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/config/iam"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// diagnosis is a case: what is wrong, and the findings of a check that it must cause.
type diagnosis struct {
	name   string
	base   func() Input
	change func(*Input)
	check  string
	want   Status
}

// diagnoses has a case for each check and each status that the check can have.
var diagnoses = []diagnosis{
	{"accepted policy", nil, nil, checkPolicy, OK},
	{"invalid policy", nil, func(in *Input) { in.InvalidPolicy = "spec.readers: ladder out of order" }, checkPolicy, Failed},
	{"invalid annotation", nil, func(in *Input) { in.Policy.ManualControl.InvalidReason = "pause-until is not a time" }, checkPolicy, Failed},
	{"paused policy", nil, func(in *Input) { in.Policy.ManualControl.PausedUntil = testTime.Add(time.Hour) }, checkPolicy, Warning},

	{"account that may be used", nil, nil, checkAccount, OK},
	{"own identity", nil, func(in *Input) { in.Access = Access{Caller: admin} }, checkAccount, OK},
	{"own identity where an account is required", nil, func(in *Input) {
		in.Access = Access{Caller: admin, AccountDenied: "The policy names no AWSAccount, and this installation requires one. Set spec.targetRef.accountRef"}
	}, checkAccount, Failed},
	{"namespace not selected", nil, func(in *Input) {
		in.Access.AccountDenied = "Policies of the namespace shop may not use the AWSAccount \"production\": its namespaceSelector does not select " +
			"the namespace. Ask an administrator to allow it"
	}, checkAccount, Failed},
	{"account that may not be read", nil, func(in *Input) { in.Access.AccountUnknown = "awsaccounts is forbidden" }, checkAccount, Unknown},

	{"credentials", nil, nil, checkCredentials, OK},
	{"no credentials", nil, func(in *Input) {
		in.Access.CallerError, in.NotObserved = "no AWS credentials", "there are no AWS credentials that work"
	}, checkCredentials, Failed},

	{"assumed role", nil, nil, checkRole, OK},
	{"refused role", nil, func(in *Input) {
		in.Access.RoleSession, in.Access.RoleRefused, in.Access.RoleError = "", true, "sts:AssumeRole: AccessDenied: not authorized"
	}, checkRole, Unknown},
	{"role that was not tried", nil, func(in *Input) { in.Access.RoleSession, in.Access.RoleSkipped = "", true }, checkRole, Unknown},
	{"invalid role", nil, func(in *Input) {
		in.Access.RoleSession, in.Access.RoleError = "", "sts:AssumeRole: ValidationError: DurationSeconds exceeds the maximum"
	}, checkRole, Failed},

	{"allowed reads", nil, nil, checkRead, OK},
	{"prices denied to the caller, with a role", nil, func(in *Input) {
		in.Reads = []Read{{Action: "pricing:GetProducts", Denied: true, Error: "AccessDenied"}}
	}, checkRead, Unknown},
	{"denied reads", nil, func(in *Input) { in.denyReads() }, checkRead, Failed},
	{"reads denied to the caller", nil, func(in *Input) {
		in.Access, in.Permissions.OfOperator = Access{Caller: admin}, false
		in.denyReads()
	}, checkRead, Unknown},
	{"reads denied to the caller and allowed to the operator", nil, func(in *Input) {
		in.Access.RoleSession = ""
		in.denyReads()
	}, checkRead, OK},
	{"reads denied to the operator by simulation", nil, func(in *Input) {
		in.Access.RoleSession = ""
		for _, action := range readActions() {
			in.deny(action, "implicitDeny")
		}
	}, checkRead, Failed},
	{"reads allowed to the caller", nil, func(in *Input) {
		in.Access, in.Permissions.OfOperator = Access{Caller: admin}, false
	}, checkRead, OK},
	{"reads without an answer", nil, func(in *Input) {
		in.Reads = []Read{{Action: "rds:DescribeDBClusters", Error: "no response within 2m0s"}}
	}, checkRead, Unknown},

	{"database", nil, nil, checkDatabase, OK},
	{"missing database", nil, func(in *Input) { in.Observation = scaling.Observation{} }, checkDatabase, Failed},
	{"missing database of an invalid policy", nil, func(in *Input) {
		in.Observation, in.InvalidPolicy = scaling.Observation{}, "ladder out of order"
	}, checkDatabase, Failed},
	{"unsupported database", nil, func(in *Input) { in.Observation.Unsupported = "it is stopped: start it first" }, checkDatabase, Failed},
	{"busy database", nil, func(in *Input) { in.Observation.Status = "modifying" }, checkDatabase, Warning},
	{"broken instance", nil, func(in *Input) { in.Observation.Instances[1].Status = "incompatible-parameters" }, checkDatabase, Warning},
	{"database that could not be read", nil, func(in *Input) { in.NotObserved = "rds:DescribeDBClusters: AccessDenied" }, checkDatabase, Unknown},

	{"tags", nil, nil, checkTag, OK},
	{"own reader", nil, func(in *Input) {
		in.Observation.Instances[1].Tags = map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue}
	}, checkTag, OK},
	{"missing tag on an instance", nil, func(in *Input) { in.Observation.Instances[1].Tags = nil }, checkTag, Failed},
	{"missing tag on the cluster", nil, func(in *Input) { in.Observation.Tags = nil }, checkTag, Failed},
	{"tag of another namespace", nil, func(in *Input) { in.Observation.Tags = map[string]string{scaling.TagOptIn: "billing"} }, checkTag, Failed},
	{"tag of another cluster", nil, func(in *Input) {
		in.Policy.Cluster, in.Observation.Tags = "test", map[string]string{scaling.TagOptIn: "shop@prod"}
	}, checkTag, Failed},
	{"tag of a cluster and no name", nil, func(in *Input) { in.Observation.Tags = map[string]string{scaling.TagOptIn: "shop@prod"} }, checkTag, Unknown},

	{"allowed changes", nil, nil, checkPermission, OK},
	{"allowed changes of a DB instance", instanceInput, nil, checkPermission, OK},
	{"allowed changes of a Serverless cluster", serverlessInput, nil, checkPermission, OK},
	{"denied change", nil, func(in *Input) { in.deny("rds:ModifyDBInstance", "implicitDeny") }, checkPermission, Failed},
	{"explicitly denied change", nil, func(in *Input) { in.deny("rds:FailoverDBCluster", explicitDenied) }, checkPermission, Failed},
	{"denied to pass the monitoring role", nil, func(in *Input) { in.deny("iam:PassRole", "implicitDeny") }, checkPermission, Failed},
	{"change denied to the caller", nil, func(in *Input) {
		in.Permissions.OfOperator, in.Permissions.Principal = false, "arn:aws:iam::123456789012:role/admin"
		in.deny("rds:ModifyDBInstance", "implicitDeny")
	}, checkPermission, Unknown},
	{"simulation denied", nil, func(in *Input) {
		in.Permissions.Decisions, in.Permissions.Unknown = nil, "iam:SimulatePrincipalPolicy: AccessDenied: not authorized"
	}, checkPermission, Unknown},

	{"no other owner", nil, nil, checkOwner, OK},
	{"older policy", nil, func(in *Input) { in.PrecedingPolicy = "billing/orders" }, checkOwner, Failed},
	{"policies that may not be listed", nil, func(in *Input) { in.PoliciesUnknown = "dbscalingpolicies is forbidden" }, checkOwner, Unknown},
	{"reader of another operator", nil, func(in *Input) {
		in.Policy.Cluster, in.Observation.Instances[1].OtherCluster = "test", "prod"
	}, checkOwner, Failed},
	{"reader of an operator and no name", nil, func(in *Input) { in.Observation.Instances[1].OtherCluster = "prod" }, checkOwner, Unknown},
	{"ownership conflict", nil, func(in *Input) {
		in.Observation.OwnershipConflict = "Somebody reverted two changes: find out who, then set the annotation"
	}, checkOwner, Failed},
	{"class declared elsewhere", nil, func(in *Input) {
		in.Observation.Declarations = []scaling.ClassDeclaration{{Instance: "orders-2", InstanceClass: "db.r6g.large",
			DeclaredBy: "DBInstance shop/orders-2", Remedy: "remove spec.dbInstanceClass"}}
	}, checkOwner, Failed},
	{"declarations that could not be listed", nil, func(in *Input) { in.Observation.DeclarationsUnknown = "dbinstances: timeout" }, checkOwner, Unknown},
	{"Aurora Auto Scaling", nil, func(in *Input) { in.Observation.AutoScaling = &scaling.AutoScaling{Min: 1, Max: 4} }, checkOwner, Warning},
	{"Aurora Auto Scaling with a fixed number", nil, func(in *Input) {
		in.Observation.AutoScaling, in.Policy.Readers.Max = &scaling.AutoScaling{Min: 1, Max: 4}, 1
	}, checkOwner, OK},

	{"insights", nil, nil, checkInsights, OK},
	{"insights off, DBLoadCPU published", nil, func(in *Input) {
		in.Settings.Insights["orders-1"] = false
		in.Observation.Instances[0].DBLoadCPU = scaling.NewSeries(time.Minute, testTime, 1)
	}, checkInsights, OK},
	{"insights off", nil, func(in *Input) { in.Settings.Insights["orders-1"] = false }, checkInsights, Warning},
	{"insights off on Serverless", serverlessInput, func(in *Input) { in.Settings.Insights = nil }, checkInsights, OK},

	{"metrics", nil, nil, checkMetrics, OK},
	{"old samples", nil, func(in *Input) { in.Now = testTime.Add(time.Hour) }, checkMetrics, Warning},
	{"samples that could not be read", nil, func(in *Input) { in.MetricsError = "cloudwatch:GetMetricData: AccessDenied" }, checkMetrics, Unknown},

	{"classes", nil, nil, checkClass, OK},
	{"classes of a Multi-AZ DB cluster", multiAZInput, nil, checkClass, OK},
	{"class not orderable", nil, func(in *Input) { in.Observation.Orderable = []string{"db.r6g.large"} }, checkClass, Failed},
	{"class without a feature", nil, func(in *Input) {
		in.Observation.Orderable = []string{"db.r6g.large"}
		in.Observation.OrderableGaps = map[string]scaling.OrderableGap{"db.r6g.xlarge": {Features: []string{"Performance Insights"}}}
	}, checkClass, Failed},
	{"class without a zone", nil, func(in *Input) {
		in.Observation.OrderableGaps = map[string]scaling.OrderableGap{"db.r6g.xlarge": {Zones: []string{"eu-west-1a"}}}
	}, checkClass, Failed},
	{"classes that could not be read", nil, func(in *Input) { in.Observation.Orderable = nil }, checkClass, Unknown},

	{"parameters", nil, nil, checkParameters, OK},
	{"fixed value that is too large", nil, func(in *Input) {
		in.setParameters("shared_buffers", "2621440") // 20 GiB
	}, checkParameters, Warning},
	{"fixed value that fits", nil, func(in *Input) { in.setParameters("shared_buffers", "131072") }, checkParameters, OK},
	{"formula that cannot be evaluated", nil, func(in *Input) { in.setParameters("shared_buffers", "{Nonsense*2}") }, checkParameters, Unknown},
	{"trusted formula that cannot be evaluated", nil, func(in *Input) {
		in.Policy.Guardrails.TrustUnreadableParameters = true
		in.setParameters("shared_buffers", "{Nonsense*2}")
	}, checkParameters, OK},
	{"parameters that could not be read", nil, func(in *Input) {
		in.Observation.Instances[0].Parameters.Unknown = "the DB parameter group tuned could not be read: AccessDenied"
	}, checkParameters, Unknown},

	{"replicas", instanceInput, nil, checkReaders, OK},
	{"source without backups", instanceInput, func(in *Input) {
		in.Observation.CannotReplicate = "its automated backups are off; set a backup retention period of at least 1 day"
	}, checkReaders, Failed},

	{"no custom endpoints", nil, nil, checkCustomEndpoints, OK},
	{"custom endpoint that new readers join", nil, func(in *Input) {
		in.Observation.CustomEndpoints = []scaling.CustomEndpoint{{Identifier: "reports", ExcludedMembers: []string{"orders-1"}}}
	}, checkCustomEndpoints, OK},
	{"some readers in a static list", nil, func(in *Input) {
		in.Observation.Instances = append(in.Observation.Instances, testInstance("orders-3", "db.r6g.large", false))
		in.Observation.CustomEndpoints = []scaling.CustomEndpoint{{Identifier: "reports", StaticMembers: []string{"orders-3"}}}
	}, checkCustomEndpoints, Warning},
	{"all readers in a static list", nil, func(in *Input) {
		in.Observation.CustomEndpoints = []scaling.CustomEndpoint{{Identifier: "reports", StaticMembers: []string{"orders-2"}}}
	}, checkCustomEndpoints, Failed},
	{"custom endpoints that could not be read", nil, func(in *Input) { in.Observation.CustomEndpointsUnknown = "AccessDenied" }, checkCustomEndpoints, Unknown},

	{"promotion", nil, nil, checkPromotion, OK},
	{"other parameter group, with surge readers", nil, func(in *Input) {
		in.Observation.Instances[1].ParameterGroups = []string{"other"}
	}, checkPromotion, Warning},
	{"other parameter group, without surge readers", nil, func(in *Input) {
		in.Policy.Guardrails.SurgeReaders = 0
		in.Observation.Instances[1].ParameterGroups = []string{"other"}
	}, checkPromotion, Warning},
	{"old engine version", nil, func(in *Input) { in.Observation.EngineVersion = "14.6" }, checkPromotion, Warning},
	{"promotion with unknown custom endpoints", nil, func(in *Input) { in.Observation.CustomEndpointsUnknown = "AccessDenied" }, checkPromotion, Unknown},

	{"no blue/green deployment", nil, nil, checkBlueGreen, OK},
	{"blue database", nil, func(in *Input) {
		in.Observation.BlueGreen = &scaling.BlueGreenDeployment{Name: "upgrade", Role: scaling.BlueRole, Status: "AVAILABLE"}
	}, checkBlueGreen, Warning},
	{"green database", nil, func(in *Input) {
		in.Observation.BlueGreen = &scaling.BlueGreenDeployment{Name: "upgrade", Role: scaling.GreenRole, Status: "AVAILABLE"}
	}, checkBlueGreen, Failed},
	{"deployments that could not be read", nil, func(in *Input) { in.Observation.BlueGreenUnknown = "AccessDenied" }, checkBlueGreen, Unknown},

	{"nothing pending", nil, nil, checkPending, OK},
	{"pending modification", nil, func(in *Input) { in.Observation.PendingModifications = []string{"EngineVersion"} }, checkPending, Warning},
	{"pending reboot", nil, func(in *Input) {
		in.Observation.Instances[0].PendingReboot = []string{"DB parameter group tuned is pending-reboot"}
	}, checkPending, Warning},
	{"maintenance soon", nil, func(in *Input) {
		in.Observation.Instances[0].PendingMaintenance = []scaling.PendingMaintenance{{Action: "system-update", ScheduledAt: testTime.Add(time.Hour)}}
	}, checkPending, Warning},
	{"maintenance that could not be read", nil, func(in *Input) {
		in.Observation.Instances[0].PendingMaintenance = []scaling.PendingMaintenance{{Action: scaling.MaintenanceUnknown}}
	}, checkPending, Unknown},

	{"no windows", nil, nil, checkWindows, OK},
	{"open window", nil, func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Schedule: "0 9 * * *", Duration: time.Hour, TimeZone: "UTC"}}
	}, checkWindows, OK},
	{"later window", instanceInput, func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Schedule: "0 3 * * 0", Duration: time.Hour, TimeZone: "UTC"}}
	}, checkWindows, OK},
	{"window that has passed", nil, func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Start: testTime.Add(-48 * time.Hour), Duration: time.Hour}}
	}, checkWindows, Failed},
	{"invalid window", nil, func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Schedule: "never", Duration: time.Hour, TimeZone: "UTC"}}
	}, checkWindows, Failed},
	{"window within the backup window", instanceInput, func(in *Input) {
		in.Policy.DisruptionWindows = []scaling.Window{{Schedule: "5 3 * * *", Duration: 20 * time.Minute, TimeZone: "UTC"}}
	}, checkWindows, Failed},

	{"room in the quota", nil, nil, checkQuota, OK},
	{"policy that adds nothing", serverlessInput, nil, checkQuota, OK},
	{"quota of replicas", instanceInput, nil, checkQuota, OK},
	{"little room", nil, func(in *Input) { in.Quotas[instanceQuota] = Quota{39, 40} }, checkQuota, Warning},
	{"too few replicas", instanceInput, func(in *Input) { in.Quotas[replicaQuota] = Quota{1, 2} }, checkQuota, Warning},
	{"no room", nil, func(in *Input) { in.Quotas[instanceQuota] = Quota{40, 40} }, checkQuota, Failed},
	{"quotas that could not be read", nil, func(in *Input) { in.QuotasUnknown = "rds:DescribeAccountAttributes: AccessDenied" }, checkQuota, Unknown},
	{"quota that AWS does not state", nil, func(in *Input) { in.Quotas = nil }, checkQuota, Unknown},
}

func (in *Input) denyReads() {
	for n := range in.Reads {
		in.Reads[n].Denied, in.Reads[n].Error = true, in.Reads[n].Action+": AccessDenied: not authorized"
	}
}

func (in *Input) setParameters(name, value string) {
	for n := range in.Observation.Instances {
		i := &in.Observation.Instances[n]
		i.Parameters.Values, i.ParameterGroups = map[string]string{name: value}, []string{"tuned"}
	}
}

// severity orders statuses, the most severe last.
var severity = []Status{OK, Unknown, Warning, Failed}

// TestDiagnose compares the findings of each case with a golden file. -update rewrites it.
func TestDiagnose(t *testing.T) {
	var golden strings.Builder
	reached := map[string]bool{}
	for _, d := range diagnoses {
		in := clusterInput()
		if d.base != nil {
			in = d.base()
		}
		if d.change != nil {
			d.change(&in)
		}
		var findings []Finding
		worst := Status("")
		for _, f := range Diagnose(in) {
			if f.Check != d.check {
				continue
			}
			findings = append(findings, f)
			if slices.Index(severity, f.Status) > slices.Index(severity, worst) {
				worst = f.Status
			}
			if f.Message == "" || (f.Action == "") != (f.Status == OK) {
				t.Errorf("%s: a finding lacks its message or action, or has one too many: %+v", d.name, f)
			}
		}
		if worst != d.want {
			t.Errorf("%s: check %s is %q, want %s: %+v", d.name, d.check, worst, d.want, findings)
		}
		reached[d.check+" "+string(d.want)] = true
		fmt.Fprintf(&golden, "## %s\n", d.name)
		text := FormatText(Report{Findings: findings})
		_, text, _ = strings.Cut(text, "\n\n")
		text, _, _ = strings.Cut(text, "\n\n")
		golden.WriteString(text + "\n\n")
	}
	compareGolden(t, "findings.golden", golden.String())
	// The statuses that each check can have, beside OK.
	for check, statuses := range map[string][]Status{
		checkPolicy: {Warning, Failed}, checkAccount: {Failed, Unknown}, checkCredentials: {Failed}, checkRole: {Failed, Unknown},
		checkRead: {Failed, Unknown}, checkDatabase: {Warning, Failed, Unknown}, checkTag: {Failed, Unknown}, checkPermission: {Failed, Unknown},
		checkOwner: {Warning, Failed, Unknown}, checkInsights: {Warning}, checkMetrics: {Warning, Unknown}, checkClass: {Failed, Unknown},
		checkParameters: {Warning, Unknown}, checkReaders: {Failed}, checkCustomEndpoints: {Warning, Failed, Unknown},
		checkPromotion: {Warning, Unknown}, checkBlueGreen: {Warning, Failed, Unknown}, checkPending: {Warning, Unknown}, checkWindows: {Failed},
		checkQuota: {Warning, Failed, Unknown},
	} {
		for _, status := range append(statuses, OK) {
			if !reached[check+" "+string(status)] {
				t.Errorf("no case gives the check %s the status %s", check, status)
			}
		}
	}
}

// TestFormatText compares whole checklists with golden files, and limits their width.
func TestFormatText(t *testing.T) {
	sick := clusterInput()
	sick.Observation.Instances[1].Tags = nil
	sick.Settings.Insights = nil
	sick.deny("rds:ModifyDBInstance", "implicitDeny")
	sick.QuotasUnknown = "rds:DescribeAccountAttributes: AccessDenied"
	for name, in := range map[string]Input{
		"cluster": clusterInput(), "instance": instanceInput(), "serverless": serverlessInput(), "multi-az": multiAZInput(), "sick": sick,
	} {
		text := FormatText(NewReport(in))
		compareGolden(t, name+".golden", text)
		for line := range strings.Lines(text) {
			runes := []rune(strings.TrimSuffix(line, "\n"))
			if len(runes) > lineWidth && len(strings.Fields(string(runes[statusWidth+checkWidth:]))) > 1 {
				t.Errorf("%s: a line of several words is longer than %d characters: %s", name, lineWidth, line)
			}
		}
		if name != "sick" && Count(Diagnose(in), OK) != len(Diagnose(in)) {
			t.Errorf("%s: something is wrong with a healthy database:\n%s", name, text)
		}
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; compare after: go test ./internal/doctor -update. Got\n%s", path, got)
	}
}

// TestRequiredPermissions_AreThoseOfTheShippedPolicy: over all kinds of databases, the doctor judges each statement and action of the
// shipped policy, and nothing else. TestIAMPolicy_AllowsWhatIsNeededAndNothingElse of the operator shows that the policy has what it needs.
func TestRequiredPermissions_AreThoseOfTheShippedPolicy(t *testing.T) {
	judged := map[string]bool{}
	for _, in := range []Input{clusterInput(), instanceInput(), serverlessInput(), multiAZInput()} {
		for _, p := range RequiredPermissions(in.Policy, in.Observation, in.Settings) {
			judged[p.Statement+" "+p.Action] = true
		}
	}
	var document struct {
		Statement []struct {
			Sid    string
			Action json.RawMessage
		}
	}
	if err := json.Unmarshal(iam.PolicyJSON, &document); err != nil {
		t.Fatal(err)
	}
	for _, s := range document.Statement {
		var actions []string
		if err := cmp.Or(json.Unmarshal(s.Action, &actions), nil); err != nil {
			actions = []string{strings.Trim(string(s.Action), `"`)}
		}
		for _, action := range actions {
			if !judged[s.Sid+" "+action] {
				t.Errorf("%s of the statement %s is judged for no kind of database", action, s.Sid)
			}
			delete(judged, s.Sid+" "+action)
		}
	}
	if len(judged) > 0 {
		t.Errorf("not in the shipped policy: %v", judged)
	}
}

// TestRequiredPermissions_DependOnThePolicy: a policy needs no permission for what it never does.
func TestRequiredPermissions_DependOnThePolicy(t *testing.T) {
	for _, test := range []struct {
		name   string
		base   func() Input
		change func(*Input)
		absent []string
	}{
		{"readers only", clusterInput, func(in *Input) { in.Policy.Writer = nil }, []string{"rds:FailoverDBCluster", "rds:ModifyDBCluster"}},
		{"writer only, without surge readers", clusterInput, func(in *Input) {
			in.Policy.Readers, in.Policy.Guardrails.SurgeReaders = nil, 0
		}, []string{"rds:CreateDBInstance", "rds:DeleteDBInstance", "iam:PassRole"}},
		{"without Enhanced Monitoring", clusterInput, func(in *Input) { in.Settings.MonitoringRoleARN = "" }, []string{"iam:PassRole"}},
		{"DB instance without readers", instanceInput, func(in *Input) { in.Policy.Readers = nil },
			[]string{"rds:CreateDBInstanceReadReplica", "rds:DeleteDBInstance", "rds:FailoverDBCluster"}},
		{"Serverless", serverlessInput, func(*Input) {}, []string{"rds:CreateDBInstance", "rds:FailoverDBCluster"}},
	} {
		in := test.base()
		test.change(&in)
		for _, p := range RequiredPermissions(in.Policy, in.Observation, in.Settings) {
			if slices.Contains(test.absent, p.Action) {
				t.Errorf("%s: %s is required", test.name, p.Action)
			}
			if key := resourceTagKey + scaling.TagOptIn; p.Action == "rds:ModifyDBInstance" && p.Context[key] != "shop" {
				t.Errorf("%s: %s on %s is judged without the opt-in tag", test.name, p.Action, p.Subject)
			}
		}
	}
}
