package controllers

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// reconcileQueue is the queue of the controller, once it runs, and the priority that each policy had last. The zero value is ready to use.
type reconcileQueue struct {
	mu         sync.Mutex
	ctx        context.Context //nolint:containedctx // that of the queue: it ends with the controller
	queue      workqueue.TypedRateLimitingInterface[reconcile.Request]
	priorities map[types.NamespacedName]int
}

// start implements source.Source with source.Func: the queue receives the policies of targets that were read.
func (q *reconcileQueue) start(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ctx, q.queue = ctx, queue
	return nil
}

// setPriority records the priority with which a policy is reconciled next.
func (q *reconcileQueue) setPriority(policy types.NamespacedName, priority int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.priorities == nil {
		q.priorities = map[types.NamespacedName]int{}
	}
	q.priorities[policy] = priority
}

// forget forgets a policy that is gone.
func (q *reconcileQueue) forget(policy types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.priorities, policy)
}

// ReconcileTargets has the policies of targets reconciled that were just read, those first whose database needs it most.
func (r *Reconciler) ReconcileTargets(targets []scaling.Target) {
	q := &r.queue
	q.mu.Lock()
	ctx, queue := q.ctx, q.queue
	q.mu.Unlock()
	if queue == nil {
		return // the controller has not started; it reconciles all policies then
	}
	for _, t := range targets {
		var policies v1alpha1.DBScalingPolicyList
		err := r.Client.List(ctx, &policies, client.MatchingFields{indexTarget: targetIndexKey(t)}, client.UnsafeDisableDeepCopy)
		if err != nil {
			// The policies are reconciled by interval as well.
			ctrllog.FromContext(ctx).Error(err, "the policies of a target could not be listed after it was read", "target", t.String())
			return
		}
		for n := range policies.Items {
			q.add(client.ObjectKeyFromObject(&policies.Items[n]))
		}
	}
}

// add adds a policy with the priority that it had last.
func (q *reconcileQueue) add(policy types.NamespacedName) {
	q.mu.Lock()
	queue, priority := q.queue, q.priorities[policy]
	q.mu.Unlock()
	request := reconcile.Request{NamespacedName: policy}
	if prioritized, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(priority)}, request)
		return
	}
	queue.Add(request)
}
