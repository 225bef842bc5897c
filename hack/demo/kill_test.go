package main

import (
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

// TestMain lets the test's own program be the operator's process as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == operatorCommand {
		main()
		return
	}
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

var killSeed = flag.Uint64("kill-seed", 1, "draws the moments at which the operator is killed")

const (
	// killCount is how often the operator is killed, and killSpeed how fast the simulated time goes meanwhile.
	killCount = 20
	killSpeed = 45
	// promotionDuration is about how long a writer's promotion takes, in simulated time; the kills are drawn from it.
	promotionDuration = 40 * time.Minute
)

const promotionScenario = `
start: "2026-02-05T08:00:00Z"
accountID: "123456789012"
databases:
- identifier: orders
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.1"
  tags: {dbscaler.io/policy-namespace: "*"}
  instances:
  - {identifier: orders-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: "*"}}
  - {identifier: orders-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: "*"}}
  load: {writer: {points: [{at: 0s, vcpus: 1.6}]}, readers: {points: [{at: 0s, vcpus: 0.5}]}}
`

const promotionPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}
`

// TestOperator_KilledDuringWriterPromotion kills the operator, as kill -9 does, at random moments of a writer's promotion: on the real API server, over
// HTTP, in a process of its own. The promotion ends in the same shape, with one failover, and nothing is done twice.
func TestOperator_KilledDuringWriterPromotion(t *testing.T) {
	env, err := testenv.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	namespace, c := env.NewNamespace(t)
	d := newKillTest(t, env)
	policy := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(promotionPolicy), policy); err != nil {
		t.Fatal(err)
	}
	policy.Namespace = namespace
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if err := d.operator.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.operator.kill() })

	key := client.ObjectKeyFromObject(policy)
	inProgress := func() bool { return getPolicy(t, c, key).Status.Operation != nil }
	if !d.waitUntil(t, 30*time.Minute, inProgress) {
		t.Fatalf("no operation begins:\n%s", d.listChanges())
	}
	random := rand.New(rand.NewPCG(*killSeed, 0))
	for n := range killCount {
		// Long enough for the process to start and look at least now and then, short enough to hit every kind of moment.
		next := d.clock.Now().Add(time.Duration(random.Int64N(2 * int64(promotionDuration) / killCount)))
		d.waitUntil(t, time.Hour, func() bool { return !d.clock.Now().Before(next) })
		d.operator.kill()
		if n < killCount/2 && !inProgress() {
			t.Errorf("the promotion was over at kill %d", n+1)
		}
		if err := d.operator.start(); err != nil {
			t.Fatal(err)
		}
	}
	if !d.waitUntil(t, 3*time.Hour, func() bool { p := getPolicy(t, c, key); return p.Status.Operation == nil && len(p.Status.History) > 0 }) {
		t.Fatalf("the promotion does not end:\n%s", d.listChanges())
	}
	record := getPolicy(t, c, key).Status.History
	if len(record) != 1 || record[0].Outcome != v1alpha1.OutcomeSucceeded {
		t.Errorf("the history is %+v", record)
	}
	surge := "orders-dbscaler-" + record[0].ID + "-1"
	want := []string{
		"CreateDBInstance " + surge, "ModifyDBInstance orders-2", "FailoverDBCluster orders", "ModifyDBInstance orders-1",
		"DeleteDBInstance " + surge,
	}
	if got := d.listChanges(); got != strings.Join(want, "\n") {
		t.Errorf("AWS has carried out\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	d.aws.WithWorld(func(w *model.World) {
		cluster, err := w.Cluster("eu-west-1", "orders")
		if err != nil || cluster.Writer != "orders-2" || !slices.Equal(cluster.Members, []string{"orders-1", "orders-2"}) {
			t.Errorf("the cluster is %+v, %v", cluster, err)
		}
		for _, i := range w.Instances("eu-west-1") {
			if i.Class != "db.r6g.xlarge" {
				t.Errorf("%s is a %s", i.Identifier, i.Class)
			}
		}
	})
}

// killTest is the demonstration with a scenario of its own.
type killTest struct{ *demo }

func newKillTest(t *testing.T, env *testenv.Environment) killTest {
	t.Helper()
	scenario, err := model.ParseScenario([]byte(promotionScenario))
	if err != nil {
		t.Fatal(err)
	}
	d := killTest{&demo{settings: settings{speed: killSpeed}, projectDir: "../..", workDir: t.TempDir(), env: env}}
	endpoint, err := d.startAWS(scenario)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(d.workDir, "kubeconfig")
	if err := env.WriteKubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(d.workDir, "operator.log"))
	if err != nil {
		t.Fatal(err)
	}
	d.operator = &supervisor{kubeconfig: kubeconfig, endpoint: endpoint, clock: d.clock, log: log}
	return d
}

// waitUntil looks again and again until something is so, for some simulated time at most.
func (d killTest) waitUntil(t *testing.T, timeout time.Duration, condition func() bool) bool {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for end := d.clock.Now().Add(timeout); !condition(); {
		if d.clock.Now().After(end) {
			return false
		}
		select {
		case <-ticker.C:
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
	return true
}

// listChanges lists what AWS was asked to change and did, in order.
func (d killTest) listChanges() string {
	var out []string
	for _, c := range d.aws.Calls() {
		if c.IsMutating() && c.Error == "" {
			name := c.Parameters["DBInstanceIdentifier"]
			if name == "" {
				name = c.Parameters["DBClusterIdentifier"]
			}
			out = append(out, c.Operation+" "+name)
		}
	}
	return strings.Join(out, "\n")
}

func getPolicy(t *testing.T, c client.Client, key types.NamespacedName) *v1alpha1.DBScalingPolicy {
	t.Helper()
	p := &v1alpha1.DBScalingPolicy{}
	if err := c.Get(t.Context(), key, p); err != nil {
		t.Fatal(err)
	}
	return p
}
