package config

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/operator"
	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const watchScenario = `
start: "2024-02-05T08:00:00Z"
accountID: "123456789012"
databases:
- identifier: ledger
  region: eu-west-1
  engine: postgres
  engineVersion: "16.1"
  class: db.m6g.large
  tags: {dbscaler.io/policy-namespace: "@any"}
  load: {writer: {points: [{at: 0h, vcpus: 1}]}}
`

const watchPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: NAME, namespace: NAMESPACE, labels: {team: TEAM}}
spec:
  targetRef: {kind: DBInstance, identifier: ledger, region: eu-west-1}
  writer: {instanceClasses: [db.m6g.large, db.m6g.xlarge]}
`

// limitToNamespace takes the permissions for all namespaces from the operator and gives it those for one, with the commands of
// docs/installing.md, "One team only".
func limitToNamespace(t *testing.T, teamNamespace string) {
	t.Helper()
	document, err := os.ReadFile("../docs/installing.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for line := range strings.Lines(string(document)) {
		command, isLimit := strings.CutPrefix(line, "kubectl ")
		if !isLimit || !strings.Contains(command, "clusterrolebinding dbscaler") && !strings.Contains(command, "clusterrole dbscaler-cluster-scoped") &&
			!strings.Contains(command, "rolebinding dbscaler-team") {
			continue
		}
		command, _, _ = strings.Cut(command, "#")
		env.RunKubectl(t, strings.Fields(strings.ReplaceAll(command, "team-a", teamNamespace))...)
		commands++
	}
	if commands != 4 {
		t.Fatalf("docs/installing.md has %d commands for the permissions of one namespace, want 4", commands)
	}
}

// TestWatch_NamespaceAndLabel: with permissions for the policies of one namespace, and those for what belongs to none, the operator
// reconciles the policies of the namespace with the label. The lease has a name of its own.
func TestWatch_NamespaceAndLabel(t *testing.T) {
	c := install(t)
	mine, other := "watch-mine", "watch-other"
	env.RunKubectl(t, "create", "namespace", mine)
	env.RunKubectl(t, "create", "namespace", other)
	limitToNamespace(t, mine)
	defer func() {
		env.RunKubectl(t, "delete", "clusterrolebinding,clusterrole", "dbscaler-cluster-scoped")
		env.RunKubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "default")
	}()

	apply := func(name, namespace, team string) {
		p := &v1alpha1.DBScalingPolicy{}
		text := strings.NewReplacer("NAMESPACE", namespace, "NAME", name, "TEAM", team).Replace(watchPolicy)
		if err := yaml.UnmarshalStrict([]byte(text), p); err != nil {
			t.Fatal(err)
		}
		if err := c.Create(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	apply("elsewhere", other, "payments")
	apply("unlabelled", mine, "search")
	startOperator(t, operator.Options{
		LeaderElection: true, LeaderElectionNamespace: namespace, WatchNamespaces: []string{mine}, WatchLabelSelector: "team=payments",
	})
	apply("watched", mine, "payments")

	decision := func(namespace, name string) *v1alpha1.DecisionStatus {
		p := &v1alpha1.DBScalingPolicy{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, p); err != nil {
			t.Fatal(err)
		}
		return p.Status.Decision
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 2*time.Minute, true, func(context.Context) (bool, error) {
		return decision(mine, "watched") != nil, nil
	})
	if err != nil {
		t.Errorf("the watched policy was not evaluated: %v", err)
	}
	for namespace, name := range map[string]string{mine: "unlabelled", other: "elsewhere"} {
		if d := decision(namespace, name); d != nil {
			t.Errorf("%s/%s, which is not watched, has the decision %s: %s", namespace, name, d.Reason, d.Message)
		}
	}
	var leases coordinationv1.LeaseList
	if err := c.List(t.Context(), &leases, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	if len(leases.Items) != 1 || leases.Items[0].Name == "dbscaler.scaling.dbscaler.io" || !strings.HasPrefix(leases.Items[0].Name, "dbscaler-") {
		t.Errorf("the leases are %v, want one with a name of its own", leases.Items)
	}
}

// startOperator runs the operator as its service account, with a simulated AWS, until the end of the test.
func startOperator(t *testing.T, o operator.Options) {
	t.Helper()
	parsed, err := model.ParseScenario([]byte(watchScenario))
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(parsed)
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile("iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	clock := clocktesting.NewFakeClock(parsed.Start.Time)
	server := httptest.NewServer(rdssim.New(rdssim.Options{World: world, Clock: clock, AccountID: parsed.AccountID, Policy: policy, Log: logr.Discard()}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	config := env.Config()
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":dbscaler",
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
	o.MetricsAddress, o.ProbeAddress, o.Concurrency, o.MaxDisruptiveOperations = "0", "0", 1, 3
	o.AWSEndpoint, o.Version, o.Clock, o.ClockSpeed, o.Log = server.URL, "test", clock, 1, logr.Discard()
	manager, err := operator.New(t.Context(), config, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- manager.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(fmt.Errorf("the operator stopped: %w", err))
		}
	})
}
