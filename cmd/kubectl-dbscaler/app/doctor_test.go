package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/doctor"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// operatorRole is the role of the AWSAccount. It trusts the account with an external ID, as config/iam/trust-member-account.json says.
const operatorRole = "arn:aws:iam::123456789012:role/dbscaler-member"

const trustOfOperatorRole = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
"Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Condition": {"StringEquals": {"sts:ExternalId": "external-id"}}}]}`

// healthyDatabase lacks nothing, and sickDatabase has several faults at once.
const (
	healthyDatabase = `
start: "2024-02-05T08:00:00Z"
accountID: "123456789012"
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: orders-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  load: {writer: {points: [{at: 0h, vcpus: 0.5}]}, readers: {points: [{at: 0h, vcpus: 0.5}]}}
`
	sickDatabase = `
start: "2024-02-05T08:00:00Z"
accountID: "123456789012"
parameterGroups:
- {name: tuned, region: eu-west-1, parameters: {shared_buffers: "2621440"}}
unorderableClasses:
- {region: eu-west-1, class: db.r6g.xlarge, from: 0h}
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  customEndpoints: [{identifier: analytics, staticMembers: [orders-3]}]
  instances:
  - {identifier: orders-1, class: db.r6g.2xlarge, parameterGroup: tuned, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: orders-2, class: db.r6g.2xlarge, parameterGroup: tuned}
  - {identifier: orders-3, class: db.r6g.2xlarge, parameterGroup: tuned, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  load: {writer: {points: [{at: 0h, vcpus: 0.5}]}, readers: {points: [{at: 0h, vcpus: 0.5}]}}
`
	doctorPolicy = `
metadata: {name: orders}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1, accountRef: {name: NAMESPACE}}
  writer: {instanceClasses: [db.r6g.large, db.r6g.2xlarge]}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], minReplicas: 1, maxReplicas: 4}
`
)

// doctorHarness is a namespace on a real API server with a policy and an AWSAccount, and a simulated AWS that enforces an IAM policy.
type doctorHarness struct {
	namespace, kubeconfig string
	client                client.Client
	clock                 *clocktesting.FakeClock
	aws                   *rdssim.Server
	endpoint              string
}

// iamDocument joins the statements of the shipped documents. withoutStatement leaves one out.
func iamDocument(t *testing.T, withoutStatement string, files ...string) *rdssim.Policy {
	t.Helper()
	joined := map[string]any{"Version": "2012-10-17"}
	var statements []any
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("../../../config/iam", file))
		if err != nil {
			t.Fatal(err)
		}
		var document struct{ Statement []map[string]any }
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		for _, s := range document.Statement {
			if s["Sid"] != withoutStatement {
				statements = append(statements, s)
			}
		}
	}
	joined["Statement"] = statements
	text, err := json.Marshal(joined)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func newDoctorHarness(t *testing.T, scenario string, policy *rdssim.Policy) *doctorHarness {
	t.Helper()
	namespace, c := env.NewNamespace(t)
	replace := func(text string) string { return strings.ReplaceAll(text, "NAMESPACE", namespace) }
	parsed, err := model.ParseScenario([]byte(replace(scenario)))
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(parsed)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := rdssim.ParseTrustPolicy([]byte(trustOfOperatorRole))
	if err != nil {
		t.Fatal(err)
	}
	h := &doctorHarness{namespace: namespace, client: c, clock: clocktesting.NewFakeClock(parsed.Start.Time)}
	h.aws = rdssim.New(rdssim.Options{
		World: world, Clock: h.clock, AccountID: parsed.AccountID, Policy: policy, Roles: map[string]rdssim.Role{operatorRole: {Trust: trust}},
	})
	server := httptest.NewServer(h.aws)
	t.Cleanup(server.Close)
	h.endpoint = server.URL
	h.clock.Step(time.Hour)
	h.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := env.WriteKubeconfig(h.kubeconfig); err != nil {
		t.Fatal(err)
	}
	account := &v1alpha1.AWSAccount{ObjectMeta: metav1.ObjectMeta{Name: namespace}, Spec: v1alpha1.AWSAccountSpec{
		RoleARN: operatorRole, ExternalID: "external-id",
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
	}}
	object := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(replace(doctorPolicy)), object); err != nil {
		t.Fatal(err)
	}
	object.Namespace = namespace
	for _, o := range []client.Object{account, object} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "admin")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	return h
}

// run runs the command doctor.
func (h *doctorHarness) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, h.clock)
	root.SetArgs(append([]string{"doctor", "--kubeconfig", h.kubeconfig, "-n", h.namespace, "--endpoint-url", h.endpoint}, args...))
	err := root.ExecuteContext(t.Context())
	return strings.ReplaceAll(out.String(), h.namespace, "NAMESPACE"), err
}

// containsText reports whether a checklist has a text, however it is wrapped.
func containsText(checklist, text string) bool {
	return strings.Contains(strings.Join(strings.Fields(checklist), " "), strings.Join(strings.Fields(text), " "))
}

// findings runs the command doctor and returns its findings in JSON.
func (h *doctorHarness) findings(t *testing.T, args ...string) ([]doctor.Finding, error) {
	t.Helper()
	out, err := h.run(t, append(args, "orders", "-o", "json")...)
	var document struct{ Reports []doctor.Report }
	if decodeErr := json.Unmarshal([]byte(out), &document); decodeErr != nil || len(document.Reports) != 1 {
		t.Fatalf("%v, %v: want one report, got\n%s", err, decodeErr, out)
	}
	return document.Reports[0].Findings, err
}

// TestDoctor_HealthyDatabase: nothing failed, and nothing is unknown. Nothing was changed.
func TestDoctor_HealthyDatabase(t *testing.T) {
	h := newDoctorHarness(t, healthyDatabase, iamDocument(t, "", "policy.json", "doctor.json"))
	out, err := h.run(t, "orders")
	if err != nil || !containsText(out, "0 failed, 0 warnings, 0 unknown") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{"Checked as arn:aws:sts::123456789012:assumed-role/dbscaler-member/dbscaler, with the role that the operator assumes.",
		"Permissions were simulated for " + operatorRole + ".", "rds:FailoverDBCluster (FailOverOptedIn): allowed on orders, orders-2"} {
		if !containsText(out, want) {
			t.Errorf("the checklist lacks %q:\n%s", want, out)
		}
	}
	for _, c := range h.aws.Calls() {
		if c.IsMutating() {
			t.Errorf("the check requested the change %s", c.Operation)
		}
	}
	if out, err := h.run(t, "-A", "-o", "json"); err != nil && !errors.As(err, new(*ChecksFailedError)) || !containsText(out, `"policy": "NAMESPACE/orders"`) {
		t.Errorf("with -A: %v\n%s", err, out)
	}
}

// TestDoctor_FaultsAtOnce: each of several faults of one database has its own finding, and the exit code is 1.
func TestDoctor_FaultsAtOnce(t *testing.T) {
	h := newDoctorHarness(t, sickDatabase, iamDocument(t, "ResizeOptedIn", "policy.json", "doctor.json"))
	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"another"}}}}`))
	if err := h.client.Patch(t.Context(), &v1alpha1.AWSAccount{ObjectMeta: metav1.ObjectMeta{Name: h.namespace}}, patch); err != nil {
		t.Fatal(err)
	}
	findings, err := h.findings(t)
	var failed *ChecksFailedError
	if !errors.As(err, &failed) || failed.Failed != doctor.Count(findings, doctor.Failed) {
		t.Errorf("got the error %v, want one about %d failed checks", err, doctor.Count(findings, doctor.Failed))
	}
	for _, want := range []doctor.Finding{
		{Check: "account", Status: doctor.Failed, Message: "namespaceSelector does not select", Action: "Ask an administrator"},
		{Check: "tag", Subject: "orders-2", Status: doctor.Failed, Message: "is missing",
			Action: "--resource-name arn:aws:rds:eu-west-1:123456789012:db:orders-2 --tags Key=dbscaler.io/policy-namespace,Value=" + "NAMESPACE"},
		{Check: "permission", Subject: "rds:ModifyDBInstance (ResizeOptedIn)", Status: doctor.Failed, Message: "orders-1, orders-2", Action: `"Sid": "ResizeOptedIn"`},
		{Check: "insights", Subject: "orders-1, orders-2, orders-3", Status: doctor.Warning, Message: "Performance Insights is off", Action: "Enable"},
		{Check: "class", Subject: "readers db.r6g.xlarge", Status: doctor.Failed, Message: "AWS does not offer db.r6g.xlarge", Action: "Remove it"},
		{Check: "parameters", Subject: "orders-1", Status: doctor.Warning, Message: "shared_buffers is 20.0 GiB", Action: "formula"},
		{Check: "custom endpoint", Subject: "analytics", Status: doctor.Warning, Message: "orders-3 (analytics)", Action: "exclusion list"},
	} {
		if !slices.ContainsFunc(findings, func(f doctor.Finding) bool {
			return f.Check == want.Check && f.Status == want.Status && (want.Subject == "" || f.Subject == want.Subject) &&
				strings.Contains(f.Message, want.Message) && strings.Contains(f.Action, want.Action)
		}) {
			t.Errorf("no finding is like %+v:\n%+v", want, findings)
		}
	}
	for _, f := range findings {
		if f.Check == "tag" && f.Subject != "orders-2" && f.Status != doctor.OK || f.Status != doctor.OK && f.Action == "" {
			t.Errorf("got %+v", f)
		}
	}
}

// TestDoctor_WhatMayNotBeRead: what the caller may not do is unknown, not wrong.
func TestDoctor_WhatMayNotBeRead(t *testing.T) {
	t.Run("without the permissions of the check", func(t *testing.T) {
		h := newDoctorHarness(t, healthyDatabase, iamDocument(t, "", "policy.json"))
		findings, err := h.findings(t)
		if err != nil || doctor.Count(findings, doctor.Failed) != 0 {
			t.Errorf("%v: %+v", err, findings)
		}
		for _, f := range findings {
			if isUnknown := f.Check == "permission" || f.Check == "quota"; isUnknown != (f.Status == doctor.Unknown) {
				t.Errorf("got %+v", f)
			}
		}
	})
	t.Run("without the right to assume the role", func(t *testing.T) {
		h := newDoctorHarness(t, healthyDatabase, iamDocument(t, "", "policy.json", "doctor.json"))
		patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"externalID":"another"}}`))
		if err := h.client.Patch(t.Context(), &v1alpha1.AWSAccount{ObjectMeta: metav1.ObjectMeta{Name: h.namespace}}, patch); err != nil {
			t.Fatal(err)
		}
		findings, err := h.findings(t)
		n := slices.IndexFunc(findings, func(f doctor.Finding) bool { return f.Check == "role" })
		if err != nil || n < 0 || findings[n].Status != doctor.Unknown || !strings.Contains(findings[n].Message, "is not authorized to perform: sts:AssumeRole") {
			t.Fatalf("%v: %+v", err, findings)
		}
		if out, err := h.run(t, "orders"); err != nil || !containsText(out, "The operator's own identity may differ") ||
			!containsText(out, "DescribeDBClusters: allowed to the operator, by simulation") || !containsText(out, "1 unknown") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Run("without credentials", func(t *testing.T) {
		h := newDoctorHarness(t, healthyDatabase, iamDocument(t, "", "policy.json"))
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
		findings, err := h.findings(t)
		n := slices.IndexFunc(findings, func(f doctor.Finding) bool { return f.Check == "credentials" })
		if !errors.As(err, new(*ChecksFailedError)) || n < 0 || findings[n].Status != doctor.Failed {
			t.Errorf("%v: %+v", err, findings)
		}
	})
}

// TestDoctor_RejectsInvalidInput: invalid input causes an InputError of one line, with which the exit code is 2.
func TestDoctor_RejectsInvalidInput(t *testing.T) {
	h := newDoctorHarness(t, healthyDatabase, nil)
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"no policy", "set the name of a policy in the cluster, or --all-namespaces", nil},
		{"policy and -A", "not both", []string{"orders", "-A"}},
		{"missing policy", `there is no DBScalingPolicy "missing" in the namespace NAMESPACE: it has orders`, []string{"missing"}},
		{"output format", "--output is \"xml\": it must be text or json", []string{"orders", "-o", "xml"}},
		{"operator role", "it must be the ARN of a role", []string{"orders", "--operator-role", "dbscaler"}},
		{"cluster name", "--cluster-name: ", []string{"orders", "--cluster-name", "a@b"}},
		{"pricing region", "Pricing API", []string{"orders", "--pricing-region", "eu-west-1"}},
		{"two names", "2 policies are named: name one", []string{"orders", "ledger"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, err := h.run(t, test.args...)
			var inputErr *InputError
			if !errors.As(err, &inputErr) {
				t.Fatalf("got %v and\n%s\nwant an InputError", err, out)
			}
			text := strings.ReplaceAll(err.Error(), h.namespace, "NAMESPACE")
			if !strings.Contains(text, test.want) || strings.Contains(text, "\n") || out != "" {
				t.Errorf("got %q and\n%s\nwant %s", text, out, test.want)
			}
		})
	}
}
