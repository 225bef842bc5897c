package app

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests name a time zone

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

var updateTranscripts = flag.Bool("update-manual-control", false, "write the transcripts of the manual control commands")

// controlHarness is a policy that TestManualControl_Objects has recorded, on a real API server, in a namespace whose name the transcripts
// show.
type controlHarness struct {
	t          *testing.T
	namespace  string
	kubeconfig string
	client     client.Client
	clock      *clocktesting.FakeClock
	user       string
}

// newControlHarness creates the policy of a file in testdata/manual_control.
func newControlHarness(t *testing.T, namespace, file string) *controlHarness {
	t.Helper()
	c, err := env.Client()
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	h := &controlHarness{
		t: t, namespace: namespace, kubeconfig: env.Kubeconfig(t), client: c, user: "alice",
		clock: clocktesting.NewFakeClock(time.Date(2024, 2, 5, 11, 0, 0, 0, zone)),
	}
	createNamespace(t, c, namespace)
	text, err := os.ReadFile(filepath.Join("testdata", "manual_control", file))
	if err != nil {
		t.Fatal(err)
	}
	policy := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict(text, policy); err != nil {
		t.Fatal(err)
	}
	policy.Namespace = namespace
	status := policy.Status
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	policy.Status = status
	if err := c.Status().Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Delete(context.WithoutCancel(t.Context()), policy); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return h
}

// createNamespace creates a namespace unless it exists.
func createNamespace(t *testing.T, c client.Client, name string) {
	t.Helper()
	err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// run runs a command as the user, and returns its output and error.
func (h *controlHarness) run(args ...string) (string, error) {
	h.t.Helper()
	h.t.Setenv("KUBECONFIG", h.kubeconfig)
	var out bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, h.clock)
	all := append(slices.Clone(args), "-n", h.namespace, "--as", h.user)
	if h.user == "alice" {
		all = append(all, "--as-group", "system:masters")
	}
	root.SetArgs(all)
	err := root.ExecuteContext(h.t.Context())
	return out.String(), err
}

// policy reads the policy.
func (h *controlHarness) policy() *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	policy := &v1alpha1.DBScalingPolicy{}
	if err := h.client.Get(h.t.Context(), types.NamespacedName{Namespace: h.namespace, Name: "orders"}, policy); err != nil {
		h.t.Fatal(err)
	}
	return policy
}

// exitCode is what main makes of an error.
func exitCode(err error) int {
	var inputErr *InputError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &inputErr):
		return ExitInvalidInput
	}
	return ExitFailure
}

// hash is the hash of the change that the operator proposes.
func (h *controlHarness) hash() string {
	h.t.Helper()
	return h.policy().Status.Decision.Hash
}

// TestManualControl_Transcripts compares what the commands print, one after the other, with the recorded transcripts. In a transcript, a
// line that begins with @ is the user that runs the following commands. HASH is that of the proposed change.
func TestManualControl_Transcripts(t *testing.T) {
	for _, test := range []struct {
		name, file string
		commands   []string
	}{
		{"pause", "enforce.yaml", []string{
			"pause orders --reason rebuild --dry-run", "pause orders --reason rebuild", "@bob", "pause orders --for 1h", "pause orders --for 1h --replace --dry-run=server",
			"pause orders --indefinitely", "resume orders --dry-run=client", "@alice", "resume orders --reason ready", "resume orders",
			"pause orders --until 2024-02-06T08:00:00+01:00 -o name", "resume orders -o json --dry-run",
		}},
		{"override", "enforce.yaml", []string{
			"override orders --readers 3xdb.r6g.xlarge --for 2h --reason launch", "@bob", "override orders --writer db.r6g.2xlarge",
			"override orders --writer db.r6g.2xlarge --replace --dry-run", "override orders --readers 6xdb.r6g.8xlarge --replace --exceed-limits --for 3d",
			"override orders --end", "override orders --end", "@alice", "pause orders", "override orders --writer db.r6g.xlarge -o yaml --dry-run",
			"override orders --readers '2 x db.r6g.large' --writer db.r6g.2xlarge --until 2024-02-05T20:00:00Z",
		}},
		{"approve", "approval.yaml", []string{
			"approve orders --dry-run", "approve orders --hash 00000000", "approve orders --hash HASH --reason agreed", "approve orders",
			"approve orders --revoke", "approve orders --revoke",
		}},
		{"resolve", "conflict.yaml", []string{"resolve orders --dry-run", "resolve orders --reason 'ignore_changes is set'", "resolve orders"}},
		{"invalid", "invalid.yaml", []string{"resume orders", "override orders --end", "resume orders --dry-run"}},
		{"help", "enforce.yaml", []string{"pause --help", "resume --help", "override --help", "approve --help", "resolve --help", "replay --help", "ledger verify --help"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newControlHarness(t, "shop", test.file)
			var b strings.Builder
			for _, line := range test.commands {
				if user, isUser := strings.CutPrefix(line, "@"); isUser {
					h.user = user
					fmt.Fprintf(&b, "@%s\n\n", user)
					if user == "bob" {
						h.bindOnCall("bob")
					}
					continue
				}
				if strings.Contains(line, "HASH") {
					line = strings.ReplaceAll(line, "HASH", h.hash())
				}
				out, err := h.run(splitLine(line)...)
				fmt.Fprintf(&b, "$ kubectl dbscaler %s\n%s", line, out)
				if err != nil {
					fmt.Fprintf(&b, "kubectl-dbscaler: %v\nexit code %d\n", err, exitCode(err))
				}
				b.WriteString("\n")
			}
			path := filepath.Join("testdata", "manual_control", test.name+".transcript")
			got := maskGenerated(b.String(), h)
			if *updateTranscripts {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the transcript differs from %s; -update-manual-control writes it:\n%s", path, got)
			}
			isObject := false
			for n, text := range strings.Split(got, "\n") {
				if strings.HasPrefix(text, "$ ") {
					isObject = strings.Contains(text, " -o ") // printed as kubectl does
				}
				isCommand := strings.HasPrefix(text, "$ ") || strings.Contains(text, "kubectl dbscaler ") || strings.HasPrefix(text, "kubectl-dbscaler: ")
				if len([]rune(text)) > 80 && !isCommand && !isObject && !strings.Contains(text, "scaling.dbscaler.io/") {
					t.Errorf("line %d has more than 80 columns: %s", n+1, text)
				}
			}
		})
	}
}

// splitLine splits a command line at spaces outside of single quotes.
func splitLine(line string) []string {
	var words []string
	for n, part := range strings.Split(line, "'") {
		if n%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}

// maskGenerated replaces what the API server generates.
func maskGenerated(text string, h *controlHarness) string {
	policy := h.policy()
	text = strings.ReplaceAll(text, string(policy.UID), "UID")
	lines := strings.Split(text, "\n")
	for n, line := range lines {
		for _, field := range []string{"creationTimestamp", "resourceVersion"} {
			if before, _, found := strings.Cut(line, field); found {
				lines[n] = before + field + " …"
			}
		}
	}
	return strings.Join(lines, "\n")
}

// bindOnCall gives a user the role for manual control in the namespace.
func (h *controlHarness) bindOnCall(user string) {
	h.t.Helper()
	env.RunKubectl(h.t, "apply", "-f", "../../../config/rbac/dbscalingpolicy_on_call_role.yaml")
	h.bind(user, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: onCallRole})
}

func (h *controlHarness) bind(user string, role rbacv1.RoleRef) {
	h.t.Helper()
	err := h.client.Create(h.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: user}, RoleRef: role,
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		h.t.Fatal(err)
	}
}

// TestManualControl_NamesMissingRights checks that a user without rights learns which are missing, and gets exit code 1.
func TestManualControl_NamesMissingRights(t *testing.T) {
	h := newControlHarness(t, "rights", "approval.yaml")
	env.RunKubectl(t, "apply", "-f", "../../../config/rbac/manual_control_guard.yaml", "-f", "../../../config/rbac/manual_control_guard_binding.yaml")
	for user, verbs := range map[string][]string{"reader": {"get"}, "patcher": {"get", "patch"}, "approver": {"get", "patch", "approve"}} {
		err := h.client.Create(t.Context(), &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: h.namespace, Name: user}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"dbscalingpolicies"}, Verbs: verbs},
		}})
		if err != nil {
			t.Fatal(err)
		}
		h.bind(user, rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: user})
	}
	waitForGuard(t, h)
	h.bindOnCall("on-call")
	for _, test := range []struct{ user, command, want string }{
		{"nobody", "pause orders", "you (nobody) may not get dbscalingpolicies in the namespace rights: ask for the verb, for example with the ClusterRole dbscaler-dbscalingpolicy-on-call"},
		{"reader", "pause orders", "you (reader) may not patch and override dbscalingpolicies in the namespace rights: ask for the verbs"},
		{"reader", "approve orders", "you (reader) may not patch and approve dbscalingpolicies"},
		{"patcher", "override orders --writer db.r6g.xlarge", "you (patcher) may not override dbscalingpolicies"},
		{"patcher", "approve orders --dry-run=server", "you (patcher) may not approve dbscalingpolicies"},
		{"approver", "pause orders", "you (approver) may not override dbscalingpolicies"},
		{"approver", "approve orders", ""},
		{"on-call", "pause orders", ""},
		{"on-call", "override orders --writer db.r6g.xlarge", ""},
		{"on-call", "approve orders --revoke", ""},
	} {
		h.user = test.user
		_, err := h.run(strings.Fields(test.command)...)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s, %s: %v", test.user, test.command, err)
		case test.want != "" && (exitCode(err) != ExitFailure || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s, %s: got %v, want %q", test.user, test.command, err, test.want)
		}
	}
	if by := h.policy().Annotations[v1alpha1.AnnotationPausedBy]; !strings.HasPrefix(by, "on-call until ") {
		t.Errorf("the recorded name is %q, want that of the user", by)
	}
}

// waitForGuard waits until the admission policy has an effect: it takes a moment.
func waitForGuard(t *testing.T, h *controlHarness) {
	t.Helper()
	h.user = "patcher"
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if _, err := h.run("pause", "orders", "--dry-run=server"); err != nil {
			return
		}
	}
	t.Fatal("the admission policy has no effect")
}

// TestManualControl_RejectsInvalidInput checks that invalid input gives one line that says what to do, and exit code 2.
func TestManualControl_RejectsInvalidInput(t *testing.T) {
	enforce := newControlHarness(t, "invalid-enforce", "enforce.yaml")
	approval := newControlHarness(t, "invalid-approval", "approval.yaml")
	serverless := newControlHarness(t, "invalid-serverless", "serverless.yaml")
	for _, test := range []struct {
		h             *controlHarness
		command, want string
	}{
		{enforce, "pause", "no policy: name one"},
		{enforce, "pause a b", "2 policies are named: name one"},
		{enforce, "pause shop/orders", "set --namespace"},
		{enforce, "pause missing", "in the namespace invalid-enforce: it has orders"},
		{enforce, "pause orders --for 2x", "it must be a duration above zero, such as 90m, 8h or 3d"},
		{enforce, "pause orders --for -2h", "it must be a duration above zero"},
		{enforce, "pause orders --for 31d", "it must be at most 30d"},
		{enforce, "pause orders --for 1h --until 2024-02-05T12:00:00Z", "not both"},
		{enforce, "pause orders --for 1h --indefinitely", "not both"},
		{enforce, "pause orders --until tomorrow", "such as 2024-02-05T19:00:00+01:00"},
		{enforce, "pause orders --until 2024-02-05T09:59:59Z", "which has passed: it is 2024-02-05T11:00:00+01:00 now"},
		{enforce, "pause orders --until 2025-02-05T09:59:59Z", "at most 30d from now"},
		{enforce, "pause orders --dry-run=maybe", "it must be none, client or server"},
		{enforce, "pause orders -o xml", "it must be yaml, json or name"},
		{enforce, "pause orders --reason " + strings.Repeat("x", 257), "it must have at most 256"},
		{enforce, "override orders", "set --readers, --writer or both"},
		{enforce, "override orders --readers many", "such as 3xdb.r6g.xlarge"},
		{enforce, "override orders --readers 16xdb.r6g.large --exceed-limits", "must be 1 to 15"},
		{enforce, "override orders --readers 5xdb.r6g.large", "allows 1 to 4 readers, and not 5: choose one of these numbers, or add --exceed-limits"},
		{enforce, "override orders --readers 2xdb.r6g.8xlarge", "choose one of db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge, or add --exceed-limits"},
		{enforce, "override orders --readers 2xdb.r6g.lage --exceed-limits", "The policy allows db.r6g.large"},
		{enforce, "override orders --writer db.r6g.large", "choose one of db.r6g.xlarge, db.r6g.2xlarge"},
		{enforce, "override orders --writer db.r6g.xlarge --for 31d", "at most 30d"},
		{enforce, "override orders --end --for 2h", "set no shape and no duration"},
		{enforce, "approve orders", "set it to Approve"},
		{enforce, "resolve orders", "has no ownership conflict"},
		{approval, "approve orders --hash 0000", "with the hash " + approval.hash() + " and not 0000"},
		{approval, "approve orders --revoke --hash 0000", "not both"},
		{serverless, "override orders --writer db.r6g.large", "change spec.serverless instead"},
	} {
		t.Run(test.command, func(t *testing.T) {
			out, err := test.h.run(strings.Fields(test.command)...)
			if exitCode(err) != ExitInvalidInput || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 300 || out != "" {
				t.Errorf("got %v with exit code %d and the output %q, want %q", err, exitCode(err), out, test.want)
			}
		})
	}
	if len(enforce.policy().Annotations) > 0 {
		t.Errorf("the annotations are %v, want none", enforce.policy().Annotations)
	}
}

// TestManualControl_WorksOutAgainAfterConflict: somebody writes the policy between reading and writing.
func TestManualControl_WorksOutAgainAfterConflict(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*v1alpha1.DBScalingPolicy)
		want   string
	}{
		"same change":    {func(p *v1alpha1.DBScalingPolicy) { p.Status.Decision.Cause = "86 %" }, ""},
		"another change": {func(p *v1alpha1.DBScalingPolicy) { p.Status.Decision.Hash = "2f2e3d4c" }, "proposes another change now, with the hash 2f2e3d4c"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newControlHarness(t, "conflicts", "approval.yaml")
			kube := genericclioptions.NewConfigFlags(true)
			kube.KubeConfig, kube.Namespace = &h.kubeconfig, &h.namespace
			a := &approveCommand{manualControl: manualControl{
				kube: kube, clock: h.clock, dryRun: dryRunNone, streams: genericiooptions.NewTestIOStreamsDiscard(),
			}}
			attempts := 0
			err := a.apply(t.Context(), "orders", func(p *v1alpha1.DBScalingPolicy) (controlChange, error) {
				if attempts++; attempts == 1 {
					other := h.policy()
					test.change(other)
					if err := h.client.Status().Update(t.Context(), other); err != nil {
						t.Fatal(err)
					}
				}
				return a.plan(p)
			})
			if attempts != 2 || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d attempts, got %v, want %q", attempts, err, test.want)
			}
			want := ""
			if test.want == "" {
				want = h.hash()
			}
			if got := h.policy().Annotations[v1alpha1.AnnotationApprove]; got != want {
				t.Errorf("the approved hash is %q, want %q", got, want)
			}
		})
	}
}

// TestManualControl_Completes checks the completion of policies, classes and values of flags.
func TestManualControl_Completes(t *testing.T) {
	h := newControlHarness(t, "completion", "approval.yaml")
	for line, want := range map[string]string{
		"pause or":                                "orders\tDBCluster orders in eu-west-1\n",
		"pause x":                                 "",
		"pause orders ":                           "",
		"override orders --readers ":              "1x\n2x\n3x\n4x\n",
		"override orders --readers 3xdb.r6g.x":    "3xdb.r6g.xlarge\n",
		"override orders --writer ":               "db.r6g.xlarge\ndb.r6g.2xlarge\n",
		"approve orders --hash ":                  h.hash() + "\n",
		"resume orders --dry-run=":                "none\nclient\nserver\n",
		"resolve orders --output ":                "yaml\njson\nname\n",
		"override orders --writer db.r6g.xlarge ": "",
	} {
		words := strings.Split(line, " ")
		// The flags of kubectl come first: completion is about the last word.
		out, err := h.complete(words...)
		values, _, _ := strings.Cut(out, ":")
		if err != nil || values != want {
			t.Errorf("%q completes to %q, %v; want %q", line, values, err, want)
		}
	}
}

// complete asks the command for completions, as a shell does.
func (h *controlHarness) complete(words ...string) (string, error) {
	h.t.Setenv("KUBECONFIG", h.kubeconfig)
	var out bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &bytes.Buffer{}}, h.clock)
	root.SetArgs(append([]string{"__complete", words[0], "-n", h.namespace}, words[1:]...))
	err := root.ExecuteContext(h.t.Context())
	return out.String(), err
}
