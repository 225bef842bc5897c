// Package config tests that a real API server accepts the manifests, and what permissions they grant.
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

// readManifests reads all manifests. Only kubectl uses them, and go test reuses a cached result until a file changes that the test
// itself has read.
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

// install applies config/default. A warning is a failure: the API server warns about deprecated APIs and about pods that violate the
// pod security level of the namespace.
func install(t *testing.T) client.Client {
	t.Helper()
	readManifests(t)
	for range 2 { // the second apply changes nothing
		out := env.RunKubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "default")
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

// TestPodSecurity checks that the namespace, which enforces the restricted level, admits the pod of the operator.
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
		t.Error("readOnlyRootFilesystem is false, want true")
	}
	root := pod()
	root.Spec.SecurityContext.RunAsNonRoot = nil
	if err := c.Create(t.Context(), root, client.DryRunAll); err == nil {
		t.Error("the namespace admits a pod that may run as root")
	}
}

// TestAdmissionPolicy_OperatorCannotChangeSpec checks that the operator can set the finalizer of a policy, but neither its spec nor its
// annotations.
func TestAdmissionPolicy_OperatorCannotChangeSpec(t *testing.T) {
	install(t)
	env.RunKubectl(t, "apply", "-f", "samples/reporting.yaml")
	// With the rights of an editor, only this admission policy prevents it.
	env.RunKubectl(t, "create", "rolebinding", "operator-edits", "--clusterrole=dbscaler-dbscalingpolicy-editor", "--serviceaccount="+namespace+":dbscaler")
	defer env.RunKubectl(t, "delete", "rolebinding", "operator-edits")
	patch := func(user, what string) (string, error) {
		args := []string{"--kubeconfig", env.Kubeconfig(t), "--as", user, "patch", "dbsp", "reporting", "--type=merge", "-p", what}
		out, err := exec.CommandContext(t.Context(), env.Kubectl(), args...).CombinedOutput()
		return string(out), err
	}
	const operator = "system:serviceaccount:" + namespace + ":dbscaler"
	enforce, modes := `{"spec":{"mode":"Enforce"}}`, []string{"Enforce", "Recommend"}
	var out string
	// A new admission policy takes effect after a short delay.
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		var err error
		out, err = patch(operator, fmt.Sprintf(`{"spec":{"mode":%q}}`, modes[0]))
		modes[0], modes[1] = modes[1], modes[0] // always a change, even if the previous patch was admitted
		return err != nil, nil
	})
	if err != nil || !strings.Contains(out, "the operator must not change the spec of a policy") {
		t.Errorf("the operator can change the spec: %v, %s", err, out)
	}
	if out, err := patch(operator, `{"metadata":{"annotations":{"scaling.dbscaler.io/approve":"12345678"}}}`); err == nil ||
		!strings.Contains(out, "the operator must not change the annotations of a policy") {
		t.Errorf("the operator can approve its own decisions: %s", out)
	}
	for _, finalizers := range []string{`["scaling.dbscaler.io/surge-reader"]`, `[]`} {
		if out, err := patch(operator, `{"metadata":{"finalizers":`+finalizers+`}}`); err != nil {
			t.Errorf("the operator cannot set its finalizer: %v, %s", err, out)
		}
	}
	if out, err := patch("admin", enforce); err == nil || !strings.Contains(out, "Forbidden") && !strings.Contains(out, "forbidden") {
		t.Errorf("a user without a role can patch: %s", out)
	}
	env.RunKubectl(t, "patch", "dbsp", "reporting", "--type=merge", "-p", enforce) // an administrator can
}

// TestPermissions checks the permissions of the operator with subject access reviews.
func TestPermissions(t *testing.T) {
	c := install(t)
	const group = "scaling.dbscaler.io"
	attributes := func(namespace, group, resource, subresource string) authorizationv1.ResourceAttributes {
		return authorizationv1.ResourceAttributes{Namespace: namespace, Group: group, Resource: resource, Subresource: subresource}
	}
	allVerbs := []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	for _, test := range []struct {
		what  authorizationv1.ResourceAttributes
		verbs []string // the allowed verbs; all others are denied
	}{
		{attributes("platform", group, "dbscalingpolicies", ""), []string{"get", "list", "watch", "patch"}}, // see spec_guard.yaml
		{attributes("platform", group, "dbscalingpolicies", "status"), []string{"get", "update", "patch"}},
		{attributes("platform", group, "dbscalingpolicies", "finalizers"), []string{"update"}}, // see manual_control_guard.yaml
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
		{attributes("", "", "namespaces", ""), []string{"get", "list", "watch"}},
		{attributes("", group, "awsaccounts", ""), []string{"get", "list", "watch"}},
		{attributes("", "rbac.authorization.k8s.io", "clusterroles", ""), nil},
	} {
		t.Run(test.what.Namespace+"/"+test.what.Group+"/"+test.what.Resource+"/"+test.what.Subresource, func(t *testing.T) {
			for _, verb := range allVerbs {
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

// TestAggregation checks that the ClusterRoles view, edit and admin include the rules for policies.
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
				t.Errorf("the ClusterRole %s cannot %s policies", name, verb)
			}
		}
	}
}

// TestAggregation_NotOfAWSAccounts checks that no role for the users of namespaces lets them read or write AWSAccounts.
func TestAggregation_NotOfAWSAccounts(t *testing.T) {
	c := install(t)
	roles := &rbacv1.ClusterRoleList{}
	if err := c.List(t.Context(), roles); err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, role := range roles.Items {
		for _, rule := range role.Rules {
			if !slices.Contains(rule.Resources, "awsaccounts") {
				continue
			}
			found++
			for label := range role.Labels {
				if strings.HasPrefix(label, "rbac.authorization.k8s.io/aggregate-to-") {
					t.Errorf("the ClusterRole %s has the label %s and a rule for awsaccounts", role.Name, label)
				}
			}
		}
	}
	if found < 3 {
		t.Errorf("%d rules for awsaccounts, want those of the operator, of editors and of viewers", found)
	}
}

// TestPorts checks that the ports of the Service and the probes exist in the container.
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
			t.Errorf("the Service selects %s=%s, a label that the pods lack", key, value)
		}
	}
}

// TestSamples checks that kubectl applies all samples, and the columns of kubectl get.
func TestSamples(t *testing.T) {
	install(t)
	env.RunKubectl(t, "create", "namespace", "platform")
	env.RunKubectl(t, "apply", "-n", "platform", "-k", "samples")
	var table struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal([]byte(env.RunKubectl(t, "get", "dbsp", "-n", "platform", "-o", "json")), &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Items) != 6 {
		t.Errorf("there are %d policies, want 6", len(table.Items))
	}
	header := strings.Fields(strings.SplitN(env.RunKubectl(t, "get", "dbsp", "-n", "platform"), "\n", 2)[0])
	if want := []string{"NAME", "TARGET", "MODE", "WRITER", "READERS", "READY", "STATUS", "BLOCKED-BY", "AGE"}; !slices.Equal(header, want) {
		t.Errorf("kubectl shows the columns %v, want %v", header, want)
	}
}
