package argocdtest

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/simclock"
	"github.com/dbscaler/dbscaler/internal/testenv"
)

const (
	// argocdNamespace has Argo CD and its Applications, policyNamespace the policies. operatorAccount is what the operator runs as.
	argocdNamespace = "argocd"
	policyNamespace = "databases"
	operatorAccount = "system:serviceaccount:dbscaler-system:dbscaler"
	// startTimeout is how long a program may take to listen, or a kubectl to end, and testLimit how long the test may run: machines
	// differ. testLimit is shorter than the -timeout in the Makefile, so that a test that is too slow stops what it has started.
	startTimeout = 3 * time.Minute
	testLimit    = 40 * time.Minute
	// resyncSeconds is how often Argo CD compares an Application without an event, instead of every two to three minutes.
	resyncSeconds = "10"
	// past is the simulated time before the start of the operator of which CloudWatch has metrics.
	past = 2 * time.Hour
)

var argocdBinary = flag.String("argocd", "", "the program that `make argocd-test` builds; without it the test is skipped")

// argocdModule is the folder of the module with the program, relative to this one.
const argocdModule = "argocd"

// environment is an API server with the operator's manifests and Argo CD.
type environment struct {
	// ctx ends after testLimit, or when the test is interrupted: the test then fails, and stops what it has started.
	ctx        context.Context
	changes    *changes
	env        *testenv.Environment
	client     client.Client
	folder     string
	kubeconfig string
	root       string
	repository *repository
	// api is the address of Argo CD's API.
	api           string
	notifications *notificationReceiver
}

// newEnvironment starts an API server and Argo CD.
func newEnvironment(t *testing.T) *environment {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("Argo CD needs redis-server: install it, in Debian with `apt-get install redis-server`: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	t.Cleanup(cancel)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	env, err := testenv.StartWithoutCRDs()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stopping the control plane: %v", err)
		}
	})
	c, err := env.Client()
	if err != nil {
		t.Fatal(err)
	}
	e := &environment{ctx: ctx, changes: newChanges(), env: env, client: c, folder: t.TempDir(), root: root}
	e.kubeconfig = filepath.Join(e.folder, "kubeconfig")
	if err := env.WriteKubeconfig(e.kubeconfig); err != nil {
		t.Fatal(err)
	}
	e.repository = newRepository(t, e.folder, root)
	e.notifications = newNotificationReceiver(t, e.changes)
	e.install(t)
	e.startArgoCD(t, redis)
	return e
}

// install applies the manifests of the operator, the CRDs and settings of Argo CD, and the fragments of config/argocd as its README does.
func (e *environment) install(t *testing.T) {
	t.Helper()
	manifests := filepath.Join(e.argocdSources(t), "manifests")
	e.kubectl(t, "apply", "--server-side", "-k", filepath.Join(e.root, "config", "default"))
	e.kubectl(t, "apply", "--server-side", "-k", filepath.Join(manifests, "crds"))
	for _, namespace := range []string{argocdNamespace, policyNamespace} {
		e.kubectl(t, "create", "namespace", namespace)
	}
	e.kubectl(t, "label", "namespace", policyNamespace, "aws-account=production")
	e.kubectl(t, "apply", "-n", argocdNamespace, "-k", filepath.Join(manifests, "base", "config"))
	e.kubectl(t, "create", "-n", argocdNamespace, "configmap", "argocd-notifications-cm")
	e.kubectl(t, "create", "-n", argocdNamespace, "secret", "generic", "argocd-notifications-secret")
	for _, name := range []string{"argocd-cm", "argocd-notifications-cm"} {
		e.kubectl(t, "patch", "configmap", name, "-n", argocdNamespace, "--type", "merge",
			"--patch-file", filepath.Join(e.root, "config", "argocd", name+".yaml"))
	}
	e.patch(t, "configmap", "argocd-cm", map[string]any{"data": map[string]string{"admin.enabled": "false"}})
	e.patch(t, "secret", "argocd-secret", map[string]any{"stringData": map[string]string{"server.secretkey": "of-this-test-only"}})
	e.patch(t, "configmap", "argocd-notifications-cm", map[string]any{"data": map[string]string{
		"service.webhook.test": "url: " + e.notifications.url, "context": "argocdUrl: https://argocd.example",
	}})
	e.applyText(t, `
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ["*"]
  destinations: [{namespace: "*", server: "*"}]
  clusterResourceWhitelist: [{group: "*", kind: "*"}]
`)
}

// startArgoCD starts redis, the repo server, the application controller, the API server and the notifications controller.
func (e *environment) startArgoCD(t *testing.T, redis string) {
	t.Helper()
	binary, err := filepath.Abs(*argocdBinary)
	if err != nil {
		t.Fatal(err)
	}
	redisPort, repoPort, apiPort := freePort(t), freePort(t), freePort(t)
	run := func(port, name, program string, args ...string) {
		p := startProcess(t, e.folder, name, e.argocdEnvironment(t), program, args...)
		p.waitForPort(e.ctx, t, port)
	}
	run(redisPort, "redis", redis, "--bind", "127.0.0.1", "--port", redisPort, "--save", "", "--appendonly", "no")
	repoServer := []string{"--repo-server", "127.0.0.1:" + repoPort, "--repo-server-plaintext", "--redis", "127.0.0.1:" + redisPort}
	kube := []string{"--kubeconfig", e.kubeconfig, "--namespace", argocdNamespace}

	run(repoPort, "argocd-repo-server", binary, "argocd-repo-server", "--address", "127.0.0.1", "--port", repoPort, "--disable-tls",
		"--metrics-address", "127.0.0.1", "--metrics-port", freePort(t), "--redis", "127.0.0.1:"+redisPort)
	run(apiPort, "argocd-server", binary, append(append([]string{"argocd-server", "--insecure", "--disable-auth", "--address", "127.0.0.1",
		"--port", apiPort, "--metrics-address", "127.0.0.1", "--metrics-port", freePort(t)}, repoServer...), kube...)...)
	e.api = "http://127.0.0.1:" + apiPort
	// The two controllers serve metrics on all interfaces, and have no flag against it.
	metrics := freePort(t)
	run(metrics, "argocd-application-controller", binary, append(append([]string{"argocd-application-controller",
		"--app-resync", resyncSeconds, "--app-resync-jitter", "0", "--self-heal-timeout-seconds", "1", "--persist-resource-health",
		"--status-processors", "2", "--operation-processors", "2", "--metrics-port", metrics}, repoServer...), kube...)...)
	metrics = freePort(t)
	run(metrics, "argocd-notifications", binary, append([]string{"argocd-notifications", "--metrics-port", metrics,
		"--argocd-repo-server", "127.0.0.1:" + repoPort, "--argocd-repo-server-plaintext"}, kube...)...)
}

// argocdEnvironment are the variables of Argo CD's processes: all files are in the folder of the test.
func (e *environment) argocdEnvironment(t *testing.T) []string {
	t.Helper()
	folder := func(name string) string {
		path := filepath.Join(e.folder, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder("home"), "TMPDIR=" + folder("tmp"), "KUBECONFIG=" + e.kubeconfig,
		"ARGOCD_FAKE_IN_CLUSTER=true", "ARGOCD_GPG_ENABLED=false", "ARGOCD_ASK_PASS_SOCK=" + filepath.Join(e.folder, "askpass"),
		"ARGOCD_PLUGINSOCKFILEPATH=" + folder("plugins"), "ARGOCD_TLS_DATA_PATH=" + folder("tls"), "ARGOCD_SSH_DATA_PATH=" + folder("ssh"),
		"ARGOCD_GPG_DATA_PATH=" + folder("gpg"), "GNUPGHOME=" + folder("gnupg"),
	}
}

// argocdSources is the folder of Argo CD's module, which is downloaded if it is not there.
func (e *environment) argocdSources(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(e.ctx, "go", "mod", "download", "-json", "github.com/argoproj/argo-cd/v3")
	cmd.Dir = argocdModule
	out, err := cmd.Output()
	var module struct{ Dir, Error string }
	if err := errors.Join(err, json.Unmarshal(out, &module)); err != nil || module.Dir == "" {
		t.Fatalf("downloading the module of Argo CD: %v, %s; check that `go env GOPROXY` can be reached", err, module.Error)
	}
	return module.Dir
}

// startOperator starts a simulated AWS with the databases of testdata/scenario.yaml, and the operator.
func (e *environment) startOperator(t *testing.T) (*rdssim.Server, *process) {
	t.Helper()
	scenario, err := model.LoadScenario(filepath.Join("testdata", "scenario.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(filepath.Join(e.root, "config", "iam", "policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	permissions, err := rdssim.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	world.Advance(scenario.Start.Add(past))
	now := simclock.Scaled{Origin: clock.RealClock{}.Now(), Start: scenario.Start.Add(past), Speed: clockSpeed}
	aws := rdssim.New(rdssim.Options{World: world, Clock: now, AccountID: scenario.AccountID, Policy: permissions, Log: logr.Discard()})
	server := httptest.NewServer(aws)
	t.Cleanup(server.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	operator := startProcess(t, e.folder, "operator", []string{
		"PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + e.operatorKubeconfig(t), "AWS_ENDPOINT_URL=" + server.URL,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		originVar + "=" + now.Origin.Format(time.RFC3339Nano), startVar + "=" + now.Start.Format(time.RFC3339Nano),
	}, self)
	return aws, operator
}

// operatorKubeconfig writes a kubeconfig with the permissions of the operator, so that its ClusterRole and spec_guard.yaml apply to it.
func (e *environment) operatorKubeconfig(t *testing.T) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(e.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range config.AuthInfos {
		user.Impersonate = operatorAccount
		user.ImpersonateGroups = []string{"system:serviceaccounts", "system:serviceaccounts:dbscaler-system", "system:authenticated"}
	}
	path := filepath.Join(e.folder, "operator-kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// kubectl runs kubectl as an administrator.
func (e *environment) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return e.run(t, "", args...)
}

func (e *environment) applyText(t *testing.T, text string) {
	t.Helper()
	e.run(t, text, "apply", "-f", "-")
}

// patch merges a patch into an object in the namespace of Argo CD.
func (e *environment) patch(t *testing.T, kind, name string, patch map[string]any) {
	t.Helper()
	text, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	e.kubectl(t, "patch", kind, name, "-n", argocdNamespace, "--type", "merge", "-p", string(text))
}

func (e *environment) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(e.ctx, startTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.env.Kubectl(), append([]string{"--kubeconfig", e.kubeconfig}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// httpClient is a client that does not wait for ever.
var httpClient = &http.Client{Timeout: time.Minute}
