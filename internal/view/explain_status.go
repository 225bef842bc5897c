package view

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// fromStatus names the source of an explanation.
const fromStatus = "the status of the policy"

// ExplainStatus explains the latest decision by what the status of a policy has: the figures at the time of the decision, the best of the
// candidates, and the names of the guards that block it.
func ExplainStatus(p Policy) Explanation {
	e := Explanation{Policy: p.Namespace + "/" + p.Name, Source: fromStatus}
	if d := p.Decision; d != nil {
		e.Time, e.Cause = d.Time, d.Cause
		e.addDecision(&p, d)
	}
	e.Answer = answerOfStatus(&p)
	e.addStatusActions(&p)
	e.Unknown = []string{
		"The samples, every candidate and the message of every guard: add --metrics to decide again from what AWS shows now, with your AWS " +
			"credentials",
		"Decisions of the past: add --ledger with a file that the operator wrote with --ledger-file, and --at for a time",
	}
	return e
}

// addDecision adds the candidates and the guards of the decision in status.
func (e *Explanation) addDecision(p *Policy, d *Decision) {
	for n := range p.Pools {
		pool := &p.Pools[n]
		if !pool.Scaled {
			continue
		}
		explained := PoolExplanation{
			Pool: pool.Name, Shape: pool.Shape, Thresholds: pool.Thresholds, Load: pool.Load, CapacityVCPUs: pool.CapacityVCPUs,
		}
		if d.Pool == pool.Name || d.Pool == "" && isCandidateOf(pool, d.Candidates) {
			explained.Candidates = d.Candidates
		}
		e.Pools = append(e.Pools, explained)
	}
	if d.Desired == "" {
		return
	}
	change := ChangeExplanation{Reason: d.Reason, Message: d.Message, Pool: d.Pool, From: d.From, To: d.Desired, Hash: d.Hash}
	if op := p.Operation; op != nil {
		change.From, change.Path = op.From, op.Path
	}
	change.Guards = guardsOfStatus(p, d)
	e.Changes = []ChangeExplanation{change}
}

// isCandidateOf reports whether candidates, for which status names no pool, are those of a pool: their classes are those of its ladder, and
// more than one instance is only a reader.
func isCandidateOf(pool *Pool, candidates []Candidate) bool {
	return len(candidates) > 0 && !slices.ContainsFunc(candidates, func(c Candidate) bool {
		number, class, found := strings.Cut(c.Shape, " × ")
		count, err := strconv.Atoi(number)
		return !found || err != nil || !slices.Contains(pool.InstanceClasses, class) || count > ptr.Deref(pool.MaxReplicas, 1)
	})
}

// guardsOfStatus lists the guards with what status says: those that block, with the message of the first. All others passed.
func guardsOfStatus(p *Policy, d *Decision) []GuardVerdict {
	blocks := map[string]Block{}
	for _, block := range d.BlockedBy {
		blocks[block.Guard] = block
	}
	if block, impossible := blocks[ledger.OperationImpossible]; impossible {
		first := GuardVerdict{Guard: block.Guard, Verdict: GuardBlocked, Message: block.Message, Remedy: block.Remedy}
		return append([]GuardVerdict{first}, notAsked("there are no steps to check")...)
	}
	var out []GuardVerdict
	for _, name := range guard.Names() {
		v := GuardVerdict{Guard: name, Verdict: GuardPassed}
		if block, blocked := blocks[name]; blocked {
			v.Verdict, v.Message, v.Remedy = GuardBlocked, block.Message, block.Remedy
		} else if p.Operation != nil {
			v.Message = "when the operation started"
		}
		out = append(out, v)
	}
	return out
}

// answerOfStatus states the decision in a sentence.
func answerOfStatus(p *Policy) string {
	d := p.Decision
	switch {
	case p.State == StateNew:
		return "Nothing happens: " + p.Summary
	case p.State == StateStalled:
		return "Nothing changes until a person acts: " + p.Summary
	case p.pause() != nil && p.Operation != nil:
		return "Operation " + p.Operation.ID + " waits: " + p.Summary
	case p.pause() != nil && d != nil:
		return fmt.Sprintf("Nothing changes: %s. Without the pause: %s (%s)", p.Summary, d.Message, d.Reason)
	case d == nil:
		return "Nothing happens, because there is no decision: " + p.Summary
	case p.Operation != nil && len(d.BlockedBy) > 0:
		return fmt.Sprintf("Operation %s waits, because %s blocks its next step: %s", p.Operation.ID, d.BlockedBy[0].Guard,
			d.BlockedBy[0].Message)
	case p.Operation != nil:
		return fmt.Sprintf("Operation %s is in progress: %s. %s", p.Operation.ID, p.Summary, p.Operation.WaitsFor)
	case len(d.BlockedBy) > 0:
		return fmt.Sprintf("Nothing changes, although a change is wanted (%s): %s", d.Reason, d.Message)
	case p.State == StateNotReady:
		return "Nothing changes, because the policy is not in force: " + p.Summary
	case d.Desired != "":
		return fmt.Sprintf("%s: %s. No guard blocks it, so that it starts with the next reconcile", d.Reason, d.Message)
	}
	return fmt.Sprintf("Nothing changes (%s): %s", d.Reason, d.Message)
}

// addStatusActions says what would have to change.
func (e *Explanation) addStatusActions(p *Policy) {
	if p.StatusOutdated {
		e.ToAct = append(e.ToAct, "wait until the operator has evaluated the present spec: the status describes an older one")
	}
	for _, c := range p.Problems {
		switch c.Type {
		case v1alpha1.ConditionScalingLimited, v1alpha1.ConditionCustomEndpoints, v1alpha1.ConditionGlobalDatabase:
			continue // the decision says the first, and the others stop nothing
		case v1alpha1.ConditionPaused:
			if p.pause() != nil {
				continue // the answer says it
			}
		}
		e.ToAct = append(e.ToAct, fmt.Sprintf("condition %s, %s: %s", c.Type, c.Reason, oneLine(c.Message)))
	}
	d := p.Decision
	if d == nil {
		return
	}
	for _, block := range d.BlockedBy {
		e.ToAct = append(e.ToAct, fmt.Sprintf("%s: %s", block.Guard, block.Remedy))
	}
	if len(d.BlockedBy) > 0 || d.Desired != "" || p.Operation != nil {
		return
	}
	for n := range p.Pools {
		if pool := &p.Pools[n]; pool.Scaled {
			actions := describeHold(scaling.Pool(pool.Name), scaling.Reason(d.Reason), pool.Thresholds, pool.Load, pool.CapacityVCPUs)
			e.ToAct = append(e.ToAct, actions...)
		}
	}
}
