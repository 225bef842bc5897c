package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/dbscaler/dbscaler/internal/view"
)

// readPlan runs plan with JSON output.
func (h *operatorHarness) readPlan(t *testing.T, args ...string) view.Plan {
	t.Helper()
	out, errOut, err := h.run(t, append([]string{"plan", "orders", "-o", "json"}, args...)...)
	var plan view.Plan
	if decodeErr := json.Unmarshal([]byte(out), &plan); err != nil || decodeErr != nil {
		t.Fatalf("%v, %v: got\n%s%s", err, decodeErr, out, errOut)
	}
	return plan
}

// TestPlan_IsWhatTheOperatorDoes: the steps of a plan for a shape, from status and from AWS, are those that the operator records when an
// override requests the shape, and afterwards the plan is the operation in progress.
func TestPlan_IsWhatTheOperatorDoes(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	if _, _, err := h.run(t, "plan", "orders"); !errors.Is(err, view.ErrCannotPlan) || ExitCode(err, nil) != ExitFailure {
		t.Errorf("before the first reconcile: %v", err)
	}
	for range 8 {
		h.reconcile(t)
	}
	shape := []string{"--readers", "2xdb.r6g.xlarge"}
	aws := []string{"--metrics", "--endpoint-url", h.endpoint}
	plans := map[string]view.Plan{"status": h.readPlan(t, shape...), "AWS": h.readPlan(t, slices.Concat(shape, aws)...)}
	out, _, err := h.run(t, slices.Concat([]string{"plan", "orders"}, shape, aws)...)
	expectNarrow(t, out)
	if err != nil {
		t.Error(err)
	}
	h.expectGolden(t, "plan-metrics", out)
	out, _, err = h.run(t, append([]string{"plan", "orders", "--detailed-exitcode"}, shape...)...)
	if ExitCode(err, []string{"plan", "orders", "--detailed-exitcode"}) != ExitWouldChange || !strings.Contains(out, "create reader") {
		t.Errorf("got %v\n%s", err, out)
	}
	if _, _, err = h.run(t, "plan", "orders", "--detailed-exitcode"); err != nil {
		t.Errorf("nothing would change, and got %v", err)
	}

	if _, errOut, err := h.run(t, append([]string{"override", "orders", "--for", "2h", "--exceed-limits"}, shape...)...); err != nil {
		t.Fatalf("%v %s", err, errOut)
	}
	h.runUntil(t, "changing", 3*time.Minute, isChanging)
	op := h.policy(t).Status.Operation
	var want []string
	for _, s := range op.Steps {
		want = append(want, fmt.Sprint(s.Action, " ", strings.Replace(s.Instance, op.ID, "xxxxxxxx", 1), " ", s.InstanceClass))
	}
	for source, plan := range plans {
		var got []string
		for _, s := range plan.Changes[0].Steps {
			got = append(got, fmt.Sprint(s.Action, " ", s.Instance, " ", s.InstanceClass))
		}
		if !slices.Equal(got, want) || len(plan.Changes) != 1 || !plan.WouldChange {
			t.Errorf("%s: got %v in %d changes, want %v", source, got, len(plan.Changes), want)
		}
	}
	if v := plans["AWS"].Changes[0].Verdict; v != view.ChangeStarts {
		t.Errorf("from AWS the verdict is %s: %+v", v, plans["AWS"].Changes[0].Guards)
	}
	running := h.readPlan(t)
	if c := running.Changes; len(c) != 1 || c[0].Verdict != view.ChangeInProgress || c[0].Operation != op.ID || len(c[0].Steps) != len(op.Steps) {
		t.Errorf("during the operation: %+v", running)
	}
}

// TestPlan_ExitCodes: a script can tell a change from invalid input and from a failure.
func TestPlan_ExitCodes(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.reconcile(t)
	for _, test := range []struct {
		args     string
		code     int
		detailed int
		want     string
	}{
		{"plan orders", 0, 0, ""},
		{"plan orders --writer db.r6g.xlarge", 0, ExitWouldChange, "the plan has changes"},
		{"plan orders --writer db.r6g.large", 0, 0, ""},
		{"plan missing", ExitInvalidInput, ExitDetailedInvalidInput, `there is no DBScalingPolicy "missing"`},
		{"plan", ExitInvalidInput, ExitDetailedInvalidInput, "no policy: name one"},
		{"plan orders --typo", ExitInvalidInput, ExitDetailedInvalidInput, "unknown flag"},
		{"plan orders -o xml", ExitInvalidInput, ExitDetailedInvalidInput, `--output is "xml"`},
		{"plan orders --readers many", ExitInvalidInput, ExitDetailedInvalidInput, "it must be a number and a class"},
		{"plan orders --writer db.none.large", ExitInvalidInput, ExitDetailedInvalidInput, "The policy allows db.r6g.large"},
		{"plan orders --endpoint-url http://127.0.0.1:1", ExitInvalidInput, ExitDetailedInvalidInput, "only valid with --metrics"},
		{"plan orders --as nobody", ExitFailure, ExitFailure, "you (nobody) may not list dbscalingpolicies.scaling.dbscaler.io in the namespace"},
		{"plan orders --metrics --endpoint-url http://127.0.0.1:1", ExitFailure, ExitFailure, "leave out --metrics"},
	} {
		plain := strings.Fields(test.args)
		_, _, err := h.run(t, plain...)
		if code := ExitCode(err, plain); code != test.code {
			t.Errorf("%s: got the exit code %d (%v), want %d", test.args, code, err, test.code)
		}
		detailed := append(plain, "--detailed-exitcode") // after a flag that cannot be parsed
		_, _, err = h.run(t, detailed...)
		if code := ExitCode(err, detailed); code != test.detailed {
			t.Errorf("%s --detailed-exitcode: got the exit code %d (%v), want %d", test.args, code, err, test.detailed)
		}
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v, want %s", test.args, err, test.want)
		}
	}
	invalid := asInputError(errors.New("x"))
	if ExitCode(invalid, []string{"plan", "--detailed-exitcode=false"}) != ExitInvalidInput || ExitCode(invalid, []string{"status"}) != ExitInvalidInput {
		t.Error("without the flag invalid input must have the exit code of all commands")
	}
}

// TestComplete_Shapes: the shell completes the shapes that the policy allows.
func TestComplete_Shapes(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for args, want := range map[string]string{
		"plan orders --writer db.r6g.x": "db.r6g.xlarge\n", "plan orders --readers 1x": "1xdb.r6g.large\n1xdb.r6g.xlarge\n1xdb.r6g.2xlarge\n",
		"plan ord": "orders\tDBCluster orders in eu-west-1\n",
	} {
		if out := h.complete(t, strings.Fields(args)...); !strings.HasPrefix(out, want) {
			t.Errorf("%s: got\n%s", args, out)
		}
	}
}

// complete returns what the shell would complete.
func (h *operatorHarness) complete(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: io.Discard}, h.clock)
	root.SetArgs(append([]string{"__complete", "--kubeconfig", h.kubeconfig, "-n", h.namespace}, args...))
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
