package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

// TestPlugin_HasTheClockOfTheDemo runs the plugin as somebody in another shell does, while the operator runs: it finds the samples of
// simulated time, and the decision is minutes and not years old.
func TestPlugin_HasTheClockOfTheDemo(t *testing.T) {
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
	d := newKillTest(t, env, promotionScenario, settings{speed: firstDecisionSpeed, past: 2 * time.Hour})
	if err := d.writePlugin(d.operator.endpoint); err != nil {
		t.Fatal(err)
	}
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
	if !d.waitUntil(t, 10*time.Minute, func() bool { return getPolicy(t, c, key).Status.Decision != nil }) {
		t.Fatal("the operator decided nothing within ten minutes")
	}
	run := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(d.pluginDir(), "kubectl-dbscaler"), append(args, "-n", namespace)...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(d.workDir, "kubeconfig"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("status", "orders", "--metrics")
	if err != nil || !regexp.MustCompile(`orders-1 .* \d+%`).MatchString(out) || !regexp.MustCompile(`decision \S+ \d+ (s|min) ago`).MatchString(out) {
		t.Errorf("%v: want the CPU of orders-1 and a decision of the last minutes:\n%s", err, out)
	}
	out, err = run("status", "missing")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(out, `kubectl-dbscaler: there is no DBScalingPolicy "missing"`) {
		t.Errorf("a missing policy: got %v and %s, want exit code 2", err, out)
	}
}
