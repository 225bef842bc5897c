// Package config tests that what is installed is accepted by a real API server, and how much it may do.
package config

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/internal/testenv"
)

const namespace = "dbscaler-system"

var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// readManifests opens all manifests. It is kubectl that reads them, and a cached test result is used until a file changes that the
// test itself has opened.
func readManifests(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		_, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kubectl runs kubectl as an administrator and returns what it prints.
func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), env.Kubectl(), append([]string{"--kubeconfig", kubeconfig(t)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// kubeconfig is an administrator's.
func kubeconfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := env.WriteKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// install applies config/default. Warnings are as good as errors: the API server has them for what is deprecated, and for
// pods that the namespace's pod security would refuse.
func install(t *testing.T) client.Client {
	t.Helper()
	readManifests(t)
	for range 2 { // twice: applying what is there changes nothing
		out := kubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "default")
		if strings.Contains(out, "Warning") {
			t.Fatal(out)
		}
	}
	c, err := env.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPodSecurity: the operator's pod is let into its namespace, which enforces the restricted level.
func TestPodSecurity(t *testing.T) {
	c := install(t)
	deployment := &appsv1.Deployment{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "dbscaler"}, deployment); err != nil {
		t.Fatal(err)
	}
	pod := func() *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: "dbscaler-0", Labels: deployment.Spec.Template.Labels,
			},
			Spec: *deployment.Spec.Template.Spec.DeepCopy(),
		}
	}
	if err := c.Create(t.Context(), pod(), client.DryRunAll); err != nil {
		t.Error(err)
	}
	if !*pod().Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem {
		t.Error("the root file system can be written")
	}
	root := pod()
	root.Spec.SecurityContext.RunAsNonRoot = nil
	if err := c.Create(t.Context(), root, client.DryRunAll); err == nil {
		t.Error("the namespace lets in a pod that may run as root")
	}
}

// TestAdmissionPolicy_OperatorCannotChangeSpec: it may put a finalizer on a policy, and change nothing that belongs to whoever wrote it.
func TestAdmissionPolicy_OperatorCannotChangeSpec(t *testing.T) {
	install(t)
	kubectl(t, "apply", "-f", "samples/reporting.yaml")
	patch := func(user, what string) (string, error) {
		args := []string{"--kubeconfig", kubeconfig(t), "--as", user, "patch", "dbsp", "reporting", "--type=merge", "-p", what}
		out, err := exec.CommandContext(t.Context(), env.Kubectl(), args...).CombinedOutput()
		return string(out), err
	}
	const operator = "system:serviceaccount:" + namespace + ":dbscaler"
	enforce, modes := `{"spec":{"mode":"Enforce"}}`, []string{"Enforce", "Recommend"}
	var out string
	// The API server takes a moment to heed a new admission policy.
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		var err error
		out, err = patch(operator, fmt.Sprintf(`{"spec":{"mode":%q}}`, modes[0]))
		modes[0], modes[1] = modes[1], modes[0] // a change each time, also where the one before was let through
		return err != nil, nil
	})
	if err != nil || !strings.Contains(out, "the operator does not change the spec of a policy") {
		t.Errorf("the operator may change the spec: %v, %s", err, out)
	}
	if out, err := patch(operator, `{"metadata":{"annotations":{"scaling.dbscaler.io/approve":"12345678"}}}`); err == nil {
		t.Errorf("the operator may approve its own decisions: %s", out)
	}
	for _, finalizers := range []string{`["scaling.dbscaler.io/surge-reader"]`, `[]`} {
		if out, err := patch(operator, `{"metadata":{"finalizers":`+finalizers+`}}`); err != nil {
			t.Errorf("the operator may not set its finalizer: %v, %s", err, out)
		}
	}
	if out, err := patch("admin", enforce); err == nil || !strings.Contains(out, "Forbidden") && !strings.Contains(out, "forbidden") {
		t.Errorf("somebody without a role may patch: %s", out)
	}
	kubectl(t, "patch", "dbsp", "reporting", "--type=merge", "-p", enforce) // an administrator may
}

// TestPermissions asks the API server what the operator may do.
func TestPermissions(t *testing.T) {
	c := install(t)
	const group = "scaling.dbscaler.io"
	attributes := func(namespace, group, resource, subresource string) authorizationv1.ResourceAttributes {
		return authorizationv1.ResourceAttributes{Namespace: namespace, Group: group, Resource: resource, Subresource: subresource}
	}
	every := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	for _, test := range []struct {
		what  authorizationv1.ResourceAttributes
		verbs []string // that are allowed; all others are not
	}{
		{attributes("platform", group, "dbscalingpolicies", ""), []string{"get", "list", "watch", "patch"}}, // see spec_guard.yaml
		{attributes("platform", group, "dbscalingpolicies", "status"), []string{"get", "update", "patch"}},
		{attributes("platform", "events.k8s.io", "events", ""), []string{"create", "patch"}},
		{attributes("platform", "rds.services.k8s.aws", "dbinstances", ""), []string{"list"}},
		{attributes("", "rds.aws.upbound.io", "clusterinstances", ""), []string{"list"}},
		{attributes("platform", "rds.aws.m.upbound.io", "instances", ""), []string{"list"}},
		{attributes("platform", "rds.services.k8s.aws", "dbclusters", ""), nil},
		{attributes("platform", "", "events", ""), nil},
		{attributes(namespace, "", "events", ""), []string{"create", "patch"}},
		{attributes(namespace, "coordination.k8s.io", "leases", ""),
			[]string{"get", "list", "watch", "create", "update", "patch", "delete"}},
		{attributes("platform", "coordination.k8s.io", "leases", ""), nil},
		{attributes("", "authentication.k8s.io", "tokenreviews", ""), []string{"create"}},
		{attributes("", "authorization.k8s.io", "subjectaccessreviews", ""), []string{"create"}},
		{attributes(namespace, "", "secrets", ""), nil},
		{attributes("platform", "", "pods", ""), nil},
		{attributes("", "", "namespaces", ""), nil},
		{attributes("", "rbac.authorization.k8s.io", "clusterroles", ""), nil},
	} {
		t.Run(test.what.Namespace+"/"+test.what.Group+"/"+test.what.Resource+"/"+test.what.Subresource, func(t *testing.T) {
			for _, verb := range every {
				what := test.what
				what.Verb = verb
				review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
					User:               "system:serviceaccount:" + namespace + ":dbscaler",
					Groups:             []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
					ResourceAttributes: &what,
				}}
				if err := c.Create(t.Context(), review); err != nil {
					t.Fatal(err)
				}
				if want := slices.Contains(test.verbs, verb); review.Status.Allowed != want {
					t.Errorf("%s: allowed is %t, want %t", verb, review.Status.Allowed, want)
				}
			}
		})
	}
}

// TestAggregation: the roles for people are found by the cluster's own roles view, edit and admin.
func TestAggregation(t *testing.T) {
	c := install(t)
	for name, verbs := range map[string]string{"view": "get list watch", "edit": "create", "admin": "create"} {
		aggregate := &rbacv1.ClusterRole{}
		if err := c.Get(t.Context(), client.ObjectKey{Name: name}, aggregate); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, selector := range aggregate.AggregationRule.ClusterRoleSelectors {
			roles := &rbacv1.ClusterRoleList{}
			if err := c.List(t.Context(), roles, client.MatchingLabels(selector.MatchLabels)); err != nil {
				t.Fatal(err)
			}
			for _, role := range roles.Items {
				for _, rule := range role.Rules {
					if slices.Contains(rule.Resources, "dbscalingpolicies") {
						found = append(found, rule.Verbs...)
					}
				}
			}
		}
		for _, verb := range strings.Fields(verbs) {
			if !slices.Contains(found, verb) {
				t.Errorf("%s may not %s policies", name, verb)
			}
		}
	}
}

// TestPorts: what the Deployment, the Service and the probes call a port is one that the container has.
func TestPorts(t *testing.T) {
	c := install(t)
	deployment, service := &appsv1.Deployment{}, &corev1.Service{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "dbscaler"}, deployment); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "dbscaler-metrics"}, service); err != nil {
		t.Fatal(err)
	}
	container := deployment.Spec.Template.Spec.Containers[0]
	ports := map[string]int32{}
	for _, port := range container.Ports {
		ports[port.Name] = port.ContainerPort
	}
	for what, name := range map[string]string{
		"liveness":  container.LivenessProbe.HTTPGet.Port.StrVal,
		"readiness": container.ReadinessProbe.HTTPGet.Port.StrVal,
		"metrics":   service.Spec.Ports[0].TargetPort.StrVal,
	} {
		if ports[name] == 0 {
			t.Errorf("%s: the container has no port %q", what, name)
		}
	}
	for key, value := range service.Spec.Selector {
		if deployment.Spec.Template.Labels[key] != value {
			t.Errorf("the Service selects %s=%s, which the pods do not have", key, value)
		}
	}
}

// TestSamples: kubectl applies them as a whole, and shows a line for each.
func TestSamples(t *testing.T) {
	install(t)
	kubectl(t, "create", "namespace", "platform")
	kubectl(t, "apply", "-n", "platform", "-k", "samples")
	var table struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal([]byte(kubectl(t, "get", "dbsp", "-n", "platform", "-o", "json")), &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Items) != 6 {
		t.Errorf("%d samples are there, want 6", len(table.Items))
	}
	header := strings.Fields(strings.SplitN(kubectl(t, "get", "dbsp", "-n", "platform"), "\n", 2)[0])
	if want := []string{"NAME", "DATABASE", "WRITER", "READERS", "READY", "DOING", "AGE"}; !slices.Equal(header, want) {
		t.Errorf("kubectl shows %v, want %v", header, want)
	}
}
