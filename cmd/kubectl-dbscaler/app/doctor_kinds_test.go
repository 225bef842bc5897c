package app

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/doctor"
)

// otherKinds are the databases that are not a provisioned Aurora cluster.
const otherKinds = `
start: "2024-02-05T08:00:00Z"
accountID: "123456789012"
databases:
- identifier: orders
  region: eu-west-1
  engine: postgres
  engineVersion: "16.1"
  class: db.r6g.large
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  replicas: [{identifier: orders-replica, class: db.r6g.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}]
  load: {writer: {points: [{at: 0h, vcpus: 0.5}]}, readers: {points: [{at: 0h, vcpus: 0.5}]}}
- identifier: reports
  region: eu-west-1
  engine: postgres
  engineVersion: "16.1"
  performanceInsights: true
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  instances:
  - {identifier: reports-1, class: db.r6gd.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: reports-2, class: db.r6gd.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  - {identifier: reports-3, class: db.r6gd.large, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  load: {writer: {points: [{at: 0h, vcpus: 0.5}]}, readers: {points: [{at: 0h, vcpus: 0.5}]}}
- identifier: sessions
  region: eu-west-1
  engine: aurora-postgresql
  engineVersion: "16.3"
  tags: {dbscaler.io/policy-namespace: NAMESPACE}
  serverless: {minCapacity: 0.5, maxCapacity: 10.5}
  instances:
  - {identifier: sessions-1, class: db.serverless, tags: {dbscaler.io/policy-namespace: NAMESPACE}}
  load: {writer: {points: [{at: 0h, vcpus: 0.5}]}}
`

// createPolicy creates a policy, in which ACCOUNT stands for the reference to the AWSAccount.
func (h *doctorHarness) createPolicy(t *testing.T, text string) {
	t.Helper()
	object := &v1alpha1.DBScalingPolicy{}
	text = strings.ReplaceAll(text, "ACCOUNT", "accountRef: {name: "+h.namespace+"}")
	if err := yaml.UnmarshalStrict([]byte(text), object); err != nil {
		t.Fatal(err)
	}
	object.Namespace = h.namespace
	if err := h.client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// TestDoctor_EachKindOfDatabase: nothing is wrong with a healthy database of each other kind, and each is judged by what it needs.
func TestDoctor_EachKindOfDatabase(t *testing.T) {
	h := newDoctorHarness(t, otherKinds, iamDocument(t, "", "policy.json", "doctor.json"))
	h.createPolicy(t, `
metadata: {name: instance}
spec:
  targetRef: {kind: DBInstance, identifier: orders, region: eu-west-1, ACCOUNT}
  writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge]}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 2}
`)
	h.createPolicy(t, `
metadata: {name: multi-az}
spec:
  targetRef: {kind: DBCluster, identifier: reports, region: eu-west-1, ACCOUNT}
  writer: {instanceClasses: [db.r6gd.large, db.r6gd.xlarge]}
`)
	h.createPolicy(t, `
metadata: {name: serverless}
spec:
  targetRef: {kind: DBCluster, identifier: sessions, region: eu-west-1, ACCOUNT}
  serverless: {maxCapacity: {min: "3.5", max: 64}}
`)
	h.createPolicy(t, `
metadata: {name: second}
spec:
  targetRef: {kind: DBInstance, identifier: orders, region: eu-west-1, ACCOUNT}
  writer: {instanceClasses: [db.r6g.large]}
`)
	for name, want := range map[string]string{
		"instance": "rds:CreateDBInstanceReadReplica (ReplicateOptedIn): allowed on orders", "multi-az": "rds:ModifyDBCluster (ResizeOptedInCluster): allowed on reports",
		"serverless": "rds:ModifyDBCluster (ResizeOptedInCluster): allowed on sessions",
	} {
		if out, err := h.run(t, name); err != nil || !containsText(out, "0 failed, 0 warnings, 0 unknown") || !containsText(out, want) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	if out, err := h.run(t, "second"); !errors.As(err, new(*ChecksFailedError)) || !containsText(out, "NAMESPACE/instance: this policy scales the same database") {
		t.Errorf("a second policy for a database: %v\n%s", err, out)
	}
	if out, err := h.run(t, "orders"); !errors.As(err, new(*ChecksFailedError)) || !containsText(out, `There is no DBCluster named "orders"`) {
		t.Errorf("a policy of the wrong kind: %v\n%s", err, out)
	}
}

// TestDoctor_ReadsTheInstallation: the role and the flags of the operator come from its ServiceAccount and its Deployment.
func TestDoctor_ReadsTheInstallation(t *testing.T) {
	scenario := strings.ReplaceAll(healthyDatabase, "policy-namespace: NAMESPACE", "policy-namespace: NAMESPACE@prod")
	h := newDoctorHarness(t, scenario, iamDocument(t, "", "policy.json", "doctor.json"))
	h.createPolicy(t, `
metadata: {name: own-identity}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large], maxReplicas: 2}
`)
	if out, err := h.run(t, "own-identity"); err != nil || !containsText(out, "NAMESPACE@prod allows only the operator") ||
		!containsText(out, "rds:ModifyDBInstance (ResizeOptedIn): allowed to you on orders-2") {
		t.Errorf("without an installation: %v\n%s", err, out)
	}
	meta := metav1.ObjectMeta{Name: installedName, Namespace: installedNamespace}
	serviceAccount := &corev1.ServiceAccount{ObjectMeta: meta}
	serviceAccount.Annotations = map[string]string{roleAnnotation: operatorRole}
	labels := map[string]string{"app": "dbscaler"}
	deployment := &appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "manager", Image: "dbscaler", Args: []string{"--cluster-name=prod", "--pricing-region", "us-east-1", "--require-account"},
		}}}},
	}}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: installedNamespace}}
	if err := h.client.Create(t.Context(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	for _, o := range []client.Object{serviceAccount, deployment} {
		if err := h.client.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { // other tests have no installation
		for _, o := range []client.Object{serviceAccount, &appsv1.StatefulSet{ObjectMeta: meta}} {
			if err := h.client.Delete(t.Context(), o); err != nil {
				t.Error(err)
			}
		}
	}()
	out, err := h.run(t, "own-identity")
	for _, want := range []string{
		"Permissions were simulated for " + operatorRole, "dbscaler.io/policy-namespace=NAMESPACE@prod", "this installation requires one",
		"pricing:GetProducts", "1 failed, 0 warnings, 0 unknown",
	} {
		if !errors.As(err, new(*ChecksFailedError)) || !containsText(out, want) {
			t.Errorf("%v: the checklist lacks %q:\n%s", err, want, out)
		}
	}
	shards := &appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: deployment.Spec.Selector, Template: deployment.Spec.Template}}
	if err := errors.Join(h.client.Delete(t.Context(), deployment), h.client.Create(t.Context(), shards)); err != nil {
		t.Fatal(err)
	}
	if sharded, err := h.run(t, "own-identity"); !errors.As(err, new(*ChecksFailedError)) || sharded != out {
		t.Errorf("with shards: %v\n%s\nwant\n%s", err, sharded, out)
	}
	findings, err := h.findings(t, "--cluster-name", "test")
	if !errors.As(err, new(*ChecksFailedError)) || doctor.Count(findings, doctor.Failed) != 3 { // the flag takes precedence: 3 tags
		t.Errorf("%v: %+v", err, findings)
	}
}
