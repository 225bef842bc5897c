// Package ledger goes the whole way from what is known to what is to be done, and keeps account of it: the inputs, what was
// decided, how it would be carried out, what each guard said. An entry can be replayed: the same inputs give the same bytes.
package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/operation"
)

// Format is the version of what an entry looks like. It changes whenever the same inputs may give other bytes.
const Format = 3

// OperationImpossible stands in the place of a guard where there is no safe way to a shape.
const OperationImpossible = "OperationImpossible"

// Inputs is everything that a decision depends on.
type Inputs struct {
	Policy      scaling.Policy
	Observation scaling.Observation
	Now         time.Time
}

// Entry is one decision with what led to it and what came of it.
type Entry struct {
	// Format of the entry; see the constant.
	Format   int
	Inputs   Inputs
	Decision scaling.Decision
	// Evaluations are what became of each proposal, in their order. Those after the first that passes were not tried.
	Evaluations []Evaluation
	// RequeueAfter is when to decide again.
	RequeueAfter time.Duration
}

// Evaluation is how a proposal would be carried out, and what the guards say.
type Evaluation struct {
	// Hash names the change, for an approval.
	Hash string
	// Operation is how it would be carried out; without steps when there is no way.
	Operation scaling.Operation
	// Vetoes hold it back, the one to show first; none when it may be carried out.
	Vetoes []guard.Veto
	// PassedGuards lists the guards that had nothing against it.
	PassedGuards []string
}

// Decide decides, plans and asks the guards. It looks at one proposal after the other until one may be carried out.
func Decide(in Inputs) Entry {
	e := Entry{Format: Format, Inputs: in, Decision: decide.Evaluate(in.Policy, in.Observation, in.Now)}
	e.RequeueAfter = e.Decision.RequeueAfter
	for _, proposal := range e.Decision.Proposals {
		trial := evaluateProposal(in, e.Decision.Pools, proposal)
		e.Evaluations = append(e.Evaluations, trial)
		if len(trial.Vetoes) == 0 {
			break
		}
		if wait := trial.Vetoes[0].RetryAfter; wait > 0 {
			e.RequeueAfter = min(e.RequeueAfter, max(wait, time.Second))
		}
	}
	return e
}

// ApprovedProposal is the proposal that may be carried out and how, and false when there is none.
func (e Entry) ApprovedProposal() (scaling.Proposal, scaling.Operation, bool) {
	last := len(e.Evaluations) - 1
	if last < 0 || len(e.Evaluations[last].Vetoes) > 0 {
		return scaling.Proposal{}, scaling.Operation{}, false
	}
	return e.Decision.Proposals[last], e.Evaluations[last].Operation, true
}

// evaluateProposal plans how a proposal would be carried out and asks the guards.
func evaluateProposal(in Inputs, pools []scaling.PoolAssessment, proposal scaling.Proposal) Evaluation {
	trial := Evaluation{Hash: proposal.Hash(in.Policy.Target, in.Observation.ChangedAt(proposal.Pool))}
	op, err := operation.Plan(in.Policy, in.Observation, proposal, operationID(in, proposal), in.Now)
	if err != nil {
		trial.Vetoes = []guard.Veto{{Guard: OperationImpossible, Message: err.Error()}}
		return trial
	}
	trial.Operation = op
	trial.Vetoes = guard.Check(guard.Input{
		Policy: in.Policy, Observation: in.Observation, Pools: pools, Proposal: proposal, Operation: op, Now: in.Now,
	})
	vetoed := map[string]bool{}
	for _, v := range trial.Vetoes {
		vetoed[v.Guard] = true
	}
	for _, name := range guard.Names() {
		if !vetoed[name] {
			trial.PassedGuards = append(trial.PassedGuards, name)
		}
	}
	return trial
}

// operationID names an operation by what it is, so that the same decision made twice has the same name.
func operationID(in Inputs, proposal scaling.Proposal) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d|%s|%s", in.Policy.Name, in.Policy.Target, in.Now.Unix(), proposal.Pool, proposal.To))
	return hex.EncodeToString(sum[:4])
}

// Record writes the entry of a decision as one line of JSON, which Replay reads. It decides from what the line says, so that
// nothing that the line does not hold can have had a part in it. The error says what of the inputs cannot be written.
func Record(in Inputs) ([]byte, error) {
	line, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("writing the inputs of a decision: %w", err)
	}
	var read Inputs
	if err := json.Unmarshal(line, &read); err != nil {
		return nil, fmt.Errorf("reading the inputs of a decision back: %w", err)
	}
	return json.Marshal(Decide(read))
}

// Replay decides again from the inputs of a recorded entry and writes the new entry. The same version of dbscaler gives the
// same bytes. The error says what is wrong with the line.
func Replay(line []byte) ([]byte, error) {
	var e struct {
		Format int
		Inputs Inputs
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return nil, fmt.Errorf("this is no entry of a ledger: %w", err)
	}
	if e.Format != Format {
		return nil, fmt.Errorf("the entry has format %d, and this version of dbscaler writes %d", e.Format, Format)
	}
	return Record(e.Inputs)
}
