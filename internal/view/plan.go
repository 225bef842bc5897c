package view

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// Plan says what the operator would do: what it wants by itself, or what an override to a shape would lead to.
type Plan struct {
	// Policy is the namespace/name.
	Policy string    `json:"policy"`
	Time   time.Time `json:"time"`
	// Source says what the plan is made from: the status of the policy, or AWS as it was read just now.
	Source string `json:"source"`
	// Requested are the shapes that were asked about, such as "readers 3 × db.r6g.xlarge"; empty for what the operator wants by itself.
	Requested []string `json:"requested,omitempty"`
	// Answer is the plan in a sentence.
	Answer string `json:"answer"`
	// WouldChange says that there are steps: of an operation in progress, or of a change that would start now or once no guard blocks it.
	WouldChange bool `json:"wouldChange"`
	// Changes are carried out one after the other, in this order.
	Changes []PlannedChange `json:"changes,omitempty"`
	// Notes say what else to know about the plan.
	Notes []string `json:"notes,omitempty"`
	// Unknown says what this source cannot tell, and where it is.
	Unknown []string `json:"unknown,omitempty"`
}

// The verdicts on a planned change.
const (
	// ChangeInProgress: an operation carries it out now.
	ChangeInProgress = "InProgress"
	// ChangeStarts: no guard blocks it, so that it starts with the next reconcile, or when the change before has ended.
	ChangeStarts = "Starts"
	// ChangeBlocked: a guard blocks it now.
	ChangeBlocked = "Blocked"
	// ChangeUnknown: no guard is known to block it, and the source cannot tell what some of them say.
	ChangeUnknown = "Unknown"
	// ChangeImpossible: no safe sequence of steps leads there, or the operator would not apply the override.
	ChangeImpossible = "Impossible"
)

// PlannedChange is a change of a pool.
type PlannedChange struct {
	// Verdict is InProgress, Starts, Blocked, Unknown or Impossible, and Message says why if it is Blocked or Impossible.
	Verdict string `json:"verdict"`
	Message string `json:"message,omitempty"`
	Reason  string `json:"reason"`
	// Cause has the figures that led to the change.
	Cause string `json:"cause,omitempty"`
	Pool  string `json:"pool"`
	From  string `json:"from"`
	To    string `json:"to"`
	// Operation is the ID of the operation in progress.
	Operation string `json:"operation,omitempty"`
	// Steps are those that are left, in order.
	Steps []PlannedStep `json:"steps,omitempty"`
	// MinSeconds is how long the steps take together when everything goes quickly, and MaxSeconds how long they usually take at most. Waits
	// for a window, or until the database is idle, are not part of it.
	MinSeconds int64 `json:"minSeconds"`
	MaxSeconds int64 `json:"maxSeconds"`
	// LastSeconds is how long the last successful operation of this kind took; absent when status has none.
	LastSeconds *int64 `json:"lastSeconds,omitempty"`
	// Interruptions are what clients notice.
	Interruptions []Interruption `json:"interruptions,omitempty"`
	Cost          PlannedCost    `json:"cost"`
	// Guards are all guards in the order in which they are asked; absent for an operation in progress.
	Guards []GuardVerdict `json:"guards,omitempty"`
	// Hash is what an approval names.
	Hash string `json:"hash,omitempty"`
}

// PlannedStep is one call to AWS.
type PlannedStep struct {
	// Action is the call, such as CreateReader, and Text says it in words.
	Action        string `json:"action"`
	Text          string `json:"text"`
	Instance      string `json:"instance"`
	InstanceClass string `json:"instanceClass,omitempty"`
	// InProgress says that the step has started.
	InProgress bool  `json:"inProgress,omitempty"`
	MinSeconds int64 `json:"minSeconds"`
	MaxSeconds int64 `json:"maxSeconds"`
}

// The kinds of interruption.
const (
	InterruptionRestart     = "Restart"
	InterruptionFailover    = "Failover"
	InterruptionRemoval     = "Removal"
	InterruptionSuspendedIO = "SuspendedIO"
)

// Interruption is something that clients notice.
type Interruption struct {
	// Step is the number of the step, from 1.
	Step int `json:"step"`
	// Kind is Restart, Failover, Removal or SuspendedIO.
	Kind string `json:"kind"`
	// Instances are those that restart, change their roles or are removed.
	Instances []string `json:"instances,omitempty"`
	Text      string   `json:"text"`
}

// PlannedCost is the price of all instances in US dollars per hour: absent while a price is not known.
type PlannedCost struct {
	BeforeUSD *float64 `json:"beforeUSD,omitempty"`
	// HighestUSD is that during the operation, with its surge reader.
	HighestUSD *float64 `json:"highestUSD,omitempty"`
	AfterUSD   *float64 `json:"afterUSD,omitempty"`
	// UnpricedClasses are the classes whose prices are not known.
	UnpricedClasses []string `json:"unpricedClasses,omitempty"`
}

// PlanInput is everything that a plan is made of.
type PlanInput struct {
	Input
	// Readers and Writer are the shapes to plan for; nil for none. Without either, the plan is what the operator wants by itself.
	Readers, Writer *scaling.Shape
	// Live is the policy and the database as they were read from AWS, with what the status remembers; nil when they were not read, so that
	// the plan is made from the status.
	Live *ledger.Inputs
}

// ErrCannotPlan says that the status of a policy lacks what a plan is made of.
var ErrCannotPlan = errors.New("no plan can be made")

// plannedIDs take the place of the IDs of the operations that have not started: an ID depends on the time of the start.
var plannedIDs = []string{"xxxxxxxx", "yyyyyyyy"}

// planner makes a plan.
type planner struct {
	PlanInput
	policy      scaling.Policy
	observation scaling.Observation
	operation   *scaling.Operation
	// pools are the loads; nil without samples.
	pools []scaling.PoolAssessment
	view  Policy
	plan  Plan
	// planned is the number of operations that were planned.
	planned int
}

// NewPlan makes the plan for a policy. The error wraps ErrCannotPlan.
func NewPlan(in PlanInput) (Plan, error) {
	b := builder{Input: in.Input, status: &in.Object.Status}
	x := planner{PlanInput: in, view: NewPolicy(in.Input), operation: convert.Operation(in.Object.Status.Operation)}
	x.plan = Plan{Policy: in.Object.Namespace + "/" + in.Object.Name, Time: in.Now.UTC(), Source: fromStatus}
	var err error
	if x.policy, err = convert.Policy(in.Object); err != nil {
		return x.plan, fmt.Errorf("%w: the policy is invalid: %w", ErrCannotPlan, err)
	}
	if in.Live != nil {
		x.policy, x.observation, x.plan.Source = in.Live.Policy, in.Live.Observation, "AWS and the status, read now with your credentials"
		x.pools = decide.Evaluate(x.policy, x.observation, in.Now).Pools
	} else {
		x.observation = convert.StatusObservation(in.Object, in.Now)
		b.policy, b.observation = x.policy, x.observation
		x.observation.Prices = b.prices()
		x.observation.DeclarationsUnknown = "they are not in the status"
	}
	if !x.observation.Found {
		return x.plan, fmt.Errorf("%w: the status has no instances of the database: %s", ErrCannotPlan, x.view.Summary)
	}
	if in.Readers != nil || in.Writer != nil {
		err = x.planRequested()
	} else {
		x.planWanted()
	}
	x.finish()
	return x.plan, err
}

// planRequested plans an override to the requested shapes.
func (x *planner) planRequested() error {
	if x.Readers != nil {
		x.plan.Requested = append(x.plan.Requested, "readers "+x.Readers.String())
	}
	if x.Writer != nil {
		x.plan.Requested = append(x.plan.Requested, "writer "+x.Writer.InstanceClass)
	}
	const overrideLength = time.Hour // the plan does not depend on it
	x.policy.ManualControl.Override = &scaling.ManualOverride{Readers: x.Readers, Writer: x.Writer, ExpiresAt: x.Now.Add(overrideLength)}
	checked := x.Live != nil && x.operation == nil
	x.addOperation()
	overrides, err := decide.PlanOverride(x.policy, x.observation, x.Now)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCannotPlan, err)
	}
	holds := map[scaling.Pool]string{}
	if checked {
		for _, a := range decide.Evaluate(x.policy, x.observation, x.Now).Pools {
			holds[a.Load.Pool] = a.Hold.Message
		}
	}
	for _, proposal := range overrides.Proposals {
		if isUnchecked := slices.Contains(overrides.Unchecked, proposal.Pool); isUnchecked && holds[proposal.Pool] != "" {
			x.addImpossible(proposal, holds[proposal.Pool])
			continue
		} else if isUnchecked && !checked {
			x.plan.Unknown = append(x.plan.Unknown, fmt.Sprintf("Whether %s carries the present load of the %s and fits the memory and the "+
				"connections in use: the operator applies a smaller shape only then", proposal.To, poolNoun(string(proposal.Pool))))
		}
		proposal.Message, proposal.Cause = "", ""
		x.addProposal(proposal)
	}
	x.noteLimits()
	return nil
}

// noteLimits says which requested shapes the policy does not allow without an override that exceeds its limits.
func (x *planner) noteLimits() {
	for pool, shape := range map[scaling.Pool]*scaling.Shape{scaling.Readers: x.Readers, scaling.Writer: x.Writer} {
		if shape != nil && !x.policy.Allows(pool, *shape) {
			x.plan.Notes = append(x.plan.Notes, fmt.Sprintf("%s %s is outside the limits of the policy: override needs --exceed-limits",
				capitalize(poolNoun(string(pool))), shape))
		}
	}
	slices.Sort(x.plan.Notes)
	if len(x.plan.Changes) > 1 {
		x.plan.Notes = append(x.plan.Notes, "One change is carried out at a time: each is planned on the database as the one before leaves it")
	}
}

// planWanted plans what the operator wants by itself.
func (x *planner) planWanted() {
	if x.Live != nil {
		x.planDecision()
		return
	}
	x.addOperation()
	d := x.view.Decision
	if x.operation != nil || d == nil || d.Desired == "" {
		return
	}
	status := x.Object.Status.Decision
	proposal := scaling.Proposal{Reason: scaling.Reason(d.Reason), Cause: d.Cause, Emergency: d.Emergency}
	proposal.Pool = scaling.Pool(status.Pool)
	proposal.From, proposal.To = x.observation.Shape(proposal.Pool), statusShape(status.Desired)
	if proposal.Pool == scaling.MinCapacity {
		proposal.From = scaling.Shape{InstanceClass: catalog.ServerlessClassName(x.observation.MinCapacity), Count: 1}
	}
	proposal.Direction = x.direction(proposal.Pool, proposal.From, proposal.To)
	change := x.newChange(proposal)
	change.Hash, change.Guards = d.Hash, guardsOfStatus(&x.view, d)
	switch proposal.Reason {
	case scaling.ReasonLeftoverSurgeReader, scaling.ReasonFailedReader:
		x.plan.Unknown = append(x.plan.Unknown, "Which reader is removed: the status does not mark surge readers and those that never served")
	default:
		op, err := operation.Plan(x.policy, x.observation, proposal, plannedIDs[0], x.Now)
		if err == nil {
			x.addSteps(&change, x.observation, op.Steps)
		} else if len(d.BlockedBy) == 0 {
			x.plan.Unknown = append(x.plan.Unknown, "The steps: "+err.Error())
		}
	}
	change.Verdict = ChangeStarts
	if len(d.BlockedBy) > 0 {
		change.Verdict, change.Message = ChangeBlocked, d.BlockedBy[0].Guard+": "+d.BlockedBy[0].Message
	}
	x.plan.Changes = append(x.plan.Changes, change)
}

// planDecision plans what the operator decides from what AWS shows now.
func (x *planner) planDecision() {
	in := ledger.Inputs{Policy: x.policy, Observation: x.observation, Operation: x.operation, Now: x.Now}
	entry := ledger.Decide(in)
	x.addOperation()
	for n, evaluation := range entry.Evaluations {
		proposal := entry.Decision.Proposals[n]
		change := x.newChange(proposal)
		change.Hash, change.Guards = evaluation.Hash, guardVerdicts(evaluation, in.Operation != nil)
		steps := evaluation.Operation.Steps
		o := in.Observation
		if x.operation != nil { // it gets more readers
			steps = slices.DeleteFunc(slices.Clone(steps), x.isOperationStep)
			o = x.observation
		} else {
			steps = renameReaders(steps, evaluation.Operation.ID)
		}
		x.addSteps(&change, o, steps)
		x.judge(&change)
		x.plan.Changes = append(x.plan.Changes, change)
	}
	if len(entry.Evaluations) == 0 && in.Operation == nil {
		x.plan.Answer = fmt.Sprintf("Nothing would change (%s): %s", entry.Decision.Hold.Reason, entry.Decision.Hold.Message)
	}
}

// isOperationStep reports whether a step is one of the operation in progress.
func (x *planner) isOperationStep(s scaling.Step) bool {
	return slices.ContainsFunc(x.operation.Steps, func(old scaling.Step) bool {
		return old.Action == s.Action && old.Instance == s.Instance
	})
}

// renameReaders replaces the ID of an operation that has not started in the names of its readers.
func renameReaders(steps []scaling.Step, id string) []scaling.Step {
	out := slices.Clone(steps)
	for n := range out {
		out[n].Instance = strings.Replace(out[n].Instance, scaling.ReaderNameInfix+id, scaling.ReaderNameInfix+plannedIDs[0], 1)
	}
	return out
}

// addOperation adds the operation in progress, and moves the observation to its end.
func (x *planner) addOperation() {
	op := x.operation
	if op == nil {
		return
	}
	change := x.newChange(scaling.Proposal{
		Reason: ChangeInProgress, Cause: op.Cause, Change: scaling.Change{Pool: op.Pool, From: op.From, To: op.To},
	})
	change.Verdict, change.Operation = ChangeInProgress, op.ID
	if d := x.view.Decision; d != nil {
		change.Message = d.Message
	}
	x.addSteps(&change, x.observation, op.Steps)
	for _, s := range op.Steps {
		if s.CompletedAt.IsZero() {
			x.observation.Instances = operation.InstancesAfter(x.observation.Instances, s)
		}
	}
	x.plan.Changes = append(x.plan.Changes, change)
}

// addProposal plans a proposal, asks the guards, and moves the observation to its end unless a guard blocks it.
func (x *planner) addProposal(proposal scaling.Proposal) {
	op, err := operation.Plan(x.policy, x.observation, proposal, plannedIDs[x.planned], x.Now)
	if err != nil {
		x.addImpossible(proposal, err.Error())
		return
	}
	x.planned++
	change := x.newChange(proposal)
	vetoes := guard.Check(guard.Input{
		Policy: x.policy, Observation: x.observation, Pools: x.pools, Proposal: proposal, Operation: op, Now: x.Now,
	})
	x.addSteps(&change, x.observation, op.Steps)
	change.Guards = guardVerdicts(ledger.Evaluation{Vetoes: vetoes}, false)
	if x.Live == nil {
		known := statusKnowledge{
			policy: &x.policy, observation: &x.observation, view: &x.view, proposal: &proposal, operation: &op,
			isPriced: change.Cost.AfterUSD != nil,
		}
		for n := range change.Guards {
			known.qualify(&change.Guards[n])
		}
	}
	x.judge(&change)
	if change.Verdict != ChangeBlocked {
		for _, s := range op.Steps {
			x.observation.Instances = operation.InstancesAfter(x.observation.Instances, s)
		}
	}
	x.plan.Changes = append(x.plan.Changes, change)
}

func (x *planner) addImpossible(proposal scaling.Proposal, why string) {
	change := x.newChange(proposal)
	change.Verdict, change.Message, change.Cause = ChangeImpossible, why, ""
	x.plan.Changes = append(x.plan.Changes, change)
}

func (x *planner) newChange(proposal scaling.Proposal) PlannedChange {
	return PlannedChange{
		Reason: string(proposal.Reason), Cause: proposal.Cause, Pool: string(proposal.Pool), From: proposal.From.String(),
		To: proposal.To.String(),
	}
}

// judge sets the verdict of a change by those of its guards. The slots of the fleet are not known to anybody but the operator.
func (x *planner) judge(change *PlannedChange) {
	change.Verdict = ChangeStarts
	if len(change.Steps) == 0 {
		change.Verdict = ChangeImpossible
	}
	for n := range change.Guards {
		g := &change.Guards[n]
		isDisruptive := slices.ContainsFunc(change.Interruptions, func(i Interruption) bool {
			return i.Kind == InterruptionRestart || i.Kind == InterruptionFailover
		})
		if g.Guard == guard.FleetSlot && g.Verdict == GuardPassed && isDisruptive {
			g.Verdict, g.Message = GuardUnknown, "the operations of other policies, and --max-disruptive-operations of the operator"
		}
		switch {
		case g.Verdict == GuardBlocked && change.Message == "":
			change.Message = g.Guard + ": " + g.Message
			if change.Verdict != ChangeImpossible {
				change.Verdict = ChangeBlocked
			}
		case g.Verdict == GuardUnknown && change.Verdict == ChangeStarts && g.Guard != guard.FleetSlot:
			change.Verdict = ChangeUnknown
		}
	}
}

// finish states the plan in a sentence, and what this source cannot tell.
func (x *planner) finish() {
	for n := range x.plan.Changes {
		x.plan.WouldChange = x.plan.WouldChange || len(x.plan.Changes[n].Steps) > 0 || x.plan.Changes[n].Verdict == ChangeStarts
	}
	if x.plan.Answer == "" {
		x.plan.Answer = x.answer()
	}
	if x.view.Deleting {
		x.plan.Notes = append(x.plan.Notes, "The policy is being deleted: the operator only ends the operation and removes its surge reader")
	}
	if x.view.StatusOutdated && x.Live == nil {
		x.plan.Unknown = append(x.plan.Unknown, "What the present spec changes: the status describes an older version of it. Wait for the "+
			"next reconcile")
	}
	if x.Live == nil {
		if len(x.plan.Requested) > 0 {
			x.plan.Unknown = append(x.plan.Unknown, "What AWS knows and the status does not, such as parameter groups, pending changes and what "+
				"can be ordered: add --metrics to plan from AWS, with your AWS credentials")
		} else {
			x.plan.Unknown = append(x.plan.Unknown, "What changed since the decision: add --metrics to decide again from AWS, with your AWS "+
				"credentials")
		}
	}
	if slices.ContainsFunc(x.plan.Changes, func(c PlannedChange) bool {
		return slices.ContainsFunc(c.Steps, func(s PlannedStep) bool { return s.Action == string(scaling.CreateReader) && !s.InProgress })
	}) {
		x.plan.Unknown = append(x.plan.Unknown, "The quotas of the AWS account: AWS answers to the request itself")
	}
}
