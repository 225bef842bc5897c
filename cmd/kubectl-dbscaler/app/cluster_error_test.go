package app

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
)

// createPolicies creates policies by namespace/name.
func createPolicies(t *testing.T, c client.Client, keys ...types.NamespacedName) {
	t.Helper()
	for _, key := range keys {
		p := &v1alpha1.DBScalingPolicy{}
		if err := yaml.Unmarshal([]byte(policyYAML), p); err != nil {
			t.Fatal(err)
		}
		p.Namespace, p.Name = key.Namespace, key.Name
		if err := c.Create(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMissingPolicy_NamesWhereItIs: one command is enough to find a policy in another namespace, or the right name.
func TestMissingPolicy_NamesWhereItIs(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	other, _ := env.NewNamespace(t)
	third, _ := env.NewNamespace(t)
	empty, _ := env.NewNamespace(t)
	mine := "only-" + other
	createPolicies(t, h.client, types.NamespacedName{Namespace: other, Name: mine}, types.NamespacedName{Namespace: third, Name: mine},
		types.NamespacedName{Namespace: other, Name: "b"}, types.NamespacedName{Namespace: other, Name: "c"}, types.NamespacedName{Namespace: other, Name: "d"})
	for _, test := range []struct {
		args string
		want []string
	}{
		{"status " + mine, []string{": add -n ", "-n " + other, " or ", "-n " + third}},
		{"pause " + mine, []string{": add -n ", "-n " + other}},
		{"doctor " + mine, []string{": add -n ", "-n " + other}},
		{"alarms -o ack " + mine, []string{": add -n ", "-n " + other}},
		{"status missing -n " + third, []string{`there is no DBScalingPolicy "missing" in the namespace ` + third + ": it has " + mine}},
		{"status missing -n " + other, []string{"check the name, and set --namespace"}}, // four policies are too many to name
		{"status missing -n " + empty, []string{"check the name, and set --namespace"}},
	} {
		// The last -n counts.
		args := append([]string{"--kubeconfig", h.kubeconfig, "-n", h.namespace}, strings.Fields(test.args)...)
		_, _, err := runPlugin(t, nil, "", args...)
		var inputErr *InputError
		if !errors.As(err, &inputErr) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want an InputError of one line", test.args, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want %q", test.args, err, want)
			}
		}
	}
}

// TestReadError_SaysWhatToDo: all commands name a missing right and the role that has it, and what to check when nothing answers.
func TestReadError_SaysWhatToDo(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	for _, test := range []struct{ args, want string }{
		{"doctor orders --as nobody", "you (nobody) may not get dbscalingpolicies.scaling.dbscaler.io in the namespace NAMESPACE: ask for the verbs get, list and " +
			"watch, for example with the ClusterRole dbscaler-dbscalingpolicy-viewer"},
		{"doctor -A --as nobody", "you (nobody) may not list dbscalingpolicies.scaling.dbscaler.io in all namespaces"},
		{"alarms orders -o ack --as nobody", "you (nobody) may not get dbscalingpolicies.scaling.dbscaler.io in the namespace NAMESPACE"},
		{"status orders --server https://127.0.0.1:1", "connection refused: check --context, and that the API server can be reached"},
		{"pause orders --server https://127.0.0.1:1", "connection refused: check --context, and that the API server can be reached"},
	} {
		_, _, err := h.run(t, strings.Fields(test.args)...)
		if err == nil || !strings.Contains(h.anonymize(err.Error()), test.want) || ExitCode(err, nil) != ExitFailure {
			t.Errorf("%s: got %v, want %s", test.args, err, test.want)
		}
	}
}

func TestDescribeCredentialsError(t *testing.T) {
	missing := describeCredentialsError(errors.Join(awsx.ErrNoCredentials, errors.New("request to EC2 IMDS failed")))
	if strings.Contains(missing, "IMDS") || !strings.Contains(missing, "set AWS_PROFILE") {
		t.Errorf("no credentials: %q", missing)
	}
	if refused := describeCredentialsError(errors.New("ExpiredToken: expired")); !strings.Contains(refused, "ExpiredToken: expired") {
		t.Errorf("refused: the cause is missing in %q", refused)
	}
}
