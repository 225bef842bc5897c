package controllers

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

// reconcileQueue is the queue of the controller, once it runs, and what each policy needs next. The zero value is ready to use.
type reconcileQueue struct {
	mu       sync.Mutex
	queue    workqueue.TypedRateLimitingInterface[reconcile.Request]
	policies map[types.NamespacedName]*policyNeeds
}

// policyNeeds is with which priority a policy is reconciled next, and how often its database is read. It is lost with the process, and
// worked out again by the next reconcile.
type policyNeeds struct {
	priority     int
	readPlan     decide.ReadPlan
	readInterval time.Duration
	riseLimits   scaling.RiseLimits
	// needsLag says that a change may be due.
	needsLag bool
}

// start implements source.Source with source.Func: the queue receives the policies of targets that were read.
func (q *reconcileQueue) start(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = queue
	return nil
}

// update changes what a policy needs.
func (q *reconcileQueue) update(policy types.NamespacedName, change func(*policyNeeds)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	needs, known := q.policies[policy]
	if !known {
		if q.policies == nil {
			q.policies = map[types.NamespacedName]*policyNeeds{}
		}
		needs = &policyNeeds{}
		q.policies[policy] = needs
	}
	change(needs)
}

// needsOf returns what a policy needs.
func (q *reconcileQueue) needsOf(policy types.NamespacedName) policyNeeds {
	q.mu.Lock()
	defer q.mu.Unlock()
	if needs, known := q.policies[policy]; known {
		return *needs
	}
	return policyNeeds{}
}

// forget forgets a policy that is gone.
func (q *reconcileQueue) forget(policy types.NamespacedName) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.policies, policy)
}

// ReconcileTargets has the policies of targets reconciled that were just read, those first whose database needs it most.
func (r *Reconciler) ReconcileTargets(ctx context.Context, targets []scaling.Target) {
	for _, t := range targets {
		var policies v1alpha1.DBScalingPolicyList
		err := r.Client.List(ctx, &policies, client.MatchingFields{indexTarget: targetIndexKey(t)}, client.UnsafeDisableDeepCopy)
		if err != nil {
			// The policies are reconciled by interval as well.
			ctrllog.FromContext(ctx).Error(err, "the policies of a target could not be listed after it was read", "target", t.String())
			return
		}
		for n := range policies.Items {
			if r.Owns(&policies.Items[n]) { // through another account, another shard may have one for the same database
				r.queue.add(client.ObjectKeyFromObject(&policies.Items[n]))
			}
		}
	}
}

// ReconcileOperations has the policies reconciled first that have an operation in progress or wait for a slot: after a change of the leader
// the queue does not know them.
func (r *Reconciler) ReconcileOperations(ctx context.Context) error {
	var policies v1alpha1.DBScalingPolicyList
	if err := r.Client.List(ctx, &policies, client.MatchingFields{indexFleet: inFleet}, client.UnsafeDisableDeepCopy); err != nil {
		return err
	}
	for n := range policies.Items {
		if !r.Owns(&policies.Items[n]) {
			continue
		}
		key := client.ObjectKeyFromObject(&policies.Items[n])
		r.queue.update(key, func(needs *policyNeeds) { needs.priority = priorityOperation })
		r.queue.add(key)
	}
	return nil
}

// add adds a policy with the priority that it had last.
func (q *reconcileQueue) add(policy types.NamespacedName) {
	q.mu.Lock()
	queue := q.queue
	q.mu.Unlock()
	if queue == nil {
		return // the controller has not started; it reconciles all policies then
	}
	priority, request := q.needsOf(policy).priority, reconcile.Request{NamespacedName: policy}
	if prioritized, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		prioritized.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(priority)}, request)
		return
	}
	queue.Add(request)
}
