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

// scenarioStart is when the scenarios start.
var scenarioStart = time.Date(2024, 2, 5, 8, 0, 0, 0, time.UTC)

// harness has what one test needs: a namespace on a real API server, a simulated AWS behind an HTTP server, the real SDK, and the
// reconciler, which the test calls directly, with a clock that the test moves.
type harness struct {
	t         testing.TB
	namespace string
	// clusterName is the name of the operator's Kubernetes cluster, from the next restartReconciler on.
	clusterName string
	// client reads from a cache, as the manager's client does, and sees its own writes at once. apiReader reads from the API server.
	client, apiReader namespacedClient
	clock             *clocktesting.FakeClock
	aws               *rdssim.Server
	endpoint          string
	reconciler        *Reconciler
	registry          *prometheus.Registry
	// pricingRegion is the region of the Pricing API; empty for no prices.
	pricingRegion string
	events        *eventRecorder
	// statusWrites counts the writes of status on the API server, and listed the policies that lists returned.
	statusWrites, listed *int
}

// newHarness builds a harness from a scenario in YAML, in which NAMESPACE stands for the test's namespace.
func newHarness(tb testing.TB, scenario string) *harness {
	tb.Helper()
	document, err := os.ReadFile("../config/iam/policy.json")
	if err != nil {
		tb.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		tb.Fatal(err)
	}
	return newHarnessWithIAMPolicy(tb, scenario, policy)
}

// newHarnessWithIAMPolicy is newHarness with an IAM policy that the caller has parsed.
func newHarnessWithIAMPolicy(tb testing.TB, scenario string, policy *rdssim.Policy) *harness {
	tb.Helper()
	namespace, c := env.NewNamespace(tb)
	parsed, err := model.ParseScenario([]byte(strings.ReplaceAll(scenario, "NAMESPACE", namespace)))
	if err != nil {
		tb.Fatal(err)
	}
	world, err := model.New(parsed)
	if err != nil {
		tb.Fatal(err)
	}
	h := &harness{t: tb, namespace: namespace, clock: clocktesting.NewFakeClock(parsed.Start.Time), statusWrites: new(int), listed: new(int)}
	h.apiReader = namespacedClient{Client: c, namespaces: []string{namespace}, statusWrites: h.statusWrites, listed: h.listed}
	h.client = h.apiReader
	if h.client.Client, err = cachedClient(); err != nil {
		tb.Fatal(err)
	}
	h.aws = rdssim.New(rdssim.Options{World: world, Clock: h.clock, AccountID: parsed.AccountID, Policy: policy, Log: logr.Discard()})
	server := httptest.NewServer(h.aws)
	tb.Cleanup(server.Close)
	h.endpoint = server.URL
	h.restartReconciler()
	return h
}

// restartReconciler replaces the reconciler by a new one without anything in memory, as after a restart of the process.
func (h *harness) restartReconciler() {
	h.t.Helper()
	h.registry = prometheus.NewRegistry()
	awsClient, err := awsx.New(h.t.Context(), awsx.Options{
		Endpoint: h.endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Clock: h.clock,
		Registerer: h.registry, Version: "test", ClusterName: h.clusterName, PricingRegion: h.pricingRegion,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	series, err := telemetry.New(h.registry)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.events == nil {
		h.events = &eventRecorder{}
	}
	h.reconciler = &Reconciler{
		Client: h.client, APIReader: h.apiReader, Observer: awsClient, Executor: awsClient, EventReader: awsClient, Clock: h.clock,
		Events: events.Recorder{Sink: h.events}, Metrics: series, ClockSpeed: 1, Concurrency: 1,
		ClusterName: h.clusterName,
	}
}

// applyPolicy creates a policy from YAML.
func (h *harness) applyPolicy(text string) *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(text), p); err != nil {
		h.t.Fatal(err)
	}
	p.Namespace = h.namespace
	if err := h.client.Create(h.t.Context(), p); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// getPolicy reads a policy from the API server, so that it also sees what other clients wrote.
func (h *harness) getPolicy(name string) *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	return h.readPolicy(h.apiReader, name)
}

// readPolicy reads a policy with a client. From h.client, which has a cache, it takes about a tenth of the time that getPolicy takes.
func (h *harness) readPolicy(from client.Reader, name string) *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := from.Get(h.t.Context(), types.NamespacedName{Namespace: h.namespace, Name: name}, p); err != nil {
		h.t.Fatal(err)
	}
	return p
}

// reconcile makes the targets of all policies known, as in the background, and reconciles a policy once.
func (h *harness) reconcile(name string) (ctrl.Result, error) {
	listed := *h.listed
	if err := h.reconciler.trackTargets(h.t.Context()); err != nil {
		return ctrl.Result{}, err
	}
	*h.listed = listed // this is no part of the reconcile
	return h.reconciler.Reconcile(h.t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: h.namespace, Name: name}})
}

// errorRetryInterval is how long runFor waits after an error, about as long as the work queue does.
const errorRetryInterval = 5 * time.Second

// runFor reconciles a policy for a time, at the intervals that it asks for, and calls each after every reconcile.
func (h *harness) runFor(name string, length time.Duration, each func(*v1alpha1.DBScalingPolicy) (done bool)) {
	h.t.Helper()
	for end := h.clock.Now().Add(length); h.clock.Now().Before(end); {
		result, err := h.reconcile(name)
		pause := result.RequeueAfter
		if err != nil {
			pause = errorRetryInterval
		}
		if pause <= 0 {
			h.t.Fatalf("at %s the reconciler set no requeue interval", h.clock.Now())
		}
		if each != nil && each(h.readPolicy(h.client, name)) {
			return
		}
		h.clock.Step(pause)
	}
}

// runUntil reconciles a policy until it is in a state, and fails when it is not within the timeout.
func (h *harness) runUntil(
	name, state string, timeout time.Duration, reached func(*v1alpha1.DBScalingPolicy) bool,
) *v1alpha1.DBScalingPolicy {
	h.t.Helper()
	done := false
	h.runFor(name, timeout, func(p *v1alpha1.DBScalingPolicy) bool {
		done = reached(p)
		return done
	})
	p := h.getPolicy(name)
	if !done {
		h.t.Fatalf("policy %s is not %s within %s; status:\n%s\nAWS changes:\n%s", name, state, timeout, statusYAML(p),
			strings.Join(h.awsChanges(), "\n"))
	}
	return p
}

// awsChanges lists the AWS calls that change something, in order: the operation, the instance, its class and the error.
func (h *harness) awsChanges() []string {
	var out []string
	for _, c := range h.aws.Calls() {
		if c.IsMutating() {
			line := strings.Join(slices.DeleteFunc([]string{
				c.Operation, c.Parameters["DBInstanceIdentifier"], c.Parameters["TargetDBInstanceIdentifier"], c.Parameters["DBInstanceClass"], c.Error,
			}, func(s string) bool { return s == "" }), " ")
			out = append(out, line)
		}
	}
	return out
}

// clusterShape describes a cluster: the writer's class, a plus sign, and the sorted classes of the readers.
func (h *harness) clusterShape(cluster string) string {
	var out string
	h.aws.WithWorld(func(w *model.World) {
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

// expectChanges reports an error unless the AWS calls that change something are these, in order.
func (h *harness) expectChanges(want ...string) {
	h.t.Helper()
	if got := h.awsChanges(); !slices.Equal(got, want) {
		h.t.Errorf("AWS changes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// expectShape reports an error unless the cluster "orders" has this clusterShape.
func (h *harness) expectShape(want string) {
	h.t.Helper()
	if got := h.clusterShape("orders"); got != want {
		h.t.Errorf("the cluster is %s, want %s", got, want)
	}
}

// expectReaderVCPUs reports an error for every minute in which the readers in service had fewer vCPUs.
func (h *harness) expectReaderVCPUs(database string, want float64) {
	h.t.Helper()
	for _, m := range h.groundTruth(database) {
		if m.ReaderVCPUs < want {
			h.t.Errorf("at %s readers of %g vCPUs were in service, want at least %g", m.Time.Format("15:04"), m.ReaderVCPUs, want)
		}
	}
}

// expectNoStatusWrites reports an error when status is written while the policy is reconciled for a time in which nothing changes.
func (h *harness) expectNoStatusWrites(name string, length time.Duration) {
	h.t.Helper()
	before := *h.statusWrites
	h.runFor(name, length, nil)
	if n := *h.statusWrites - before; n > 0 {
		h.t.Errorf("status was written %d times while nothing changed, want 0; it is now\n%s", n, statusYAML(h.getPolicy(name)))
	}
}

// conditionSummary is the status and reason of a condition, or "absent".
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

// namespacedClient hides the policies of other tests, and counts the writes of status and the listed policies.
type namespacedClient struct {
	client.Client
	namespaces   []string
	statusWrites *int
	// listed counts the policies that lists returned.
	listed *int
}

// List implements client.Reader.
func (c namespacedClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	policies, isPolicies := list.(*v1alpha1.DBScalingPolicyList)
	if isPolicies && len(c.namespaces) == 1 {
		opts = append(slices.Clone(opts), client.InNamespace(c.namespaces[0]))
	}
	if err := c.Client.List(ctx, list, opts...); err != nil || !isPolicies {
		return err
	}
	policies.Items = slices.DeleteFunc(policies.Items, func(p v1alpha1.DBScalingPolicy) bool { return !slices.Contains(c.namespaces, p.Namespace) })
	*c.listed += len(policies.Items)
	return nil
}

// Status implements client.StatusClient.
func (c namespacedClient) Status() client.SubResourceWriter {
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

// eventRecorder keeps events. It implements events.EventRecorder.
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

// all lists all events.
func (r *eventRecorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
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

// groundTruth returns what really happened to a cluster in each minute.
func (h *harness) groundTruth(cluster string) []model.MinuteSummary {
	var out []model.MinuteSummary
	h.aws.WithWorld(func(w *model.World) { out = w.Minutes("eu-west-1", cluster) })
	return out
}

// staleClient is a cache that is out of date: it always reads the same object.
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

// listHookClient calls beforeList before each list.
type listHookClient struct {
	client.Client
	beforeList func()
}

// List implements client.Reader.
func (m listHookClient) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	m.beforeList()
	return m.Client.List(ctx, list, opts...)
}
