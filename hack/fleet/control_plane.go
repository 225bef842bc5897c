package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/internal/testenv"
)

// applyWorkers is how many objects are applied at once.
const applyWorkers = 16

// garbagePercent is GOGC of all processes but the operator: with the default they take CPU time from it, on a machine where memory is
// plenty and the two cores are what is short.
const garbagePercent = 400

// controlPlane is a real API server with the CRDs.
type controlPlane struct {
	env        *testenv.Environment
	client     client.Client
	http       *http.Client // of an administrator
	kubeconfig string
	// pids are the processes of the control plane, by program.
	pids map[string]int
	// stopWatch ends the watch of the policies.
	stopWatch context.CancelFunc
}

func startControlPlane(folder string) (*controlPlane, error) {
	debug.SetGCPercent(garbagePercent)
	if err := os.Setenv("GOGC", strconv.Itoa(garbagePercent)); err != nil { // of the processes that this one starts
		return nil, err
	}
	env, err := testenv.Start()
	if err != nil {
		return nil, err
	}
	c := &controlPlane{env: env, kubeconfig: filepath.Join(folder, "kubeconfig"), pids: map[string]int{}, stopWatch: func() {}}
	config := env.Config()
	config.QPS = -1 // as the operator's
	var errClient, errHTTP error
	c.client, errClient = client.New(config, client.Options{Scheme: env.Scheme()})
	c.http, errHTTP = rest.HTTPClientFor(config)
	err = errors.Join(errClient, errHTTP, env.WriteKubeconfig(c.kubeconfig))
	for process, program := range map[string]string{processAPIServer: "kube-apiserver", processEtcd: "etcd"} {
		pid, errFind := findChild(program)
		c.pids[process], err = pid, errors.Join(err, errFind)
	}
	if err != nil {
		return nil, errors.Join(err, env.Stop())
	}
	return c, nil
}

// stop ends the watch, without which the API server would not stop, and then the control plane. What does not stop is killed.
func (c *controlPlane) stop() error {
	c.stopWatch()
	err := c.env.Stop()
	for _, pid := range c.pids {
		if err == nil {
			break
		}
		if process, errFind := os.FindProcess(pid); errFind == nil {
			_ = process.Kill() // it may have ended
		}
	}
	return err
}

// metricsURL is where the API server serves its metrics.
func (c *controlPlane) metricsURL() string {
	return strings.TrimSuffix(c.env.Config().Host, "/") + "/metrics"
}

// prepare creates the namespaces, and the AWSAccounts of a fleet with several scopes.
func (c *controlPlane) prepare(ctx context.Context, f *fleet) error {
	names := []string{operatorNamespace}
	for scope := range f.scopes {
		names = append(names, namespaceName(scope))
	}
	for _, name := range names {
		if err := c.client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			return fmt.Errorf("creating the namespace %s: %w", name, err)
		}
	}
	for scope := range f.scopes {
		if f.scopes == 1 {
			return nil // policies without an account use the operator's own identity
		}
		if err := c.apply(ctx, f.account(scope)); err != nil {
			return err
		}
	}
	return nil
}

// applyPolicies applies the policies from one number up to another, several at once.
func (c *controlPlane) applyPolicies(ctx context.Context, f *fleet, from, to int) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	next.Store(int64(from))
	for range applyWorkers {
		group.Go(func() error {
			for n := int(next.Add(1) - 1); n < to; n = int(next.Add(1) - 1) {
				if err := c.apply(ctx, f.policy(n)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// apply applies an object on the server side, as GitOps tools do.
func (c *controlPlane) apply(ctx context.Context, object client.Object) error {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return err
	}
	delete(content, "status")
	u := &unstructured.Unstructured{Object: content}
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	if err := c.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("fleet")); err != nil {
		return fmt.Errorf("applying %s: %w", object.GetName(), err)
	}
	return nil
}
