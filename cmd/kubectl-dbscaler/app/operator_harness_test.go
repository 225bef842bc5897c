package app

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/controllers"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// operatorHarness runs the reconciler on a real API server and the simulated AWS, step by step with a clock that the test moves, and the
// plugin beside it.
type operatorHarness struct {
	namespace, kubeconfig, endpoint, ledger string
	client                                  client.Client
	clock                                   *clocktesting.FakeClock
	aws                                     *rdssim.Server
	observer                                *awsx.Client
	reconciler                              *controllers.Reconciler
}

// newOperatorHarness builds a harness with a database of a scenario and a policy named orders, in which NAMESPACE stands for the test's
// namespace.
func newOperatorHarness(t *testing.T, scenario, policy string) *operatorHarness {
	t.Helper()
	namespace, c := env.NewNamespace(t)
	return newOperatorHarnessIn(t, namespace, c, scenario, policy)
}

// newOperatorHarnessIn builds a harness in a namespace that exists.
func newOperatorHarnessIn(t *testing.T, namespace string, c client.Client, scenario, policy string) *operatorHarness {
	t.Helper()
	replace := func(text string) []byte { return []byte(strings.ReplaceAll(text, "NAMESPACE", namespace)) }
	parsed, err := model.ParseScenario(replace(scenario))
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(parsed)
	if err != nil {
		t.Fatal(err)
	}
	h := &operatorHarness{
		namespace: namespace, kubeconfig: env.Kubeconfig(t), client: c, clock: clocktesting.NewFakeClock(parsed.Start.Time),
		ledger: filepath.Join(t.TempDir(), "ledger.jsonl"),
	}
	h.aws = rdssim.New(rdssim.Options{
		World: world, Clock: h.clock, AccountID: parsed.AccountID, Policy: iamDocument(t, "", "policy.json", "doctor.json"), Log: logr.Discard(),
	})
	server := httptest.NewServer(h.aws)
	t.Cleanup(server.Close)
	h.endpoint = server.URL
	h.observer, err = awsx.New(t.Context(), awsx.Options{
		Endpoint: h.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Clock: h.clock, Version: "test",
		Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	series, err := telemetry.New(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := os.Create(h.ledger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	own := ownNamespaceClient{c, namespace}
	h.reconciler = &controllers.Reconciler{
		Client: own, APIReader: own, Observer: h.observer, Executor: h.observer, EventReader: h.observer, Clock: h.clock,
		Events: events.Recorder{Sink: eventWriter{t, c, h.clock}}, Metrics: series, ClockSpeed: 1, Concurrency: 1, Ledger: ledger,
	}
	object := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict(replace(policy), object); err != nil {
		t.Fatal(err)
	}
	object.Namespace = namespace
	if err := c.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "admin")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	return h
}

// policy reads the policy.
func (h *operatorHarness) policy(t *testing.T) *v1alpha1.DBScalingPolicy {
	t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := h.client.Get(t.Context(), types.NamespacedName{Namespace: h.namespace, Name: "orders"}, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// reconcile reconciles the policy once and moves the clock to the next reconcile.
func (h *operatorHarness) reconcile(t *testing.T) *v1alpha1.DBScalingPolicy {
	t.Helper()
	h.observer.Track([]scaling.TrackedTarget{trackedTarget(h.policy(t), convert.Target(h.policy(t)))})
	request := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: h.namespace, Name: "orders"}}
	result, err := h.reconciler.Reconcile(t.Context(), request)
	if err != nil || result.RequeueAfter <= 0 {
		t.Fatalf("the reconcile at %s gave %+v, %v", h.clock.Now(), result, err)
	}
	p := h.policy(t)
	h.clock.Step(result.RequeueAfter)
	return p
}

// runUntil reconciles until the policy is in a state.
func (h *operatorHarness) runUntil(t *testing.T, state string, limit time.Duration, reached func(*v1alpha1.DBScalingPolicy) bool) {
	t.Helper()
	for end := h.clock.Now().Add(limit); h.clock.Now().Before(end); {
		if reached(h.reconcile(t)) {
			return
		}
	}
	text, err := yaml.Marshal(h.policy(t).Status)
	t.Fatalf("the policy is not %s within %s (%v):\n%s", state, limit, err, text)
}

// run runs a command of the plugin, and returns what it printed with NAMESPACE in place of the namespace.
func (h *operatorHarness) run(t *testing.T, args ...string) (out, errOut string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &stdout, ErrOut: &stderr}, h.clock)
	root.SetArgs(append(args, "--kubeconfig", h.kubeconfig, "-n", h.namespace))
	err = root.ExecuteContext(t.Context())
	return h.anonymize(stdout.String()), h.anonymize(stderr.String()), err
}

func (h *operatorHarness) anonymize(text string) string {
	return strings.ReplaceAll(text, h.namespace, "NAMESPACE")
}

// ownNamespaceClient hides the policies of other tests, and answers lists by an index of the manager's cache without the index: there is
// one policy.
type ownNamespaceClient struct {
	client.Client
	namespace string
}

// List implements client.Reader.
func (c ownNamespaceClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	var options client.ListOptions
	options.ApplyOptions(opts)
	if _, isPolicies := list.(*v1alpha1.DBScalingPolicyList); isPolicies {
		options.Namespace, options.FieldSelector, options.UnsafeDisableDeepCopy = c.namespace, nil, nil
	}
	return c.Client.List(ctx, list, &options)
}

// eventWriter writes events to the API server, with the time of the test's clock.
type eventWriter struct {
	t      *testing.T
	client client.Client
	clock  *clocktesting.FakeClock
}

// Eventf implements events.EventRecorder.
func (w eventWriter) Eventf(regarding, _ runtime.Object, eventType, reason, action, note string, args ...any) {
	policy, isPolicy := regarding.(*v1alpha1.DBScalingPolicy)
	if !isPolicy {
		return
	}
	event := &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{GenerateName: policy.Name + "-", Namespace: policy.Namespace}, EventTime: metav1.NewMicroTime(w.clock.Now()),
		ReportingController: "dbscaler", ReportingInstance: "dbscaler-0", Action: action, Reason: reason, Type: eventType,
		Note: fmt.Sprintf(note, args...), Regarding: corev1.ObjectReference{
			Kind: "DBScalingPolicy", APIVersion: v1alpha1.GroupVersion.String(), Namespace: policy.Namespace, Name: policy.Name, UID: policy.UID,
		},
	}
	if err := w.client.Create(w.t.Context(), event); err != nil {
		w.t.Errorf("the event %s was not written: %v", reason, err)
	}
}
