package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestSharded checks that config/sharded replaces the Deployment by a StatefulSet with as many replicas as shards, whose pods know their
// names, and that the namespace admits its pods.
func TestSharded(t *testing.T) {
	c := install(t)
	if out := env.RunKubectl(t, "kustomize", "sharded"); strings.Contains(out, "kind: Deployment") {
		t.Error("the Deployment is still there, so that an operator without shards runs as well")
	}
	out := env.RunKubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "sharded")
	if strings.Contains(out, "Warning") {
		t.Error(out)
	}
	set := &appsv1.StatefulSet{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "dbscaler"}, set); err != nil {
		t.Fatal(err)
	}
	defer env.RunKubectl(t, "delete", "statefulset", "-n", namespace, "dbscaler") // which other tests do not expect
	container := set.Spec.Template.Spec.Containers[0]
	total := fmt.Sprintf("--total-shards=%d", *set.Spec.Replicas)
	if *set.Spec.Replicas != 3 || !slices.Contains(container.Args, total) || !slices.Contains(container.Args, "--leader-elect") {
		t.Errorf("%d replicas have the arguments %q, want %s", *set.Spec.Replicas, container.Args, total)
	}
	if e := container.Env; len(e) != 1 || e[0].Name != "POD_NAME" || e[0].ValueFrom.FieldRef.FieldPath != "metadata.name" {
		t.Errorf("the environment is %+v, want the name of the pod", e)
	}
	service := &corev1.Service{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: set.Spec.ServiceName}, service); err != nil {
		t.Errorf("the Service of the StatefulSet: %v", err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "dbscaler-0", Labels: set.Spec.Template.Labels}, Spec: set.Spec.Template.Spec,
	}
	if err := c.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
}
