package backtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
	"github.com/dbscaler/dbscaler/internal/scaling/state"
)

// requeueAfterOperation is how soon the operator reconciles again when an operation has ended: the next decision may be due.
const requeueAfterOperation = time.Second

// ReconcileRecord is the result of one reconcile.
type ReconcileRecord struct {
	Time time.Time
	// Reason is the decision's reason, or empty during an operation. BlockedBy is the first guard that blocked the decision.
	Reason    scaling.Reason
	BlockedBy string
	// OperationID is the operation in progress after the reconcile. StepIndex is its current step, and Attempts how many times the
	// operator called AWS for this step.
	OperationID         string
	StepIndex, Attempts int
	// OperationTo is the shape that this operation leads to. It changes when the operation is raised.
	OperationTo scaling.Shape
	// OperationEnded says that an operation ended in this reconcile.
	OperationEnded bool
}

// String formats all fields, so that two records can be compared.
func (r ReconcileRecord) String() string {
	return fmt.Sprintf("%s %s %s %s %d/%d %s %t", r.Time.UTC().Format(time.RFC3339), r.Reason, r.BlockedBy, r.OperationID, r.StepIndex,
		r.Attempts, r.OperationTo, r.OperationEnded)
}

// engine reconciles as the operator does, from its observations and its state.
type engine struct {
	policy          scaling.Policy
	world           *model.World
	observer        *awsObserver
	writer, readers state.PoolState
	// writerCapacity and readersCapacity are buffers: an observation is used for one reconcile only.
	writerCapacity, readersCapacity []scaling.CapacityPeriod
	// inputs are those of the last decision, and evaluator has its results: buffers, too.
	inputs    ledger.Inputs
	evaluator decide.Evaluator

	history scaling.History
	// operation is the operation in progress, or nil.
	operation *scaling.Operation
	readPlan  decide.ReadPlan
	// quietMinutes is Score.QuietMinutes.
	quietMinutes int
	recordEvent  func(Event)
	// lastBlocked identifies the last blocked proposal and its guard, so that it is recorded once.
	lastBlocked string
}

func newEngine(world *model.World, s Setup, recordEvent func(Event)) *engine {
	return &engine{policy: s.Policy, world: world, observer: newAWSObserver(world, s), recordEvent: recordEvent}
}

// reconcile observes, decides and makes at most one AWS call. It returns the time until the next reconcile.
func (e *engine) reconcile(at time.Time) (ReconcileRecord, time.Duration) {
	now := at.Truncate(time.Second)
	record := ReconcileRecord{Time: now}
	var notBefore time.Time
	if e.operation != nil {
		notBefore = now.Add(-operation.PollInterval)
	}
	o := e.observer.observe(now, notBefore)
	e.restoreState(&o)
	persisted := e.operation
	if persisted == nil {
		if requeue, started := e.decide(&record, &o, now); !started {
			return record, requeue
		}
	} else {
		e.raise(&o, now)
		persisted = e.operation
	}
	return e.advanceOperation(record, o, persisted, now)
}

// restoreState adds the state that AWS does not store to an observation.
func (e *engine) restoreState(o *scaling.Observation) {
	e.history = state.ForgetServingReaders(e.history, o)
	o.Instances = state.MarkUnservedReaders(o.Instances, e.operation, e.history)
	e.writer, e.readers = e.writer.Update(o, scaling.Writer), e.readers.Update(o, scaling.Readers)
	o.WriterChangedAt, o.ReadersChangedAt = e.writer.ChangedAt, e.readers.ChangedAt
	e.writerCapacity = e.writer.FullCapacityHistory(e.writerCapacity, o)
	e.readersCapacity = e.readers.FullCapacityHistory(e.readersCapacity, o)
	o.WriterCapacityHistory, o.ReadersCapacityHistory = e.writerCapacity, e.readersCapacity
	o.History = e.history
}

// measureEffect stores the utilization after the newest operations in their records, which the observation shares. It reports whether it
// did.
func (e *engine) measureEffect(pools []scaling.PoolAssessment) bool {
	measured := false
	for p := range pools {
		if n, percent, known := state.MeasureEffect(e.history, &pools[p].Load); known {
			e.history[n].UtilizationAfter = new(percent)
			measured = true
		}
	}
	return measured
}

// decide returns the time until the next reconcile, and whether an operation starts.
func (e *engine) decide(record *ReconcileRecord, o *scaling.Observation, now time.Time) (time.Duration, bool) {
	e.inputs = ledger.Inputs{Policy: e.policy, Observation: *o, Now: now}
	decision := e.evaluator.Evaluate(&e.inputs.Policy, &e.inputs.Observation, now)
	if e.measureEffect(decision.Pools) { // which the decision depends on
		decision = e.evaluator.Evaluate(&e.inputs.Policy, &e.inputs.Observation, now)
	}
	evaluations, requeueAfter := ledger.CheckProposals(&e.inputs, &decision)
	approved := ledger.ApprovedProposal(evaluations)
	e.observer.minuteInterval = 0
	if interval := e.readPlan.IntervalFor(&decision, &e.inputs.Policy, &e.inputs.Observation, now); interval > decide.ReadEveryMinute {
		e.observer.minuteInterval, e.observer.riseLimits = interval, e.readPlan.RiseLimits()
		e.quietMinutes++
	}
	switch {
	case approved >= 0:
		proposal, op := &decision.Proposals[approved], &evaluations[approved].Operation
		e.operation = op
		message := fmt.Sprintf("%s: %s → %s. %s", op.Pool, op.From, op.To, proposal.Cause)
		e.recordEvent(Event{Time: now, Kind: eventKindOf(op), Message: message, Foreseen: proposal.Reason == scaling.ReasonPredictiveScaleUp})
		return 0, true
	case len(evaluations) > 0:
		first := &decision.Proposals[0]
		record.Reason, record.BlockedBy = first.Reason, evaluations[0].Vetoes[0].Guard
		if blocked := string(record.Reason) + record.BlockedBy + first.To.String(); blocked != e.lastBlocked {
			e.lastBlocked = blocked
			e.recordEvent(Event{Time: now, Kind: EventBlocked, Message: fmt.Sprintf("%s. Blocked by %s: %s", first.Message, record.BlockedBy,
				evaluations[0].Vetoes[0].Message)})
		}
	default:
		record.Reason, e.lastBlocked = decision.Hold.Reason, ""
	}
	return requeueAfter, false
}

// raise adds readers to the operation in progress when the demand has outgrown it.
func (e *engine) raise(o *scaling.Observation, now time.Time) {
	e.inputs = ledger.Inputs{Policy: e.policy, Observation: *o, Operation: e.operation, Now: now}
	decision := decide.EvaluateRaise(e.policy, *o, *e.operation, now)
	evaluations, _ := ledger.CheckProposals(&e.inputs, &decision)
	approved := ledger.ApprovedProposal(evaluations)
	if approved < 0 {
		return
	}
	proposal, op, from := &decision.Proposals[approved], &evaluations[approved].Operation, e.operation.To
	e.operation = op
	e.recordEvent(Event{Time: now, Kind: EventScaleUp, Message: fmt.Sprintf("%s: %s → %s. %s", op.Pool, from, op.To, proposal.Cause)})
}

func eventKindOf(op *scaling.Operation) EventKind {
	if op.Direction == scaling.Up {
		return EventScaleUp
	}
	return EventScaleDown
}

// advanceOperation makes the next call of the operation in progress. The argument persisted is the operation before this reconcile:
// nil if the operation has just started.
func (e *engine) advanceOperation(
	record ReconcileRecord, o scaling.Observation, persisted *scaling.Operation, now time.Time,
) (ReconcileRecord, time.Duration) {
	progress := operation.Next(e.policy.Name, *e.operation, o, now)
	e.operation = &progress.Operation
	if progress.Outcome != operation.Running {
		return e.endOperation(record, progress.Outcome == operation.Succeeded, now)
	}
	if progress.Call != nil {
		if operation.Superseded(e.policy, progress.Operation, now) != "" {
			return e.endOperation(record, false, now)
		}
		if veto := guard.CheckStep(e.policy, o, progress.Operation, *progress.Call, now); veto != nil {
			record.BlockedBy, e.operation = veto.Guard, persisted // the operator does not persist a blocked step
			return e.withOperation(record), progress.RequeueAfter
		}
		if refused := e.execute(*progress.Call); refused {
			return e.endOperation(record, false, now)
		}
	}
	return e.withOperation(record), progress.RequeueAfter
}

// withOperation adds the progress of the operation to a record.
func (e *engine) withOperation(record ReconcileRecord) ReconcileRecord {
	if e.operation == nil {
		return record
	}
	record.OperationID, record.StepIndex, record.OperationTo = e.operation.ID, e.operation.CurrentStep(), e.operation.To
	if record.StepIndex < len(e.operation.Steps) {
		record.Attempts = e.operation.Steps[record.StepIndex].Attempts
	}
	return record
}

// endOperation moves the operation to the history.
func (e *engine) endOperation(record ReconcileRecord, succeeded bool, now time.Time) (ReconcileRecord, time.Duration) {
	records := slices.Insert(slices.Clone(e.history), 0, state.NewOperationRecord(*e.operation, succeeded, now))
	e.history = nil
	for _, n := range state.RetainedRecords(records, now) {
		e.history = append(e.history, records[n])
	}
	e.operation, record.OperationEnded = nil, true
	return record, requeueAfterOperation
}
