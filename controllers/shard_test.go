package controllers

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/shard"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// TestScopeKey_IsTheSameInEveryVersion: shards of two versions must agree on what a scope is called. If this test fails, do not correct it.
func TestScopeKey_IsTheSameInEveryVersion(t *testing.T) {
	p := &v1alpha1.DBScalingPolicy{Spec: v1alpha1.DBScalingPolicySpec{TargetRef: v1alpha1.TargetRef{Region: "eu-west-1", Identifier: "orders"}}}
	if got := scopeKey(p); got != "eu-west-1|" {
		t.Errorf("the scope of the operator's own identity is %q", got)
	}
	p.Spec.TargetRef.AccountRef.Name = "production"
	if got := scopeKey(p); got != "eu-west-1|production" {
		t.Errorf("the scope of an AWSAccount is %q", got)
	}
}

// policyMetrics lists the policies with a series of dbscaler_policy_ready.
func policyMetrics(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() != "dbscaler_policy_ready" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "name" {
					out = append(out, label.GetValue())
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// ownedBy returns an assignment that owns a scope, or one that does not.
func ownedBy(scope string, owned bool) shard.Assignment {
	owner := shard.Owner(scope, 2)
	if !owned {
		owner = 1 - owner
	}
	return shard.Assignment{Index: owner, Total: 2}
}

// TestReconcile_IgnoresPoliciesOfOtherShards: the policy of another shard is neither read nor written, and has no metrics. When somebody
// moves a policy to another account, its metrics go with it.
func TestReconcile_IgnoresPoliciesOfOtherShards(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	p := h.applyPolicy(verticalReadersPolicy)
	h.reconciler.Shard = ownedBy(scopeKey(p), false)
	result, err := h.reconcile("p")
	if err != nil || result != (ctrl.Result{}) {
		t.Errorf("the reconcile of a policy of another shard ends with %+v and error %v, want nothing", result, err)
	}
	if calls := h.aws.Calls(); len(calls) > 0 || h.getPolicy("p").Status.Decision != nil || *h.statusWrites > 0 {
		t.Errorf("%d AWS calls and %d writes of status, want none", len(calls), *h.statusWrites)
	}
	h.reconciler.Shard = ownedBy(scopeKey(p), true)
	h.runFor("p", 2*time.Minute, nil)
	if got := policyMetrics(t, h.registry); !slices.Equal(got, []string{"p"}) {
		t.Errorf("the policies with metrics are %v, want p", got)
	}
	p = h.getPolicy("p")
	for n := range 20 { // until the account belongs to the other shard
		p.Spec.TargetRef.AccountRef.Name = fmt.Sprintf("account-%d", n)
		if !h.reconciler.Owns(p) {
			break
		}
	}
	if err := h.client.Update(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if _, err := h.reconcile("p"); err != nil {
		t.Fatal(err)
	}
	if got := policyMetrics(t, h.registry); len(got) > 0 {
		t.Errorf("the policies with metrics are %v after p moved to another shard, want none", got)
	}
	if left := h.policySeries(); len(left) > 0 {
		t.Errorf("p has the series %v after it moved to another shard, want none", left)
	}
}

// shardProcess is one operator of several, with caches, an AWS and metrics of its own.
type shardProcess struct {
	aws        *rdssim.Server
	registry   *prometheus.Registry
	reconciler *Reconciler
}

// startShard starts an operator with the caches and watches of a manager. It runs until the end of the test.
func (h *harness) startShard(scenario string, assigned shard.Assignment) *shardProcess {
	h.t.Helper()
	t := h.t
	parsed, err := model.ParseScenario([]byte(scenario))
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
	s := &shardProcess{registry: prometheus.NewRegistry()}
	s.aws = rdssim.New(rdssim.Options{World: world, Clock: h.clock, AccountID: parsed.AccountID, Policy: policy, Log: logr.Discard()})
	server := httptest.NewServer(s.aws)
	t.Cleanup(server.Close)
	awsClient, err := awsx.New(t.Context(), awsx.Options{
		Endpoint: server.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Clock: h.clock, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	series, err := telemetry.New(s.registry)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := ctrl.NewManager(env.Config(), ctrl.Options{
		Scheme: env.Scheme(), Cache: cache.Options{DefaultNamespaces: map[string]cache.Config{h.namespace: {}}},
		Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.reconciler = &Reconciler{
		Client: manager.GetClient(), APIReader: manager.GetAPIReader(), Observer: awsClient, Executor: awsClient, EventReader: awsClient,
		Clock: h.clock, Events: events.Recorder{Sink: &eventRecorder{}}, Metrics: series, ClockSpeed: 0.01, Concurrency: 1, Shard: assigned,
	}
	if err := s.reconciler.SetupWithManager(t.Context(), manager); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSetupWithManager_ShardsDivideThePolicies: two operators side by side evaluate each policy once, and each reads only the regions of
// its own policies.
func TestSetupWithManager_ShardsDivideThePolicies(t *testing.T) {
	regions := []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-southeast-2", "sa-east-1"}
	scenario := "start: \"2024-02-05T08:00:00Z\"\naccountID: \"123456789012\"\ndatabases:\n"
	for n, region := range regions {
		scenario += fmt.Sprintf(`- identifier: db-%d
  region: %s
  engine: postgres
  engineVersion: "16.1"
  class: db.m6g.large
  tags: {dbscaler.io/policy-namespace: "@any"}
  load: {writer: {noisePercent: 10, points: [{at: 0h, vcpus: 1}]}}
`, n, region)
	}
	h := newHarness(t, scenario)
	shards := []*shardProcess{
		h.startShard(scenario, shard.Assignment{Index: 0, Total: 2}), h.startShard(scenario, shard.Assignment{Index: 1, Total: 2}),
	}
	for n, region := range regions {
		h.applyPolicy(strings.NewReplacer("name: p}", fmt.Sprintf("name: p-%d}", n), "ledger", fmt.Sprintf("db-%d", n), "eu-west-1", region).
			Replace(rdsInstancePolicy))
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(context.Context) (bool, error) {
		return len(policyMetrics(t, shards[0].registry))+len(policyMetrics(t, shards[1].registry)) == len(regions), nil
	})
	if err != nil {
		t.Errorf("not all policies were evaluated: %v", err)
	}
	for index, s := range shards {
		var wantNames []string
		wantRegions := map[string]bool{}
		for n, region := range regions {
			p := h.getPolicy(fmt.Sprintf("p-%d", n))
			if p.Status.Decision == nil {
				t.Errorf("%s has no decision", p.Name)
			}
			if s.reconciler.Owns(p) {
				wantNames, wantRegions[region] = append(wantNames, p.Name), true
			}
		}
		if len(wantNames) == 0 {
			t.Errorf("shard %d owns nothing, so that this test shows nothing: choose other regions", index)
		}
		if got := policyMetrics(t, s.registry); !slices.Equal(got, wantNames) {
			t.Errorf("shard %d has metrics of %v, want %v", index, got, wantNames)
		}
		gotRegions := map[string]bool{}
		for _, c := range s.aws.Calls() {
			if c.Service == "rds" {
				gotRegions[c.Region] = true
			}
		}
		if !maps.Equal(gotRegions, wantRegions) {
			t.Errorf("shard %d read databases in %v, want %v", index, gotRegions, wantRegions)
		}
	}
}

// trackRecorder records the targets that are made known to an observer.
type trackRecorder struct {
	scaling.Observer
	tracked []string
}

// Track implements scaling.Observer.
func (r *trackRecorder) Track(targets []scaling.TrackedTarget) {
	for _, t := range targets {
		r.tracked = append(r.tracked, t.Target.Identifier)
	}
	r.Observer.Track(targets)
}

// TestTrackTargets_OfThisShard: the databases of other shards are not made known to the observer, which would read them in the background.
func TestTrackTargets_OfThisShard(t *testing.T) {
	h := newHarness(t, overloadedCluster())
	p := h.applyPolicy(verticalReadersPolicy)
	for owned, want := range map[bool][]string{true: {"orders"}, false: nil} {
		recorder := &trackRecorder{Observer: h.reconciler.Observer}
		h.reconciler.Observer, h.reconciler.Shard = recorder, ownedBy(scopeKey(p), owned)
		if err := h.reconciler.trackTargets(t.Context()); err != nil || !slices.Equal(recorder.tracked, want) {
			t.Errorf("owned %t: the tracked targets are %v with error %v, want %v", owned, recorder.tracked, err, want)
		}
		h.reconciler.Observer = recorder.Observer
	}
}
