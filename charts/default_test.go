package charts

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// helmLabels are the labels that only the chart sets: Helm's convention.
var helmLabels = []string{"app.kubernetes.io/managed-by", "helm.sh/chart"}

// TestTemplate_EqualsKustomize checks that the chart installs the objects of config/default, and with three shards those of
// config/sharded. The differences are the labels of Helm, the annotation that keeps the CRDs, and the namespace: Helm stores the release in
// it, so that it must exist before.
func TestTemplate_EqualsKustomize(t *testing.T) {
	for _, test := range []struct {
		folder string
		args   []string
	}{
		{"default", nil},
		{"sharded", []string{"--set", "shards.total=3"}},
	} {
		t.Run(test.folder, func(t *testing.T) {
			want := byName(t, parseObjects(t, env.RunKubectl(t, "kustomize", "../config/"+test.folder)))
			delete(want, "Namespace/"+namespace+" in ")
			got := byName(t, template(t, test.args...))
			if len(want) < 15 {
				t.Fatalf("config/%s has only %d objects: %v", test.folder, len(want), slices.Sorted(maps.Keys(want)))
			}
			for name, object := range got {
				removeHelmMetadata(t, name, object)
				if want[name] == nil {
					t.Errorf("only the chart has %s", name)
				}
			}
			for name, object := range want {
				if got[name] == nil {
					t.Errorf("the chart does not have %s", name)
					continue
				}
				for _, difference := range differences("", got[name], object) {
					t.Errorf("%s: %s", name, difference)
				}
			}
		})
	}
}

// TestCRDChart_EqualsBases checks that the chart of the CRDs has those of config/crd.
func TestCRDChart_EqualsBases(t *testing.T) {
	want := byName(t, parseObjects(t, env.RunKubectl(t, "kustomize", "../config/crd")))
	got := byName(t, parseObjects(t, helm(t, "template", "crds", "dbscaler-crds")))
	if len(want) != 2 || len(got) != len(want) {
		t.Errorf("the chart has %d CRDs and config/crd %d, want 2", len(got), len(want))
	}
	for name, object := range got {
		removeHelmMetadata(t, name, object)
		unstructured.RemoveNestedField(object, "metadata", "labels")
		for _, difference := range differences("", object, want[name]) {
			t.Errorf("%s: %s", name, difference)
		}
	}
}

// TestMonitoring_EqualsConfig checks that the ServiceMonitor and the alerts have the specs of config/prometheus.
func TestMonitoring_EqualsConfig(t *testing.T) {
	config, chart := parseObjects(t, env.RunKubectl(t, "kustomize", "../config/prometheus")), template(t, monitoringAPI...)
	for _, name := range []string{"ServiceMonitor/dbscaler", "PrometheusRule/dbscaler"} {
		want, got := find(config, name), find(chart, name)
		if got == nil || want == nil {
			t.Fatalf("%s: the chart has %v, config/prometheus %v", name, got, want)
		}
		for _, difference := range differences("spec", got.Object["spec"], want.Object["spec"]) {
			t.Errorf("%s: %s", name, difference)
		}
	}
}

// byName returns objects by kind, name and namespace, with the types of values that JSON has.
func byName(t *testing.T, objects []unstructured.Unstructured) map[string]map[string]any {
	t.Helper()
	out := map[string]map[string]any{}
	for _, object := range objects {
		// kustomize does not know that these kinds belong to no namespace, and sets one, which kubectl ignores.
		if strings.HasPrefix(object.GetKind(), "ValidatingAdmissionPolicy") {
			object.SetNamespace("")
		}
		name := fmt.Sprintf("%s/%s in %s", object.GetKind(), object.GetName(), object.GetNamespace())
		if out[name] != nil {
			t.Errorf("there are two objects %s", name)
		}
		out[name] = object.Object
	}
	return out
}

// removeHelmMetadata removes what only the chart has from an object, and checks that it is there.
func removeHelmMetadata(t *testing.T, name string, object map[string]any) {
	t.Helper()
	for _, label := range helmLabels {
		if _, exists, _ := unstructured.NestedString(object, "metadata", "labels", label); !exists {
			t.Errorf("%s has no label %s", name, label)
		}
		unstructured.RemoveNestedField(object, "metadata", "labels", label)
	}
	if !strings.HasPrefix(name, "CustomResourceDefinition/") {
		return
	}
	if keep, _, _ := unstructured.NestedString(object, "metadata", "annotations", "helm.sh/resource-policy"); keep != "keep" {
		t.Errorf("%s has the resource policy %q, want keep", name, keep)
	}
	unstructured.RemoveNestedField(object, "metadata", "annotations", "helm.sh/resource-policy")
}

// differences describes where two values in JSON differ.
func differences(path string, got, want any) []string {
	gotMap, gotIsMap := got.(map[string]any)
	wantMap, wantIsMap := want.(map[string]any)
	gotList, gotIsList := got.([]any)
	wantList, wantIsList := want.([]any)
	var out []string
	switch {
	case gotIsMap && wantIsMap:
		keys := maps.Clone(gotMap)
		maps.Copy(keys, wantMap)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			out = append(out, differences(path+"."+key, gotMap[key], wantMap[key])...)
		}
	case gotIsList && wantIsList && len(gotList) == len(wantList):
		for n := range gotList {
			out = append(out, differences(fmt.Sprintf("%s[%d]", path, n), gotList[n], wantList[n])...)
		}
	case !reflect.DeepEqual(got, want):
		out = append(out, fmt.Sprintf("%s is %s, want %s", path, compactJSON(got), compactJSON(want)))
	}
	return out
}

// compactJSON returns a value in JSON without spaces. Values of objects in YAML can be encoded.
func compactJSON(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
