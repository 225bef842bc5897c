package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
)

// loadFleet is what the other policies are doing, as their status tells: nothing of it is kept in memory, so that it survives a
// restart.
func (r *Reconciler) loadFleet(ctx context.Context, reader client.Reader, v *reconcileScope) (scaling.Fleet, error) {
	fleet := scaling.Fleet{Slots: r.MaxDisruptiveOperations}
	if r.MaxDisruptiveOperations == 0 {
		return fleet, nil
	}
	var all v1alpha1.DBScalingPolicyList
	if err := reader.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fleet, err
	}
	for n := range all.Items {
		other := &all.Items[n]
		name := other.Namespace + "/" + other.Name
		waits := other.Status.Operation == nil && isWaitingForSlot(other.Status.Decision)
		switch op := convert.Operation(other.Status.Operation); {
		case other.UID == v.object.UID && waits:
			fleet.WaitingSince = other.Status.Decision.Time.Time
		case other.UID == v.object.UID:
		case op != nil && op.IsDisruptive():
			fleet.Holders = append(fleet.Holders, name)
		case waits:
			d := other.Status.Decision
			fleet.Waiting = append(fleet.Waiting, scaling.WaitingPolicy{
				Policy: name, Emergency: d.Urgency == v1alpha1.UrgencyEmergency, WaitingSince: d.Time.Time,
			})
		}
	}
	slices.Sort(fleet.Holders)
	return fleet, nil
}

func isWaitingForSlot(d *v1alpha1.DecisionStatus) bool {
	return d != nil && d.FirstBlocker() == guard.FleetSlot
}

// acquireSlot persists an operation that interrupts instances before its first step, and then looks, past the cache, whether there
// was a slot for it; if not, it is taken back. Of all that claim at once, each sees those that claimed before it, so that never
// more than the slots go on, however many managers there are.
func (r *Reconciler) acquireSlot(ctx context.Context, v *reconcileScope, proposal scaling.Proposal) (bool, error) {
	if r.MaxDisruptiveOperations == 0 || !v.operation.IsDisruptive() {
		return true, nil
	}
	v.object.Status.Operation = convert.OperationStatus(*v.operation)
	v.setDecision(decisionUpdate{reason: string(proposal.Reason), message: proposal.Message, change: &proposal.Change, cause: proposal.Cause})
	if err := r.persistIntent(ctx, v); err != nil {
		if apierrors.IsConflict(err) {
			v.requeueAfter = time.Second
			return false, nil
		}
		return false, err
	}
	return r.renewSlot(ctx, v, &proposal.Change)
}

// renewSlot says whether an operation that has asked AWS for nothing yet has a slot. If not, it is taken back and waits for its
// turn as a decision.
func (r *Reconciler) renewSlot(ctx context.Context, v *reconcileScope, change *scaling.Change) (bool, error) {
	if v.slotAcquired || r.MaxDisruptiveOperations == 0 || !v.operation.IsDisruptive() || v.operation.HasRequests() {
		return true, nil
	}
	fleet, err := r.loadFleet(ctx, r.APIReader, v)
	if err != nil {
		return false, err
	}
	if v.slotAcquired = len(fleet.Holders) < fleet.Slots; v.slotAcquired {
		return true, nil
	}
	message := fmt.Sprintf("%s: %s → %s. Held back by %s: %s",
		v.operation.Pool, v.operation.From, v.operation.To, guard.FleetSlot, guard.SlotsInUseMessage(fleet))
	v.limit = &scalingLimit{guard.FleetSlot, message}
	v.setDecision(decisionUpdate{
		reason: operationReason(v.operation.Direction), message: message, change: change, cause: v.operation.Reason,
		blockedBy: []string{guard.FleetSlot}, emergency: v.operation.Emergency,
	})
	v.operation, v.object.Status.Operation = nil, nil
	v.requeueAfter = defaultRequeueInterval / 2
	return false, nil
}
