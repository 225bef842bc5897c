package config

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// TestKind checks that config/kind runs one operator that asks a simulated AWS in its own pod, with images that no registry has, and that
// the namespace admits the pod.
func TestKind(t *testing.T) {
	c := install(t)
	deployment := &appsv1.Deployment{}
	for document := range strings.SplitSeq(env.RunKubectl(t, "kustomize", "kind"), "\n---\n") {
		if strings.Contains(document, "kind: Deployment") {
			if err := yaml.UnmarshalStrict([]byte(document), deployment); err != nil {
				t.Fatal(err)
			}
		}
	}
	spec := deployment.Spec.Template.Spec
	if len(spec.Containers) != 1 || len(spec.InitContainers) != 1 || *deployment.Spec.Replicas != 1 {
		t.Fatalf("the Deployment is %+v", deployment.Spec)
	}
	operator, aws := spec.Containers[0], spec.InitContainers[0]
	if operator.Image != "dbscaler:kind" || aws.Image != "rdssim:kind" {
		t.Errorf("the images are %s and %s; the tag latest would be pulled from a registry", operator.Image, aws.Image)
	}
	if !slices.Contains(operator.Args, "--aws-endpoint-url=http://127.0.0.1:8790") || !slices.Contains(operator.Args, "--leader-elect") {
		t.Errorf("the arguments of the operator are %q", operator.Args)
	}
	if aws.RestartPolicy == nil || *aws.RestartPolicy != corev1.ContainerRestartPolicyAlways || !slices.Contains(aws.Args, "--present") {
		t.Errorf("the simulator is no sidecar, or has another time than the operator: %+v", aws)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "dbscaler-kind"}, Spec: spec}
	if err := c.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
}
