// Package ledger makes a complete decision and records it: the inputs, the decision, how each proposal would be carried out and what
// each guard says. An entry can be replayed: the same inputs give the same bytes.
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

// Format is the version of an entry. It changes when the same inputs may give other bytes, and when a field is renamed: an entry is
// the JSON of the structs below, by the names of their fields.
const Format = 8

// OperationImpossible takes the place of a guard name when no safe sequence of steps leads to a shape.
const OperationImpossible = "OperationImpossible"

// Inputs is everything that a decision depends on.
type Inputs struct {
	Policy      scaling.Policy
	Observation scaling.Observation
	// Operation is the operation in progress, or nil. The decision is then whether it has to add more.
	Operation *scaling.Operation `json:",omitempty"`
	Now       time.Time
}

// Entry is one decision with its inputs and results.
type Entry struct {
	// Format is the version of the entry; see the constant.
	Format   int
	Inputs   Inputs
	Decision scaling.Decision
	// Evaluations are the results for each proposal, in the order of the proposals. They end with the first one that is approved.
	Evaluations []Evaluation
	// RequeueAfter is when to decide again.
	RequeueAfter time.Duration
}

// Evaluation is how a proposal would be carried out, and what the guards say.
type Evaluation struct {
	// Hash identifies the change, for an approval.
	Hash string
	// Operation is how the change would be carried out; it has no steps when there is no safe sequence.
	Operation scaling.Operation
	// Vetoes block the proposal, the one to show first; none when it is approved.
	Vetoes []guard.Veto
	// PassedGuards are the names of the guards without a veto.
	PassedGuards []string
}

// Decide evaluates the inputs, then plans and checks one proposal after the other until the guards approve one. While an operation is
// in progress, a proposal extends it.
func Decide(in Inputs) Entry {
	if in.Operation != nil {
		return CheckDecision(&in, decide.EvaluateRaise(in.Policy, in.Observation, *in.Operation, in.Now))
	}
	return CheckDecision(&in, decide.Evaluate(in.Policy, in.Observation, in.Now))
}

// CheckDecision is Decide for inputs that were evaluated before, with this decision.
func CheckDecision(in *Inputs, decision scaling.Decision) Entry {
	e := Entry{Format: Format, Inputs: *in, Decision: decision}
	e.Evaluations, e.RequeueAfter = CheckProposals(in, &decision)
	return e
}

// CheckProposals plans and checks the proposals of a decision on the inputs. It returns what an entry has of it, without a copy of the
// inputs.
func CheckProposals(in *Inputs, d *scaling.Decision) (evaluations []Evaluation, requeueAfter time.Duration) {
	requeueAfter = d.RequeueAfter
	for n := range d.Proposals {
		evaluation := evaluateProposal(*in, d.Pools, d.Proposals[n])
		evaluations = append(evaluations, evaluation)
		if len(evaluation.Vetoes) == 0 {
			break
		}
		if wait := evaluation.Vetoes[0].RetryAfter; wait > 0 {
			requeueAfter = min(requeueAfter, max(wait, time.Second))
		}
	}
	return evaluations, requeueAfter
}

// ApprovedProposal returns the proposal that the guards approved and its operation, and false when there is none.
func (e *Entry) ApprovedProposal() (scaling.Proposal, scaling.Operation, bool) {
	n := ApprovedProposal(e.Evaluations)
	if n < 0 {
		return scaling.Proposal{}, scaling.Operation{}, false
	}
	return e.Decision.Proposals[n], e.Evaluations[n].Operation, true
}

// ApprovedProposal returns the index of the proposal that the guards approved, by the evaluations of all; -1 when there is none.
func ApprovedProposal(evaluations []Evaluation) int {
	last := len(evaluations) - 1
	if last < 0 || len(evaluations[last].Vetoes) > 0 {
		return -1
	}
	return last
}

// evaluateProposal plans the operation of a proposal and runs the guards.
func evaluateProposal(in Inputs, pools []scaling.PoolAssessment, proposal scaling.Proposal) Evaluation {
	evaluation := Evaluation{Hash: proposal.Hash(in.Policy.Target, in.Observation.ChangedAt(proposal.Pool))}
	op, err := planProposal(in, proposal)
	if err != nil {
		evaluation.Vetoes = []guard.Veto{{Guard: OperationImpossible, Message: err.Error()}}
		return evaluation
	}
	if in.Operation == nil {
		op.DecisionHash = evaluation.Hash
	}
	evaluation.Operation = op
	names, check := guard.Names(), guard.Check
	if in.Operation != nil {
		names, check = guard.RaiseNames(), guard.CheckRaise
	}
	evaluation.Vetoes = check(guard.Input{
		Policy: in.Policy, Observation: in.Observation, Pools: pools, Proposal: proposal, Operation: op, Now: in.Now,
	})
	vetoed := map[string]bool{}
	for _, v := range evaluation.Vetoes {
		vetoed[v.Guard] = true
	}
	for _, name := range names {
		if !vetoed[name] {
			evaluation.PassedGuards = append(evaluation.PassedGuards, name)
		}
	}
	return evaluation
}

// planProposal returns the operation that carries out a proposal: the one in progress with more steps, or a new one.
func planProposal(in Inputs, proposal scaling.Proposal) (scaling.Operation, error) {
	if in.Operation != nil {
		return operation.Raise(in.Policy, in.Observation, *in.Operation, proposal)
	}
	return operation.Plan(in.Policy, in.Observation, proposal, operationID(in, proposal), in.Now)
}

// operationID derives the ID of an operation from its content and the time of the decision, so that a replay gives the same ID.
func operationID(in Inputs, proposal scaling.Proposal) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d|%s|%s", in.Policy.Name, in.Policy.Target, in.Now.Unix(), proposal.Pool, proposal.To))
	return hex.EncodeToString(sum[:4])
}

// Record returns the entry of a decision as one line of JSON, which Replay reads. It decides from the recorded inputs, so that nothing
// that is missing in the line can influence the decision. The error says which inputs cannot be encoded.
func Record(in Inputs) ([]byte, error) {
	line, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding the inputs of a decision: %w", err)
	}
	var recorded Inputs
	if err := json.Unmarshal(line, &recorded); err != nil {
		return nil, fmt.Errorf("decoding the encoded inputs of a decision: %w", err)
	}
	return json.Marshal(Decide(recorded))
}

// Replay decides again from the inputs of a recorded entry and returns the new entry. The version of dbscaler that wrote the entry
// returns the same bytes. The error says why the line cannot be replayed.
func Replay(line []byte) ([]byte, error) {
	var header struct{ Format int }
	if err := json.Unmarshal(line, &header); err != nil {
		return nil, fmt.Errorf("the line is not a ledger entry: %w", err)
	}
	if header.Format != Format {
		return nil, fmt.Errorf("the entry has format %d, and this version of dbscaler replays only format %d: replay it with the version "+
			"that wrote it", header.Format, Format)
	}
	var entry struct{ Inputs Inputs }
	if err := json.Unmarshal(line, &entry); err != nil {
		return nil, fmt.Errorf("the inputs of the ledger entry cannot be decoded: %w", err)
	}
	return Record(entry.Inputs)
}
