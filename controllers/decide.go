package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// maxStartAge is the age up to which an operation may start on an observation: a large account is not read once a minute.
const maxStartAge = time.Minute

// decide works out what should change and whether the guards allow it, and starts an operation when they do. While an operation
// is in progress it decides whether that has to add more.
func (r *Reconciler) decide(ctx context.Context, s *reconcileScope) (outcome, error) {
	if s.operation != nil {
		r.setReadInterval(s, true, func(*decide.ReadPlan) time.Duration { return decide.ReadAsPublished })
		r.raiseOperation(ctx, s)
		return proceed, nil
	}
	if err := r.removeFinalizer(ctx, s); err != nil {
		return stop, err
	}
	inputs := ledger.Inputs{Policy: s.policy, Observation: s.observation, Now: s.now}
	entry := ledger.CheckDecision(&inputs, s.evaluation)
	s.requeueAfter = entry.RequeueAfter
	r.setReadInterval(s, len(entry.Evaluations) > 0, func(plan *decide.ReadPlan) time.Duration {
		return plan.IntervalFor(&entry.Decision, &s.policy, &s.observation, s.now)
	})
	defer func() { r.recordLedger(ctx, s, inputs) }()
	if proposal, op, approved := entry.ApprovedProposal(); approved {
		if s.now.Sub(s.observation.ObservedAt) > maxStartAge {
			return r.awaitRecentObservation(ctx, s)
		}
		return r.startOperation(ctx, s, entry, proposal, op)
	}
	if len(entry.Evaluations) > 0 {
		r.setBlocked(s, entry)
	} else {
		r.setHold(s, entry.Decision)
	}
	return stop, nil
}

// awaitRecentObservation has the database read again before an operation starts.
func (r *Reconciler) awaitRecentObservation(ctx context.Context, s *reconcileScope) (outcome, error) {
	err := r.Observer.Observe(ctx, []scaling.Target{s.policy.Target}, s.now.Add(-maxStartAge))[0].Err
	if err == nil || errors.Is(err, scaling.ErrNotRead) {
		return pending, nil
	}
	return stop, s.setObservationFailed(ctx, err)
}

// setReadInterval tells the observer how often the samples of the database are to be read from now on. The replica lag is needed when a
// change is due or near.
func (r *Reconciler) setReadInterval(s *reconcileScope, changeIsDue bool, interval func(*decide.ReadPlan) time.Duration) {
	key := client.ObjectKeyFromObject(s.object)
	plan := r.queue.needsOf(key).readPlan
	next := interval(&plan)
	r.queue.update(key, func(needs *policyNeeds) {
		needs.readPlan, needs.readInterval, needs.riseLimits = plan, next, plan.RiseLimits()
		needs.needsLag = changeIsDue || next < time.Minute
	})
	r.Observer.Track([]scaling.TrackedTarget{r.trackedTarget(s.object, s.policy.Target.Scope)})
}

// setHold reports why nothing should change.
func (r *Reconciler) setHold(s *reconcileScope, d scaling.Decision) {
	reason := string(d.Hold.Reason)
	s.setDecision(convert.Decision{Reason: reason, Message: d.Hold.Message, Alternatives: decide.HoldAlternatives(d)})
	if !decide.IsScalingLimit(d.Hold.Reason) {
		return
	}
	s.limit = &scalingLimit{reason, d.Hold.Message}
	if s.decisionChanged() {
		r.Metrics.CountScalingBlocked(s.object.Namespace, s.object.Name, reason)
	}
}

// setBlocked reports the most urgent proposal and the guards that veto it.
func (r *Reconciler) setBlocked(s *reconcileScope, entry ledger.Entry) {
	proposal, evaluation := entry.Decision.Proposals[0], entry.Evaluations[0]
	first := evaluation.Vetoes[0]
	message := blockedMessage(proposal.Message, first.Guard, first.Message)
	s.limit = &scalingLimit{first.Guard, message}
	s.proposedFrom = ptr.To(convert.ShapeStatus(proposal.From))
	s.setDecision(convert.Decision{
		Reason: string(proposal.Reason), Message: message, Change: &proposal.Change, Hash: evaluation.Hash, Cause: proposal.Cause,
		BlockedBy: guardNames(evaluation.Vetoes), Emergency: proposal.Emergency,
		Alternatives: decide.Alternatives(entry.Decision, proposal.Pool),
	})
	if !s.decisionChanged() {
		return
	}
	r.Metrics.CountScalingBlocked(s.object.Namespace, s.object.Name, first.Guard)
	switch {
	case s.policy.Mode == scaling.Recommend:
		s.recordEvent(events.Recommended, "Decide", fmt.Sprintf("%s (%s)", proposal.Message, proposal.Cause))
	case first.Guard == guard.ApprovalRequired:
		s.recordEvent(events.ApprovalRequired, "Decide", fmt.Sprintf("%s (%s)", message, proposal.Cause))
	default:
		s.recordWarning(events.ScalingBlocked, "Guard", message)
	}
}

// blockedMessage says what would change, which guard blocks it, and why.
func blockedMessage(change, guardName, reason string) string {
	return fmt.Sprintf("%s. Blocked by %s: %s", change, guardName, reason)
}

func guardNames(vetoes []guard.Veto) []string {
	names := make([]string, len(vetoes))
	for n, veto := range vetoes {
		names[n] = veto.Guard
	}
	return names
}

// startOperation makes sure, past the cache, that no other policy may change the same database, and starts the operation.
func (r *Reconciler) startOperation(
	ctx context.Context, s *reconcileScope, entry ledger.Entry, proposal scaling.Proposal, op scaling.Operation,
) (outcome, error) {
	if deferred, err := r.deferToPrecedingPolicy(ctx, s); err != nil || deferred {
		return stop, err
	}
	if result, err := r.addFinalizer(ctx, s, op); err != nil || result == stop {
		return stop, err
	}
	s.operation = &op
	if result, err := r.acquireSlot(ctx, s, proposal); err != nil || result == stop {
		return stop, err
	}
	decision := startedDecision(proposal)
	decision.Alternatives = decide.Alternatives(entry.Decision, proposal.Pool)
	s.setDecision(decision)
	s.recordEvent(events.OperationStarted, "Operate", fmt.Sprintf("%s: %s → %s (operation %s, %d steps)%s. %s",
		op.Pool, op.From, op.To, op.ID, len(op.Steps), s.requestedBy(proposal), proposal.Cause))
	r.Metrics.CountOperationStarted(s.object.Namespace, s.object.Name, op, string(proposal.Reason))
	return proceed, nil
}

// raiseOperation adds readers to the operation in progress when the demand has outgrown it. The next write of status persists it, with or
// without a call.
func (r *Reconciler) raiseOperation(ctx context.Context, s *reconcileScope) {
	inputs := ledger.Inputs{Policy: s.policy, Observation: s.observation, Operation: s.operation, Now: s.now}
	entry := ledger.Decide(inputs)
	proposal, op, approved := entry.ApprovedProposal()
	if !approved {
		return
	}
	s.recordEvent(events.OperationRaised, "Operate", fmt.Sprintf("%s: %s → %s (operation %s). %s", op.Pool, proposal.From, op.To, op.ID,
		proposal.Cause))
	s.operation, s.object.Status.Operation = &op, convert.OperationStatus(op)
	r.writeLedger(ctx, inputs)
}

// startedDecision is the decision to carry out a proposal.
func startedDecision(p scaling.Proposal) convert.Decision {
	return convert.Decision{Reason: string(p.Reason), Message: p.Message, Change: &p.Change, Cause: p.Cause}
}

// recordLedger logs a decision that differs from the one before, and writes its entry to the ledger.
func (r *Reconciler) recordLedger(ctx context.Context, s *reconcileScope, inputs ledger.Inputs) {
	d, log := s.object.Status.Decision, ctrllog.FromContext(ctx)
	if d == nil || !s.decisionChanged() {
		return
	}
	log.Info("decision changed", "reason", d.Reason, "message", d.Message, "cause", d.Cause, "blockedBy", d.FirstBlocker())
	r.writeLedger(ctx, inputs)
}

// writeLedger writes the entry of a decision to the ledger, if there is one.
func (r *Reconciler) writeLedger(ctx context.Context, inputs ledger.Inputs) {
	if r.Ledger == nil {
		return
	}
	line, err := ledger.Record(inputs)
	if err == nil {
		_, err = r.Ledger.Write(append(line, '\n'))
	}
	if err != nil {
		ctrllog.FromContext(ctx).Error(err, "the decision was not written to the ledger; check its file and disk")
	}
}
