// Package argocd tests the Argo CD health check in the way that Argo CD runs it.
package argocd

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// runHealthCheck runs a health check as Argo CD does: with only the base, package and table libraries, with a timeout of a second, and
// with the object in the global variable obj.
func runHealthCheck(t *testing.T, script string, obj map[string]any) healthStatus {
	t.Helper()
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatalf("opening the library %q: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	l.SetContext(ctx)
	l.SetGlobal("obj", luaValue(t, l, obj))
	if err := l.DoString(script); err != nil {
		t.Fatal(err)
	}
	result, ok := l.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("health.lua returned %s, want a table", l.Get(-1))
	}
	return healthStatus{Status: lua.LVAsString(result.RawGetString("status")), Message: lua.LVAsString(result.RawGetString("message"))}
}

// luaValue converts a JSON value to a Lua value.
func luaValue(t *testing.T, l *lua.LState, v any) lua.LValue {
	t.Helper()
	switch v := v.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		table := l.NewTable()
		for _, element := range v {
			table.Append(luaValue(t, l, element))
		}
		return table
	case map[string]any:
		table := l.NewTable()
		for key, element := range v {
			table.RawSetString(key, luaValue(t, l, element))
		}
		return table
	default:
		t.Fatalf("unexpected value %v of type %T: want a JSON value", v, v)
		return nil
	}
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
