package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/dashboard"
	"github.com/dbscaler/dbscaler/internal/view"
)

// runningDashboard is the command dashboard that runs beside a test.
type runningDashboard struct {
	address string
	stop    func() error
}

// startDashboard starts the command with a kubeconfig, and ends it at the end of the test, as Ctrl-C does.
func (h *operatorHarness) startDashboard(t *testing.T, kubeconfig string, args ...string) runningDashboard {
	t.Helper()
	out, in := io.Pipe()
	var errOut bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: in, ErrOut: &errOut}, h.clock)
	root.SetArgs(append([]string{"dashboard", "--kubeconfig", kubeconfig}, args...))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(ctx)
		_ = in.CloseWithError(io.EOF)
		ended <- err
	}()
	line := make([]byte, 256)
	n, err := out.Read(line)
	address := regexp.MustCompile(`^The dashboard is at (http://127\.0\.0\.1:\d+/)\n$`).FindSubmatch(line[:n])
	if address == nil {
		cancel()
		t.Fatalf("got %q and %v, want the address: %v %s", line[:n], err, <-ended, errOut.String())
	}
	d := runningDashboard{address: string(address[1])}
	isStopped := false
	d.stop = func() error {
		if isStopped {
			return nil
		}
		isStopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Errorf("the dashboard ended with %v", err)
		}
	})
	return d
}

// read returns the answer to a request, with its status code.
func (d runningDashboard) read(t *testing.T, path string) (string, int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err != nil || closeErr != nil {
		t.Fatal(err, closeErr)
	}
	return string(text), response.StatusCode
}

// readDashboard reads JSON from the dashboard.
func readDashboard[T any](t *testing.T, d runningDashboard, path string) T {
	t.Helper()
	text, code := d.read(t, path)
	var out T
	if err := json.Unmarshal([]byte(text), &out); err != nil || code != http.StatusOK {
		t.Fatalf("%s answered %d, %v: %s", path, code, err, text)
	}
	return out
}

// TestDashboard_WholeOperation follows one incident on the page, with a real API server, the reconciler and the simulated AWS: its JSON is
// that of status and top, the operation goes on step by step without a restart, and the day has what happened.
func TestDashboard_WholeOperation(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.runUntil(t, "changing", 4*time.Hour, isChanging)
	d := h.startDashboard(t, h.kubeconfig, "-n", h.namespace, "--metrics", "--endpoint-url", h.endpoint, "--ledger", h.ledger)
	policy, day := "api/policies/"+h.namespace+"/orders", "api/policies/"+h.namespace+"/orders/day"

	limit, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !readDashboard[statusDocument](t, d, policy).Policies[0].Measured { // AWS is read beside the requests
		if limit.Err() != nil {
			t.Fatal("the database was not read from AWS")
		}
	}
	for path, args := range map[string]string{
		policy: "status orders -o json --metrics", "api/policies": "status -o json --metrics", "api/fleet": "top -o json --metrics",
		"api/fleet?sort=cost": "top -o json --metrics --sort cost",
	} {
		want, errOut, err := h.run(t, append(strings.Fields(args), "--endpoint-url", h.endpoint)...)
		if got, _ := d.read(t, path); err != nil || h.anonymize(got) != want {
			t.Errorf("%s differs from %s (%v %s): got\n%s\nwant\n%s", path, args, err, errOut, h.anonymize(got), want)
		}
	}
	during := readDashboard[view.Day](t, d, day)
	if last := during.Marks[len(during.Marks)-1]; last.Kind != view.MarkOperation || last.Outcome != view.OutcomeRunning || !last.End.IsZero() ||
		!strings.Contains(last.Text, "threshold 75%") {
		t.Errorf("the newest mark is %+v, want the operation in progress with its cause", last)
	}
	for _, pool := range during.Pools {
		if len(pool.Points) < 60 || len(pool.Capacity) == 0 || len(pool.Instances) == 0 {
			t.Errorf("%s has %d points, the capacity %+v and %d instances", pool.Name, len(pool.Points), pool.Capacity, len(pool.Instances))
		}
	}

	// The operation goes on, and the page follows.
	steps := map[int]bool{}
	h.runUntil(t, "idle", 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
		if op := readDashboard[statusDocument](t, d, policy).Policies[0].Operation; op != nil {
			steps[op.DoneSteps] = true
		}
		return isIdle(p)
	})
	if !steps[0] || !steps[1] || !steps[2] {
		t.Errorf("the page has shown %v steps done, want 0, 1 and 2", steps)
	}
	h.runUntil(t, "blocked", 3*time.Hour, isBlocked)
	h.clock.Step(2 * time.Minute)
	after := readDashboard[view.Day](t, d, day)
	kinds := map[string]view.Mark{}
	for _, m := range after.Marks {
		kinds[string(m.Kind)+" "+m.Outcome+m.Guard] = m
	}
	if m := kinds["Operation Succeeded"]; m.End.IsZero() || !strings.Contains(m.Text, "Succeeded after") {
		t.Errorf("the marks are %+v, want the operation that succeeded", after.Marks)
	}
	if m := kinds["Blocked DisruptionWindow"]; !m.End.IsZero() || m.Pool != "Writer" {
		t.Errorf("the marks are %+v, want the writer blocked until now", after.Marks)
	}
	if err := d.stop(); err != nil {
		t.Errorf("Ctrl-C ends the command with %v", err)
	}
}

// TestDashboard_NamesMissingRight: without a right on all namespaces the page shows the current one and says so; without any right it says
// which one is missing.
func TestDashboard_NamesMissingRight(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	config, err := clientcmd.LoadFromFile(h.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts[config.CurrentContext].Namespace = h.namespace
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	for _, o := range []client.Object{&rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "viewer", Namespace: h.namespace},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"dbscalingpolicies"}, Verbs: []string{"list"}}},
	}, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "viewer", Namespace: h.namespace}, RoleRef: rbacv1.RoleRef{Kind: "Role", Name: "viewer"},
		Subjects: []rbacv1.Subject{{Kind: "User", Name: "viewer"}},
	}} {
		if err := h.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	d := h.startDashboard(t, kubeconfig, "--as", "viewer")
	about := readDashboard[dashboard.About](t, d, "api/about")
	notices := strings.Join(about.Notices, "\n")
	if about.Scope != "namespace "+h.namespace || !strings.Contains(notices, "you (viewer) may not list dbscalingpolicies.scaling.dbscaler.io in all namespaces") {
		t.Errorf("got the scope %q and the notices %q", about.Scope, notices)
	}
	if n := len(readDashboard[struct{ Policies []view.Risk }](t, d, "api/fleet").Policies); n != 1 {
		t.Errorf("%d policies are shown, want that of the namespace", n)
	}
	day := readDashboard[view.Day](t, d, "api/policies/"+h.namespace+"/orders/day")
	if text := strings.Join(day.Unknown, "\n"); !strings.Contains(text, "Events: you may not list events.events.k8s.io in the namespace "+h.namespace) {
		t.Errorf("the missing right on events is not named: %s", text)
	}
	d = h.startDashboard(t, kubeconfig, "--as", "nobody")
	for _, path := range []string{"api/about", "api/fleet", "api/policies/" + h.namespace + "/orders"} {
		if text, code := d.read(t, path); code != http.StatusBadGateway || !strings.Contains(text, "you (nobody) may not list dbscalingpolicies.scaling.dbscaler.io in all namespaces") {
			t.Errorf("/%s answered %d: %s", path, code, text)
		}
	}
}

func TestDashboard_RejectsInput(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for _, test := range []struct{ want, args string }{
		{"--port is -1: it must be from 0 to 65535", "--port=-1"},
		{"--port is 65536", "--port 65536"},
		{"--refresh is 1ms: it must be at least 500ms", "--refresh 1ms"},
		{"--ledger must be a file", "--ledger -"},
		{"no such file", "--ledger none"},
		{"is no record of a ledger", "--ledger " + h.kubeconfig},
		{"--endpoint-url is only valid with --metrics", "--endpoint-url http://127.0.0.1:1"},
		{"--selector: ", "-l a=b=c"},
		{"takes no argument", "orders"},
	} {
		out, _, err := h.run(t, append([]string{"dashboard"}, strings.Fields(test.args)...)...)
		var inputErr *InputError
		if !errors.As(err, &inputErr) || !strings.Contains(err.Error(), test.want) || out != "" {
			t.Errorf("%s: got %v and\n%s\nwant %s", test.args, err, out, test.want)
		}
	}
}
