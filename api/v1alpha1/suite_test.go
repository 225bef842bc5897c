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

// clusterPolicy is a policy for an Aurora cluster; the tests change a field or two of it.
const clusterPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: clinical-engine}
spec:
  targetRef: {kind: DBCluster, identifier: clinical-engine, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 4}
`

// instancePolicy is a policy for an RDS instance.
const instancePolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders}
spec:
  targetRef: {kind: DBInstance, identifier: orders, region: eu-west-1}
  writer: {instanceClasses: [db.m7g.large, db.m7g.xlarge]}
`

// parsePolicy reads a policy, as somebody wrote it, in a namespace.
func parsePolicy(t *testing.T, text, namespace string) *unstructured.Unstructured {
	t.Helper()
	policy := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(text), &policy.Object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	policy.SetNamespace(namespace)
	return policy
}

// setField gives a field, named by its path, a value that is written in YAML; "absent" takes it away.
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

// getField reads the field at a path, or "absent", in the YAML of one line.
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

// validationErrors are what the API server says is wrong, each as "field: message". There are none when err is nil.
func validationErrors(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	status, ok := err.(apierrors.APIStatus)
	if !ok || !apierrors.IsInvalid(err) {
		t.Fatalf("not a refusal to validate: %v", err)
	}
	var all []string
	for _, cause := range status.Status().Details.Causes {
		all = append(all, cause.Field+": "+cause.Message)
	}
	return all
}

// expectValidationError fails unless the API server refused with the message want about field, or accepted when want is empty.
func expectValidationError(t *testing.T, err error, field, want string) {
	t.Helper()
	got := validationErrors(t, err)
	if want == "" {
		if got != nil {
			t.Errorf("refused: %s", strings.Join(got, "\n"))
		}
		return
	}
	for _, complaint := range got {
		if strings.HasPrefix(complaint, field+": ") && strings.Contains(complaint, want) {
			return
		}
	}
	t.Errorf("%s: %s\nis not among what the API server said:\n%s", field, want, strings.Join(got, "\n"))
}

// strictDryRun makes the API server refuse unknown fields, as kubectl does, and store nothing.
var strictDryRun = []client.CreateOption{client.DryRunAll, client.FieldValidation("Strict")}
