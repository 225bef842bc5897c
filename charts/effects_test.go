package charts

import (
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// effect is what an object has at a path, separated by spaces: a part of the value in compact JSON, or with an exclamation mark before it a
// part that the value does not have. An empty part means that the object does not exist.
type effect struct{ object, path, part string }

// isIn reports whether a value has the effect.
func (e effect) isIn(value string) bool {
	if part, isAbsent := strings.CutPrefix(e.part, "!"); isAbsent {
		return value != "missing" && !strings.Contains(value, part)
	}
	return strings.Contains(value, e.part)
}

// checkEffect compares an effect with the value.
func checkEffect(t *testing.T, e effect, got string) {
	t.Helper()
	if !e.isIn(got) {
		t.Errorf("%s: %s is %s, want %s in it", e.object, e.path, got, e.part)
	}
}

// valueAt returns the value at a path of keys and indices, separated by spaces, in compact JSON. It is "null" if there is none, and
// "missing" if there is no object.
func valueAt(object *unstructured.Unstructured, path string) string {
	if object == nil {
		return "missing"
	}
	var value any = object.Object
	for _, key := range strings.Fields(path) {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			n, err := strconv.Atoi(key)
			if err != nil || n >= len(v) {
				return "null"
			}
			value = v[n]
		default:
			return "null"
		}
	}
	return compactJSON(value)
}

// addPaths adds the path of each map entry, at every depth, to set.
func addPaths(set map[string]bool, prefix string, values map[string]any) {
	for key, value := range values {
		set[prefix+key] = true
		if inner, isMap := value.(map[string]any); isMap {
			addPaths(set, prefix+key+".", inner)
		}
	}
}
