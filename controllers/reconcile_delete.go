package controllers

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// reconcileDelete ends the operation of a deleted policy and removes the surge reader that it added, once the other readers
// carry the load without it. Everything else stays as it is.
func (r *Reconciler) reconcileDelete(ctx context.Context, s *reconcileScope) (outcome, error) {
	if op := s.operation; op != nil {
		if op.Direction == scaling.Cleanup {
			return proceed, nil
		}
		if wait := operation.WaitForRequestedReader(*op, s.observation, s.now); wait > 0 {
			s.requeueAfter = min(wait, operation.PollInterval)
			s.setDecisionReason(v1alpha1.ReasonPolicyDeleted, "The policy was deleted. Waiting for the reader that AWS was asked to create, "+
				"so that it is not left behind")
			return stop, nil
		}
		s.completeOperation(v1alpha1.OutcomeFailed, v1alpha1.ReasonPolicyDeleted,
			"The policy was deleted. A surge reader that the operation added is removed next")
		return stop, nil
	}
	if err := r.removeFinalizer(ctx, s); err != nil || !controllerutil.ContainsFinalizer(s.object, surgeReaderFinalizer) {
		return stop, err
	}
	entry := ledger.Decide(ledger.Inputs{Policy: s.policy, Observation: s.observation, Now: s.now})
	proposal, op, approved := entry.ApprovedProposal()
	if !approved {
		why := "the other readers cannot carry the load without it yet"
		if len(entry.Evaluations) > 0 {
			why = entry.Evaluations[0].Vetoes[0].Message
		}
		s.setDecisionReason(v1alpha1.ReasonPolicyDeleted, fmt.Sprintf("The policy was deleted, but its surge reader still exists: %s. "+
			"To keep the reader and delete the policy now, remove the finalizer %s", why, surgeReaderFinalizer))
		return stop, nil
	}
	s.operation = &op
	s.setDecision(startedDecision(proposal))
	s.recordEvent(events.OperationStarted, "Operate", proposal.Cause)
	return proceed, nil
}

// cleanupPolicy is the policy by which a deleted one is reconciled: it scales nothing, so that only the state of the database
// can veto the removal of its surge reader.
func cleanupPolicy(object *v1alpha1.DBScalingPolicy) scaling.Policy {
	p, err := convert.Policy(object)
	if err != nil { // the target is known even when the rest of the spec is invalid
		p.Target, p.Name, p.Namespace = convert.Target(object), object.Namespace+"/"+object.Name, object.Namespace
	}
	p.Mode, p.ManualControl, p.Readers, p.Writer, p.ScheduledMinimums = scaling.Enforce, scaling.ManualControl{}, nil, nil, nil
	return p
}
