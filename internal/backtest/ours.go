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

// afterEnd is how soon the operator looks again when an operation has ended: the next decision may be due.
const afterEnd = time.Second

// Look is what the operator made of one look at the database.
type Look struct {
	At time.Time
	// Reason is the decision's, or empty while an operation is under way. HeldBackBy is the first guard that held it back.
	Reason     scaling.Reason
	HeldBackBy string
	// Operation is the one under way at the end of the look, with Step the index of the step that it is at and Attempts how often
	// AWS was asked for that.
	Operation      string
	Step, Attempts int
	// Ended says that an operation ended in this look.
	Ended bool
}

// String writes a look so that two can be compared.
func (l Look) String() string {
	return fmt.Sprintf("%s %s %s %s %d/%d %t", l.At.UTC().Format(time.RFC3339), l.Reason, l.HeldBackBy, l.Operation, l.Step, l.Attempts,
		l.Ended)
}

// operator decides as the operator does, from what it sees and what it remembers.
type operator struct {
	policy          scaling.Policy
	world           *model.World
	edge            *edge
	writer, readers state.PoolState
	// writerShapes and readersShapes are there to be used again: no observation outlives a look.
	writerShapes, readersShapes []scaling.CapacityPeriod

	history scaling.History
	under   *scaling.Operation
	// tell is told of what happens.
	tell func(Event)
	// held is what was last held back and by which guard.
	held string
}

func newOperator(w *model.World, s Setup, tell func(Event)) *operator {
	return &operator{policy: s.Policy, world: w, edge: newEdge(w, s), tell: tell}
}

// look is one reconcile: it observes, decides, and asks AWS for at most one change. It says when to look again.
func (r *operator) look(at time.Time) (Look, time.Duration) {
	now := at.Truncate(time.Second)
	out := Look{At: now}
	var notBefore time.Time
	if r.under != nil {
		notBefore = now.Add(-operation.PollInterval)
	}
	o := r.edge.observe(now, notBefore)
	r.recall(&o)
	before := r.under
	if before == nil {
		r.measureEffect(&o, now)
		if requeue, begun := r.decide(&out, o, now); !begun {
			return out, requeue
		}
	}
	return r.operate(out, o, before, now)
}

// recall adds what AWS cannot tell.
func (r *operator) recall(o *scaling.Observation) {
	r.writer, r.readers = r.writer.Update(*o, scaling.Writer), r.readers.Update(*o, scaling.Readers)
	o.WriterChangedAt, o.ReadersChangedAt = r.writer.ChangedAt, r.readers.ChangedAt
	r.writerShapes, r.readersShapes = r.writer.FullCapacityHistory(r.writerShapes, *o), r.readers.FullCapacityHistory(r.readersShapes, *o)
	o.WriterCapacityHistory, o.ReadersCapacityHistory = r.writerShapes, r.readersShapes
	o.History = r.history
}

// measureEffect notes the utilization that the newest operations led to.
func (r *operator) measureEffect(o *scaling.Observation, now time.Time) {
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
func (r *operator) decide(out *Look, o scaling.Observation, now time.Time) (time.Duration, bool) {
	entry := ledger.Decide(ledger.Inputs{Policy: r.policy, Observation: o, Now: now})
	proposal, op, approved := entry.ApprovedProposal()
	switch {
	case approved:
		r.under = &op
		r.tell(Event{At: now, Kind: kindOf(op), Text: fmt.Sprintf("%s: %s → %s. %s", op.Pool, op.From, op.To, proposal.Cause)})
		return 0, true
	case len(entry.Evaluations) > 0:
		first := entry.Decision.Proposals[0]
		out.Reason, out.HeldBackBy = first.Reason, entry.Evaluations[0].Vetoes[0].Guard
		if held := string(out.Reason) + out.HeldBackBy + first.To.String(); held != r.held {
			r.held = held
			r.tell(Event{At: now, Kind: HeldBack, Text: fmt.Sprintf("%s. Held back by %s: %s", first.Message, out.HeldBackBy,
				entry.Evaluations[0].Vetoes[0].Message)})
		}
	default:
		out.Reason, r.held = entry.Decision.Hold.Reason, ""
	}
	return entry.RequeueAfter, false
}

func kindOf(op scaling.Operation) EventKind {
	if op.Direction == scaling.Up {
		return Grew
	}
	return Shrank
}

// operate brings the operation one step further. It was persisted as it was before, which is nothing when it has just begun.
func (r *operator) operate(out Look, o scaling.Observation, before *scaling.Operation, now time.Time) (Look, time.Duration) {
	progress := operation.Next(r.policy.Name, *r.under, o, now)
	r.under = &progress.Operation
	if progress.Outcome != operation.Running {
		return r.end(out, progress.Outcome == operation.Succeeded, now)
	}
	if progress.Call != nil {
		if operation.Superseded(r.policy, progress.Operation, now) != "" {
			return r.end(out, false, now)
		}
		if veto := guard.CheckStep(r.policy, o, progress.Operation, *progress.Call, now); veto != nil {
			out.HeldBackBy, r.under = veto.Guard, before // what was not persisted did not happen
			return r.at(out), progress.RequeueAfter
		}
		if refused := r.execute(*progress.Call); refused {
			return r.end(out, false, now)
		}
	}
	return r.at(out), progress.RequeueAfter
}

// at notes where the operation under way stands.
func (r *operator) at(out Look) Look {
	if r.under == nil {
		return out
	}
	out.Operation, out.Step = r.under.ID, r.under.CurrentStep()
	if out.Step < len(r.under.Steps) {
		out.Attempts = r.under.Steps[out.Step].Attempts
	}
	return out
}

// end closes the operation and remembers it.
func (r *operator) end(out Look, succeeded bool, now time.Time) (Look, time.Duration) {
	all := slices.Insert(slices.Clone(r.history), 0, state.NewOperationRecord(*r.under, succeeded, now))
	r.history = nil
	for _, n := range state.RetainedRecords(all, now) {
		r.history = append(r.history, all[n])
	}
	r.under, out.Ended = nil, true
	return out, afterEnd
}

// execute asks the model for one change, and says whether it was refused for good. What is busy is asked again later.
func (r *operator) execute(call scaling.Call) (refused bool) {
	r.edge.changed = true
	region, id := r.policy.Target.Scope.Region, r.policy.Target.Identifier
	var err error
	switch call.Action {
	case scaling.ModifyInstanceClass:
		_, err = r.world.ModifyInstance(region, call.Instance, model.ModifyInstanceRequest{Class: &call.InstanceClass, ApplyImmediately: true})
	case scaling.ModifyPromotionTier:
		_, err = r.world.ModifyInstance(region, call.Instance, model.ModifyInstanceRequest{PromotionTier: &call.PromotionTier, ApplyImmediately: true})
	case scaling.CreateReader:
		err = create(r.world, region, id, call.Instance, call.InstanceClass, call.PromotionTier, call.Tags)
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

// create adds a reader with the settings of the writer, as the operator's edge does.
func create(w *model.World, region, cluster, name, class string, tier int, tags map[string]string) error {
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
