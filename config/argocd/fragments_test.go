package argocd

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestFragment_HasTheScripts: argocd-cm.yaml has the scripts as they are tested, under the keys that Argo CD reads.
func TestFragment_HasTheScripts(t *testing.T) {
	const kind = "scaling.dbscaler.io_DBScalingPolicy"
	data := readConfigMap(t, "argocd-cm.yaml")
	if data["resource.customizations.health."+kind] != readScript(t, "health.lua") {
		t.Error("the health check differs from health.lua: run `make generate`")
	}
	var actions struct {
		Discovery   string `json:"discovery.lua"`
		Definitions []struct {
			Name   string `json:"name"`
			Action string `json:"action.lua"`
		} `json:"definitions"`
	}
	if err := yaml.UnmarshalStrict([]byte(data["resource.customizations.actions."+kind]), &actions); err != nil {
		t.Fatal(err)
	}
	if actions.Discovery != readScript(t, actionsDir, "discovery.lua") {
		t.Error("the discovery differs from discovery.lua: run `make generate`")
	}
	scripts, err := filepath.Glob(filepath.Join(healthCheckDir, actionsDir, "*", "action.lua"))
	if err != nil {
		t.Fatal(err)
	}
	if len(actions.Definitions) != len(scripts) || len(data) != 2 {
		t.Errorf("the fragment has %d actions and %d keys, want %d and 2: run `make generate`", len(actions.Definitions), len(data), len(scripts))
	}
	for _, definition := range actions.Definitions {
		if definition.Action != readScript(t, actionsDir, definition.Name, "action.lua") {
			t.Errorf("the action %s differs from its script: run `make generate`", definition.Name)
		}
	}
}

// readConfigMap returns the data of a ConfigMap.
func readConfigMap(t *testing.T, path string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config corev1.ConfigMap
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		t.Fatal(err)
	}
	return config.Data
}
