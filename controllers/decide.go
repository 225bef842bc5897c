package controllers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// idleInterval is when to look again where nothing says otherwise.
const idleInterval = decide.Interval

// decide asks what should change and whether the guards let it. An operation under way is finished first.
func (r *Reconciler) decide(ctx context.Context, v *visit) (bool, error) {
	if v.operation != nil {
		return true, nil
	}
	decision := decide.Evaluate(v.policy, v.observation, v.now)
	v.requeue = decision.RequeueAfter
	if len(decision.Proposals) == 0 {
		v.say(string(decision.Hold.Reason), decision.Hold.Message, nil, "")
		if decision.Hold.Reason == scaling.ReasonAtMaximum {
			v.limited = &limit{string(decision.Hold.Reason), decision.Hold.Message}
		}
		return false, nil
	}
	for _, proposal := range decision.Proposals {
		op, veto := approve(v, proposal)
		if veto == nil {
			return r.begins(ctx, v, proposal, op)
		}
		if v.limited == nil { // the most urgent proposal is the one to show
			r.holdBack(v, proposal, veto)
		}
		if veto.RetryAfter > 0 {
			v.requeue = min(v.requeue, max(veto.RetryAfter, time.Second))
		}
	}
	return false, nil
}

// approve plans how a proposal would be carried out and asks the guards.
func approve(v *visit, proposal scaling.Proposal) (scaling.Operation, *guard.Veto) {
	op, err := operation.Plan(v.policy, v.observation, proposal, operationID(v, proposal), v.now)
	if err != nil {
		return op, &guard.Veto{Guard: v1alpha1.ReasonOperationImpossible, Message: err.Error()}
	}
	return op, guard.Check(guard.Input{
		Policy: v.policy, Observation: v.observation, History: convert.History(v.object.Status.History),
		Load: decide.Weigh(v.policy, v.observation, v.now), Proposal: proposal, Operation: op, Now: v.now,
	})
}

// operationID names an operation by what it is, so that the same decision made twice has the same name.
func operationID(v *visit, proposal scaling.Proposal) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d|%s|%s", v.object.UID, v.now.Unix(), proposal.Pool, proposal.To))
	return hex.EncodeToString(sum[:4])
}

// holdBack shows a proposal that a guard vetoed.
func (r *Reconciler) holdBack(v *visit, proposal scaling.Proposal, veto *guard.Veto) {
	message := fmt.Sprintf("%s. Held back by %s: %s", proposal.Message, veto.Guard, veto.Message)
	v.limited = &limit{veto.Guard, message}
	old := v.before.Status.Decision
	v.say(string(proposal.Reason), message, &proposal.Change, veto.Guard)
	if old != nil && sameDecision(*old, *v.object.Status.Decision) {
		return
	}
	r.Metrics.HeldBack(v.object.Namespace, v.object.Name, veto.Guard)
	if v.policy.Mode == scaling.Recommend {
		v.tell(events.Recommended, "Decide", proposal.Message+" ("+proposal.Cause+")")
		return
	}
	v.warn(events.ScalingHeldBack, "Guard", message)
}

// begins makes sure, past the cache, that no other policy may begin on the same database, and starts the operation.
func (r *Reconciler) begins(ctx context.Context, v *visit, proposal scaling.Proposal, op scaling.Operation) (bool, error) {
	other, err := olderPolicy(ctx, r.Live, v.object)
	if err != nil {
		return false, err
	}
	if other != "" {
		v.yield(other)
		return false, nil
	}
	v.operation = &op
	v.say(string(proposal.Reason), proposal.Message, &proposal.Change, "")
	v.tell(events.OperationStarted, "Operate", fmt.Sprintf("%s: %s → %s (operation %s, %d steps). %s",
		op.Pool, op.From, op.To, op.ID, len(op.Steps), proposal.Cause))
	return true, nil
}

func (v *visit) tell(reason, action, text string) {
	v.notes = append(v.notes, note{reason: reason, action: action, text: text})
}

func (v *visit) warn(reason, action, text string) {
	v.notes = append(v.notes, note{warning: true, reason: reason, action: action, text: text})
}
