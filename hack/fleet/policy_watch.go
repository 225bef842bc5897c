package main

import (
	"context"
	"errors"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// policyWatch follows the status of all policies with one watch, so that the API server is not asked for lists.
type policyWatch struct {
	mu       sync.Mutex
	statuses map[string]policyStatus
}

// policyStatus is what of a policy's status is counted.
type policyStatus struct {
	decided   bool
	operating bool
	completed int // operations that have ended
}

// watchPolicies starts to follow the policies. It ends with the context.
func (c *controlPlane) watchPolicies(ctx context.Context) (*policyWatch, error) {
	ctx, c.stopWatch = context.WithCancel(ctx)
	policies, err := cache.New(c.env.Config(), cache.Options{Scheme: c.env.Scheme(), DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, err
	}
	informer, err := policies.GetInformer(ctx, &v1alpha1.DBScalingPolicy{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	w := &policyWatch{statuses: map[string]policyStatus{}}
	record := func(object any) {
		if p, ok := object.(*v1alpha1.DBScalingPolicy); ok {
			w.record(p)
		}
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc: record, UpdateFunc: func(_, object any) { record(object) },
	}); err != nil {
		return nil, err
	}
	go func() { _ = policies.Start(ctx) }() // it ends with the context
	if !policies.WaitForCacheSync(ctx) {
		return nil, errors.New("the watch of the policies did not start")
	}
	return w, nil
}

func (w *policyWatch) record(p *v1alpha1.DBScalingPolicy) {
	status := policyStatus{
		decided: p.Status.Decision != nil, operating: p.Status.Operation != nil, completed: len(p.Status.History),
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statuses[p.Name] = status
}

// get returns the status of a policy.
func (w *policyWatch) get(name string) policyStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.statuses[name]
}

// countDecided counts the healthy policies that have a decision.
func (w *policyWatch) countDecided(f *fleet) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := 0
	for n := range f.policies {
		if f.isHealthy(n) && w.statuses[f.clusterName(n)].decided {
			count++
		}
	}
	return count
}
