package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// readDocuments parses the objects of a YAML file.
func readDocuments(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, document := range strings.Split(text, "\n---\n")[1:] {
		u := &unstructured.Unstructured{}
		data, err := yaml.YAMLToJSON([]byte(document))
		if err == nil {
			err = u.UnmarshalJSON(data)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		out = append(out, u)
	}
	return out
}

// TestAlarms_APIServerAcceptsObjects installs the CRDs of ACK and Crossplane, and lets the API server validate each object strictly: it
// refuses unknown fields and wrong types.
func TestAlarms_APIServerAcceptsObjects(t *testing.T) {
	for format, crd := range map[string]string{"ack": "ack-metricalarm.yaml", "crossplane": "crossplane-metricalarm.yaml"} {
		t.Run(format, func(t *testing.T) {
			definition := &apiextensionsv1.CustomResourceDefinition{}
			text, err := os.ReadFile(filepath.Join("testdata", crd))
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(text, definition); err != nil {
				t.Fatal(err)
			}
			if _, err := envtest.InstallCRDs(env.Config(), envtest.CRDInstallOptions{CRDs: []*apiextensionsv1.CustomResourceDefinition{definition}}); err != nil {
				t.Fatal(err)
			}
			namespace, c := env.NewNamespace(t)
			strict := client.WithFieldValidation(c, metav1.FieldValidationStrict)
			samples, err := filepath.Abs("../../../config/samples")
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for _, args := range [][]string{
				{"-f", "clinical-engine.yaml"}, {"-f", "ledger.yaml", "--instance", "ledger-read", "--instance", "ledger-report"},
				{"-f", "payments.yaml", "--multi-az-cluster"}, {"-f", "sessions.yaml", "--prefix", "Team/"},
			} {
				args[1] = filepath.Join(samples, args[1])
				out, _, err := runPlugin(t, nil, "", append([]string{"alarms", "-o", format, "--sns-topic-arn", "arn:aws:sns:eu-west-1:123456789012:on-call"}, args...)...)
				if err != nil {
					t.Fatal(err)
				}
				for _, object := range readDocuments(t, out) {
					if object.GetNamespace() != "" {
						object.SetNamespace(namespace)
					}
					wrong := object.DeepCopy()
					if err := strict.Create(t.Context(), object, client.DryRunAll); err != nil {
						t.Errorf("%s: %v", object.GetName(), err)
					}
					if err := unstructured.SetNestedField(wrong.Object, "x", "spec", "alarmNane"); err != nil {
						t.Fatal(err)
					}
					if err := strict.Create(t.Context(), wrong, client.DryRunAll); err == nil || !strings.Contains(err.Error(), "alarmNane") {
						t.Fatalf("an unknown field: got %v", err)
					}
					count++
				}
			}
			if count != 7+8+4+9 {
				t.Errorf("%d objects, want one for each alarm", count)
			}
		})
	}
}

// TestAlarms_ReadsStatus reads a policy from the cluster, and takes account, kind of cluster and instances from its status.
func TestAlarms_ReadsStatus(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := env.WriteKubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		target v1alpha1.TargetRef
		status v1alpha1.DBScalingPolicyStatus
		wants  []string
		note   string
	}{
		"aurora": {
			v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBCluster, Identifier: "orders", Region: "eu-west-1"},
			v1alpha1.DBScalingPolicyStatus{Target: &v1alpha1.TargetStatus{ARN: "arn:aws:rds:eu-west-1:210987654321:cluster:orders", Engine: "aurora-mysql"}},
			[]string{`"dbscaler-orders-readers-saturated"`, `"210987654321"`, `"WRITER"`}, "",
		},
		"multi-az": {
			v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBCluster, Identifier: "payments", Region: "eu-west-1"},
			v1alpha1.DBScalingPolicyStatus{
				Target: &v1alpha1.TargetStatus{ARN: "arn:aws:rds:eu-west-1:210987654321:cluster:payments", Engine: "postgres"},
				Writer: &v1alpha1.PoolStatus{Instances: []v1alpha1.InstanceStatus{{Identifier: "red"}, {Identifier: "green"}, {Identifier: "blue"}}},
			},
			[]string{`"dbscaler-payments-members-not-scaled"`, `"red"`, `"green"`, `"blue"`, "MAX([m1, m2, m3])"}, "",
		},
		"instance": {
			v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBInstance, Identifier: "ledger", Region: "eu-west-1"},
			v1alpha1.DBScalingPolicyStatus{
				Writer:  &v1alpha1.PoolStatus{Instances: []v1alpha1.InstanceStatus{{Identifier: "ledger"}}},
				Readers: &v1alpha1.PoolStatus{Instances: []v1alpha1.InstanceStatus{{Identifier: "ledger-read"}}},
			},
			[]string{`"dbscaler-ledger-read-replica-ledger-read-saturated"`, `"dbscaler-ledger-instance-load-high"`}, "",
		},
		"instance-unobserved": {
			v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBInstance, Identifier: "ledger2", Region: "eu-west-1"}, v1alpha1.DBScalingPolicyStatus{},
			[]string{`"dbscaler-ledger2-instance-load-high"`, "# There are no alarms for the read replicas"}, "Name them with --instance",
		},
	} {
		t.Run(name, func(t *testing.T) {
			policy := &v1alpha1.DBScalingPolicy{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
			policy.Spec.TargetRef = test.target
			policy.Spec.Writer = &v1alpha1.Writer{InstanceClasses: []v1alpha1.InstanceClass{"db.m6gd.large", "db.m6gd.xlarge"}}
			if name != "multi-az" {
				policy.Spec.Readers = &v1alpha1.Readers{InstanceClasses: policy.Spec.Writer.InstanceClasses, MaxReplicas: 4}
			}
			if err := c.Create(t.Context(), policy); err != nil {
				t.Fatal(err)
			}
			policy.Status = test.status
			if err := c.Status().Update(t.Context(), policy); err != nil {
				t.Fatal(err)
			}
			out, errOut, err := runPlugin(t, nil, "", "alarms", name, "-n", namespace, "--kubeconfig", kubeconfig, "-o", "terraform")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.wants {
				if !strings.Contains(out, want) {
					t.Errorf("the output lacks %s:\n%s", want, out)
				}
			}
			if test.note == "" && errOut != "" && !strings.Contains(errOut, "created later") || !strings.Contains(errOut, test.note) {
				t.Errorf("on stderr: %q, want %q", errOut, test.note)
			}
		})
	}
}

// TestAlarms_RejectsInvalidInput checks that invalid input causes an InputError of one line, which is exit code 2, and no output.
func TestAlarms_RejectsInvalidInput(t *testing.T) {
	valid := map[string]string{"policy.yaml": policyYAML}
	for _, test := range []struct {
		name  string
		files map[string]string
		args  []string
		want  string
	}{
		{"no format", valid, []string{"-f", "policy.yaml"}, "set --output to one of terraform, cloudformation, ack, crossplane, prometheus"},
		{"unknown format", valid, []string{"-f", "policy.yaml", "-o", "pulumi"}, `--output is "pulumi"`},
		{"no policy", valid, []string{"-o", "ack"}, "set the name of a policy in the cluster, or --filename"},
		{"missing file", valid, []string{"-f", "no.yaml", "-o", "ack"}, "no.yaml"},
		{"invalid YAML", map[string]string{"policy.yaml": "a: ["}, []string{"-f", "policy.yaml", "-o", "ack"}, "policy.yaml"},
		{"no region", map[string]string{"policy.yaml": strings.Replace(policyYAML, ", region: eu-west-1", "", 1)},
			[]string{"-f", "policy.yaml", "-o", "ack"}, "spec.targetRef.region: Required value"},
		{"topic for Prometheus", valid, []string{"-f", "policy.yaml", "-o", "prometheus", "--sns-topic-arn", "x"}, "Alertmanager"},
		{"topic elsewhere", valid, []string{"-f", "policy.yaml", "-o", "ack", "--sns-topic-arn", "arn:aws:sns:us-east-1:123456789012:on-call"}, "set one there"},
		{"instances of an Aurora cluster", valid, []string{"-f", "policy.yaml", "-o", "ack", "--instance", "orders-1"}, "watch roles"},
		{"too many arguments", valid, []string{"a", "b", "-o", "ack"}, "2 policies are named: name one"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, err := runPlugin(t, test.files, "", append([]string{"alarms"}, test.args...)...)
			var inputErr *InputError
			if !errors.As(err, &inputErr) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || out != "" {
				t.Errorf("got %v and\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}
