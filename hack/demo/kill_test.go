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

// TestMain runs the operator or the plugin when the test binary is started as such.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == operatorCommand || os.Args[1] == pluginCommand) {
		main()
		return
	}
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

var killSeed = flag.Uint64("kill-seed", 1, "seed of the random times at which the operator is killed")

const (
	// killCount is how many times the operator is killed, killSpeed the simulated seconds for each second of wall-clock time.
	killCount = 20
	killSpeed = 45
	// promotionDuration is the approximate simulated duration of a writer promotion. The kills are spread over it.
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
  tags: {dbscaler.io/policy-namespace: "@any"}
  instances:
  - {identifier: orders-1, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: "@any"}}
  - {identifier: orders-2, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: "@any"}}
  load: {writer: {points: [{at: 0s, vcpus: 1.6}]}, readers: {points: [{at: 0s, vcpus: 0.5}]}}
`

const promotionPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  mode: Enforce
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}
`

// TestOperator_KilledDuringWriterPromotion kills the operator with SIGKILL at random times of a writer promotion, with a real API
// server, AWS over HTTP and the operator in its own process. The promotion must end in the same shape, with one failover and no
// repeated AWS call.
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
	d := newKillTest(t, env, promotionScenario, settings{speed: killSpeed})
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
		t.Fatalf("no operation started within 30 min; AWS changes:\n%s", d.listChanges())
	}
	random := rand.New(rand.NewPCG(*killSeed, 0))
	for n := range killCount {
		// Long enough for some reconciles between two kills, short enough to hit every phase.
		next := d.clock.Now().Add(time.Duration(random.Int64N(2 * int64(promotionDuration) / killCount)))
		d.waitUntil(t, time.Hour, func() bool { return !d.clock.Now().Before(next) })
		d.operator.kill()
		if n < killCount/2 && !inProgress() {
			t.Errorf("the promotion ended before kill %d", n+1)
		}
		if err := d.operator.start(); err != nil {
			t.Fatal(err)
		}
	}
	if !d.waitUntil(t, 3*time.Hour, func() bool { p := getPolicy(t, c, key); return p.Status.Operation == nil && len(p.Status.History) > 0 }) {
		t.Fatalf("the promotion did not end within 3 h; AWS changes:\n%s", d.listChanges())
	}
	history := getPolicy(t, c, key).Status.History
	if len(history) != 1 || history[0].Outcome != v1alpha1.OutcomeSucceeded {
		t.Errorf("got history %+v, want one succeeded operation", history)
	}
	surgeReader := "orders-dbscaler-" + history[0].ID + "-1"
	want := []string{
		"CreateDBInstance " + surgeReader, "ModifyDBInstance orders-2", "FailoverDBCluster orders", "ModifyDBInstance orders-1",
		"DeleteDBInstance " + surgeReader,
	}
	if got := d.listChanges(); got != strings.Join(want, "\n") {
		t.Errorf("got the AWS changes\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	d.aws.WithWorld(func(w *model.World) {
		cluster, err := w.Cluster("eu-west-1", "orders")
		if err != nil || cluster.Writer != "orders-2" || !slices.Equal(cluster.Members, []string{"orders-1", "orders-2"}) {
			t.Errorf("got cluster %+v (error %v), want writer orders-2 and members orders-1, orders-2", cluster, err)
		}
		for _, i := range w.Instances("eu-west-1") {
			if i.Class != "db.r6g.xlarge" {
				t.Errorf("%s has class %s, want db.r6g.xlarge", i.Identifier, i.Class)
			}
		}
	})
}

// killTest is a demonstration without its policy and its output.
type killTest struct{ *demo }

func newKillTest(t *testing.T, env *testenv.Environment, text string, s settings) killTest {
	t.Helper()
	scenario, err := model.ParseScenario([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	d := killTest{&demo{settings: s, projectDir: "../..", workDir: t.TempDir(), env: env}}
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

// waitUntil polls the condition and reports whether it became true within timeout, in simulated time.
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

// listChanges lists the successful changes in AWS, in order, one per line.
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
