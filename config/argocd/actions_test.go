package argocd

import (
	"cmp"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/utils/set"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

const actionsDir = "actions"

// action is what discovery.lua returns about an action, as Argo CD reads it.
type action struct {
	Name        string `json:"name"`
	Disabled    bool   `json:"disabled"`
	IconClass   string `json:"iconClass"`
	DisplayName string `json:"displayName"`
}

// actionTestSuite is action_test.yaml, in the format of Argo CD.
type actionTestSuite struct {
	DiscoveryTests []struct {
		InputPath string   `json:"inputPath"`
		Result    []action `json:"result"`
	} `json:"discoveryTests"`
	ActionTests []struct {
		Action               string `json:"action"`
		InputPath            string `json:"inputPath"`
		ExpectedOutputPath   string `json:"expectedOutputPath"`
		ExpectedErrorMessage string `json:"expectedErrorMessage"`
	} `json:"actionTests"`
}

func readActionTests(t *testing.T) actionTestSuite {
	t.Helper()
	var suite actionTestSuite
	readYAML(t, actionsDir+"/action_test.yaml", &suite)
	return suite
}

func TestDiscovery(t *testing.T) {
	script := readScript(t, actionsDir, "discovery.lua")
	for _, test := range readActionTests(t).DiscoveryTests {
		t.Run(filepath.Base(test.InputPath), func(t *testing.T) {
			got := discover(t, script, readObject(t, test.InputPath))
			want := slices.SortedFunc(slices.Values(test.Result), compareActions)
			if !slices.Equal(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

// TestDiscovery_HasAllActions: Argo CD offers only what discovery.lua names, and can run only what has a script.
func TestDiscovery_HasAllActions(t *testing.T) {
	scripts, err := filepath.Glob(filepath.Join(healthCheckDir, actionsDir, "*", "action.lua"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, path := range scripts {
		want = append(want, filepath.Base(filepath.Dir(path)))
	}
	var got []string
	for _, a := range discover(t, readScript(t, actionsDir, "discovery.lua"), readObject(t, "testdata/new.yaml")) {
		got = append(got, a.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("discovery.lua names %v; there are scripts for %v", got, want)
	}
}

func TestActions(t *testing.T) {
	suite := readActionTests(t)
	used := set.New[string]()
	for _, test := range suite.DiscoveryTests {
		used.Insert(test.InputPath)
	}
	for _, test := range suite.ActionTests {
		used.Insert(test.InputPath, test.ExpectedOutputPath)
		t.Run(test.Action+"/"+filepath.Base(test.InputPath), func(t *testing.T) {
			returned, err := runScript(t, readScript(t, actionsDir, test.Action, "action.lua"), readObject(t, test.InputPath))
			if test.ExpectedErrorMessage != "" {
				if err == nil || strings.TrimSpace(err.Error()) != test.ExpectedErrorMessage {
					t.Errorf("got the error %v, want %q", err, test.ExpectedErrorMessage)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := readObject(t, test.ExpectedOutputPath)
			if got := goValue(returned); !reflect.DeepEqual(got, withoutEmpty(want)) {
				t.Errorf("got\n%v\nwant\n%v", got, want)
			}
			checkAnnotations(t, want)
		})
	}
	files, err := filepath.Glob(filepath.Join(healthCheckDir, actionsDir, "testdata", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if path := "testdata/" + filepath.Base(file); !used.Has(path) {
			t.Errorf("%s is used by no case of action_test.yaml", path)
		}
	}
}

// checkAnnotations checks that the operator accepts the annotations of an action, and that a pause and an override last as long as the
// action says.
func checkAnnotations(t *testing.T, object map[string]any) {
	t.Helper()
	data, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	var policy v1alpha1.DBScalingPolicy
	if err := yaml.UnmarshalStrict(data, &policy); err != nil {
		t.Fatal(err)
	}
	converted, err := convert.Policy(&policy)
	if err != nil {
		t.Fatal(err)
	}
	control := converted.ManualControl
	if control.InvalidReason != "" {
		t.Errorf("the operator rejects the annotations: %s", control.InvalidReason)
	}
	if until := control.PausedUntil; !until.IsZero() && !until.Equal(now.Add(8*time.Hour)) {
		t.Errorf("paused until %s, want eight hours", until)
	}
	if override := control.Override; override != nil && !override.ExpiresAt.Equal(now.Add(2*time.Hour)) {
		t.Errorf("overridden until %s, want two hours", override.ExpiresAt)
	}
}

// TestActions_EndAtAnyTime compares the arithmetic with times of the scripts with that of Go.
func TestActions_EndAtAnyTime(t *testing.T) {
	times := []time.Time{
		time.Date(2028, 2, 28, 23, 59, 59, 0, time.UTC), time.Date(2028, 2, 29, 23, 0, 0, 0, time.UTC),
		time.Date(2027, 2, 28, 22, 0, 0, 0, time.UTC), time.Date(2100, 2, 28, 22, 0, 0, 0, time.UTC),
		time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC), time.Date(2026, 4, 30, 23, 30, 9, 0, time.UTC),
	}
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		times = append(times, time.Unix(1_700_000_000+random.Int64N(3_000_000_000), 0).UTC())
	}
	for name, want := range map[string]struct {
		annotation string
		duration   time.Duration
	}{
		"pause":    {v1alpha1.AnnotationPausedUntil, 8 * time.Hour},
		"override": {v1alpha1.AnnotationOverrideUntil, 2 * time.Hour},
	} {
		script := readScript(t, actionsDir, name, "action.lua")
		object := readObject(t, "testdata/within-thresholds.yaml")
		for _, at := range times {
			returned, err := runScriptAt(t, at, script, object)
			if err != nil {
				t.Fatal(err)
			}
			annotations := field(t, field(t, returned, "metadata"), "annotations")
			if got, want := lua.LVAsString(field(t, annotations, want.annotation)), at.Add(want.duration).Format(time.RFC3339); got != want {
				t.Fatalf("%s at %s ends at %s, want %s", name, at, got, want)
			}
		}
	}
}

// TestActions_ShareFunctions: a script cannot load another one, so that the functions that several of them need are copies.
func TestActions_ShareFunctions(t *testing.T) {
	shared := func(from, to string, path ...string) string {
		script := readScript(t, append([]string{actionsDir}, path...)...)
		_, rest, found := strings.Cut(script, from)
		text, _, closed := strings.Cut(rest, to)
		if !found || !closed {
			t.Fatalf("%s has no text from %q to %q", filepath.Join(path...), from, to)
		}
		return text
	}
	if shared("-- inHours", "\nend\n", "pause", "action.lua") != shared("-- inHours", "\nend\n", "override", "action.lua") {
		t.Error("the function inHours of pause and override differs")
	}
	const end = "  return readers, writer\nend\n"
	if shared("-- currentShape", end, "discovery.lua") != shared("-- currentShape", end, "override", "action.lua") {
		t.Error("the functions currentShape and chooseOverride of discovery.lua and override differ")
	}
}

// discover runs discovery.lua and returns the actions by name.
func discover(t *testing.T, script string, object map[string]any) []action {
	t.Helper()
	returned, err := runScript(t, script, object)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(goValue(returned))
	if err != nil {
		t.Fatal(err)
	}
	var byName map[string]action
	if err := yaml.UnmarshalStrict(data, &byName); err != nil {
		t.Fatal(err)
	}
	var actions []action
	for name, a := range byName {
		a.Name = name
		actions = append(actions, a)
	}
	slices.SortFunc(actions, compareActions)
	return actions
}

func compareActions(a, b action) int { return cmp.Compare(a.Name, b.Name) }

// field returns a field of a Lua table.
func field(t *testing.T, v lua.LValue, name string) lua.LValue {
	t.Helper()
	table, ok := v.(*lua.LTable)
	if !ok {
		t.Fatalf("%v has no field %s", v, name)
	}
	return table.RawGetString(name)
}

// readScript reads a script of healthCheckDir.
func readScript(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{healthCheckDir}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// readObject reads an object of the actions' test data.
func readObject(t *testing.T, path string) map[string]any {
	t.Helper()
	var object map[string]any
	readYAML(t, actionsDir+"/"+path, &object)
	return object
}

// withoutEmpty replaces empty lists and maps by nil, as goValue does.
func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
		out := map[string]any{}
		for key, value := range v {
			out[key] = withoutEmpty(value)
		}
		return out
	case []any:
		if len(v) == 0 {
			return nil
		}
		out := make([]any, 0, len(v))
		for _, value := range v {
			out = append(out, withoutEmpty(value))
		}
		return out
	default:
		return v
	}
}
