package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/events"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

const (
	// maxIntentDelay is how long after its time an intent is no longer carried out, in the machine's time. A step is asked for again when
	// nothing shows 90 seconds after the time in the intent, and AWS may take half a minute to answer and as long to show it.
	maxIntentDelay = 20 * time.Second
	// maxCapacityShortages is the greatest number of shortages remembered, as the API's limit has it.
	maxCapacityShortages = 64
)

// operate brings the operation one step further: what is to be done is persisted first, then AWS is asked once.
func (r *Reconciler) operate(ctx context.Context, v *reconcileScope) (bool, error) {
	change := &scaling.Change{Pool: v.operation.Pool, To: v.operation.To}
	if kept, err := r.renewSlot(ctx, v, change); err != nil || !kept {
		return false, err
	}
	progress := operation.Next(v.policy.Name, *v.operation, v.observation, v.now)
	v.operation = &progress.Operation
	switch progress.Outcome {
	case operation.Succeeded:
		r.completeOperation(v, v1alpha1.OutcomeSucceeded, "", progress.Message)
		return false, nil
	case operation.Failed:
		r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonStepFailed, progress.Message)
		return false, nil
	case operation.Running:
	}
	v.requeueAfter = progress.RequeueAfter
	if progress.Call != nil {
		if why := operation.Superseded(v.policy, progress.Operation, v.now); why != "" {
			r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonPolicyChanged, why)
			return false, nil
		}
		if veto := guard.CheckStep(v.policy, v.observation, progress.Operation, *progress.Call, v.now); veto != nil {
			r.blockOperation(v, veto)
			return false, nil
		}
	}
	v.object.Status.Operation = convert.OperationStatus(progress.Operation)
	v.setDecision(decisionUpdate{reason: operationReason(progress.Operation.Direction), message: progress.Message, change: change, cause: progress.Operation.Reason})
	if progress.Call == nil {
		return false, nil
	}
	v.recordEvent(events.OperationStep, string(progress.Call.Action), progress.Message)
	if err := r.persistIntent(ctx, v); err != nil {
		if apierrors.IsConflict(err) {
			v.requeueAfter = time.Second // somebody wrote the object meanwhile: look again, and ask nothing of AWS
			return false, nil
		}
		return false, err
	}
	if late := time.Duration(float64(r.Clock.Since(v.now)) / r.ClockSpeed); late > maxIntentDelay {
		ctrllog.FromContext(ctx).Info("writing the intent took too long to act on it now", "took", late, "operation", v.operation.ID)
		return false, nil // the next visit looks whether there is a trace, and asks when there is none
	}
	r.executeCall(ctx, v, *progress.Call)
	return false, nil
}

// blockOperation leaves an operation where it is while a guard holds its next step back.
func (r *Reconciler) blockOperation(v *reconcileScope, veto *guard.Veto) {
	v.limit = &scalingLimit{veto.Guard, veto.Message}
	before := v.original.Status.Decision
	v.setDecision(decisionUpdate{
		reason: operationReason(v.operation.Direction), message: veto.Message, cause: v.operation.Reason, blockedBy: []string{veto.Guard},
		change: &scaling.Change{Pool: v.operation.Pool, To: v.operation.To},
	})
	if before == nil || before.FirstBlocker() != veto.Guard {
		v.recordWarning(events.ScalingBlocked, "Guard", veto.Message)
		r.Metrics.CountScalingBlocked(v.object.Namespace, v.object.Name, veto.Guard)
	}
}

// executeCall asks AWS for one change. Errors that time heals leave the operation as it is: the next visit sees what came of
// it, and asks again only when nothing did.
func (r *Reconciler) executeCall(ctx context.Context, v *reconcileScope, call scaling.Call) {
	log := ctrllog.FromContext(ctx)
	err := r.Executor.Execute(ctx, v.policy.Target, call)
	switch {
	case err == nil:
		log.Info("asked AWS for a change", "action", call.Action, "instance", call.Instance, "class", call.InstanceClass,
			"operation", v.operation.ID)
	case errors.Is(err, scaling.ErrDenied):
		r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonAccessDenied,
			fmt.Sprintf("%v. Grant what config/iam/policy.json lists to the operator's role", err))
	case errors.Is(err, scaling.ErrNoCapacity):
		r.recordCapacityShortage(v, call, err)
	case errors.Is(err, scaling.ErrQuota):
		r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonQuotaExceeded, err.Error())
	case errors.Is(err, scaling.ErrInvalid):
		r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonRefusedByAWS, err.Error())
	default:
		log.Error(err, "AWS did not confirm a change; looking again before asking again", "action", call.Action,
			"instance", call.Instance, "operation", v.operation.ID)
	}
}

// capacityShortageDuration is how long a class that AWS has no instance of is not asked for again: "try again at a later time" is all that it
// says (AWS re:Post, insufficient DB instance capacity).
const capacityShortageDuration = 30 * time.Minute

// recordCapacityShortage remembers where AWS has no instance of a class. A new reader is tried in another zone; where there is none, and for
// an instance that cannot leave its zone, the operation ends, and the next decision looks for another class.
func (r *Reconciler) recordCapacityShortage(v *reconcileScope, call scaling.Call, err error) {
	zone, last := "", true
	var short *scaling.NoCapacityError
	if errors.As(err, &short) {
		zone, last = short.Zone, short.LastZone
	} else if i, exists := v.observation.Instance(call.Instance); exists {
		zone = i.AvailabilityZone
	}
	remembered := &v.object.Status.CapacityShortages
	shortage := v1alpha1.CapacityShortage{InstanceClass: call.InstanceClass, AvailabilityZone: zone}
	shortage.ExpiryTime.Time = v.now.Add(capacityShortageDuration)
	*remembered = append(*remembered, shortage)
	if call.Action == scaling.CreateReader && last && zone != "" {
		shortage.AvailabilityZone = ""
		*remembered = append(*remembered, shortage)
	}
	*remembered = (*remembered)[max(0, len(*remembered)-maxCapacityShortages):]
	if call.Action != scaling.CreateReader || last {
		r.completeOperation(v, v1alpha1.OutcomeFailed, v1alpha1.ReasonInsufficientCapacity, err.Error())
		return
	}
	step := &v.object.Status.Operation.Steps[v.operation.CurrentStep()]
	step.LastAttemptTime, step.Attempts = nil, step.Attempts-1 // AWS said no, so that nothing will come of it
	v.requeueAfter = time.Second
	v.recordWarning(events.InsufficientCapacity, string(call.Action), fmt.Sprintf("AWS has no %s in %s; another zone is tried", call.InstanceClass, zone))
}

// completeOperation closes the operation and remembers it.
func (r *Reconciler) completeOperation(v *reconcileScope, outcome v1alpha1.Outcome, reason, message string) {
	record := convert.OperationRecord(*v.operation, outcome, reason, message, v.now)
	if outcome == v1alpha1.OutcomeSucceeded {
		record.Message = ""
		v.setDecisionReason(v1alpha1.ReasonCompleted, fmt.Sprintf("%s: %s → %s", v.operation.Pool, v.operation.From, v.operation.To))
		v.recordEvent(events.OperationSucceeded, "Operate", fmt.Sprintf("%s (operation %s, %s)",
			message, v.operation.ID, v.now.Sub(v.operation.StartedAt)))
	} else {
		v.setDecisionReason(reason, message)
		v.recordWarning(events.OperationFailed, "Operate", fmt.Sprintf("Operation %s was given up: %s", v.operation.ID, message))
	}
	if reason == v1alpha1.ReasonAccessDenied {
		v.denyAuthorization(reason, message)
	}
	v.completedOutcome = string(outcome)
	v.requeueAfter = time.Second // the next decision may be due
	v.object.Status.Operation = nil
	v.object.Status.History = appendHistory(v.object.Status.History, record, v.now)
}

// appendHistory adds a record to the history and drops what is too old to matter.
func appendHistory(history []v1alpha1.OperationRecord, record v1alpha1.OperationRecord, now time.Time) []v1alpha1.OperationRecord {
	all := slices.Insert(slices.Clone(history), 0, record)
	var kept []v1alpha1.OperationRecord
	for _, n := range state.RetainedRecords(convert.History(all), now) {
		if now.Sub(all[n].CompletionTime.Time) > state.HistoryRetention {
			all[n].Instances = nil // nobody's change of them is a revert any more
		}
		kept = append(kept, all[n])
	}
	return kept
}

// operationReason says in one word what an operation does.
func operationReason(d scaling.Direction) string {
	switch d {
	case scaling.Up:
		return v1alpha1.ReasonScalingUp
	case scaling.Down:
		return v1alpha1.ReasonScalingDown
	case scaling.Cleanup:
	}
	return v1alpha1.ReasonCleaningUp
}
