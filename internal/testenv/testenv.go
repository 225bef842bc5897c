// Package testenv runs a Kubernetes API server for tests and demonstrations: etcd and kube-apiserver as `make control-plane`
// builds them, on the loopback interface, with the CRDs of config/crd/bases and without controllers.
package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// startTimeout is how long etcd and kube-apiserver may each take to start. It is long, because machines with few cores test
// several packages at once.
const startTimeout = 90 * time.Second

// assetsEnvVar is the environment variable that names the directory of the binaries; setup-envtest uses it as well.
const assetsEnvVar = "KUBEBUILDER_ASSETS"

// Environment is a running API server.
type Environment struct {
	env     *envtest.Environment
	scheme  *runtime.Scheme
	kubectl string
	// beforeStop are called in this order before the processes end.
	beforeStop []func()
}

// Start starts etcd and kube-apiserver and installs the CRDs of this module.
func Start() (*Environment, error) { return startWithCRDs(filepath.Join("config", "crd", "bases")) }

// StartWithoutCRDs starts etcd and kube-apiserver and installs nothing.
func StartWithoutCRDs() (*Environment, error) { return startWithCRDs() }

// startWithCRDs starts etcd and kube-apiserver and installs the CRDs of the directories, which are relative to the module's root.
// It takes the binaries from the directory that KUBEBUILDER_ASSETS names, or else from bin/controlplane of the module that
// contains the working directory. The error says how to build missing binaries. The caller stops the environment.
func startWithCRDs(crds ...string) (*Environment, error) {
	root, err := findModuleRoot()
	if err != nil {
		return nil, err
	}
	assets := os.Getenv(assetsEnvVar)
	if assets == "" {
		assets = filepath.Join(root, "bin", "controlplane")
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kubectl"} {
		if _, err := os.Stat(filepath.Join(assets, name)); err != nil {
			return nil, fmt.Errorf("no %s in %s: run `make control-plane`, or let %s name the directory that contains it: %w",
				name, assets, assetsEnvVar, err)
		}
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}

	for n := range crds {
		crds[n] = filepath.Join(root, crds[n])
	}
	ownControlPlane := false // regardless of USE_EXISTING_CLUSTER: tests must not change an existing cluster
	env := &envtest.Environment{
		Scheme:                   scheme,
		UseExistingCluster:       &ownControlPlane,
		CRDDirectoryPaths:        crds,
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: startTimeout,
	}
	env.ControlPlane.GetAPIServer().Path = filepath.Join(assets, "kube-apiserver")
	env.ControlPlane.Etcd = &envtest.Etcd{Path: filepath.Join(assets, "etcd")}
	env.ControlPlane.KubectlPath = filepath.Join(assets, "kubectl")
	if _, err := env.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the control plane: %w", err), env.Stop())
	}
	return &Environment{env: env, scheme: scheme, kubectl: env.ControlPlane.KubectlPath}, nil
}

// BeforeStop lets Stop call a function before it ends the processes, for what would otherwise try to reach the API server again and again,
// such as a cache.
func (e *Environment) BeforeStop(f func()) { e.beforeStop = append(e.beforeStop, f) }

// Stop ends the processes and removes their data.
func (e *Environment) Stop() error {
	for _, f := range e.beforeStop {
		f()
	}
	return e.env.Stop()
}

// Config returns a copy of the configuration of an administrator.
func (e *Environment) Config() *rest.Config { return rest.CopyConfig(e.env.Config) }

// Scheme returns the scheme with the kinds of Kubernetes and of this module.
func (e *Environment) Scheme() *runtime.Scheme { return e.scheme }

// Client returns a client that reads from the API server and not from a cache.
func (e *Environment) Client() (client.Client, error) {
	return client.New(e.Config(), client.Options{Scheme: e.scheme})
}

// Kubectl is the path of the kubectl of the same version as the API server.
func (e *Environment) Kubectl() string { return e.kubectl }

// WriteKubeconfig writes a kubeconfig of an administrator to path, readable by its owner only.
func (e *Environment) WriteKubeconfig(path string) error {
	if err := os.WriteFile(path, e.env.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// findModuleRoot returns the directory of go.mod, at or above the working directory.
func findModuleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod at or above %s: run this in a checkout of dbscaler", start)
		}
	}
}
