package manifest

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

const minimalPolicy = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge], maxReplicas: 4}
`

func parseObject(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestReader_DefaultsLikeAPIServer compares the spec that the reader returns with the one that the API server stores.
func TestReader_DefaultsLikeAPIServer(t *testing.T) {
	files, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"minimal policy": minimalPolicy}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "kind: DBScalingPolicy") {
			texts[filepath.Base(file)] = string(data)
		}
	}
	if len(texts) < 5 {
		t.Fatalf("found %d policies to compare, want at least 5", len(texts))
	}
	r, err := NewReader()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			namespace, c := env.NewNamespace(t)
			u := parseObject(t, text)
			u.SetNamespace(namespace)
			got, err := r.ReadPolicy(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Create(t.Context(), u); err != nil {
				t.Fatal(err)
			}
			want := &v1alpha1.DBScalingPolicy{}
			if err := c.Get(t.Context(), client.ObjectKeyFromObject(u), want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Spec, want.Spec) {
				t.Errorf("got\n%+v\nwant\n%+v", got.Spec, want.Spec)
			}
		})
	}
}

// TestReader_RejectsLikeAPIServer checks that the reader rejects in one line what the API server rejects.
func TestReader_RejectsLikeAPIServer(t *testing.T) {
	r, err := NewReader()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		minimalPolicy + "  cpu: {targetPercent: 90}\n":                                "targetPercent",
		minimalPolicy + "  cpu: {targetPercent: 60, scaleUpPercent: 50}\n":            "must be less than scaleUpPercent",
		minimalPolicy + "  mode: Guess\n":                                             "mode",
		minimalPolicy + "  colour: red\n":                                             "spec.colour",
		strings.ReplaceAll(minimalPolicy, "maxReplicas: 4", "maxReplicas: 40"):        "maxReplicas",
		strings.ReplaceAll(minimalPolicy, "kind: DBCluster", "kind: Table"):           "kind",
		strings.ReplaceAll(minimalPolicy, "identifier: orders, ", ""):                 "identifier",
		strings.ReplaceAll(minimalPolicy, "kind: DBScalingPolicy", "kind: ConfigMap"): "DBScalingPolicy",
	} {
		namespace, c := env.NewNamespace(t)
		u := parseObject(t, text)
		u.SetNamespace(namespace)
		if _, err := r.ReadPolicy(t.Context(), u); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line with %s", err, want)
		}
		if err := c.Create(t.Context(), u, client.FieldValidation("Strict")); err == nil {
			t.Errorf("the API server accepts\n%s", text)
		}
	}
}
