package argocd

import (
	"os"
	"path/filepath"
	"strings"
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

// TestScripts_ShareTheirFunctions: Argo CD loads each script alone, so that functions stand in more than one. They must be the same.
func TestScripts_ShareTheirFunctions(t *testing.T) {
	for _, test := range []struct {
		function string
		scripts  [2]string
	}{
		{"currentShape", [2]string{"discovery.lua", "override/action.lua"}},
		{"chooseOverride", [2]string{"discovery.lua", "override/action.lua"}},
		{"inHours", [2]string{"override/action.lua", "pause/action.lua"}},
	} {
		var bodies [2]string
		for n, script := range test.scripts {
			_, rest, found := strings.Cut(readScript(t, actionsDir, filepath.FromSlash(script)), "\nlocal function "+test.function+"(")
			body, _, ends := strings.Cut(rest, "\nend\n")
			if !found || !ends {
				t.Fatalf("%s has no function %s", script, test.function)
			}
			bodies[n] = body
		}
		if bodies[0] != bodies[1] {
			t.Errorf("%s differs between %s and %s", test.function, test.scripts[0], test.scripts[1])
		}
	}
}
