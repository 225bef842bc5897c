package doctor

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Report is the findings about one policy.
type Report struct {
	// Policy is namespace/name, and Target what it scales.
	Policy string `json:"policy"`
	Target string `json:"target"`
	// Identity is who read the database, and OperatorIdentity says whether the operator uses the same identity.
	Identity         string `json:"identity,omitempty"`
	OperatorIdentity bool   `json:"operatorIdentity"`
	// Simulated is the user or role whose permissions were simulated; empty when none were.
	Simulated string    `json:"simulated,omitempty"`
	Findings  []Finding `json:"findings"`
}

// NewReport makes every check.
func NewReport(in Input) Report {
	r := Report{
		Policy: in.Policy.Name, Target: in.Policy.Target.String(), Identity: in.Access.UsedIdentity(),
		OperatorIdentity: in.Access.IsOperator(), Findings: Diagnose(in),
	}
	if len(in.Permissions.Decisions) > 0 {
		r.Simulated = in.Permissions.Principal
	}
	return r
}

const (
	// lineWidth is the maximum width of a line of text in characters, unless a word is longer.
	lineWidth = 80
	// statusWidth and checkWidth are the widths of the first two columns.
	statusWidth, checkWidth = 9, 17
)

// statusWords are the statuses in text.
var statusWords = map[Status]string{OK: "OK", Warning: "WARNING", Failed: "FAILED", Unknown: "UNKNOWN"}

// FormatText returns a report as a checklist: a line for each finding, and below it what to do.
func FormatText(r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Policy %s: %s\n", r.Policy, r.Target)
	switch {
	case r.Identity == "":
		wrap(&b, "", "Nothing was read from AWS.")
	case r.OperatorIdentity:
		wrap(&b, "", "Checked as "+r.Identity+", with the role that the operator assumes.")
	default:
		wrap(&b, "", "Checked as "+r.Identity+". The operator's own identity may differ.")
	}
	if r.Simulated != "" {
		wrap(&b, "", "Permissions were simulated for "+r.Simulated+".")
	}
	b.WriteString("\n")
	indent := strings.Repeat(" ", statusWidth+checkWidth)
	for _, f := range r.Findings {
		text := f.Message
		if f.Subject != "" {
			text = f.Subject + ": " + text
		}
		fmt.Fprintf(&b, "%-*s%-*s", statusWidth, statusWords[f.Status], checkWidth, f.Check)
		wrap(&b, indent, text)
		if f.Action != "" {
			b.WriteString(indent + "→ ")
			wrap(&b, indent+"  ", f.Action)
		}
	}
	fmt.Fprintf(&b, "\n%d failed, %d warnings, %d unknown, %d OK\n", Count(r.Findings, Failed), Count(r.Findings, Warning),
		Count(r.Findings, Unknown), Count(r.Findings, OK))
	return b.String()
}

// wrap writes a text whose first line begins at the width of the indentation. Further lines are indented.
func wrap(b *strings.Builder, indent, text string) {
	column := utf8.RuneCountInString(indent)
	for n, word := range strings.Fields(text) {
		length := utf8.RuneCountInString(word)
		switch {
		case n == 0:
		case column+1+length > lineWidth:
			b.WriteString("\n" + indent)
			column = utf8.RuneCountInString(indent)
		default:
			b.WriteString(" ")
			column++
		}
		b.WriteString(word)
		column += length
	}
	b.WriteString("\n")
}
