package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// defaultRequeueInterval is when to look again where nothing says otherwise.
const defaultRequeueInterval = decide.RequeueInterval

// decide asks what should change and whether the guards let it. An operation under way is finished first.
func (r *Reconciler) decide(ctx context.Context, v *reconcileScope) (bool, error) {
	if v.operation != nil {
		return true, nil
	}
	if err := r.removeFinalizer(ctx, v); err != nil {
		return false, err
	}
	inputs := ledger.Inputs{Policy: v.policy, Observation: v.observation, Now: v.now}
	entry := ledger.Decide(inputs)
	v.requeueAfter = entry.RequeueAfter
	defer func() { r.recordLedger(ctx, v, inputs) }()
	if proposal, op, approved := entry.ApprovedProposal(); approved {
		return r.startOperation(ctx, v, entry, proposal, op)
	}
	if len(entry.Evaluations) > 0 {
		r.setBlocked(v, entry) // the most urgent proposal is the one to show
		return false, nil
	}
	hold := entry.Decision.Hold
	v.setDecision(decisionUpdate{reason: string(hold.Reason), message: hold.Message, alternatives: alternativesForHold(entry.Decision, hold)})
	if isScalingLimit(hold.Reason) {
		v.limit = &scalingLimit{string(hold.Reason), hold.Message}
		if v.decisionChanged() {
			r.Metrics.CountScalingBlocked(v.object.Namespace, v.object.Name, string(hold.Reason))
		}
	}
	return false, nil
}

// isScalingLimit says whether a hold keeps back what the load calls for.
func isScalingLimit(reason scaling.Reason) bool {
	return slices.Contains([]scaling.Reason{
		scaling.ReasonAtMaximum, scaling.ReasonNoSuitableShape, scaling.ReasonScalingIneffective, scaling.ReasonUpgradeWatch,
	}, reason)
}

// decisionChanged says whether what kubectl shows means something else than before this visit.
func (v *reconcileScope) decisionChanged() bool {
	old := v.original.Status.Decision
	return old == nil || !isSameDecision(*old, *v.object.Status.Decision)
}

// setBlocked shows a proposal that guards vetoed.
func (r *Reconciler) setBlocked(v *reconcileScope, entry ledger.Entry) {
	proposal, trial := entry.Decision.Proposals[0], entry.Evaluations[0]
	first := trial.Vetoes[0]
	message := fmt.Sprintf("%s. Held back by %s: %s", proposal.Message, first.Guard, first.Message)
	v.limit = &scalingLimit{first.Guard, message}
	v.setDecision(decisionUpdate{
		reason: string(proposal.Reason), message: message, change: &proposal.Change, hash: trial.Hash, cause: proposal.Cause,
		blockedBy: guardNames(trial.Vetoes), emergency: proposal.Emergency, alternatives: alternativesForPool(entry.Decision, proposal.Pool),
	})
	if !v.decisionChanged() {
		return
	}
	r.Metrics.CountScalingBlocked(v.object.Namespace, v.object.Name, first.Guard)
	switch {
	case v.policy.Mode == scaling.Recommend:
		v.recordEvent(events.Recommended, "Decide", proposal.Message+" ("+proposal.Cause+")")
	case first.Guard == guard.ApprovalRequired:
		v.recordEvent(events.ApprovalRequired, "Decide", message+" ("+proposal.Cause+")")
	default:
		v.recordWarning(events.ScalingBlocked, "Guard", message)
	}
}

func guardNames(vetoes []guard.Veto) []string {
	out := make([]string, len(vetoes))
	for n, v := range vetoes {
		out[n] = v.Guard
	}
	return out
}

// startOperation makes sure, past the cache, that no other policy may begin on the same database, and starts the operation.
func (r *Reconciler) startOperation(
	ctx context.Context, v *reconcileScope, entry ledger.Entry, proposal scaling.Proposal, op scaling.Operation,
) (bool, error) {
	other, err := findOlderPolicy(ctx, r.APIReader, v.object)
	if err != nil {
		return false, err
	}
	if other != "" {
		v.deferToPolicy(other)
		return false, nil
	}
	if held, err := r.addFinalizer(ctx, v, op); err != nil || !held {
		return false, err
	}
	v.operation = &op
	if claimed, err := r.acquireSlot(ctx, v, proposal); err != nil || !claimed {
		return false, err
	}
	v.setDecision(decisionUpdate{
		reason: string(proposal.Reason), message: proposal.Message, change: &proposal.Change, cause: proposal.Cause,
		alternatives: alternativesForPool(entry.Decision, proposal.Pool),
	})
	v.recordEvent(events.OperationStarted, "Operate", fmt.Sprintf("%s: %s → %s (operation %s, %d steps). %s",
		op.Pool, op.From, op.To, op.ID, len(op.Steps), proposal.Cause))
	r.Metrics.CountOperationStarted(v.object.Namespace, v.object.Name, op, string(proposal.Reason))
	return true, nil
}

// recordLedger writes the whole entry to the ledger when the decision differs from the one before.
func (r *Reconciler) recordLedger(ctx context.Context, v *reconcileScope, inputs ledger.Inputs) {
	if v.object.Status.Decision == nil || !v.decisionChanged() {
		return
	}
	d, log := v.object.Status.Decision, ctrllog.FromContext(ctx)
	log.Info("decided", "reason", d.Reason, "message", d.Message, "cause", d.Cause, "blockedBy", d.FirstBlocker())
	if r.Ledger == nil {
		return
	}
	line, err := ledger.Record(inputs)
	if err == nil {
		_, err = r.Ledger.Write(append(line, '\n'))
	}
	if err != nil {
		log.Error(err, "the ledger misses a decision")
	}
}

// maxAlternatives is how many shapes are shown beside the chosen one.
const maxAlternatives = 5

// alternativesForHold shows the shapes of the pool that a hold is about.
func alternativesForHold(d scaling.Decision, hold scaling.Hold) []v1alpha1.Alternative {
	for _, pool := range d.Pools {
		if pool.Hold == hold {
			return alternativesForPool(d, pool.Load.Pool)
		}
	}
	return nil
}

// alternativesForPool shows the chosen shape of a pool and those that came closest to it in size.
func alternativesForPool(d scaling.Decision, pool scaling.Pool) []v1alpha1.Alternative {
	n := slices.IndexFunc(d.Pools, func(a scaling.PoolAssessment) bool { return a.Load.Pool == pool })
	if n < 0 {
		return nil
	}
	all := slices.DeleteFunc(slices.Clone(d.Pools[n].Candidates), func(c scaling.Candidate) bool {
		return c.Verdict == "" || c.Verdict == scaling.VerdictWrongDirection
	})
	size := d.Pools[n].Load.Capacity
	if k := slices.IndexFunc(all, func(c scaling.Candidate) bool { return c.Verdict == scaling.VerdictChosen }); k >= 0 {
		size = all[k].VCPUs
	}
	away := func(c scaling.Candidate) float64 {
		if c.Verdict == scaling.VerdictChosen {
			return -1
		}
		return max(c.VCPUs-size, size-c.VCPUs)
	}
	slices.SortStableFunc(all, func(a, b scaling.Candidate) int { return cmp.Compare(away(a), away(b)) })
	var out []v1alpha1.Alternative
	for _, c := range all[:min(len(all), 1+maxAlternatives)] {
		out = append(out, convert.Alternative(c))
	}
	return out
}

func (v *reconcileScope) recordEvent(reason, action, text string) {
	v.pendingEvents = append(v.pendingEvents, pendingEvent{reason: reason, action: action, message: text})
}

func (v *reconcileScope) recordWarning(reason, action, text string) {
	v.pendingEvents = append(v.pendingEvents, pendingEvent{warning: true, reason: reason, action: action, message: text})
}
