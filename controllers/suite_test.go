package controllers

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/telemetry"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

// env is a real API server.
var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// scenarioStart is when the scenarios begin.
var scenarioStart = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// harness is one test's world: a namespace on the real API server, a simulated AWS behind a real HTTP server, the real SDK,
// and the reconciler, called directly by a clock that the test moves.
type harness struct {
	t          *testing.T
	namespace  string
	client     client.Client
	clock      *clocktesting.FakeClock
	aws        *rdssim.Server
	endpoint   string
	reconciler *Reconciler
	registry   *prometheus.Registry
	events     *eventRecorder
	// statusWrites counts the requests that changed something on the API server.
	statusWrites *int
}

// newHarness builds a lab from a scenario in YAML, in which NAMESPACE stands for the test's namespace.
func newHarness(t *testing.T, scenario string) *harness {
	t.Helper()
	namespace, c := env.NewNamespace(t)
	parsed, err := model.ParseScenario([]byte(strings.ReplaceAll(scenario, "NAMESPACE", namespace)))
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(parsed)
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	l := &harness{t: t, namespace: namespace, clock: clocktesting.NewFakeClock(parsed.Start.Time), statusWrites: new(int)}
	l.client = indexedClient{Client: c, namespace: namespace, statusWrites: l.statusWrites}
	l.aws = rdssim.New(rdssim.Options{World: world, Clock: l.clock, AccountID: parsed.AccountID, Policy: policy, Log: logr.Discard()})
	server := httptest.NewServer(l.aws)
	t.Cleanup(server.Close)
	l.endpoint = server.URL
	l.restartReconciler()
	return l
}

// restartReconciler makes a new reconciler with nothing in memory, as a new process has it.
func (l *harness) restartReconciler() {
	l.t.Helper()
	l.registry = prometheus.NewRegistry()
	edge, err := awsx.New(l.t.Context(), awsx.Options{
		Endpoint: l.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Clock: l.clock,
		Registerer: l.registry, Version: "test", Window: LongestSampleWindow(l.t.Context(), l.client),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	series, err := telemetry.New(l.registry)
	if err != nil {
		l.t.Fatal(err)
	}
	if l.events == nil {
		l.events = &eventRecorder{}
	}
	l.reconciler = &Reconciler{
		Client: l.client, APIReader: l.client, Observer: edge, Executor: edge, Clock: l.clock,
		Events: events.Recorder{Sink: l.events}, Metrics: series, ClockSpeed: 1, Concurrency: 1,
	}
}

// applyPolicy creates a policy from YAML.
func (l *harness) applyPolicy(text string) *v1alpha1.DBScalingPolicy {
	l.t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(text), p); err != nil {
		l.t.Fatal(err)
	}
	p.Namespace = l.namespace
	if err := l.client.Create(l.t.Context(), p); err != nil {
		l.t.Fatal(err)
	}
	return p
}

// getPolicy reads a policy.
func (l *harness) getPolicy(name string) *v1alpha1.DBScalingPolicy {
	l.t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := l.client.Get(l.t.Context(), types.NamespacedName{Namespace: l.namespace, Name: name}, p); err != nil {
		l.t.Fatal(err)
	}
	return p
}

// reconcile reconciles once. The error is returned, since some tests want one.
func (l *harness) reconcile(name string) (ctrl.Result, error) {
	return l.reconciler.Reconcile(l.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: l.namespace, Name: name}})
}

// errorRetryInterval is how long the lab waits after an error, about as the work queue does.
const errorRetryInterval = 5 * time.Second

// runFor reconciles a policy for a time, each time when it asked for it, and calls each after every look.
func (l *harness) runFor(name string, length time.Duration, each func(*v1alpha1.DBScalingPolicy) (done bool)) {
	l.t.Helper()
	for end := l.clock.Now().Add(length); l.clock.Now().Before(end); {
		result, err := l.reconcile(name)
		pause := result.RequeueAfter
		if err != nil {
			pause = errorRetryInterval
		}
		if pause <= 0 {
			l.t.Fatalf("at %s the reconciler asked for no other look", l.clock.Now())
		}
		if each != nil && each(l.getPolicy(name)) {
			return
		}
		l.clock.Step(pause)
	}
}

// runUntil runs until a policy is as wanted, and fails when it does not get there.
func (l *harness) runUntil(name, what string, most time.Duration, wanted func(*v1alpha1.DBScalingPolicy) bool) *v1alpha1.DBScalingPolicy {
	l.t.Helper()
	reached := false
	l.runFor(name, most, func(p *v1alpha1.DBScalingPolicy) bool {
		reached = wanted(p)
		return reached
	})
	p := l.getPolicy(name)
	if !reached {
		l.t.Fatalf("not %s within %s; status:\n%s\nchanges asked of AWS:\n%s", what, most, statusYAML(p), strings.Join(l.awsChanges(), "\n"))
	}
	return p
}

// awsChanges lists what AWS was asked to change, in order.
func (l *harness) awsChanges() []string {
	var out []string
	for _, c := range l.aws.Calls() {
		if c.IsMutating() {
			line := strings.Join(slices.DeleteFunc([]string{
				c.Operation, c.Parameters["DBInstanceIdentifier"], c.Parameters["TargetDBInstanceIdentifier"], c.Parameters["DBInstanceClass"], c.Error,
			}, func(s string) bool { return s == "" }), " ")
			out = append(out, line)
		}
	}
	return out
}

// clusterShape says what a cluster consists of: the writer's class, then those of the readers, sorted.
func (l *harness) clusterShape(cluster string) string {
	var out string
	l.aws.WithWorld(func(w *model.World) {
		c, err := w.Cluster("eu-west-1", cluster)
		if err != nil {
			out = err.Error()
			return
		}
		var readers []string
		for _, i := range w.Instances("eu-west-1") {
			switch {
			case i.Cluster != cluster:
			case i.Identifier == c.Writer:
				out = i.Class
			default:
				readers = append(readers, i.Class)
			}
		}
		slices.Sort(readers)
		out += " + " + strings.Join(readers, " ")
	})
	return out
}

func conditionSummary(p *v1alpha1.DBScalingPolicy, conditionType string) string {
	c := meta.FindStatusCondition(p.Status.Conditions, conditionType)
	if c == nil {
		return "absent"
	}
	return string(c.Status) + " " + c.Reason
}

func isIdle(p *v1alpha1.DBScalingPolicy) bool { return p.Status.Operation == nil }

func statusYAML(p *v1alpha1.DBScalingPolicy) string {
	text, err := yaml.Marshal(p.Status)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// indexedClient gives live reads the indexes that the manager's cache has, hides the policies of other tests, and counts writes.
type indexedClient struct {
	client.Client
	namespace    string
	statusWrites *int
}

// List implements client.Reader.
func (c indexedClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	policies, isPolicies := list.(*v1alpha1.DBScalingPolicyList)
	var options client.ListOptions
	options.ApplyOptions(opts)
	selector := options.FieldSelector
	options.FieldSelector, options.Namespace = nil, c.namespace
	if err := c.Client.List(ctx, list, &options); err != nil || !isPolicies || selector == nil {
		return err
	}
	keys := map[string]func(*v1alpha1.DBScalingPolicy) string{indexScope: scopeKey, indexTarget: targetKey}
	for _, r := range selector.Requirements() {
		key, known := keys[r.Field]
		if !known {
			return fmt.Errorf("no index %s", r.Field)
		}
		policies.Items = slices.DeleteFunc(policies.Items, func(p v1alpha1.DBScalingPolicy) bool { return key(&p) != r.Value })
	}
	return nil
}

// Status implements client.StatusClient.
func (c indexedClient) Status() client.SubResourceWriter {
	return countingStatusWriter{c.Client.Status(), c.statusWrites}
}

type countingStatusWriter struct {
	client.SubResourceWriter
	count *int
}

// Patch implements client.SubResourceWriter.
func (c countingStatusWriter) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	*c.count++
	return c.SubResourceWriter.Patch(ctx, o, patch, opts...)
}

// eventRecorder keeps events. It implements the recorder of events.k8s.io.
type eventRecorder struct {
	mu     sync.Mutex
	events []string
}

// Eventf implements events.EventRecorder.
func (r *eventRecorder) Eventf(_, _ runtime.Object, kind, reason, _, note string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, kind+" "+reason+" "+fmt.Sprintf(note, args...))
}

// withReason lists the events of a reason.
func (r *eventRecorder) withReason(reason string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, n := range r.events {
		if strings.Contains(n, " "+reason+" ") {
			out = append(out, n)
		}
	}
	return out
}

// groundTruth is the truth about a cluster.
func (l *harness) groundTruth(cluster string) []model.MinuteSummary {
	var out []model.MinuteSummary
	l.aws.WithWorld(func(w *model.World) { out = w.Minutes("eu-west-1", cluster) })
	return out
}

// staleClient is a cache that has stopped: it always reads the same object.
type staleClient struct {
	client.Client
	object *v1alpha1.DBScalingPolicy
}

// Get implements client.Reader.
func (c staleClient) Get(_ context.Context, _ types.NamespacedName, into client.Object, _ ...client.GetOption) error {
	if policy, ok := into.(*v1alpha1.DBScalingPolicy); ok {
		c.object.DeepCopyInto(policy)
	}
	return nil
}

// listHookClient is a client before each of whose lists something happens.
type listHookClient struct {
	client.Client
	beforeList func()
}

// List implements client.Reader.
func (m listHookClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	m.beforeList()
	return m.Client.List(ctx, list, opts...)
}
