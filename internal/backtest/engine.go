package backtest

import (
	"errors"
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

// requeueAfterOperation is how soon the operator looks again when an operation has ended: the next decision may be due.
const requeueAfterOperation = time.Second

// ReconcileRecord is what the operator made of one look at the database.
type ReconcileRecord struct {
	Time time.Time
	// Reason is the decision's, or empty while an operation is under way. BlockedBy is the first guard that held it back.
	Reason    scaling.Reason
	BlockedBy string
	// OperationID is the one under way at the end of the look, with Step the index of the step that it is at and Attempts how often
	// AWS was asked for that.
	OperationID         string
	StepIndex, Attempts int
	// OperationEnded says that an operation ended in this look.
	OperationEnded bool
}

// String writes a look so that two can be compared.
func (l ReconcileRecord) String() string {
	return fmt.Sprintf("%s %s %s %s %d/%d %t", l.Time.UTC().Format(time.RFC3339), l.Reason, l.BlockedBy, l.OperationID, l.StepIndex, l.Attempts,
		l.OperationEnded)
}

// engine decides as the operator does, from what it sees and what it remembers.
type engine struct {
	policy          scaling.Policy
	world           *model.World
	observer        *awsObserver
	writer, readers state.PoolState
	// writerCapacity and readersCapacity are there to be used again: no observation outlives a look.
	writerCapacity, readersCapacity []scaling.CapacityPeriod

	history   scaling.History
	operation *scaling.Operation
	// recordEvent is told of what happens.
	recordEvent func(Event)
	// lastBlocked is what was last held back and by which guard.
	lastBlocked string
}

func newEngine(w *model.World, s Setup, tell func(Event)) *engine {
	return &engine{policy: s.Policy, world: w, observer: newAWSObserver(w, s), recordEvent: tell}
}

// reconcile is one reconcile: it observes, decides, and asks AWS for at most one change. It says when to look again.
func (r *engine) reconcile(at time.Time) (ReconcileRecord, time.Duration) {
	now := at.Truncate(time.Second)
	out := ReconcileRecord{Time: now}
	var notBefore time.Time
	if r.operation != nil {
		notBefore = now.Add(-operation.PollInterval)
	}
	o := r.observer.observe(now, notBefore)
	r.restoreState(&o)
	before := r.operation
	if before == nil {
		r.measureEffect(&o, now)
		if requeue, begun := r.decide(&out, o, now); !begun {
			return out, requeue
		}
	}
	return r.advanceOperation(out, o, before, now)
}

// restoreState adds what AWS cannot tell.
func (r *engine) restoreState(o *scaling.Observation) {
	r.writer, r.readers = r.writer.Update(*o, scaling.Writer), r.readers.Update(*o, scaling.Readers)
	o.WriterChangedAt, o.ReadersChangedAt = r.writer.ChangedAt, r.readers.ChangedAt
	r.writerCapacity, r.readersCapacity = r.writer.FullCapacityHistory(r.writerCapacity, *o), r.readers.FullCapacityHistory(r.readersCapacity, *o)
	o.WriterCapacityHistory, o.ReadersCapacityHistory = r.writerCapacity, r.readersCapacity
	o.History = r.history
}

// measureEffect notes the utilization that the newest operations led to.
func (r *engine) measureEffect(o *scaling.Observation, now time.Time) {
	if !slices.ContainsFunc(r.history, func(past scaling.OperationRecord) bool { return past.Succeeded && past.UtilizationAfter == nil }) {
		return
	}
	for _, pool := range decide.Evaluate(r.policy, *o, now).Pools {
		if n, percent, known := state.MeasureEffect(r.history, pool.Load); known {
			r.history[n].UtilizationAfter = &percent
		}
	}
}

// decide says when to look again, and whether an operation begins.
func (r *engine) decide(out *ReconcileRecord, o scaling.Observation, now time.Time) (time.Duration, bool) {
	entry := ledger.Decide(ledger.Inputs{Policy: r.policy, Observation: o, Now: now})
	proposal, op, approved := entry.ApprovedProposal()
	switch {
	case approved:
		r.operation = &op
		r.recordEvent(Event{Time: now, Kind: eventKindOf(op), Message: fmt.Sprintf("%s: %s → %s. %s", op.Pool, op.From, op.To, proposal.Cause)})
		return 0, true
	case len(entry.Evaluations) > 0:
		first := entry.Decision.Proposals[0]
		out.Reason, out.BlockedBy = first.Reason, entry.Evaluations[0].Vetoes[0].Guard
		if held := string(out.Reason) + out.BlockedBy + first.To.String(); held != r.lastBlocked {
			r.lastBlocked = held
			r.recordEvent(Event{Time: now, Kind: EventBlocked, Message: fmt.Sprintf("%s. Held back by %s: %s", first.Message, out.BlockedBy,
				entry.Evaluations[0].Vetoes[0].Message)})
		}
	default:
		out.Reason, r.lastBlocked = entry.Decision.Hold.Reason, ""
	}
	return entry.RequeueAfter, false
}

func eventKindOf(op scaling.Operation) EventKind {
	if op.Direction == scaling.Up {
		return EventScaleUp
	}
	return EventScaleDown
}

// advanceOperation brings the operation one step further. It was persisted as it was before, which is nothing when it has just begun.
func (r *engine) advanceOperation(out ReconcileRecord, o scaling.Observation, before *scaling.Operation, now time.Time) (ReconcileRecord, time.Duration) {
	progress := operation.Next(r.policy.Name, *r.operation, o, now)
	r.operation = &progress.Operation
	if progress.Outcome != operation.Running {
		return r.endOperation(out, progress.Outcome == operation.Succeeded, now)
	}
	if progress.Call != nil {
		if operation.Superseded(r.policy, progress.Operation, now) != "" {
			return r.endOperation(out, false, now)
		}
		if veto := guard.CheckStep(r.policy, o, progress.Operation, *progress.Call, now); veto != nil {
			out.BlockedBy, r.operation = veto.Guard, before // what was not persisted did not happen
			return r.withOperation(out), progress.RequeueAfter
		}
		if refused := r.execute(*progress.Call); refused {
			return r.endOperation(out, false, now)
		}
	}
	return r.withOperation(out), progress.RequeueAfter
}

// withOperation notes where the operation under way stands.
func (r *engine) withOperation(out ReconcileRecord) ReconcileRecord {
	if r.operation == nil {
		return out
	}
	out.OperationID, out.StepIndex = r.operation.ID, r.operation.CurrentStep()
	if out.StepIndex < len(r.operation.Steps) {
		out.Attempts = r.operation.Steps[out.StepIndex].Attempts
	}
	return out
}

// endOperation closes the operation and remembers it.
func (r *engine) endOperation(out ReconcileRecord, succeeded bool, now time.Time) (ReconcileRecord, time.Duration) {
	all := slices.Insert(slices.Clone(r.history), 0, state.NewOperationRecord(*r.operation, succeeded, now))
	r.history = nil
	for _, n := range state.RetainedRecords(all, now) {
		r.history = append(r.history, all[n])
	}
	r.operation, out.OperationEnded = nil, true
	return out, requeueAfterOperation
}

// execute asks the model for one change, and says whether it was refused for good. What is busy is asked again later.
func (r *engine) execute(call scaling.Call) (refused bool) {
	r.observer.topologyChanged = true
	region, id := r.policy.Target.Scope.Region, r.policy.Target.Identifier
	var err error
	switch call.Action {
	case scaling.ModifyInstanceClass:
		_, err = r.world.ModifyInstance(region, call.Instance, model.ModifyInstanceRequest{Class: &call.InstanceClass, ApplyImmediately: true})
	case scaling.ModifyPromotionTier:
		_, err = r.world.ModifyInstance(region, call.Instance, model.ModifyInstanceRequest{PromotionTier: &call.PromotionTier, ApplyImmediately: true})
	case scaling.CreateReader:
		err = createReader(r.world, region, id, call.Instance, call.InstanceClass, call.PromotionTier, call.Tags)
	case scaling.DeleteReader:
		_, err = r.world.DeleteInstance(region, call.Instance, true, "")
	case scaling.Failover:
		_, err = r.world.FailoverCluster(region, id, call.Instance)
	case scaling.ModifyClusterClass, scaling.ModifyCapacity:
		return true // no setup that can be played has them
	}
	var fault *model.APIError
	busy := errors.As(err, &fault) && (fault.Code == "InvalidDBInstanceState" || fault.Code == "InvalidDBClusterStateFault")
	return err != nil && !busy
}

// createReader adds a reader with the settings of the writer, as the operator's edge does.
func createReader(w *model.World, region, cluster, name, class string, tier int, tags map[string]string) error {
	c, err := w.Cluster(region, cluster)
	if err != nil {
		return err
	}
	like, err := w.Instance(region, c.Writer)
	if err != nil {
		return err
	}
	all := map[string]string{scaling.TagOptIn: "*"}
	for key, value := range tags {
		all[key] = value
	}
	_, err = w.CreateInstance(region, model.CreateInstanceRequest{
		Identifier: name, Cluster: cluster, Engine: c.Engine, Class: class, PromotionTier: &tier, ParameterGroup: like.ParameterGroup,
		PerformanceInsights: like.PerformanceInsights, MonitoringInterval: like.MonitoringInterval, CACertificate: like.CACertificate,
		MaintenanceWindow: like.MaintenanceWindow, Tags: all,
	})
	return err
}
