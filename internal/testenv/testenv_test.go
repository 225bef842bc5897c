package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

var env *Environment

func TestMain(m *testing.M) { os.Exit(Main(m, &env)) }

func TestStart_WithoutBinaries(t *testing.T) {
	t.Setenv(assetsEnvVar, t.TempDir())
	_, err := Start()
	if err == nil || !strings.Contains(err.Error(), "make control-plane") {
		t.Errorf("got error %v, want `make control-plane` in it", err)
	}
}

func TestStart_OutsideModule(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Start()
	if err == nil || !strings.Contains(err.Error(), "no go.mod") {
		t.Errorf("got error %v, want `no go.mod` in it", err)
	}
}

func TestEnvironment_NewNamespace(t *testing.T) {
	first, c := env.NewNamespace(t)
	second, _ := env.NewNamespace(t)
	if first == second {
		t.Errorf("two tests share the namespace %s", first)
	}
	var policies v1alpha1.DBScalingPolicyList
	if err := c.List(t.Context(), &policies, client.InNamespace(first)); err != nil || len(policies.Items) > 0 {
		t.Errorf("a new namespace has %d policies and error %v, want none", len(policies.Items), err)
	}
}

func TestEnvironment_WriteKubeconfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := env.WriteKubeconfig(path); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(config.Host, "https://127.0.0.1:") {
		t.Errorf("the API server is at %s, want it on the loopback interface", config.Host)
	}
	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Name: "default"}, &corev1.Namespace{}); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the kubeconfig has mode %v and error %v, want 0600", info.Mode(), err)
	}
}

func TestEnvironment_ConfigReturnsCopy(t *testing.T) {
	env.Config().Host = "elsewhere"
	if env.Config().Host == "elsewhere" {
		t.Error("Config returns the shared configuration, want a copy")
	}
}
