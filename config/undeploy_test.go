package config

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// TestUndeploy_StopsWhilePolicyExists checks that `make undeploy` does not remove the operator and the CRD while a policy waits for
// the removal of its surge reader: only the operator can end that wait.
func TestUndeploy_StopsWhilePolicyExists(t *testing.T) {
	install(t)
	env.RunKubectl(t, "apply", "-f", "samples/reporting.yaml")
	env.RunKubectl(t, "patch", "dbsp", "reporting", "--type=merge", "-p", `{"metadata":{"finalizers":["scaling.dbscaler.io/surge-reader"]}}`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// A make that runs this test must not pass its flags on.
	command := exec.CommandContext(ctx, "env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL", "KUBECONFIG="+env.Kubeconfig(t),
		"make", "-C", "..", "undeploy", "UNDEPLOY_TIMEOUT=1s", "KUBECTL="+env.Kubectl())
	out, err := command.CombinedOutput()
	if err == nil || ctx.Err() != nil || !strings.Contains(string(out), "policies still exist") {
		t.Errorf("make undeploy: %v, %s", err, out)
	}
	for _, object := range []string{"crd/dbscalingpolicies.scaling.dbscaler.io", "deployment/dbscaler"} {
		if got := env.RunKubectl(t, "get", "-n", namespace, object, "-o", "jsonpath={.metadata.deletionTimestamp}"); got != "" {
			t.Errorf("%s is being deleted", object)
		}
	}
	env.RunKubectl(t, "patch", "dbsp", "reporting", "--type=merge", "-p", `{"metadata":{"finalizers":[]}}`)
	if got := env.RunKubectl(t, "get", "dbsp", "-A", "-o", "name"); got != "" {
		t.Errorf("there are still policies: %s", got)
	}
}

// TestServiceMonitor_KeepsNamespaceOfPolicy checks that Prometheus keeps the label namespace of a policy's metrics: a target of a
// ServiceMonitor has a label of that name, too.
func TestServiceMonitor_KeepsNamespaceOfPolicy(t *testing.T) {
	text, err := os.ReadFile("prometheus/service_monitor.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var monitor struct {
		Spec struct {
			Endpoints []struct{ HonorLabels bool }
		}
	}
	if err := yaml.Unmarshal(text, &monitor); err != nil {
		t.Fatal(err)
	}
	if e := monitor.Spec.Endpoints; len(e) != 1 || !e[0].HonorLabels {
		t.Errorf("got %+v, want one endpoint with honorLabels", e)
	}
}
