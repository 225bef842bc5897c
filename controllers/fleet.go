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

// fleet is what the other policies are doing, as their status tells: nothing of it is kept in memory, so that it survives a
// restart.
func (r *Reconciler) fleet(ctx context.Context, reader client.Reader, v *visit) (scaling.Fleet, error) {
	fleet := scaling.Fleet{Slots: r.MaxDisruptive}
	if r.MaxDisruptive == 0 {
		return fleet, nil
	}
	var all v1alpha1.DBScalingPolicyList
	if err := reader.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fleet, err
	}
	for n := range all.Items {
		other := &all.Items[n]
		name := other.Namespace + "/" + other.Name
		waits := other.Status.Operation == nil && waitsForSlot(other.Status.Decision)
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

func waitsForSlot(d *v1alpha1.DecisionStatus) bool {
	return d != nil && d.HeldBackBy == guard.FleetSlot
}

// claim persists an operation that interrupts instances before its first step, and then looks, past the cache, whether there
// was a slot for it; if not, it is taken back. Of all that claim at once, each sees those that claimed before it, so that never
// more than the slots go on, however many managers there are.
func (r *Reconciler) claim(ctx context.Context, v *visit, proposal scaling.Proposal) (bool, error) {
	if r.MaxDisruptive == 0 || !v.operation.IsDisruptive() {
		return true, nil
	}
	v.object.Status.Operation = convert.OperationStatus(*v.operation)
	v.say(saying{reason: string(proposal.Reason), message: proposal.Message, change: &proposal.Change, cause: proposal.Cause})
	if err := r.persist(ctx, v); err != nil {
		if apierrors.IsConflict(err) {
			v.requeue = time.Second
			return false, nil
		}
		return false, err
	}
	return r.keepSlot(ctx, v, &proposal.Change)
}

// keepSlot says whether an operation that has asked AWS for nothing yet has a slot. If not, it is taken back and waits for its
// turn as a decision.
func (r *Reconciler) keepSlot(ctx context.Context, v *visit, change *scaling.Change) (bool, error) {
	if v.claimed || r.MaxDisruptive == 0 || !v.operation.IsDisruptive() || v.operation.HasRequests() {
		return true, nil
	}
	fleet, err := r.fleet(ctx, r.Live, v)
	if err != nil {
		return false, err
	}
	if v.claimed = len(fleet.Holders) < fleet.Slots; v.claimed {
		return true, nil
	}
	message := fmt.Sprintf("%s: %s → %s. Held back by %s: %s",
		v.operation.Pool, v.operation.From, v.operation.To, guard.FleetSlot, guard.FullFleet(fleet))
	v.limited = &limit{guard.FleetSlot, message}
	v.say(saying{
		reason: doing(v.operation.Direction), message: message, change: change, cause: v.operation.Reason,
		heldBackBy: []string{guard.FleetSlot}, emergency: v.operation.Emergency,
	})
	v.operation, v.object.Status.Operation = nil, nil
	v.requeue = idleInterval / 2
	return false, nil
}
