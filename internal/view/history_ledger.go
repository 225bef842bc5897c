package view

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// LedgerHistory is what a ledger has about the operations of a policy.
type LedgerHistory struct {
	operations []PastOperation
	prices     map[string]scaling.Money
	// minutes says of each minute whose samples are known whether an instance of a pool was saturated.
	minutes map[time.Time]bool
	// first and last are the times of the first and the last record, records is their number, and otherFormats that of the records that this
	// version cannot read.
	first, last           time.Time
	records, otherFormats int
}

// ReadLedgerHistory reads the operations of a policy, by its namespace/name, from a ledger. name is that of the ledger, for messages. A
// record of another format is counted and left out.
func ReadLedgerHistory(in io.Reader, name, policy string) (*LedgerHistory, error) {
	out := &LedgerHistory{prices: map[string]scaling.Money{}, minutes: map[time.Time]bool{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxEntryBytes)
	others := 0
	for n := 1; lines.Scan(); n++ {
		var h ledgerHeader
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil || h.Inputs.Policy.Name == "" {
			return nil, fmt.Errorf("%s:%d: the line is no record of a ledger: write one with --ledger-file of the operator", name, n)
		}
		switch {
		case h.Inputs.Policy.Name != policy:
			others++
			continue
		case h.Format != ledger.Format:
			out.otherFormats++
			continue
		}
		var entry ledger.Entry
		if err := json.Unmarshal(lines.Bytes(), &entry); err != nil {
			return nil, fmt.Errorf("%s:%d: the record cannot be decoded: %w", name, n, err)
		}
		out.add(&entry)
	}
	switch err := lines.Err(); {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	case out.records == 0 && out.otherFormats > 0:
		return nil, fmt.Errorf("%s: all %d records about %s have another format than %d, which this version of dbscaler reads: use the plugin "+
			"of the version that wrote it", name, out.otherFormats, policy, ledger.Format)
	case out.records == 0:
		return nil, fmt.Errorf("%w: %s has no decision about %s, and %d about other policies: check --namespace and the name", ErrNoRecord,
			name, policy, others)
	}
	return out, nil
}

// add adds a record.
func (l *LedgerHistory) add(entry *ledger.Entry) {
	in := &entry.Inputs
	l.records++
	if l.first.IsZero() || in.Now.Before(l.first) {
		l.first = in.Now
	}
	if in.Now.After(l.last) {
		l.last = in.Now
	}
	maps.Copy(l.prices, in.Observation.Prices)
	l.addSamples(in)
	for _, r := range in.Observation.History {
		l.addEnded(r)
	}
	if in.Operation != nil {
		l.addStarted(in.Operation, nil, in)
	} else if proposal, op, approved := entry.ApprovedProposal(); approved {
		op.StartedAt = in.Now
		l.addStarted(&op, &proposal, in)
	}
}

// addStarted adds an operation that has started, with who asked for it.
func (l *LedgerHistory) addStarted(op *scaling.Operation, proposal *scaling.Proposal, in *ledger.Inputs) {
	for n := range l.operations {
		if l.operations[n].ID == op.ID {
			return
		}
	}
	started := PastOperation{
		ID: op.ID, Pool: string(op.Pool), Direction: string(op.Direction), StartTime: op.StartedAt.UTC(), Outcome: OutcomeUnknown,
		Cause: op.Cause, BeforePercent: &op.UtilizationPercent, Sources: []string{sourceLedger}, from: op.From, to: op.To,
	}
	control := in.Policy.ManualControl
	switch {
	case proposal == nil:
	case proposal.Reason == scaling.ReasonOverride && control.OverriddenBy != nil:
		started.RequestedBy = control.OverriddenBy.String()
	case proposal.Reason != scaling.ReasonOverride && in.Policy.Mode == scaling.Approve && control.ApprovedBy != nil:
		started.RequestedBy = control.ApprovedBy.String()
	}
	if known := l.findStart(op.Pool, op.StartedAt); known != nil {
		started.EndTime, started.Outcome, started.AfterPercent = known.EndTime, known.Outcome, known.AfterPercent
		*known = started
		return
	}
	l.operations = append(l.operations, started)
}

// addEnded adds how an operation ended. The record of an operation before the ledger began has no shapes.
func (l *LedgerHistory) addEnded(r scaling.OperationRecord) {
	op := l.findStart(r.Pool, r.StartedAt)
	if op == nil {
		l.operations = append(l.operations, PastOperation{
			Pool: string(r.Pool), Direction: string(r.Direction), StartTime: r.StartedAt.UTC(), BeforePercent: r.UtilizationBefore,
			Sources: []string{sourceLedger},
		})
		op = &l.operations[len(l.operations)-1]
	}
	op.EndTime, op.Outcome, op.AfterPercent = r.CompletedAt.UTC(), OutcomeFailed, r.UtilizationAfter
	if r.Succeeded {
		op.Outcome = OutcomeSucceeded
	}
}

// findStart returns the operation of a pool that started at a time, to the second, as status records it.
func (l *LedgerHistory) findStart(pool scaling.Pool, at time.Time) *PastOperation {
	for n := range l.operations {
		op := &l.operations[n]
		if op.Pool == string(pool) && op.StartTime.Truncate(time.Second).Equal(at.Truncate(time.Second)) {
			return op
		}
	}
	return nil
}

// sampleHistory is how far back the samples of a record are looked at: as far as the operator reads them for a decision.
const sampleHistory = 4 * time.Hour

// addSamples adds the minutes whose samples a record has.
func (l *LedgerHistory) addSamples(in *ledger.Inputs) {
	for _, pool := range []scaling.Pool{scaling.Writer, scaling.Readers} {
		for _, m := range decide.DemandByMinute(in.Policy, in.Observation, pool, in.Now, sampleHistory) {
			if m.Known {
				l.minutes[m.Time] = l.minutes[m.Time] || m.Saturated
			}
		}
	}
}

// saturation counts the minutes since a time in which an instance was saturated, and those whose samples are known.
func (l *LedgerHistory) saturation(since time.Time) (saturated, known int) {
	for at, isSaturated := range l.minutes {
		if at.Before(since) {
			continue
		}
		known++
		if isSaturated {
			saturated++
		}
	}
	return saturated, known
}

// unknown says what the ledger does not have.
func (l *LedgerHistory) unknown(since time.Time) []string {
	var out []string
	if l.first.After(since) {
		out = append(out, fmt.Sprintf("Operations before %s: the ledger begins then. Name the rotated files, too: zcat FILE... | kubectl "+
			"dbscaler history POLICY --ledger -", l.first.UTC().Format(time.RFC3339)))
	}
	if l.otherFormats > 0 {
		out = append(out, fmt.Sprintf("%s of the ledger: another version of dbscaler wrote them, with another format than %d",
			counted(l.otherFormats, "record"), ledger.Format))
	}
	return out
}
