package view

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteHistory writes a history as text, one line for each operation. If it is wide, the cause and who asked follow on lines of their own.
func WriteHistory(w io.Writer, h History, o Options) error {
	t := planWriter{Options: o}
	t.line(0, bold, h.Policy, fmt.Sprintf("since %s, %s", h.Since.Format(time.RFC3339), formatAge(h.Time.Sub(h.Since))))
	t.b.WriteString("\n")
	if len(h.Operations) == 0 {
		t.b.WriteString("no operations are known\n")
	} else {
		t.writeOperations(h.Operations)
	}
	t.b.WriteString("\n")
	for _, text := range describeTotals(h.Totals) {
		t.line(0, plain, "", text)
	}
	for n := range h.Operations {
		if op := &h.Operations[n]; op.Outcome == OutcomeFailed && op.Message != "" && !o.Wide {
			why := cutText(strings.TrimSpace(op.Reason+" "+oneLine(op.Message)), maxFailureText)
			t.line(0, red, "failed", op.begin().Format("01-02 15:04Z")+" "+why)
		}
	}
	t.writeList("Not known", "from these sources:", h.Unknown)
	_, err := io.WriteString(w, t.b.String())
	return err
}

// maxFailureText is how many characters of the message of a failure are shown.
const maxFailureText = 240

// The widths of the columns START, TOOK, CHANGE and OUTCOME.
const startWidth, tookWidth, changeWidth, outcomeWidth = 13, 12, 46, 8

func (t *planWriter) writeOperations(operations []PastOperation) {
	t.b.WriteString(t.paint(bold, pad("START", startWidth)+pad("TOOK", tookWidth)+pad("CHANGE", changeWidth)+" OUTCOME") + "\n")
	for n := range operations {
		op := &operations[n]
		start, took := "before", "-"
		if !op.StartTime.IsZero() {
			start = op.StartTime.Format("01-02 15:04Z")
		}
		if op.DurationSeconds != nil {
			took = formatAge(duration(*op.DurationSeconds))
		}
		words := map[string]struct {
			text  string
			style style
		}{
			OutcomeSucceeded: {"done", green}, OutcomeFailed: {"failed", red}, OutcomeInProgress: {"running", cyan},
			OutcomeUnknown: {"unknown", yellow},
		}[op.Outcome]
		room := max(t.width()-startWidth-tookWidth-outcomeWidth-1, changeWidth)
		change := pad(cutText(describePast(op), room), changeWidth)
		t.b.WriteString(pad(start, startWidth) + pad(took, tookWidth) + change + " " + t.paint(words.style, words.text) + "\n")
		if t.Wide {
			t.writeDetails(op)
		}
	}
}

// writeDetails writes why an operation started, who asked, what it did to the utilization, and why it failed.
func (t *planWriter) writeDetails(op *PastOperation) {
	const indent = 4
	if op.ID != "" {
		t.line(indent, plain, "", "operation "+op.ID)
	}
	if op.Cause != "" {
		t.line(indent, plain, "", "why: "+oneLine(op.Cause))
	}
	if op.RequestedBy != "" {
		t.line(indent, plain, "", "asked by: "+op.RequestedBy)
	}
	if op.BeforePercent != nil && op.AfterPercent != nil {
		t.line(indent, plain, "", fmt.Sprintf("CPU: %d%% before, %d%% after", *op.BeforePercent, *op.AfterPercent))
	}
	if op.CostChangeUSD != nil && *op.CostChangeUSD != 0 {
		t.line(indent, plain, "", "price: "+signedUSD(*op.CostChangeUSD)+" per hour")
	}
	if op.Message != "" {
		t.line(indent, plain, "", strings.TrimSpace("failed: "+op.Reason+" "+oneLine(op.Message)))
	}
}

// signedUSD writes an amount with its sign.
func signedUSD(v float64) string {
	if v > 0 {
		return "+" + formatUSD(v)
	}
	return formatUSD(v)
}

// describeTotals says the sums in a few lines.
func describeTotals(t HistoryTotals) []string {
	text := counted(t.Operations, "operation")
	var parts []string
	for _, part := range []struct {
		count int
		noun  string
	}{{t.ScaleUps, "scale-up"}, {t.ScaleDowns, "scale-down"}, {t.Cleanups, "cleanup"}} {
		if part.count > 0 {
			parts = append(parts, counted(part.count, part.noun))
		}
	}
	if t.Operations > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", t.Failed))
	}
	if t.InProgress > 0 {
		parts = append(parts, fmt.Sprintf("%d in progress", t.InProgress))
	}
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	lines := []string{text}
	switch {
	case t.Operations == t.Failed+t.InProgress: // none changed a price
	case t.CostChangeUSD == nil:
		lines = append(lines, "price: the change is not known")
	default:
		lines = append(lines, fmt.Sprintf("price: %s per hour by those that succeeded", signedUSD(*t.CostChangeUSD)))
	}
	if t.SaturatedMinutes != nil && t.KnownMinutes != nil {
		lines = append(lines, fmt.Sprintf("an instance was saturated in %d of the %d minutes whose samples the ledger has", *t.SaturatedMinutes,
			*t.KnownMinutes))
	}
	return lines
}

// cutText shortens a text to a number of characters.
func cutText(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimRight(string(runes[:max(limit-1, 0)]), " ") + "…"
}
