package view

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// LedgerHeader returns the policy, by its namespace/name, and the time of a record of a ledger, without decoding the rest. The error says
// that the line is no record.
func LedgerHeader(line []byte) (policy string, at time.Time, err error) {
	var h ledgerHeader
	if err := json.Unmarshal(line, &h); err != nil || h.Inputs.Policy.Name == "" {
		return "", time.Time{}, errNoLedgerLine
	}
	return h.Inputs.Policy.Name, h.Inputs.Now, nil
}

var errNoLedgerLine = errors.New("the line is no record of a ledger: write one with --ledger-file of the operator")

// LedgerDay is what the records of a ledger have about one policy.
type LedgerDay struct {
	samples      daySamples
	decisions    []SeenDecision
	first        time.Time
	otherFormats int
}

// NewLedgerDay has no records yet.
func NewLedgerDay() *LedgerDay { return &LedgerDay{samples: newDaySamples()} }

// Decisions are those of the records, oldest first.
func (l *LedgerDay) Decisions() []SeenDecision { return l.decisions }

// AddEntry adds a record. Records must be added in the order of the ledger.
func (l *LedgerDay) AddEntry(entry *ledger.Entry) {
	in := &entry.Inputs
	if entry.Format != ledger.Format {
		l.otherFormats++
		return
	}
	if l.first.IsZero() {
		l.first = in.Now.UTC()
	}
	l.samples.add(in.Policy, in.Observation, in.Now, ledgerDayLength)
	if last := len(l.decisions) - 1; last >= 0 && l.decisions[last].Until.IsZero() {
		l.decisions[last].Until = in.Now.UTC()
	}
	l.decisions = append(l.decisions, SeenDecision{Decision: decisionOfEntry(entry)})
}

// ledgerDayLength is how far back the samples of a record are read.
const ledgerDayLength = 24 * time.Hour

// decisionOfEntry is the decision of a record, as status would have it.
func decisionOfEntry(entry *ledger.Entry) Decision {
	out := Decision{Reason: string(entry.Decision.Hold.Reason), Message: entry.Decision.Hold.Message, Time: entry.Inputs.Now.UTC()}
	proposals := entry.Decision.Proposals
	if len(proposals) == 0 {
		return out
	}
	chosen := proposals[0]
	if approved, _, ok := entry.ApprovedProposal(); ok {
		chosen = approved
	} else {
		for _, v := range entry.Evaluations[0].Vetoes {
			out.BlockedBy = append(out.BlockedBy, Block{Guard: v.Guard, Message: v.Message, Remedy: GuardRemedy(v.Guard)})
		}
	}
	out.Reason, out.Message, out.Cause, out.Emergency = string(chosen.Reason), chosen.Message, chosen.Cause, chosen.Emergency
	out.Pool, out.From, out.Desired = string(chosen.Pool), chosen.From.String(), chosen.To.String()
	return out
}

// unknown says what the ledger does not have.
func (l *LedgerDay) unknown(from time.Time) []string {
	var out []string
	switch {
	case l.first.IsZero():
		out = append(out, "Decisions of the past: the ledger has no record of this policy in this time. A ledger has the decisions that differ "+
			"from the one before")
	case l.first.After(from):
		out = append(out, fmt.Sprintf("Decisions before %s: the ledger has none", l.first.Format(time.RFC3339)))
	}
	if l.otherFormats > 0 {
		out = append(out, fmt.Sprintf("%s of the ledger: another version of dbscaler wrote them, in another format than %d",
			counted(l.otherFormats, "record"), ledger.Format))
	}
	return out
}
