package app

import (
	"bytes"
	"errors"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

var updateInit = flag.Bool("update-init", false, "write the outputs of TestInit_Golden to testdata/init")

// initScenario is a database of each kind, with two weeks of load when the commands look at it.
const initScenario = `
start: "2024-02-05T08:00:00Z"
accountID: "123456789012"
unorderableClasses:
- {region: eu-west-1, class: db.r6g.8xlarge, from: 0h}
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: true
  maintenanceWindow: sat:23:30-sun:00:30
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: orders-1, class: db.r6g.xlarge, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-3, class: db.r6g.large}
  load:
    writer: {daily: {meanVCPUs: 0.8, variationPercent: 50, peak: 2h}}
    readers: {daily: {meanVCPUs: 1.1, variationPercent: 40, peak: 2h}, multipliers: [{from: 337h, factor: 3}]}
- identifier: single
  region: eu-west-1
  engine: aurora-mysql
  engineVersion: "8.0.mysql_aurora.3.05.2"
  age: 3h
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: single-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  load: {writer: {points: [{at: 0h, vcpus: 1}]}}
- identifier: billing
  region: eu-west-1
  engine: mysql
  engineVersion: "8.0.35"
  class: db.m6g.large
  multiAZ: true
  tags: {dbscaler.io/policy-namespace: "@any"}
  replicas: [{identifier: billing-read, class: db.m6g.large, tags: {dbscaler.io/policy-namespace: "@any"}}]
  load: {writer: {points: [{at: 0h, vcpus: 1.1}]}, readers: {points: [{at: 0h, vcpus: 0.4}]}}
- identifier: erp
  region: eu-west-1
  engine: oracle-ee
  engineVersion: "19.0.0.0.ru-2024-01.rur-2024-01.r1"
  class: db.m5.2xlarge
  load: {writer: {points: [{at: 0h, vcpus: 3}]}}
- identifier: sessions
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: "@any"}
  serverless: {minCapacity: 0.5, maxCapacity: 16}
  instances:
  - {identifier: sessions-1, class: db.serverless, tags: {dbscaler.io/policy-namespace: "@any"}}
  - {identifier: sessions-2, class: db.serverless, tags: {dbscaler.io/policy-namespace: "@any"}}
  load: {writer: {points: [{at: 0h, vcpus: 1.4}]}, readers: {points: [{at: 0h, vcpus: 1}]}}
- identifier: payments
  region: eu-west-1
  engine: postgres
  engineVersion: "16.1"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: "@any"}
  instances:
  - {identifier: payments-1, class: db.m6gd.large, tags: {dbscaler.io/policy-namespace: "@any"}}
  - {identifier: payments-2, class: db.m6gd.large, tags: {dbscaler.io/policy-namespace: "@any"}}
  - {identifier: payments-3, class: db.m6gd.large, tags: {dbscaler.io/policy-namespace: "@any"}}
  load: {writer: {points: [{at: 0h, vcpus: 1}]}, readers: {points: [{at: 0h, vcpus: 2}]}}
`

// initHarness is the plugin beside a simulated AWS that enforces an IAM policy. There is no Kubernetes cluster.
type initHarness struct {
	clock    *clocktesting.FakeClock
	aws      *rdssim.Server
	endpoint string
}

func newInitHarness(t *testing.T, text string, policy *rdssim.Policy, age time.Duration) *initHarness {
	t.Helper()
	scenario, err := model.ParseScenario([]byte(strings.ReplaceAll(text, "NAMESPACE", "shop")))
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := rdssim.ParseTrustPolicy([]byte(trustOfOperatorRole))
	if err != nil {
		t.Fatal(err)
	}
	h := &initHarness{clock: clocktesting.NewFakeClock(scenario.Start.Time)}
	h.aws = rdssim.New(rdssim.Options{
		World: world, Clock: h.clock, AccountID: scenario.AccountID, Policy: policy, Roles: map[string]rdssim.Role{operatorRole: {Trust: trust}},
	})
	server := httptest.NewServer(h.aws)
	t.Cleanup(server.Close)
	h.endpoint = server.URL
	h.clock.Step(age)
	t.Setenv("AWS_ACCESS_KEY_ID", "admin")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	return h
}

func (h *initHarness) run(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr}, h.clock)
	root.SetArgs(append([]string{"init", "--endpoint-url", h.endpoint, "-n", "shop"}, args...))
	err = root.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

// allIAM are the documents that an administrator who drafts policies has.
var allIAM = []string{"policy.json", "doctor.json"}

// TestInit_Golden: the policy of each kind of database, and what is missing, are those of testdata/init. Nothing in AWS is changed.
func TestInit_Golden(t *testing.T) {
	h := newInitHarness(t, initScenario, iamDocument(t, "", allIAM...), 14*24*time.Hour)
	for name, args := range map[string][]string{
		"aurora":           {"--cluster", "orders", "--days", "7"},
		"one-day":          {"--cluster", "orders", "--days", "1", "--name", "orders-eu"},
		"new-database":     {"--cluster", "single", "--fit=false"},
		"read-replica":     {"--instance", "billing", "--fit=false"},
		"licence":          {"--instance", "erp", "--fit=false"},
		"serverless":       {"--cluster", "sessions"},
		"multi-az-cluster": {"--cluster", "payments"},
		"role-of-a-member": {"--cluster", "payments", "--role-arn", operatorRole, "--external-id", "external-id", "--account", "production"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, err := h.run(t, append(args, "--region", "eu-west-1")...)
			if err != nil {
				t.Fatalf("%v\n%s%s", err, out, errOut)
			}
			for ext, got := range map[string]string{".yaml": out, ".stderr": errOut} {
				file := filepath.Join("testdata", "init", name+ext)
				if *updateInit {
					if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(want) {
					t.Errorf("%s differs (go test -run TestInit_Golden -update-init writes it). Got:\n%s", file, got)
				}
			}
		})
	}
	for _, c := range h.aws.Calls() {
		if c.IsMutating() {
			t.Errorf("the command requested the change %s", c.Operation)
		}
	}
}

// TestInit_PolicyIsEvaluated: a real API server accepts the drafted policy with strict validation, and the operator recommends a change
// with it, and makes none.
func TestInit_PolicyIsEvaluated(t *testing.T) {
	h := newOperatorHarness(t, initScenario, doctorPolicyWithoutAccount)
	h.clock.Step(14 * 24 * time.Hour)
	if err := h.client.Delete(t.Context(), h.policy(t)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "orders.yaml")
	out, errOut, err := h.run(t, "init", "--cluster", "orders", "--region", "eu-west-1", "--endpoint-url", h.endpoint, "-o", file,
		"--fit=false")
	if err != nil || out != "" || !strings.Contains(errOut, "The policy is in "+file) {
		t.Fatalf("%v\n%s%s", err, out, errOut)
	}
	env.RunKubectl(t, "apply", "--validate=strict", "-f", file)
	h.runUntil(t, "recommending", 4*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		return p.Status.Decision.Reason == "ScaleUpRecommended" || slices.Contains(p.Status.Decision.BlockedBy, "RecommendMode")
	})
	if p := h.policy(t); p.Spec.Mode != v1alpha1.ModeRecommend || p.Status.Operation != nil {
		t.Errorf("the policy is %+v", p)
	}
	for _, c := range h.aws.Calls() {
		if c.IsMutating() {
			t.Errorf("the operator requested the change %s", c.Operation)
		}
	}
	out, _, err = h.run(t, "init", "--cluster", "orders", "--region", "eu-west-1", "--endpoint-url", h.endpoint, "-o", file)
	if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "exists: choose another file") || out != "" {
		t.Errorf("a file that exists: got %v", err)
	}
}

// doctorPolicyWithoutAccount is a policy for the database that the draft replaces.
const doctorPolicyWithoutAccount = `
metadata: {name: orders}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.r6g.xlarge]}
`

// TestInit_RefusesWhatTheOperatorRefuses: the reason is that of the operator, in one line, and the exit code is 2. No file is left.
func TestInit_RefusesWhatTheOperatorRefuses(t *testing.T) {
	h := newInitHarness(t, initScenario, nil, 2*time.Hour)
	h.aws.WithWorld(func(w *model.World) {
		if err := w.SetGlobalRole("eu-west-1", "single", "worldwide", true); err != nil {
			t.Fatal(err)
		}
	})
	file := filepath.Join(t.TempDir(), "policy.yaml")
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"missing":             {[]string{"--cluster", "nothing", "--region", "eu-west-1"}, "there is no DBCluster nothing in eu-west-1: check the identifier"},
		"other region":        {[]string{"--cluster", "orders", "--region", "eu-central-1"}, "there is no DBCluster orders in eu-central-1"},
		"member of a cluster": {[]string{"--instance", "orders-2", "--region", "eu-west-1"}, "it belongs to DB cluster orders: name the cluster instead"},
		"read replica":        {[]string{"--instance", "billing-read", "--region", "eu-west-1"}, "it is a read replica of billing"},
		"global secondary":    {[]string{"--cluster", "single", "--region", "eu-west-1"}, "it replicates from another cluster (the secondary of a global"},
		"no database":         {[]string{"--region", "eu-west-1"}, "set --cluster to a DB cluster, or --instance"},
		"two databases":       {[]string{"--cluster", "a", "--instance", "b", "--region", "eu-west-1"}, "and not both"},
		"no region":           {[]string{"--cluster", "orders"}, "set --region"},
		"region":              {[]string{"--cluster", "orders", "--region", "Ireland"}, "must be an AWS region"},
		"upper case":          {[]string{"--cluster", "Orders", "--region", "eu-west-1"}, "write it in lower case"},
		"days":                {[]string{"--cluster", "orders", "--region", "eu-west-1", "--days", "64"}, "--days is 64: it must be 1 to 63"},
		"role":                {[]string{"--cluster", "orders", "--region", "eu-west-1", "--role-arn", "dbscaler"}, "must be the ARN of a role"},
		"external ID":         {[]string{"--cluster", "orders", "--region", "eu-west-1", "--external-id", "x"}, "only valid with --role-arn"},
		"name":                {[]string{"--cluster", "orders", "--region", "eu-west-1", "--name", "My Policy"}, "--name is"},
		"argument":            {[]string{"orders"}, "takes no argument"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errOut, err := h.run(t, append(test.args, "-o", file)...)
			if !errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want an InputError with %s", err, test.want)
			}
			if _, statErr := os.Stat(file); out+errOut != "" || statErr == nil {
				t.Errorf("the command wrote %s%s, and the file: %v", out, errOut, statErr)
			}
		})
	}
}

// TestInit_MissingRights: a right that is missing is named, with its resource. Without the right to read metrics or classes the draft is
// cautious and says so.
func TestInit_MissingRights(t *testing.T) {
	without := func(t *testing.T, action string) *rdssim.Policy {
		t.Helper()
		policy, err := rdssim.ParsePolicy([]byte(`{"Version": "2012-10-17", "Statement": [
{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "` + action + `", "Resource": "*"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return policy
	}
	args := []string{"--cluster", "orders", "--region", "eu-west-1"}
	t.Run("the database", func(t *testing.T) {
		_, _, err := newInitHarness(t, initScenario, without(t, "rds:DescribeDBClusters"), 26*time.Hour).run(t, args...)
		if err == nil || errors.As(err, new(*InputError)) || !strings.Contains(err.Error(), "is not authorized to perform: rds:DescribeDBClusters on resource: ") {
			t.Errorf("got %v", err)
		}
	})
	for action, want := range map[string][]string{
		"cloudwatch:GetMetricData": {"the action cloudwatch:GetMetricData on * is denied to you", "No smaller class than today, because no load shows"},
		"rds:DescribeOrderableDBInstanceOptions": {"Only the class of today: which others AWS offers could not be read.",
			"- db.r6g.large # 2 vCPU, 16 GiB, today's class\n    # minReplicas"},
	} {
		t.Run(action, func(t *testing.T) {
			out, errOut, err := newInitHarness(t, initScenario, without(t, action), 26*time.Hour).run(t, args...)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(strings.Fields(strings.ReplaceAll(out, "#", "")), " ")
			for _, part := range want {
				if !strings.Contains(text, strings.Join(strings.Fields(strings.ReplaceAll(part, "#", "")), " ")) {
					t.Errorf("the policy lacks %q:\n%s", part, out)
				}
			}
			if !strings.Contains(errOut, action) {
				t.Errorf("the right %s is not named:\n%s", action, errOut)
			}
		})
	}
	t.Run("credentials", func(t *testing.T) {
		h := newInitHarness(t, initScenario, nil, time.Hour)
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		if _, _, err := h.run(t, args...); err == nil || !strings.Contains(err.Error(), "there are no AWS credentials that work") {
			t.Errorf("got %v", err)
		}
	})
}

// TestInit_MissingDataIsMissing: a gap in the metrics is no idle time.
func TestInit_MissingDataIsMissing(t *testing.T) {
	gap := initScenario + "metricGaps: [{region: eu-west-1, instance: orders-2, from: 48h, until: 264h}]\n"
	h := newInitHarness(t, gap, iamDocument(t, "", allIAM...), 14*24*time.Hour)
	out, _, err := h.run(t, "--cluster", "orders", "--region", "eu-west-1", "--fit=false")
	if text := strings.Join(strings.Fields(strings.ReplaceAll(out, "#", "")), " "); err != nil ||
		!strings.Contains(text, "is missing, not idle") || !strings.Contains(text, "less than a week") {
		t.Errorf("%v\n%s", err, out)
	}
}
