package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// maxIntentDelay is how long after the start of the reconcile an intent is still carried out, in wall-clock time. A step is
// attempted again when nothing shows 90 seconds after the time in the intent, and AWS may take half a minute to answer and as
// long to show the change.
const maxIntentDelay = 20 * time.Second

// executionTimeout bounds a call with the reads that precede its request and the wait for the rate limit, in wall-clock time, so
// that no request leaves later than a minute after the time in its intent.
const executionTimeout = 40 * time.Second

// operate moves the operation one step on: it persists what is to be done, then makes at most one AWS call.
func (r *Reconciler) operate(ctx context.Context, s *reconcileScope) (outcome, error) {
	change := &scaling.Change{Pool: s.operation.Pool, To: s.operation.To}
	if result, err := r.renewSlot(ctx, s, change); err != nil || result == stop {
		return stop, err
	}
	progress := operation.Next(s.policy.Name, *s.operation, s.observation, s.now)
	s.operation = &progress.Operation
	switch progress.Outcome {
	case operation.Succeeded:
		s.completeOperation(v1alpha1.OutcomeSucceeded, "", progress.Message)
		return stop, nil
	case operation.Failed:
		reason := v1alpha1.ReasonStepFailed
		if progress.InsufficientCapacity {
			reason = v1alpha1.ReasonInsufficientCapacity
		}
		if step := progress.Refused; step != nil {
			reason = v1alpha1.ReasonRefusedByAWS
			call := scaling.Call{Action: step.Action, Instance: step.Instance, InstanceClass: step.InstanceClass}
			s.rememberRefusal(call, errors.New(step.Answer))
		}
		s.completeOperation(v1alpha1.OutcomeFailed, reason, progress.Message)
		return stop, nil
	case operation.Running:
	}
	s.requeueAfter = progress.RequeueAfter
	if progress.Call != nil {
		s.identifyCaller(progress.Call)
	}
	if progress.Call != nil && !r.checkStep(s, *progress.Call) {
		return stop, nil
	}
	s.object.Status.Operation = convert.OperationStatus(*s.operation)
	s.setDecision(convert.Decision{
		Reason: string(operation.ReasonInProgress(s.operation.Direction)), Message: progress.Message, Change: change, Cause: s.operation.Cause,
	})
	if progress.Call == nil {
		return stop, nil
	}
	s.recordEvent(events.OperationStep, string(progress.Call.Action), progress.Message)
	if result, err := r.persistIntent(ctx, s); err != nil || result == stop {
		return stop, err
	}
	if delay := r.wallDuration(r.Clock.Since(s.now)); delay > maxIntentDelay {
		ctrllog.FromContext(ctx).Info("skipped an AWS call, because too much time has passed since the reconcile started", "passed", delay,
			"limit", maxIntentDelay, "operation", s.operation.ID)
		return stop, nil // a later reconcile makes the call when nothing shows that it was made
	}
	r.executeCall(ctx, s, *progress.Call)
	return stop, nil
}

// identifyCaller adds to a call who makes it: the policy, for CloudTrail, and the cluster, for the operators of other clusters. It also
// adds the tags that the policy has for new readers.
func (s *reconcileScope) identifyCaller(call *scaling.Call) {
	call.Policy = s.policy.Name
	if call.Action == scaling.CreateReader {
		call.Tags = s.policy.TagsOfReader(call.Tags)
	}
	if call.Action == scaling.CreateReader && s.policy.Cluster != "" {
		call.Tags[scaling.TagOperatedBy] = s.policy.Cluster
	}
}

// publicMessage is an error of AWS as users may see it in a policy, an event or a condition.
func publicMessage(text string) string { return scaling.RedactIdentities(text) }

// checkStep reports whether the policy still wants the operation and no guard blocks its next call. Otherwise it ends or blocks
// the operation.
func (r *Reconciler) checkStep(s *reconcileScope, call scaling.Call) bool {
	if why := operation.Superseded(s.policy, *s.operation, s.now); why != "" {
		s.completeOperation(v1alpha1.OutcomeFailed, v1alpha1.ReasonPolicyChanged, why)
		return false
	}
	if veto := guard.CheckStep(s.policy, s.observation, *s.operation, call, s.now); veto != nil {
		r.blockOperation(s, veto)
		return false
	}
	return true
}

// blockOperation leaves an operation as it is while a guard blocks its next step.
func (r *Reconciler) blockOperation(s *reconcileScope, veto *guard.Veto) {
	s.limit = &scalingLimit{veto.Guard, veto.Message}
	s.setDecision(convert.Decision{
		Reason: string(operation.ReasonInProgress(s.operation.Direction)), Message: veto.Message, Cause: s.operation.Cause,
		BlockedBy: []string{veto.Guard}, Change: &scaling.Change{Pool: s.operation.Pool, To: s.operation.To},
	})
	if s.original.Status.Decision.FirstBlocker() != veto.Guard {
		s.recordWarning(events.ScalingBlocked, "Guard", veto.Message)
		r.Metrics.CountScalingBlocked(s.object.Namespace, s.object.Name, veto.Guard)
	}
}

// executeCall makes one AWS call. Errors that pass with time leave the operation as it is: the next reconcile observes whether
// the change was made, and repeats the call only when it was not.
func (r *Reconciler) executeCall(ctx context.Context, s *reconcileScope, call scaling.Call) {
	log := ctrllog.FromContext(ctx).WithValues("action", call.Action, "instance", call.Instance, "operation", s.operation.ID)
	ctx, cancel := context.WithTimeout(ctx, executionTimeout)
	defer cancel()
	err := r.Executor.Execute(ctx, s.policy.Target, call)
	switch {
	case err == nil:
		s.recordAnswer(call, nil)
		log.Info("AWS accepted a change", "class", call.InstanceClass)
	case errors.Is(err, scaling.ErrDenied):
		s.completeOperation(v1alpha1.OutcomeFailed, v1alpha1.ReasonAccessDenied,
			fmt.Sprintf("%s. %s", publicMessage(err.Error()), grantPermissions))
	case errors.Is(err, scaling.ErrNoCapacity):
		s.recordCapacityShortage(call, err)
	case errors.Is(err, scaling.ErrQuota):
		s.completeRefused(call, v1alpha1.ReasonQuotaExceeded, err)
	case errors.Is(err, scaling.ErrInvalid):
		s.completeRefused(call, v1alpha1.ReasonRefusedByAWS, err)
	default:
		s.recordAnswer(call, err)
		log.Error(err, "AWS did not accept or confirm a change; a later reconcile repeats the call unless the change is visible by then")
	}
}

// recordCapacityShortage remembers that AWS has no instance of a class. A reader is tried in another zone at once. Otherwise
// the operation fails, and the next decision chooses another class.
func (s *reconcileScope) recordCapacityShortage(call scaling.Call, err error) {
	status := &s.object.Status
	result := state.AddCapacityShortage(convert.CapacityShortages(status.CapacityShortages), call, err, s.observation, s.now)
	status.CapacityShortages = convert.CapacityShortagesStatus(result.Shortages)
	if !result.TryAnotherZone {
		s.completeOperation(v1alpha1.OutcomeFailed, v1alpha1.ReasonInsufficientCapacity, publicMessage(err.Error()))
		return
	}
	retracted := operation.RetractAttempt(*s.operation, call)
	s.operation, status.Operation = &retracted, convert.OperationStatus(retracted)
	s.requeueAfter = conflictRequeueInterval
	s.recordWarning(events.InsufficientCapacity, string(call.Action), fmt.Sprintf("AWS has insufficient capacity for %s in %s. The operation "+
		"tries another zone", call.InstanceClass, result.Zone))
}

// completeOperation moves the operation from status.operation to the history.
func (s *reconcileScope) completeOperation(result v1alpha1.Outcome, reason, message string) {
	op := s.operation
	record := convert.OperationRecord(*op, result, reason, message, s.now)
	convert.AddResourceIDs(&record, s.observation)
	if result == v1alpha1.OutcomeSucceeded {
		record.Message = ""
		s.setDecisionReason(v1alpha1.ReasonCompleted, fmt.Sprintf("%s: %s → %s", op.Pool, op.From, op.To))
		s.recordEvent(events.OperationSucceeded, "Operate", fmt.Sprintf("%s (operation %s, %s)", message, op.ID, s.now.Sub(op.StartedAt)))
	} else {
		s.setDecisionReason(reason, message)
		s.recordWarning(events.OperationFailed, "Operate", fmt.Sprintf("Operation %s failed: %s", op.ID, message))
	}
	if reason == v1alpha1.ReasonAccessDenied {
		s.denyAuthorization(reason, message)
	}
	s.completedOutcome = string(result)
	s.requeueAfter = conflictRequeueInterval // the next decision may be due
	s.object.Status.Operation = nil
	s.object.Status.History = convert.AppendHistory(s.object.Status.History, record, s.now)
}
