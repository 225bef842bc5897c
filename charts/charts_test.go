// Package charts tests the Helm charts with Helm and a real API server.
package charts

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/dbscaler/dbscaler/internal/testenv"
)

// release and namespace give the objects of the chart the names that those of config/default have.
const release, namespace = "dbscaler", "dbscaler-system"

// monitoringAPI are the kinds of the Prometheus operator, for `helm template`, which does not ask a cluster.
var monitoringAPI = []string{
	"--api-versions", "monitoring.coreos.com/v1/ServiceMonitor", "--api-versions", "monitoring.coreos.com/v1/PrometheusRule",
}

var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.MainWithoutCRDs(m, &env)) }

// readSources reads all files of the charts and of config. Only Helm and kubectl use them, and go test reuses a cached result until a file
// changes that the test itself has read.
func readSources(t *testing.T) {
	t.Helper()
	for _, root := range []string{".", "../config"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			_, err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// runHelm runs Helm as an administrator, with empty folders for its settings, and returns its output and error output. values is the text
// of a values file; empty for none.
func runHelm(t *testing.T, values string, args ...string) (string, string, error) {
	t.Helper()
	readSources(t)
	helm := os.Getenv("HELM")
	if helm == "" {
		helm = "../bin/tools/helm"
	}
	if _, err := os.Stat(helm); err != nil {
		t.Fatalf("no Helm: run `make tools`, or let HELM name the binary: %v", err)
	}
	if values != "" {
		args = append(args, "--values", "-")
	}
	home := t.TempDir()
	var out, errOut bytes.Buffer
	command := exec.CommandContext(t.Context(), helm, args...)
	command.Env = append(os.Environ(), "HOME="+home, "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home,
		"KUBECONFIG="+env.Kubeconfig(t))
	command.Stdin = strings.NewReader(values)
	command.Stdout, command.Stderr = &out, &errOut
	err := command.Run()
	return out.String(), errOut.String(), err
}

// helm is runHelm without values, for a command that must succeed.
func helm(t *testing.T, args ...string) string {
	t.Helper()
	return helmWithValues(t, "", args...)
}

// helmWithValues is runHelm for a command that must succeed.
func helmWithValues(t *testing.T, values string, args ...string) string {
	t.Helper()
	out, errOut, err := runHelm(t, values, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, errOut)
	}
	return out
}

// template renders the chart dbscaler as a release with the usual names.
func template(t *testing.T, args ...string) []unstructured.Unstructured {
	t.Helper()
	return parseObjects(t, helm(t, append([]string{"template", release, "dbscaler", "--namespace", namespace}, args...)...))
}

// templateValues is template with values in YAML.
func templateValues(t *testing.T, values string) []unstructured.Unstructured {
	t.Helper()
	return parseObjects(t, helmWithValues(t, values, "template", release, "dbscaler", "--namespace", namespace))
}

// parseObjects parses the documents of a stream in YAML.
func parseObjects(t *testing.T, text string) []unstructured.Unstructured {
	t.Helper()
	var out []unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		var object unstructured.Unstructured
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("parsing the objects: %v\n%s", err, text)
		}
		if len(object.Object) > 0 {
			out = append(out, object)
		}
	}
}

// find returns the object Kind/name, or nil.
func find(objects []unstructured.Unstructured, name string) *unstructured.Unstructured {
	n := slices.IndexFunc(objects, func(o unstructured.Unstructured) bool { return o.GetKind()+"/"+o.GetName() == name })
	if n < 0 {
		return nil
	}
	return &objects[n]
}
