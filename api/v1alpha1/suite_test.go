package v1alpha1_test

import (
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// clusterPolicy is a valid policy for an Aurora cluster, which the tests modify.
const clusterPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: clinical-engine}
spec:
  targetRef: {kind: DBCluster, identifier: clinical-engine, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 4}
`

// instancePolicy is a valid policy for an RDS instance.
const instancePolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders}
spec:
  targetRef: {kind: DBInstance, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.m7g.large, db.m7g.xlarge]}
`

// account and ownIdentity are AWSAccounts with and without a role.
const (
	account = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: AWSAccount
metadata: {name: with-role}
spec: {roleARN: "arn:aws:iam::123456789012:role/dbscaler", namespaceSelector: {matchLabels: {team: platform}}}
`
	ownIdentity = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: AWSAccount
metadata: {name: own}
spec: {namespaceSelector: {}}
`
)

// parsePolicy parses a policy and sets its namespace.
func parsePolicy(t *testing.T, text, namespace string) *unstructured.Unstructured {
	t.Helper()
	policy := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(text), &policy.Object); err != nil {
		t.Fatalf("parsing the policy: %v\n%s", err, text)
	}
	if policy.GetKind() == "DBScalingPolicy" {
		policy.SetNamespace(namespace)
	}
	return policy
}

// setField sets the field at a path to a value in YAML, or removes it when the value is "absent".
func setField(t *testing.T, policy *unstructured.Unstructured, path, value string) {
	t.Helper()
	fields := strings.Split(path, ".")
	if value == "absent" {
		unstructured.RemoveNestedField(policy.Object, fields...)
		return
	}
	var decoded struct {
		Value any `json:"value"`
	}
	if err := yaml.Unmarshal([]byte("value: "+value), &decoded); err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	if err := unstructured.SetNestedField(policy.Object, decoded.Value, fields...); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// getField returns the field at a path in YAML, or "absent".
func getField(t *testing.T, policy *unstructured.Unstructured, path string) string {
	t.Helper()
	value, found, err := unstructured.NestedFieldNoCopy(policy.Object, strings.Split(path, ".")...)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	if !found {
		return "absent"
	}
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return strings.TrimSpace(string(text))
}

// validationErrors lists the causes of a validation error of the API server, each as "field: message". It is empty when err is nil.
func validationErrors(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	status, ok := err.(apierrors.APIStatus)
	if !ok || !apierrors.IsInvalid(err) {
		t.Fatalf("got %v, want a validation error", err)
	}
	var all []string
	for _, cause := range status.Status().Details.Causes {
		all = append(all, cause.Field+": "+cause.Message)
	}
	return all
}

// expectValidationError fails unless the API server rejected field with the message want, or accepted the object when want is empty.
func expectValidationError(t *testing.T, err error, field, want string) {
	t.Helper()
	got := validationErrors(t, err)
	if want == "" {
		if got != nil {
			t.Errorf("the object was rejected: %s", strings.Join(got, "\n"))
		}
		return
	}
	for _, message := range got {
		if strings.HasPrefix(message, field+": ") && strings.Contains(message, want) {
			return
		}
	}
	t.Errorf("got the errors:\n%s\nwant %s: %s", strings.Join(got, "\n"), field, want)
}

// strictDryRun makes the API server reject unknown fields, as kubectl does, and store nothing.
var strictDryRun = []client.CreateOption{client.DryRunAll, client.FieldValidation("Strict")}
