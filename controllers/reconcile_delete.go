package controllers

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

const (
	// surgeReaderFinalizer keeps a policy that is deleted until the surge reader that it added is gone. It is there only while there may
	// be one, so that a policy can be deleted without the operator at any other time.
	surgeReaderFinalizer = "scaling.dbscaler.io/surge-reader"
	// lostRequestTimeout is how long after AWS was last asked for a reader that does not show it is taken not to come any more.
	lostRequestTimeout = 10 * time.Minute
)

// addFinalizer puts the finalizer on the policy before an operation that adds a surge reader is persisted. It is false when somebody
// wrote the object meanwhile.
func (r *Reconciler) addFinalizer(ctx context.Context, v *reconcileScope, op scaling.Operation) (bool, error) {
	adds := slices.ContainsFunc(op.Steps, func(s scaling.Step) bool { return s.Action == scaling.CreateReader && s.Surge })
	if !adds || controllerutil.ContainsFinalizer(v.object, surgeReaderFinalizer) {
		return true, nil
	}
	return r.patchFinalizer(ctx, v, controllerutil.AddFinalizer)
}

// removeFinalizer takes it off once no operation is under way and no surge reader is there.
func (r *Reconciler) removeFinalizer(ctx context.Context, v *reconcileScope) error {
	surge := slices.ContainsFunc(v.observation.Instances, func(i scaling.Instance) bool { return i.SurgeOperation() != "" })
	if v.object.Status.Operation != nil || surge || !controllerutil.ContainsFinalizer(v.object, surgeReaderFinalizer) {
		return nil
	}
	_, err := r.patchFinalizer(ctx, v, controllerutil.RemoveFinalizer)
	return client.IgnoreNotFound(err)
}

// patchFinalizer changes the object's metadata and nothing else. It is false when somebody wrote the object meanwhile.
func (r *Reconciler) patchFinalizer(ctx context.Context, v *reconcileScope, change func(client.Object, string) bool) (bool, error) {
	written := v.latestWritten().DeepCopy()
	base := written.DeepCopy()
	change(written, surgeReaderFinalizer)
	err := r.Client.Patch(ctx, written, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		v.requeueAfter = time.Second
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v.lastWritten = written
	v.object.ResourceVersion, v.object.Finalizers = written.ResourceVersion, written.Finalizers
	return true, nil
}

// reconcileDelete ends what a deleted policy was doing and removes the surge reader that it added, when the others carry the load
// without it. Everything else stays as it is.
func (r *Reconciler) reconcileDelete(ctx context.Context, v *reconcileScope) (bool, error) {
	if op := v.operation; op != nil {
		if op.Direction == scaling.Cleanup {
			return true, nil
		}
		if wait := lastRequestAt(*op).Add(lostRequestTimeout).Sub(v.now); wait > 0 && !requestedReaderExists(*op, v.observation) {
			v.requeueAfter = min(wait, operation.PollInterval)
			v.setDecisionReason(v1alpha1.ReasonPolicyDeleted, "The policy was deleted; waiting to see what AWS makes of the last request")
			return false, nil
		}
		r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonPolicyDeleted,
			"The policy was deleted; what it added for the length of the operation is removed")
		return false, nil
	}
	if err := r.removeFinalizer(ctx, v); err != nil || !controllerutil.ContainsFinalizer(v.object, surgeReaderFinalizer) {
		return false, err
	}
	entry := ledger.Decide(ledger.Inputs{Policy: v.policy, Observation: v.observation, Now: v.now})
	proposal, op, approved := entry.ApprovedProposal()
	if !approved {
		why := "the others have to carry the load without it first"
		if len(entry.Evaluations) > 0 {
			why = entry.Evaluations[0].Vetoes[0].Message
		}
		v.setDecisionReason(v1alpha1.ReasonPolicyDeleted, fmt.Sprintf("The policy was deleted, and a surge reader that it added is still there: %s. "+
			"To leave the reader and let the policy go, remove the finalizer %s", why, surgeReaderFinalizer))
		return false, nil
	}
	v.operation = &op
	v.setDecision(decisionUpdate{reason: string(proposal.Reason), message: proposal.Message, change: &proposal.Change, cause: proposal.Cause})
	v.recordEvent(events.OperationStarted, "Operate", proposal.Cause)
	return true, nil
}

// lastRequestAt is when AWS was last asked for a step that is not done.
func lastRequestAt(op scaling.Operation) time.Time {
	var last time.Time
	for _, s := range op.Steps {
		if s.CompletedAt.IsZero() && s.LastAttemptAt.After(last) {
			last = s.LastAttemptAt
		}
	}
	return last
}

// requestedReaderExists says whether the reader that an operation asked for last shows.
func requestedReaderExists(op scaling.Operation, o scaling.Observation) bool {
	for _, s := range op.Steps {
		if _, exists := o.Instance(s.Instance); s.CompletedAt.IsZero() && !s.LastAttemptAt.IsZero() && s.Action == scaling.CreateReader {
			return exists
		}
	}
	return true
}

// cleanupPolicy is the policy by which a deleted one is seen off: it scales nothing, and nothing holds it back from removing what is
// its own but the state of the database.
func cleanupPolicy(object *v1alpha1.DBScalingPolicy) scaling.Policy {
	p, err := convert.Policy(object)
	if err != nil { // whatever is wrong with it, its target is known
		p.Target, p.Name, p.Namespace = convert.Target(object), object.Namespace+"/"+object.Name, object.Namespace
	}
	p.Mode, p.ManualControl, p.Readers, p.Writer, p.ScheduledMinimums = scaling.Enforce, scaling.ManualControl{}, nil, nil, nil
	return p
}
