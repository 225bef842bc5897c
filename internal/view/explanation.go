package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// Explanation says why a decision was made, why the alternatives were not, and what would have to change for the operator to act.
type Explanation struct {
	// Policy is the namespace/name.
	Policy string `json:"policy"`
	// Source says where the explanation comes from: the status of the policy, a line of a ledger, or AWS as it was read just now.
	Source string `json:"source"`
	// Time is when the decision was made; the zero time when there is none.
	Time time.Time `json:"time,omitzero"`
	// Answer is the decision in a sentence, and Cause has its figures.
	Answer string `json:"answer"`
	Cause  string `json:"cause,omitempty"`
	// Pools are the demand and the candidates of each pool that the policy scales.
	Pools []PoolExplanation `json:"pools,omitempty"`
	// Changes are the proposed changes with the verdict of each guard, the most urgent first. Only the first one that no guard blocks is
	// carried out.
	Changes []ChangeExplanation `json:"changes,omitempty"`
	// ToAct says what would have to change for the operator to act, or to act otherwise.
	ToAct []string `json:"toAct,omitempty"`
	// Unknown says what this source cannot tell, and where it is.
	Unknown []string `json:"unknown,omitempty"`
}

// PoolExplanation is what was measured and considered for a pool.
type PoolExplanation struct {
	Pool  string `json:"pool"`
	Shape string `json:"shape,omitempty"`
	// Hold is why the pool stays as it is, or empty.
	Hold string `json:"hold,omitempty"`
	// Thresholds, Load and CapacityVCPUs are what the load is compared with.
	Thresholds    *Thresholds `json:"thresholds,omitempty"`
	Load          *Load       `json:"load,omitempty"`
	CapacityVCPUs *float64    `json:"capacityVCPUs,omitempty"`
	// Demand is the demand of each minute, oldest first, from the samples that the decision used.
	Demand []MinuteDemand `json:"demand,omitempty"`
	// Candidates are the shapes that were considered.
	Candidates []Candidate `json:"candidates,omitempty"`
}

// MinuteDemand is the demand of a pool in one minute, in vCPUs; absent when a sample is missing or may not be used.
type MinuteDemand struct {
	Time  time.Time `json:"time"`
	VCPUs *float64  `json:"vcpus,omitempty"`
	// Saturated says that an instance was saturated.
	Saturated bool `json:"saturated,omitempty"`
}

// The verdicts of guards.
const (
	GuardPassed   = "Passed"
	GuardBlocked  = "Blocked"
	GuardNotAsked = "NotAsked"
)

// ChangeExplanation is a proposed change and what the guards say.
type ChangeExplanation struct {
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`
	Pool    string `json:"pool"`
	From    string `json:"from,omitempty"`
	To      string `json:"to"`
	// Path says in a few words which steps would lead there; empty when it is not known.
	Path string `json:"path,omitempty"`
	// Hash is what an approval names.
	Hash string `json:"hash,omitempty"`
	// Guards are all guards in the order in which they are asked.
	Guards []GuardVerdict `json:"guards"`
}

// GuardVerdict is what a guard says about a change.
type GuardVerdict struct {
	Guard string `json:"guard"`
	// Verdict is Passed, Blocked or NotAsked.
	Verdict string `json:"verdict"`
	// Message says what is wrong, and Remedy what to do; both are empty unless the guard blocks.
	Message string `json:"message,omitempty"`
	Remedy  string `json:"remedy,omitempty"`
	// RetryAfterSeconds is after which time the guard may pass by itself; zero when only a change of the database or the policy can lift it.
	RetryAfterSeconds int64 `json:"retryAfterSeconds,omitempty"`
}

// explainedWindow is how much of the demand is shown.
const explainedWindow = time.Hour

// ExplainInputs explains the decision that the operator makes from recorded or observed inputs. It decides again, so that the verdict on
// each candidate and of each guard is exact.
func ExplainInputs(in ledger.Inputs, source string) Explanation {
	entry := ledger.Decide(in)
	e := Explanation{Policy: in.Policy.Name, Source: source, Time: in.Now.UTC()}
	for n := range entry.Decision.Pools {
		if a := &entry.Decision.Pools[n]; a.Scaled {
			e.Pools = append(e.Pools, explainPool(&in, a))
		}
	}
	for n, proposal := range entry.Decision.Proposals {
		change := ChangeExplanation{
			Reason: string(proposal.Reason), Message: proposal.Message, Pool: string(proposal.Pool), From: proposal.From.String(),
			To: proposal.To.String(),
		}
		if n < len(entry.Evaluations) {
			evaluation := entry.Evaluations[n]
			change.Hash, change.Path = evaluation.Hash, describePath(evaluation.Operation.Steps)
			change.Guards = guardVerdicts(evaluation, in.Operation != nil)
		} else {
			change.Guards = notAsked("an earlier change is carried out first")
		}
		e.Changes = append(e.Changes, change)
	}
	e.answer(&in, &entry)
	e.addActions(&in, &entry)
	return e
}

func explainPool(in *ledger.Inputs, a *scaling.PoolAssessment) PoolExplanation {
	b := builder{policy: in.Policy, observation: in.Observation, validPolicy: true, Input: Input{Now: in.Now}}
	var limits Pool
	b.addLimits(&limits, a.Load.Pool)
	p := PoolExplanation{
		Pool: string(a.Load.Pool), Shape: in.Observation.Shape(a.Load.Pool).String(), Hold: a.Hold.Message, Thresholds: limits.Thresholds,
		Load: b.viewLoad(&a.Load), CapacityVCPUs: positive(a.Load.UsableCapacity),
	}
	for _, m := range decide.DemandByMinute(in.Policy, in.Observation, a.Load.Pool, in.Now, explainedWindow) {
		minute := MinuteDemand{Time: m.Time, Saturated: m.Known && m.Saturated}
		if m.Known {
			minute.VCPUs = ptr.To(m.VCPUs)
		}
		p.Demand = append(p.Demand, minute)
	}
	for _, c := range a.Candidates {
		if c.Verdict == "" {
			continue
		}
		candidate := Candidate{
			Shape: c.Shape.String(), Verdict: string(c.Verdict), Text: decide.VerdictText(c.Verdict), IO: decide.DescribeIO(c.IO),
			PredictedPercent: positive(c.PredictedUtilization),
		}
		if c.HourlyCost > 0 {
			candidate.HourlyUSD = dollars(c.HourlyCost)
		}
		p.Candidates = append(p.Candidates, candidate)
	}
	sortCandidates(p.Candidates)
	return p
}

// sortCandidates moves the chosen candidate to the front and those in the wrong direction to the end.
func sortCandidates(candidates []Candidate) {
	rank := func(c Candidate) int {
		switch scaling.Verdict(c.Verdict) {
		case scaling.VerdictChosen:
			return 0
		case scaling.VerdictWrongDirection:
			return 2
		default: // it fits, or was rejected
			return 1
		}
	}
	slices.SortStableFunc(candidates, func(a, b Candidate) int { return rank(a) - rank(b) })
}

// guardVerdicts lists the verdict of each guard in the order of the chain.
func guardVerdicts(e ledger.Evaluation, raises bool) []GuardVerdict {
	names := guard.Names()
	if raises {
		names = guard.RaiseNames()
	}
	if len(e.Vetoes) > 0 && e.Vetoes[0].Guard == ledger.OperationImpossible {
		return append([]GuardVerdict{blockedVerdict(e.Vetoes[0])}, notAsked("there are no steps to check")...)
	}
	out := make([]GuardVerdict, len(names))
	for n, name := range names {
		out[n] = GuardVerdict{Guard: name, Verdict: GuardPassed}
		if k := slices.IndexFunc(e.Vetoes, func(v guard.Veto) bool { return v.Guard == name }); k >= 0 {
			out[n] = blockedVerdict(e.Vetoes[k])
		}
	}
	return out
}

func blockedVerdict(v guard.Veto) GuardVerdict {
	return GuardVerdict{
		Guard: v.Guard, Verdict: GuardBlocked, Message: v.Message, Remedy: GuardRemedy(v.Guard), RetryAfterSeconds: seconds(v.RetryAfter),
	}
}

func notAsked(why string) []GuardVerdict {
	names := guard.Names()
	out := make([]GuardVerdict, len(names))
	for n, name := range names {
		out[n] = GuardVerdict{Guard: name, Verdict: GuardNotAsked, Message: why}
	}
	return out
}

// answer states the decision in a sentence.
func (e *Explanation) answer(in *ledger.Inputs, entry *ledger.Entry) {
	proposals := entry.Decision.Proposals
	switch {
	case len(proposals) == 0 && in.Operation != nil && in.Policy.ManualControl.IsPaused(in.Now):
		e.Answer = fmt.Sprintf("Operation %s (%s %s → %s) waits, because all changes are paused; the demand does not require more",
			in.Operation.ID, poolNoun(string(in.Operation.Pool)), in.Operation.From, in.Operation.To)
		e.Cause = in.Operation.Cause
	case len(proposals) == 0 && in.Operation != nil:
		e.Answer = fmt.Sprintf("Operation %s (%s %s → %s) goes on as planned: the demand does not require more", in.Operation.ID,
			poolNoun(string(in.Operation.Pool)), in.Operation.From, in.Operation.To)
		e.Cause = in.Operation.Cause
	case len(proposals) == 0:
		e.Answer = fmt.Sprintf("Nothing changes (%s): %s", entry.Decision.Hold.Reason, entry.Decision.Hold.Message)
	default:
		if approved, _, ok := entry.ApprovedProposal(); ok {
			e.Answer = fmt.Sprintf("%s: %s. No guard blocks it", approved.Reason, approved.Message)
			e.Cause = approved.Cause
			return
		}
		blocking := entry.Evaluations[0].Vetoes[0]
		e.Answer = fmt.Sprintf("Nothing changes, although a change is wanted (%s): %s. %s blocks it: %s", proposals[0].Reason,
			proposals[0].Message, blocking.Guard, blocking.Message)
		e.Cause = proposals[0].Cause
	}
}

// addActions says what would have to change.
func (e *Explanation) addActions(in *ledger.Inputs, entry *ledger.Entry) {
	for _, c := range e.Changes {
		for _, g := range c.Guards {
			if g.Verdict != GuardBlocked {
				continue
			}
			text := fmt.Sprintf("%s %s: %s", poolNoun(c.Pool), c.To, g.Remedy)
			if g.RetryAfterSeconds > 0 {
				text += fmt.Sprintf(" (%s; it may pass by itself in %s)", g.Guard, formatAge(duration(g.RetryAfterSeconds)))
			} else {
				text += " (" + g.Guard + ")"
			}
			e.ToAct = append(e.ToAct, text)
		}
	}
	if _, _, approved := entry.ApprovedProposal(); approved {
		return
	}
	for n := range entry.Decision.Pools {
		a := &entry.Decision.Pools[n]
		if !a.Scaled || a.Hold.Reason == "" {
			continue
		}
		k := slices.IndexFunc(e.Pools, func(p PoolExplanation) bool { return p.Pool == string(a.Load.Pool) })
		e.ToAct = append(e.ToAct, describeHold(a.Load.Pool, a.Hold.Reason, e.Pools[k].Thresholds, e.Pools[k].Load,
			positive(a.Load.UsableCapacity))...)
	}
	if in.Policy.ManualControl.IsPaused(in.Now) && len(e.Changes) == 0 {
		e.ToAct = append(e.ToAct, "any change: "+GuardRemedy("Paused")+" (Paused)")
	}
}

// describeHold says what would have to change for a pool that stays as it is.
func describeHold(pool scaling.Pool, reason scaling.Reason, t *Thresholds, l *Load, capacity *float64) []string {
	noun := poolNoun(string(pool))
	if reason != scaling.ReasonWithinThresholds || t == nil {
		if remedy := holdRemedies[reason]; remedy != "" {
			return []string{noun + ": " + remedy}
		}
		return nil
	}
	up := fmt.Sprintf("%s up: the mean CPU over %s must reach %d%%", noun, formatAge(duration(t.ScaleUpWindowSeconds)), t.ScaleUpPercent)
	down := fmt.Sprintf("%s down: the CPU must stay below %d%% in every minute of %s", noun, t.ScaleDownPercent,
		formatAge(duration(t.ScaleDownWindowSeconds)))
	if l != nil && l.UtilizationPercent != nil && capacity != nil {
		missing := (float64(t.ScaleUpPercent) - *l.UtilizationPercent) / 100 * *capacity
		up += fmt.Sprintf("; it is at %.0f%%, %.1f vCPU short of that", *l.UtilizationPercent, max(0, missing))
	}
	return []string{up, down}
}

// oneLine returns a text in one line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
