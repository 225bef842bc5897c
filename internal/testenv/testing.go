package testenv

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Main implements TestMain: it starts an environment, sets *env to it, runs the tests, stops the environment, and returns the
// exit code. The log of controller-runtime is discarded.
//
//	var env *testenv.Environment
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }
func Main(m *testing.M, env **Environment) int { return runTests(m, env, Start) }

// MainWithoutCRDs is Main with an environment that has no CRDs, for tests that install them.
func MainWithoutCRDs(m *testing.M, env **Environment) int { return runTests(m, env, StartWithoutCRDs) }

func runTests(m *testing.M, env **Environment, start func() (*Environment, error)) int {
	log.SetLogger(logr.Discard())
	collectSeldom()
	started, err := start()
	if err != nil {
		fmt.Fprintf(os.Stderr, "testenv: %v\n", err)
		return 1
	}
	*env = started
	defer stopBeforeTimeout(started).Stop()
	code := m.Run()
	if err := started.Stop(); err != nil {
		fmt.Fprintf(os.Stderr, "testenv: stopping the control plane: %v\n", err)
		return 1
	}
	return code
}

// collectSeldom lets the garbage collectors of the tests, etcd and kube-apiserver run at a fourth of the usual rate, unless GOGC is set:
// their heaps are small, and allocate much in a short time.
func collectSeldom() {
	const percent = 400
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(percent)
	if err := os.Setenv("GOGC", strconv.Itoa(percent)); err != nil { // for the processes that are started
		fmt.Fprintf(os.Stderr, "testenv: setting GOGC: %v\n", err)
	}
}

// stopMargin is how long before the time limit of the tests the environment is stopped.
const stopMargin = 10 * time.Second

// stopBeforeTimeout returns a timer that stops an environment shortly before the tests exceed the flag -timeout. The testing package then
// panics, and nothing else would end the processes.
func stopBeforeTimeout(env *Environment) clock.Timer {
	flag.Parse()
	limit := 24 * time.Hour
	if getter, ok := flag.Lookup("test.timeout").Value.(flag.Getter); ok {
		if set, ok := getter.Get().(time.Duration); ok && set > stopMargin { // zero is no limit
			limit = set
		}
	}
	return clock.RealClock{}.AfterFunc(limit-stopMargin, func() {
		fmt.Fprintf(os.Stderr, "testenv: the tests are about to exceed their limit of %s: stopping the control plane\n", limit)
		if err := env.Stop(); err != nil {
			fmt.Fprintf(os.Stderr, "testenv: stopping the control plane: %v\n", err)
		}
	})
}

// NewNamespace creates a namespace that no other test uses, and returns its name and a client. The namespace is not deleted: the
// environment is discarded as a whole, and the controller that deletes namespaces does not run.
func (e *Environment) NewNamespace(tb testing.TB) (string, client.Client) {
	tb.Helper()
	c, err := e.Client()
	if err != nil {
		tb.Fatalf("building a client: %v", err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := c.Create(tb.Context(), namespace); err != nil {
		tb.Fatalf("creating a namespace: %v", err)
	}
	return namespace.Name, c
}

// RunKubectl runs kubectl as an administrator and returns its output.
func (e *Environment) RunKubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), e.Kubectl(), append([]string{"--kubeconfig", e.Kubeconfig(t)}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Kubeconfig writes the kubeconfig of an administrator and returns its path.
func (e *Environment) Kubeconfig(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "kubeconfig")
	if err := e.WriteKubeconfig(path); err != nil {
		tb.Fatal(err)
	}
	return path
}
