package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cachedClient is the client of all harnesses: one cache for all tests of the package, with the manager's indexes. The API server spends as
// much on a read as on a write, and a reconcile reads often and writes seldom: with a client without a cache, the tests take several times
// as long. Each read waits until the cache has what this client wrote before, so that a test sees its own writes and those of the
// reconciler that it calls. What another client writes is there later: see awaitCache.
var cachedClient = sync.OnceValues(func() (client.Client, error) {
	all, err := cache.New(env.Config(), cache.Options{Scheme: env.Scheme(), DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:forbidigo // the cache outlives the test that starts it
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = all.Start(ctx) // returns nil when the context ends
	}()
	env.BeforeStop(func() {
		stop()
		<-stopped
	})
	if err := addIndexes(ctx, all); err != nil {
		return nil, err
	}
	return client.New(env.Config(), client.Options{
		Scheme: env.Scheme(), Cache: &client.CacheOptions{Reader: all, EnableReadYourWritesConsistency: ptr.To(true)},
	})
})

// awaitCache waits until the cache has what another client, such as kubectl, wrote to a policy.
func (h *harness) awaitCache(name string) {
	h.t.Helper()
	written := h.getPolicy(name)
	err := wait.PollUntilContextTimeout(h.t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return h.readPolicy(h.client, name).ResourceVersion == written.ResourceVersion, nil //nolint:contextcheck // the harness has the test's context
	})
	if err != nil {
		h.t.Fatalf("the cache does not have version %s of policy %s: %v", written.ResourceVersion, name, err)
	}
}
