// Package testenv runs a Kubernetes API server of this module's own for tests and demonstrations: etcd and
// kube-apiserver as `make control-plane` builds them, on the loopback interface, with the CRDs of config/crd/bases
// installed and nothing else running in it.
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

// startTimeout is how long etcd and kube-apiserver may each take to start. It is generous for machines of few cores that
// test several packages at once.
const startTimeout = 90 * time.Second

// assetsEnvVar names the folder of the binaries, as everywhere in the Kubernetes ecosystem.
const assetsEnvVar = "KUBEBUILDER_ASSETS"

// Environment is a running API server.
type Environment struct {
	env     *envtest.Environment
	scheme  *runtime.Scheme
	kubectl string
}

// Start starts etcd and kube-apiserver and installs the CRDs of this module.
func Start() (*Environment, error) { return startWithCRDs(filepath.Join("config", "crd", "bases")) }

// StartWithoutCRDs starts etcd and kube-apiserver and installs nothing.
func StartWithoutCRDs() (*Environment, error) { return startWithCRDs() }

// startWithCRDs starts etcd and kube-apiserver and installs the CRDs of the folders, which are below the module's root. The
// binaries are those in the folder that KUBEBUILDER_ASSETS names, or else those in bin/controlplane of this module, in
// which the working directory must be. The error says what to do when they have not been built. The caller stops the
// environment.
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
			return nil, fmt.Errorf("no %s in %s: run `make control-plane`, or let %s name the folder that holds it: %w",
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
	ownControlPlane := false // whatever USE_EXISTING_CLUSTER says: tests have no business in somebody's cluster
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

// Stop ends the processes and removes their data.
func (e *Environment) Stop() error { return e.env.Stop() }

// Config is the way to the API server for an administrator. Each call returns a copy.
func (e *Environment) Config() *rest.Config { return rest.CopyConfig(e.env.Config) }

// Scheme knows the kinds of Kubernetes itself and those of this module.
func (e *Environment) Scheme() *runtime.Scheme { return e.scheme }

// Client returns a client that reads from the API server and not from a cache.
func (e *Environment) Client() (client.Client, error) {
	return client.New(e.Config(), client.Options{Scheme: e.scheme})
}

// Kubectl is the path of the kubectl that belongs to the API server.
func (e *Environment) Kubectl() string { return e.kubectl }

// WriteKubeconfig writes a kubeconfig for an administrator to path, readable by the owner alone.
func (e *Environment) WriteKubeconfig(path string) error {
	if err := os.WriteFile(path, e.env.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// findModuleRoot is the folder that holds go.mod, at or above the working directory.
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
