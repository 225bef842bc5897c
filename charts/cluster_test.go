package charts

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// policyInOperation is a policy during an operation that has added a surge reader.
const policyInOperation = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders, namespace: NAMESPACE, finalizers: [scaling.dbscaler.io/surge-reader]}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 3}
`

const operationStatus = `
operation:
  id: a1b2c3d4
  pool: Readers
  direction: Up
  from: {instanceClass: db.r6g.large, replicas: 1}
  to: {instanceClass: db.r6g.xlarge, replicas: 1}
  startTime: "2024-02-05T10:00:00Z"
  steps:
  - {action: CreateReader, instance: orders-surge, instanceClass: db.r6g.xlarge, surge: true, startTime: "2024-02-05T10:00:00Z", attempts: 1}
  - {action: ModifyInstanceClass, instance: orders-1, instanceClass: db.r6g.xlarge}
`

// prepareNamespace creates the namespace of config/default, which enforces the restricted level of pod security, and the kinds of the
// Prometheus operator.
func prepareNamespace(t *testing.T) client.Client {
	t.Helper()
	for _, file := range []string{"../config/default/namespace.yaml", "testdata/monitoring-crds.yaml"} {
		env.RunKubectl(t, "apply", "--server-side", "-f", file)
	}
	env.RunKubectl(t, "wait", "--for=condition=Established", "--timeout=60s", "crd/servicemonitors.monitoring.coreos.com", "crd/prometheusrules.monitoring.coreos.com")
	c, err := env.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// readResources reads the resources of both CRDs, as an operator does, before the CRDs are removed. The API server prepares the storage of a
// kind at the first request. If that is the removal of the CRD and it takes a moment, the removal can hang until the API server tries
// again, minutes later: after "storage is (re)initializing" it retries at once, from its cache, and does nothing if the cache is older.
func readResources(t *testing.T) {
	t.Helper()
	env.RunKubectl(t, "get", "dbscalingpolicies.scaling.dbscaler.io,awsaccounts.scaling.dbscaler.io", "--all-namespaces")
}

// TestApply checks that the API server accepts all objects, knows all their fields and warns of none, by default and with almost every
// value.
func TestApply(t *testing.T) {
	prepareNamespace(t)
	env.RunKubectl(t, "apply", "--server-side", "--force-conflicts", "-k", "../config/crd") // AWSAccounts are among the objects
	defer func() {
		readResources(t)
		env.RunKubectl(t, "delete", "-k", "../config/crd")
	}()
	for name, args := range map[string][]string{
		"default":                  nil,
		"almost every value":       {"--values", "testdata/maximal.yaml"},
		"without shards":           {"--values", "testdata/maximal.yaml", "--set", "shards.total=1,replicas=1"},
		"without TLS and accounts": {"--set", "metrics.secure=false,serviceAccount.create=false,serviceAccount.name=default,crds.enabled=false"},
	} {
		t.Run(name, func(t *testing.T) {
			text := helm(t, append([]string{"template", release, "dbscaler", "--namespace", namespace}, args...)...)
			path := filepath.Join(t.TempDir(), "objects.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			out := env.RunKubectl(t, "apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server", "-f", path)
			if strings.Contains(out, "Warning") {
				t.Error(out)
			}
			if want := len(parseObjects(t, text)); strings.Count(out, "serverside-applied") != want || want < 14 {
				t.Errorf("not all of %d objects were accepted:\n%s", want, out)
			}
		})
	}
}

// TestLifecycle installs an earlier version of the chart, upgrades it during an operation, uninstalls it, and gives the CRDs to the chart
// dbscaler-crds. The policy and its operation must survive all of it.
func TestLifecycle(t *testing.T) {
	c := prepareNamespace(t)
	common := []string{"--namespace", namespace}
	out := helm(t, append([]string{"install", release, earlierChart(t), "--set", "replicas=1"}, common...)...)
	if !strings.Contains(out, "kubectl dbscaler doctor") {
		t.Errorf("the notes do not name the doctor:\n%s", out)
	}
	before := createPolicyInOperation(t, c)

	helm(t, append([]string{"upgrade", release, "dbscaler", "--reset-values", "--set", "image.tag=v2,dashboards.enabled=true"}, common...)...)
	operator := &appsv1.Deployment{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: release}, operator); err != nil {
		t.Fatal(err)
	}
	if image := operator.Spec.Template.Spec.Containers[0].Image; *operator.Spec.Replicas != 2 || image != "dbscaler:v2" {
		t.Errorf("after the upgrade, %d replicas have the image %s, want 2 with dbscaler:v2", *operator.Spec.Replicas, image)
	}
	checkPodAdmitted(t, c, operator.Spec.Template)
	checkUnchanged(t, c, before)
	env.RunKubectl(t, "get", "-n", namespace, "servicemonitor/"+release, "prometheusrule/"+release) // skipIfMissing finds the CRDs

	// From one pod to shards and back: the objects are replaced.
	helm(t, append([]string{"upgrade", release, "dbscaler", "--set", "shards.total=2"}, common...)...)
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(operator), operator); !apierrors.IsNotFound(err) {
		t.Errorf("beside the shards there is the Deployment: %v", err)
	}
	helm(t, append([]string{"rollback", release, "2"}, common...)...)
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(operator), operator); err != nil {
		t.Errorf("after the rollback: %v", err)
	}
	checkUnchanged(t, c, before)

	helm(t, append([]string{"uninstall", release}, common...)...)
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(operator), operator); !apierrors.IsNotFound(err) {
		t.Errorf("after the release was uninstalled, the Deployment exists: %v", err)
	}
	checkUnchanged(t, c, before)

	helm(t, append([]string{"install", "dbscaler-crds", "dbscaler-crds", "--take-ownership"}, common...)...)
	helm(t, append([]string{"install", release, "dbscaler", "--set", "crds.enabled=false"}, common...)...)
	helm(t, append([]string{"uninstall", release}, common...)...)
	checkUnchanged(t, c, before)
	env.RunKubectl(t, "patch", "dbsp", "-n", before.Namespace, before.Name, "--type=merge", "-p", `{"metadata":{"finalizers":[]}}`)
	helm(t, append([]string{"upgrade", "dbscaler-crds", "dbscaler-crds", "--set", "keep=false"}, common...)...)
	readResources(t)
	helm(t, append([]string{"uninstall", "dbscaler-crds"}, common...)...)
	env.RunKubectl(t, "wait", "--for=delete", "--timeout=60s", "crd/dbscalingpolicies.scaling.dbscaler.io", "crd/awsaccounts.scaling.dbscaler.io")
}

// TestSecondRelease installs two operators: one for all namespaces, and one of a team with a name and a namespace of its own and
// permissions in one namespace only.
func TestSecondRelease(t *testing.T) {
	c := prepareNamespace(t)
	helm(t, "install", release, "dbscaler", "--namespace", namespace, "--set", "crds.keep=false,watchLabelSelector=team!=a")
	defer func() {
		readResources(t)
		helm(t, "uninstall", release, "--namespace", namespace)
	}()
	team, own := "team-a-system", "team-a"
	env.RunKubectl(t, "create", "namespace", own)
	helm(t, "install", "team-a", "dbscaler", "--namespace", team, "--create-namespace", "--set",
		"crds.enabled=false,rbac.namespaced=true,watchNamespaces={team-a},watchLabelSelector=team=a")
	defer helm(t, "uninstall", "team-a", "--namespace", team)

	for user, allowed := range map[string][]string{
		"system:serviceaccount:" + namespace + ":dbscaler":   {"", "default", own},
		"system:serviceaccount:" + team + ":team-a-dbscaler": {own},
	} {
		for _, where := range []string{"", "default", own} {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user,
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Namespace: where, Verb: "patch", Group: v1alpha1.GroupVersion.Group, Resource: "dbscalingpolicies",
				},
			}}
			if err := c.Create(t.Context(), review); err != nil {
				t.Fatal(err)
			}
			if want := slices.Contains(allowed, where); review.Status.Allowed != want {
				t.Errorf("%s may patch policies in %q: %t, want %t", user, where, review.Status.Allowed, want)
			}
		}
	}

	policy := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(policyInOperation, "NAMESPACE", own)), policy); err != nil {
		t.Fatal(err)
	}
	policy.Finalizers = nil
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"system:serviceaccount:" + namespace + ":dbscaler", "system:serviceaccount:" + team + ":team-a-dbscaler"} {
		checkSpecGuarded(t, policy, user)
		// The admission policies of the other release do not prevent it either.
		for _, finalizers := range []string{`["scaling.dbscaler.io/surge-reader"]`, `[]`} {
			patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"finalizers":`+finalizers+`}}`))
			if err := impersonate(t, user).Patch(t.Context(), policy.DeepCopy(), patch); err != nil {
				t.Errorf("%s cannot set its finalizer: %v", user, err)
			}
		}
	}
	env.RunKubectl(t, "create", "rolebinding", "-n", own, "operators-edit", "--clusterrole=dbscaler-dbscalingpolicy-editor",
		"--serviceaccount="+namespace+":dbscaler", "--serviceaccount="+team+":team-a-dbscaler")
	for _, user := range []string{"system:serviceaccount:" + namespace + ":dbscaler", "system:serviceaccount:" + team + ":team-a-dbscaler"} {
		checkSpecGuarded(t, policy, user, "the operator must not change the spec of a policy")
	}
}

// impersonate is a client of a user.
func impersonate(t *testing.T, user string) client.Client {
	t.Helper()
	config := env.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	c, err := client.New(config, client.Options{Scheme: env.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkSpecGuarded checks that the operator with the user name cannot change the spec of a policy, and the message if one is given: which of
// several admission policies answers is not specified.
func checkSpecGuarded(t *testing.T, policy *v1alpha1.DBScalingPolicy, user string, message ...string) {
	t.Helper()
	c := impersonate(t, user)
	modes := []string{"Enforce", "Recommend"}
	var refused error
	// A new admission policy takes effect after a short delay.
	err := wait.PollUntilContextTimeout(t.Context(), 200*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"mode":"`+modes[0]+`"}}`))
		modes[0], modes[1] = modes[1], modes[0] // always a change, even if the previous patch was admitted
		refused = c.Patch(ctx, policy.DeepCopy(), patch)
		return refused != nil, nil
	})
	if err != nil || !strings.Contains(refused.Error(), strings.Join(message, "")) {
		t.Errorf("%s can change the spec: %v, %v", user, err, refused)
	}
}

// earlierChart returns a copy of the chart with an earlier version.
func earlierChart(t *testing.T) string {
	t.Helper()
	chart := filepath.Join(t.TempDir(), "dbscaler")
	if err := os.CopyFS(chart, os.DirFS("dbscaler")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(chart, "Chart.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	earlier := strings.NewReplacer("version: 0.1.0", "version: 0.0.9", "appVersion: latest", "appVersion: v1").Replace(string(text))
	if earlier == string(text) {
		t.Fatal("Chart.yaml has another version: change this test")
	}
	if err := os.WriteFile(path, []byte(earlier), 0o600); err != nil {
		t.Fatal(err)
	}
	return chart
}

// createPolicyInOperation creates a policy whose status has an operation.
func createPolicyInOperation(t *testing.T, c client.Client) *v1alpha1.DBScalingPolicy {
	t.Helper()
	policy := &v1alpha1.DBScalingPolicy{}
	if err := yaml.UnmarshalStrict([]byte(strings.ReplaceAll(policyInOperation, "NAMESPACE", "default")), policy); err != nil {
		t.Fatal(err)
	}
	// helm waits until the CRD is established. The API server lists the kind, which the client needs, a moment later.
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := c.Create(ctx, policy)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict([]byte(operationStatus), &policy.Status); err != nil {
		t.Fatal(err)
	}
	if err := c.Status().Update(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if policy.Status.Operation == nil || len(policy.Status.Operation.Steps) != 2 {
		t.Fatalf("the status is %+v, want an operation", policy.Status)
	}
	return policy
}

// checkUnchanged checks that a policy is as before, that both CRDs are served, and that none is being deleted.
func checkUnchanged(t *testing.T, c client.Client, before *v1alpha1.DBScalingPolicy) {
	t.Helper()
	after := &v1alpha1.DBScalingPolicy{}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(before), after); err != nil {
		t.Fatal(err)
	}
	if after.UID != before.UID || after.Generation != before.Generation || !equality.Semantic.DeepEqual(after.Status, before.Status) {
		t.Errorf("the policy is now %+v, want %+v", after, before)
	}
	for _, name := range []string{"dbscalingpolicies.scaling.dbscaler.io", "awsaccounts.scaling.dbscaler.io"} {
		crd := &unstructured.Unstructured{}
		crd.SetGroupVersionKind(apischema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
		if err := c.Get(t.Context(), client.ObjectKey{Name: name}, crd); err != nil || crd.GetDeletionTimestamp() != nil {
			t.Errorf("the CRD %s is being deleted or gone: %v", name, err)
		}
	}
}

// checkPodAdmitted checks that the namespace admits a pod.
func checkPodAdmitted(t *testing.T, c client.Client, template corev1.PodTemplateSpec) {
	t.Helper()
	env.RunKubectl(t, "get", "serviceaccount", "-n", namespace, template.Spec.ServiceAccountName)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "dbscaler-0", Labels: template.Labels}, Spec: template.Spec}
	if err := c.Create(t.Context(), pod, client.DryRunAll); err != nil {
		t.Error(err)
	}
}
