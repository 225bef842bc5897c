package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/view"
)

// record writes the objects of TestStatus_WholeOperation to a folder: the golden tests of internal/view read them.
var record = flag.String("record", "", "folder to record the objects in, for the golden tests of internal/view")

var update = flag.Bool("update", false, "write the golden files")

// The readers of incident saturate after two hours, and its writer is too small, outside its disruption windows. The policy resizes the
// readers with a surge reader.
const (
	incident = `
start: "2026-02-05T01:00:00Z"
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
  load:
    writer: {points: [{at: 0h, vcpus: 0.7}, {at: 3h, vcpus: 0.7}, {at: 3h5m, vcpus: 1.7}]}
    readers: {points: [{at: 0h, vcpus: 1.1}, {at: 2h, vcpus: 1.1}, {at: 2h10m, vcpus: 2.4}]}
`
	incidentPolicy = `
metadata: {name: orders}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], minReplicas: 1, maxReplicas: 1, preference: Vertical}
  disruptionWindows: [{schedule: "0 22 * * *", durationSeconds: 3600, timeZone: UTC}]
  prices:
  - {instanceClass: db.r6g.large, hourlyPriceUSD: "0.26"}
  - {instanceClass: db.r6g.xlarge, hourlyPriceUSD: "0.52"}
  - {instanceClass: db.r6g.2xlarge, hourlyPriceUSD: "1.04"}
  schedules: [{name: morning-import, schedule: "0 6 * * *", durationSeconds: 7200, timeZone: UTC, readers: {minInstanceClass: db.r6g.xlarge}}]
`
)

// isIdle and isChanging say whether an operation is in progress.
func isIdle(p *v1alpha1.DBScalingPolicy) bool     { return p.Status.Operation == nil }
func isChanging(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation != nil }

func isBlocked(p *v1alpha1.DBScalingPolicy) bool {
	return p.Status.Decision.FirstBlocker() == "DisruptionWindow"
}

// statusDocument is the JSON output of status.
type statusDocument struct{ Policies []view.Policy }

// readStatus runs status with JSON output.
func (h *operatorHarness) readStatus(t *testing.T, args ...string) view.Policy {
	t.Helper()
	out, errOut, err := h.run(t, append([]string{"status", "orders", "-o", "json"}, args...)...)
	var document statusDocument
	if decodeErr := json.Unmarshal([]byte(out), &document); err != nil || decodeErr != nil || len(document.Policies) != 1 {
		t.Fatalf("%v, %v: got\n%s%s", err, decodeErr, out, errOut)
	}
	return document.Policies[0]
}

// expectInOrder checks that a text has parts in an order.
func expectInOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("the text lacks %q, at least there:\n%s", part, text)
			return
		}
		rest = after
	}
}

// expectNarrow checks that no line has more than 80 columns, but a word that is longer.
func expectNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("the line has %d columns: %s", n, line)
		}
	}
}

// TestStatus_WholeOperation follows one incident from a calm night to the end of an operation, and what status, explain and top say.
func TestStatus_WholeOperation(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	out, _, err := h.run(t, "status", "orders")
	if err != nil || !strings.Contains(out, "has not reconciled this policy yet") {
		t.Errorf("before the first reconcile: %v\n%s", err, out)
	}
	h.record(t, "new")
	h.runUntil(t, "calm for an hour and a half", 2*time.Hour, func(*v1alpha1.DBScalingPolicy) bool { return h.clock.Now().Hour() == 2 && h.clock.Now().Minute() > 40 })
	out, _, err = h.run(t, "status", "orders")
	expectNarrow(t, out)
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, out, "NAMESPACE/orders", "DBCluster orders in eu-west-1", "Steady", "writer", "orders-1", "zone", "tier", "readers", "orders-2",
		"decision", "WithinThresholds", "foreseen", "schedule morning-import", "cost", "$0.52 per hour", "--metrics")
	h.record(t, "steady")
	out, _, err = h.run(t, "explain", "orders")
	expectInOrder(t, out, "Nothing changes (WithinThresholds)", "What would have to change", "readers up: the mean CPU over 2 min must reach 75%")
	if err != nil {
		t.Error(err)
	}

	h.runUntil(t, "scaling the readers up", time.Hour, isChanging)
	h.clock.Step(3 * time.Minute)
	h.reconcile(t)
	p := h.readStatus(t)
	if p.State != view.StateChanging || p.Operation == nil || p.Operation.Path != "create 1 surge reader, resize 1 instance, delete 1 surge reader" ||
		p.Operation.Steps[0].State != view.StepInProgress || p.Operation.Steps[1].State != view.StepWaiting || p.IsSettled() {
		t.Errorf("got %+v, %+v", p, p.Operation)
	}
	if c := p.Cost; c.HourlyUSD == nil || c.BeforeUSD == nil || c.AfterUSD == nil || *c.AfterUSD <= *c.BeforeUSD || *c.HourlyUSD <= *c.AfterUSD {
		t.Errorf("got the cost %+v", c)
	}
	measured := h.readStatus(t, "--metrics", "--endpoint-url", h.endpoint)
	reader := measured.Pools[1].Instances[0]
	if !measured.Measured || measured.MeasurementError != "" || reader.CPUPercent == nil || *reader.CPUPercent < 75 || reader.LagSeconds == nil {
		t.Errorf("with --metrics: %+v, %+v", measured, reader)
	}
	out, _, err = h.run(t, "status", "orders", "--metrics", "--endpoint-url", h.endpoint)
	if err != nil {
		t.Error(err)
	}
	h.expectGolden(t, "status-metrics", out)
	out, _, err = h.run(t, "status", "orders")
	expectNarrow(t, out)
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, out, "Changing", "0 of 3 steps done", "operation", "▶ create surge reader orders-dbscaler-", "○ resize orders-2", "○ delete surge reader",
		"events", "OperationStarted")
	h.record(t, "changing")

	h.runUntil(t, "idle", 2*time.Hour, isIdle)
	h.runUntil(t, "blocked", 2*time.Hour, isBlocked)
	out, _, err = h.run(t, "status", "orders", "-o", "wide")
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, out, "Blocked", "blocked by DisruptionWindow", "last operations", "Succeeded")
	h.record(t, "blocked")
	h.checkExplanations(t)
	h.checkTop(t)
	if *record != "" {
		copyFile(t, h.ledger, filepath.Join(*record, "ledger.jsonl"), h)
	}
}

// checkExplanations checks what explain says about the blocked writer from each source.
func (h *operatorHarness) checkExplanations(t *testing.T) {
	t.Helper()
	out, _, err := h.run(t, "explain", "orders")
	expectNarrow(t, out)
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, out, "by the status of the policy", "Why:", "although a change is wanted", "✗ DisruptionWindow", "guards passed", "What would have to change",
		"DisruptionWindow: wait until a window", "Not known", "--ledger")
	for name, args := range map[string][]string{
		"AWS": {"--metrics", "--endpoint-url", h.endpoint}, "ledger": {"--ledger", h.ledger},
	} {
		out, _, err := h.run(t, append([]string{"explain", "orders"}, args...)...)
		expectNarrow(t, out)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		expectInOrder(t, out, "Writer", "demand in vCPU, one column a minute", "scale up", "candidates", "Chosen", "Change ScaleUp", "✗ DisruptionWindow", "guards passed")
	}
	first, _, err := h.run(t, "explain", "orders", "--ledger", h.ledger, "--at", "2026-02-05T03:30:00Z")
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, first, "line ", "Why:", "ScaleUp: ", "No guard blocks it", "Readers", "candidates", "Chosen", "guards passed")
	var inputErr *InputError
	if _, _, err := h.run(t, "explain", "orders", "--ledger", h.ledger, "--at", "2020-02-05T03:30:00Z"); !errors.As(err, &inputErr) ||
		!strings.Contains(err.Error(), "has no decision about") {
		t.Errorf("before the ledger: %v", err)
	}
}

// checkTop checks that top ranks the blocked policy.
func (h *operatorHarness) checkTop(t *testing.T) {
	t.Helper()
	out, errOut, err := h.run(t, "top", "--metrics", "--endpoint-url", h.endpoint)
	expectNarrow(t, out)
	if err != nil || errOut != "" {
		t.Errorf("%v %s", err, errOut)
	}
	h.expectGolden(t, "top-metrics", out)
	expectInOrder(t, out, "POLICY", "HEADROOM", "NAMESPACE/orders", "Blocked", "%", "DisruptionWindow blocks")
}

// operationID is the ID of an operation, which depends on the namespace.
var operationID = regexp.MustCompile(`\b[0-9a-f]{8}\b`)

// expectGolden compares an output with a golden file, without the IDs of operations.
func (h *operatorHarness) expectGolden(t *testing.T, name, out string) {
	t.Helper()
	out = operationID.ReplaceAllString(out, "0a1b2c3d")
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || out != string(want) {
		t.Errorf("%s differs (%v); run the test with -update, and review the difference. Got\n%s", path, err, out)
	}
}

// record writes the policy and its events with the time, if -record is set.
func (h *operatorHarness) record(t *testing.T, name string) {
	t.Helper()
	if *record == "" {
		return
	}
	var list eventsv1.EventList
	if err := h.client.List(t.Context(), &list, client.InNamespace(h.namespace)); err != nil {
		t.Fatal(err)
	}
	document := struct {
		Now    time.Time                 `json:"now"`
		Object *v1alpha1.DBScalingPolicy `json:"object"`
		Events []view.Event              `json:"events"`
	}{Now: h.clock.Now(), Object: h.policy(t)}
	for n := range list.Items {
		e := &list.Items[n]
		document.Events = append(document.Events, view.Event{Time: eventTime(e).UTC(), Warning: e.Type == "Warning", Reason: e.Reason, Note: e.Note})
	}
	text, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*record, name+".yaml"), []byte(strings.ReplaceAll(string(text), h.namespace, "shop")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// copyFile copies a recorded file with another namespace.
func copyFile(t *testing.T, from, to string, h *operatorHarness) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(text), h.namespace, "shop")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStatus_RejectsInvalidInput: invalid input of status, explain and top gives an InputError of one line, with which the exit code is 2.
func TestStatus_RejectsInvalidInput(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for _, test := range []struct{ want, args string }{
		{`there is no DBScalingPolicy "missing" in the namespace NAMESPACE: it has orders`, "status missing"},
		{"not both", "status orders -A"},
		{`--output is "xml": it must be text, wide, json or yaml`, "status -o xml"},
		{"leave out --output json", "status orders -w -o json"},
		{"only valid with --watch", "status orders --timeout 1m"},
		{"--timeout is -1m0s", "status orders -w --timeout=-1m"},
		{"--endpoint-url is only valid with --metrics", "status orders --endpoint-url http://127.0.0.1:1"},
		{"2 policies are named: name one", "status orders ledger"},
		{"no policy: name one; kubectl dbscaler status -A lists all", "explain"},
		{`there is no DBScalingPolicy "missing"`, "explain missing"},
		{"--at is only valid with --ledger", "explain orders --at 1h"},
		{`--at is "noon": it must be a time such as`, "explain orders --at noon --ledger none"},
		{"no such file", "explain orders --ledger none"},
		{"either --ledger or --metrics", "explain orders --ledger none --metrics"},
		{"is no record of a ledger", "explain orders --ledger " + h.kubeconfig},
		{`--sort is "name": it must be risk, headroom or cost`, "top --sort name"},
		{"--sort headroom needs --metrics", "top --sort headroom"},
		{"--limit is -1", "top --limit -1"},
		{"--selector: ", "top -l a=b=c"},
		{"no DBScalingPolicy with the labels team=none", "top -l team=none"},
		{`kubectl dbscaler top takes no argument, such as "orders"`, "top orders"},
		{"unknown flag: --foo: kubectl dbscaler status --help lists the flags", "status --foo"},
		{"unknown command \"foo\": kubectl dbscaler --help lists the commands", "foo"},
	} {
		out, _, err := h.run(t, strings.Fields(test.args)...)
		var inputErr *InputError
		if !errors.As(err, &inputErr) || !strings.Contains(h.anonymize(err.Error()), test.want) || strings.Contains(err.Error(), "\n") || out != "" {
			t.Errorf("%s: got %v and\n%s\nwant %s", test.args, err, out, test.want)
		}
	}
}

// TestStatus_NamesMissingRight: a user who may not read policies is told which right is missing.
func TestStatus_NamesMissingRight(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for _, args := range []string{"status orders", "explain orders", "top", "status -w orders"} {
		_, _, err := h.run(t, append(strings.Fields(args), "--as", "nobody")...)
		if err == nil || errors.As(err, new(*InputError)) ||
			!strings.Contains(err.Error(), "you (nobody) may not list dbscalingpolicies.scaling.dbscaler.io in the namespace "+h.namespace) {
			t.Errorf("%s: %v", args, err)
		}
	}
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "reader", Namespace: h.namespace},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"dbscalingpolicies"}, Verbs: []string{"list"}}},
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "reader", Namespace: h.namespace}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{Kind: "User", Name: "reader"}},
	}
	for _, o := range []client.Object{role, binding} {
		if err := h.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	out, _, err := h.run(t, "status", "orders", "--as", "reader")
	if err != nil || !strings.Contains(strings.Join(strings.Fields(out), " "), "you may not list events.events.k8s.io in the namespace") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestStatus_StalledFails: a policy that needs a person has exit code 1, with and without --watch.
func TestStatus_StalledFails(t *testing.T) {
	h := newOperatorHarness(t, incident, strings.Replace(incidentPolicy, "identifier: orders", "identifier: ordrs", 1))
	h.reconcile(t)
	for _, args := range []string{"status orders", "status orders -w", "status"} {
		out, _, err := h.run(t, strings.Fields(args)...)
		var stalled *StalledError
		if !errors.As(err, &stalled) || !strings.Contains(out, "Stalled") {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
	out, _, err := h.run(t, "explain", "orders")
	if err != nil {
		t.Error(err)
	}
	expectInOrder(t, out, "Nothing changes until a person acts", "What would have to change", "Authorized, NotFoundOrNotOptedIn")
	h.record(t, "stalled")
}

// TestComplete_Policies: the shell completes names of policies of the namespace.
func TestComplete_Policies(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for _, command := range []string{"status", "explain"} {
		var out bytes.Buffer
		root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: io.Discard}, h.clock)
		root.SetArgs([]string{"__complete", "--kubeconfig", h.kubeconfig, "-n", h.namespace, command, "ord"})
		err := root.ExecuteContext(t.Context())
		if err != nil || !strings.HasPrefix(out.String(), "orders\tDBCluster orders in eu-west-1\n:4") {
			t.Errorf("%s: %v\n%s", command, err, out.String())
		}
	}
}
