package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

var env *testenv.Environment

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// TestBacktest_ReadsPolicyFromCluster simulates a policy that is named, and uses the kubeconfig like kubectl.
func TestBacktest_ReadsPolicyFromCluster(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	policy := &v1alpha1.DBScalingPolicy{}
	if err := yaml.Unmarshal([]byte(policyYAML), policy); err != nil {
		t.Fatal(err)
	}
	policy.Namespace = namespace
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	if err := env.WriteKubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	metrics := filepath.Join(dir, "cpu.csv")
	if err := os.WriteFile(metrics, []byte(oneDayCSV()), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string) (string, error) {
		var out bytes.Buffer
		root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, clock.RealClock{})
		root.SetArgs([]string{"backtest", name, "--kubeconfig", kubeconfig, "-n", namespace, "--metrics", metrics, "--class", "db.r6g.xlarge"})
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := run("orders"); err != nil || !strings.Contains(out, "dbscaler") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := run("missing"); err == nil || !strings.Contains(err.Error(), `there is no DBScalingPolicy "missing" in the namespace `+namespace+": it has orders") {
		t.Errorf("a missing policy: got %v", err)
	}
}
