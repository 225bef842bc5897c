// Package argocd tests the health check and the actions for Argo CD in the way that Argo CD runs them.
package argocd

import (
	"os"
	"path/filepath"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/utils/set"
	"sigs.k8s.io/yaml"
)

const healthCheckDir = "resource_customizations/scaling.dbscaler.io/DBScalingPolicy"

// healthStatus is the result of a health check.
type healthStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

// healthTestSuite is health_test.yaml, in the format of Argo CD.
type healthTestSuite struct {
	Tests []struct {
		HealthStatus healthStatus `json:"healthStatus"`
		InputPath    string       `json:"inputPath"`
	} `json:"tests"`
}

func TestHealth(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(healthCheckDir, "health.lua"))
	if err != nil {
		t.Fatal(err)
	}
	var cases healthTestSuite
	readYAML(t, "health_test.yaml", &cases)
	used := set.New[string]()
	for _, test := range cases.Tests {
		used.Insert(test.InputPath)
		t.Run(filepath.Base(test.InputPath), func(t *testing.T) {
			var obj map[string]any
			readYAML(t, test.InputPath, &obj)
			if got := runHealthCheck(t, string(script), obj); got != test.HealthStatus {
				t.Errorf("got  %+v\nwant %+v", got, test.HealthStatus)
			}
		})
	}
	files, err := filepath.Glob(filepath.Join(healthCheckDir, "testdata", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if path := "testdata/" + filepath.Base(file); !used.Has(path) {
			t.Errorf("%s is used by no case of health_test.yaml", path)
		}
	}
}

// runHealthCheck runs a health check as Argo CD does and returns its result.
func runHealthCheck(t *testing.T, script string, obj map[string]any) healthStatus {
	t.Helper()
	returned, err := runScript(t, script, obj)
	if err != nil {
		t.Fatal(err)
	}
	result, ok := returned.(*lua.LTable)
	if !ok {
		t.Fatalf("health.lua returned %s, want a table", returned)
	}
	return healthStatus{Status: lua.LVAsString(result.RawGetString("status")), Message: lua.LVAsString(result.RawGetString("message"))}
}

// readYAML decodes a YAML file of healthCheckDir into to and fails on unknown fields.
func readYAML(t *testing.T, path string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(healthCheckDir, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
