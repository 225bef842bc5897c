package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
	"sigs.k8s.io/yaml"
)

const (
	// configDir is config/argocd, and customizationDir the folder of the health check and the actions in it.
	configDir        = "../../../config/argocd"
	customizationDir = configDir + "/resource_customizations/scaling.dbscaler.io/DBScalingPolicy"
	namespace        = "argocd"
)

// actionTest is a case of action_test.yaml in Argo CD's format.
type actionTest struct {
	Action               string `json:"action"`
	InputPath            string `json:"inputPath"`
	ExpectedOutputPath   string `json:"expectedOutputPath"`
	ExpectedErrorMessage string `json:"expectedErrorMessage"`
}

// loadVM returns Argo CD's Lua VM with the settings of argocd-cm.yaml, as Argo CD's servers read them.
func loadVM(t *testing.T) lua.VM {
	t.Helper()
	var config corev1.ConfigMap
	readYAML(t, filepath.Join(configDir, "argocd-cm.yaml"), &config)
	config.Namespace = namespace
	config.Labels = map[string]string{"app.kubernetes.io/part-of": "argocd"}
	secret := &corev1.Secret{}
	secret.Name, secret.Namespace, secret.Labels = "argocd-secret", namespace, config.Labels
	manager := settings.NewSettingsManager(t.Context(), fake.NewClientset(&config, secret), namespace)
	overrides, err := manager.GetResourceOverrides()
	if err != nil {
		t.Fatal(err)
	}
	return lua.VM{ResourceOverrides: overrides}
}

func TestHealth(t *testing.T) {
	var suite struct {
		Tests []struct {
			InputPath    string                `json:"inputPath"`
			HealthStatus v1alpha1.HealthStatus `json:"healthStatus"`
		} `json:"tests"`
	}
	readYAML(t, filepath.Join(customizationDir, "health_test.yaml"), &suite)
	overrides := lua.ResourceHealthOverrides(loadVM(t).ResourceOverrides)
	for _, test := range suite.Tests {
		t.Run(filepath.Base(test.InputPath), func(t *testing.T) {
			got, err := overrides.GetResourceHealth(readObject(t, filepath.Join(customizationDir, test.InputPath)))
			if err != nil || got == nil || got.Status != test.HealthStatus.Status || got.Message != test.HealthStatus.Message {
				t.Errorf("got %+v, %v; want %+v", got, err, test.HealthStatus)
			}
		})
	}
	if len(suite.Tests) == 0 {
		t.Error("health_test.yaml has no cases")
	}
}

func TestActions(t *testing.T) {
	var suite struct {
		DiscoveryTests []struct {
			InputPath string                    `json:"inputPath"`
			Result    []v1alpha1.ResourceAction `json:"result"`
		} `json:"discoveryTests"`
		ActionTests []actionTest `json:"actionTests"`
	}
	actions := filepath.Join(customizationDir, "actions")
	readYAML(t, filepath.Join(actions, "action_test.yaml"), &suite)
	vm := loadVM(t)
	for _, test := range suite.DiscoveryTests {
		t.Run("discovery/"+filepath.Base(test.InputPath), func(t *testing.T) {
			object := readObject(t, filepath.Join(actions, test.InputPath))
			scripts, err := vm.GetResourceActionDiscovery(object)
			if err != nil {
				t.Fatal(err)
			}
			got, err := vm.ExecuteResourceActionDiscovery(object, scripts)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := marshal(t, sorted(got)), marshal(t, sorted(test.Result)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	for _, test := range suite.ActionTests {
		t.Run(test.Action+"/"+filepath.Base(test.InputPath), func(t *testing.T) { checkAction(t, vm, actions, test) })
	}
	if len(suite.DiscoveryTests) == 0 || len(suite.ActionTests) == 0 {
		t.Error("action_test.yaml has no cases")
	}
}

// checkAction runs an action. The times in the expected output are of another day: the annotations that hold a time are compared with the
// clock.
func checkAction(t *testing.T, vm lua.VM, actions string, test actionTest) {
	t.Helper()
	object := readObject(t, filepath.Join(actions, test.InputPath))
	action, err := vm.GetResourceAction(object, test.Action)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	got, err := vm.ExecuteResourceAction(object, action.ActionLua, nil)
	if test.ExpectedErrorMessage != "" {
		if err == nil || err.Error() != test.ExpectedErrorMessage {
			t.Errorf("got the error %v, want %q", err, test.ExpectedErrorMessage)
		}
		return
	}
	if err != nil || len(got) != 1 || got[0].K8SOperation != lua.PatchOperation {
		t.Fatalf("got %+v, %v; want one patch", got, err)
	}
	result, want := got[0].UnstructuredObj, readObject(t, filepath.Join(actions, test.ExpectedOutputPath))
	gotAnnotations, wantAnnotations := result.GetAnnotations(), want.GetAnnotations()
	for name, length := range map[string]time.Duration{
		"scaling.dbscaler.io/paused-until": 8 * time.Hour, "scaling.dbscaler.io/override-until": 2 * time.Hour,
	} {
		if _, expected := wantAnnotations[name]; !expected {
			continue
		}
		until, err := time.Parse(time.RFC3339, gotAnnotations[name])
		if err != nil || until.Sub(started) < length-2*time.Second || until.Sub(started) > length+time.Minute {
			t.Errorf("%s is %q at %s (%v), want %s later", name, gotAnnotations[name], started, err, length)
		}
		wantAnnotations[name] = gotAnnotations[name]
	}
	const resolve = "scaling.dbscaler.io/resolve-conflict"
	if wantAnnotations[resolve] != "" && gotAnnotations[resolve] != "" && test.Action == "resolve-conflict" {
		wantAnnotations[resolve] = gotAnnotations[resolve]
	}
	result.SetAnnotations(gotAnnotations)
	want.SetAnnotations(wantAnnotations)
	if got, want := marshal(t, result.Object), marshal(t, want.Object); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func sorted(actions []v1alpha1.ResourceAction) []v1alpha1.ResourceAction {
	return slices.SortedFunc(slices.Values(actions), func(a, b v1alpha1.ResourceAction) int { return cmp.Compare(a.Name, b.Name) })
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func readObject(t *testing.T, path string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	readYAML(t, path, &object.Object)
	return object
}

func readYAML(t *testing.T, path string, to any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
