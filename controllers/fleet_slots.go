package controllers

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// slotRetryInterval is when a policy that lost its slot reconciles again.
const slotRetryInterval = defaultRequeueInterval / 2

// loadFleet reads from the status of the policies which of them hold or wait for a slot. Nothing is kept in memory, so that it
// survives a restart. Where the cache lacks policies, a policy that waits for a slot asks the API server as well who holds them: otherwise
// it would acquire one and release it again every time.
func (r *Reconciler) loadFleet(ctx context.Context, s *reconcileScope) (scaling.Fleet, error) {
	if r.MaxDisruptiveOperations == 0 {
		return scaling.Fleet{}, nil
	}
	var cached v1alpha1.DBScalingPolicyList
	if err := r.Client.List(ctx, &cached, client.MatchingFields{indexFleet: inFleet}, client.UnsafeDisableDeepCopy); err != nil {
		return scaling.Fleet{}, err
	}
	policies := cached.Items
	if r.WatchesSubset && s.object.Status.Decision.FirstBlocker() == guard.FleetSlot {
		saved, err := r.listOperating(ctx)
		if err != nil {
			return scaling.Fleet{}, err
		}
		policies = mergePolicies(saved.items, policies)
	}
	return convert.Fleet(r.MaxDisruptiveOperations, s.object.UID, policies), nil
}

// mergePolicies returns the first policies, and those of the second that are not among them.
func mergePolicies(first, second []v1alpha1.DBScalingPolicy) []v1alpha1.DBScalingPolicy {
	known, out := make(map[types.UID]bool, len(first)), slices.Clone(first)
	for n := range first {
		known[first[n].UID] = true
	}
	for n := range second {
		if !known[second[n].UID] {
			out = append(out, second[n])
		}
	}
	return out
}

// acquireSlot persists a disruptive operation before its first step, and then checks past the cache that a slot was free for
// it, among the policies of all shards. Of several policies that do so at once, each sees those that persisted before it. So there
// are never more operations in progress than slots, whatever the number of managers.
func (r *Reconciler) acquireSlot(ctx context.Context, s *reconcileScope, proposal scaling.Proposal) (outcome, error) {
	if r.MaxDisruptiveOperations == 0 || !s.operation.IsDisruptive() {
		return proceed, nil
	}
	s.object.Status.Operation = convert.OperationStatus(*s.operation)
	s.setDecision(startedDecision(proposal))
	if result, err := r.persistIntent(ctx, s); err != nil || result == stop {
		return stop, err
	}
	return r.renewSlot(ctx, s, &proposal.Change)
}

// renewSlot checks that an operation that has not asked AWS for anything yet holds a slot. Otherwise it releases the operation
// and stops the reconcile.
func (r *Reconciler) renewSlot(ctx context.Context, s *reconcileScope, change *scaling.Change) (outcome, error) {
	if s.slotAcquired || r.MaxDisruptiveOperations == 0 || !s.operation.IsDisruptive() || s.operation.HasRequests() {
		return proceed, nil
	}
	saved, err := r.listOperating(ctx)
	if err != nil {
		return stop, err
	}
	fleet := convert.Fleet(r.MaxDisruptiveOperations, s.object.UID, saved.items)
	if len(fleet.Holders) >= fleet.Slots {
		s.releaseSlot(change, fleet)
		return stop, nil
	}
	s.slotAcquired = true
	return proceed, nil
}

// releaseSlot turns an operation back into a decision that waits for a slot. The decision keeps its reason, so that it also keeps
// its time, which is the place in the queue.
func (s *reconcileScope) releaseSlot(change *scaling.Change, fleet scaling.Fleet) {
	op, reason := s.operation, v1alpha1.ReasonOperationInProgress
	if d := s.object.Status.Decision; d != nil {
		reason = d.Reason
	}
	message := blockedMessage(fmt.Sprintf("%s: %s → %s", op.Pool, op.From, op.To), guard.FleetSlot, guard.SlotsInUseMessage(fleet))
	s.limit = &scalingLimit{guard.FleetSlot, message}
	s.setDecision(convert.Decision{
		Reason: reason, Message: message, Change: change, Cause: op.Cause,
		BlockedBy: []string{guard.FleetSlot}, Emergency: op.Emergency,
	})
	s.operation, s.object.Status.Operation = nil, nil
	s.requeueAfter = slotRetryInterval
}
