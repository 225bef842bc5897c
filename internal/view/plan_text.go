package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// planWriter writes a plan as text.
type planWriter struct {
	b strings.Builder
	Options
	// isFromStatus says that AWS was not read for the plan.
	isFromStatus bool
}

// WritePlan writes a plan as text. Unless it is wide, guards that passed are counted.
func WritePlan(w io.Writer, p Plan, o Options) error {
	t := planWriter{Options: o, isFromStatus: p.Source == fromStatus}
	t.line(0, bold, p.Policy, "by "+p.Source)
	if len(p.Requested) > 0 {
		t.line(0, plain, "", "planned for an override to "+strings.Join(p.Requested, " and "))
	}
	t.b.WriteString("\n")
	t.line(0, bold, "Plan:", p.Answer)
	for n := range p.Changes {
		t.b.WriteString("\n")
		t.writeChange(&p.Changes[n])
	}
	if ids := shownPlannedIDs(&p); len(ids) > 0 {
		t.b.WriteString("\n")
		for _, id := range ids {
			t.line(0, plain, "", id+" stands for the ID that the operation gets when it starts.")
		}
	}
	t.writeList("Notes", "", p.Notes)
	t.writeList("Not known", "from this source:", p.Unknown)
	_, err := io.WriteString(w, t.b.String())
	return err
}

// line writes a wrapped text with a painted head.
func (t *planWriter) line(indent int, s style, head, text string) {
	full := strings.TrimSpace(head + " " + text)
	for k, part := range wrap(full, t.width()-indent) {
		if k == 0 && strings.HasPrefix(part, head) {
			part = t.paint(s, head) + part[len(head):]
		}
		t.b.WriteString(strings.Repeat(" ", indent) + part + "\n")
	}
}

// writeList writes a list with a heading, unless it is empty.
func (t *planWriter) writeList(head, text string, items []string) {
	if len(items) == 0 {
		return
	}
	t.b.WriteString("\n")
	t.line(0, bold, head, text)
	for _, item := range items {
		writeBullet(&t.b, item, t.Options)
	}
}

// shownPlannedIDs are the placeholders of IDs that the steps of a plan have.
func shownPlannedIDs(p *Plan) []string {
	var out []string
	for _, id := range plannedIDs {
		if slices.ContainsFunc(p.Changes, func(c PlannedChange) bool {
			return slices.ContainsFunc(c.Steps, func(s PlannedStep) bool { return strings.Contains(s.Instance, id) })
		}) {
			out = append(out, id)
		}
	}
	return out
}

func (t *planWriter) writeChange(c *PlannedChange) {
	text := fmt.Sprintf("%s → %s", c.From, c.To)
	if c.Operation != "" {
		text += ", operation " + c.Operation
	}
	styles := map[string]style{ChangeBlocked: red, ChangeImpossible: red, ChangeUnknown: yellow, ChangeStarts: green, ChangeInProgress: cyan}
	t.line(0, bold, capitalize(poolNoun(c.Pool)), text)
	verdicts := map[string]string{
		ChangeInProgress: "in progress", ChangeStarts: "starts", ChangeBlocked: "blocked", ChangeUnknown: "starts unless a guard objects",
		ChangeImpossible: "not possible",
	}
	verdict := verdicts[c.Verdict]
	if c.Message != "" {
		verdict += ":"
	}
	t.line(2, styles[c.Verdict], verdict, c.Message)
	if c.Cause != "" {
		t.line(2, plain, "", "cause: "+c.Cause)
	}
	t.writeSteps(c)
	if len(c.Steps) > 0 {
		t.writeInterruptions(c)
		t.line(2, plain, "", "price: "+describePlannedCost(c.Cost, t.isFromStatus))
	}
	t.writeGuards(c)
	if c.Hash != "" {
		t.line(2, plain, "", "approval hash "+c.Hash)
	}
}

func (t *planWriter) writeSteps(c *PlannedChange) {
	if len(c.Steps) == 0 {
		return
	}
	text := fmt.Sprintf("%s, %s together", counted(len(c.Steps), "step"), describeRange(c.MinSeconds, c.MaxSeconds))
	if c.LastSeconds != nil {
		text += fmt.Sprintf(" (the last such operation took %s)", formatAge(duration(*c.LastSeconds)))
	}
	t.line(2, plain, "", text)
	for n, s := range c.Steps {
		step := fmt.Sprintf("%d. %s", n+1, s.Text)
		when := describeRange(s.MinSeconds, s.MaxSeconds)
		switch {
		case s.InProgress:
			when += ", in progress"
		case s.MaxSeconds == 0:
			when = "at the same time"
		}
		for k, part := range wrap(step+", "+when, t.width()-7) {
			indent := "  "
			if k > 0 {
				indent = "       "
			}
			t.b.WriteString(indent + "  " + part + "\n")
		}
	}
}

// describeRange is a range of durations in minutes.
func describeRange(shortest, longest int64) string {
	const minute = 60
	if longest >= 120*minute {
		return fmt.Sprintf("from %s to at most %s", formatAge(duration(shortest)), formatAge(duration(longest)))
	}
	return fmt.Sprintf("%d to %d min", shortest/minute, longest/minute)
}

func (t *planWriter) writeInterruptions(c *PlannedChange) {
	if len(c.Interruptions) == 0 {
		t.line(2, plain, "", "interrupts nothing")
		return
	}
	t.line(2, plain, "", "interruptions: "+summarizeInterruptions(c.Interruptions))
	for _, i := range c.Interruptions {
		for k, part := range wrap(fmt.Sprintf("step %d: %s", i.Step, i.Text), t.width()-6) {
			indent := "    "
			if k > 0 {
				indent = "      "
			}
			t.b.WriteString(indent + part + "\n")
		}
	}
}

// summarizeInterruptions counts the interruptions by kind.
func summarizeInterruptions(all []Interruption) string {
	count := map[string]int{}
	for _, i := range all {
		count[i.Kind]++
	}
	var parts []string
	for _, kind := range []struct{ kind, noun string }{
		{InterruptionRestart, "restart"}, {InterruptionFailover, "failover"}, {InterruptionRemoval, "removed reader"},
		{InterruptionSuspendedIO, "moment of suspended I/O"},
	} {
		if n := count[kind.kind]; n == 1 || n > 0 && kind.kind != InterruptionSuspendedIO {
			parts = append(parts, counted(n, kind.noun))
		} else if n > 0 {
			parts = append(parts, fmt.Sprintf("%d moments of suspended I/O", n))
		}
	}
	return strings.Join(parts, ", ")
}

// hoursPerMonth is what AWS counts for a month in its price estimates.
const hoursPerMonth = 730

func describePlannedCost(c PlannedCost, isFromStatus bool) string {
	if c.AfterUSD == nil || c.BeforeUSD == nil {
		remedy := "set spec.prices, or --pricing-region or --prices-file of the operator"
		if isFromStatus {
			remedy = "add --metrics, or spec.prices"
		}
		return "not known, because there is none of " + strings.Join(c.UnpricedClasses, ", ") + ": " + remedy
	}
	text := fmt.Sprintf("%s per hour before", formatUSD(*c.BeforeUSD))
	if c.HighestUSD != nil && *c.HighestUSD > max(*c.BeforeUSD, *c.AfterUSD) {
		text += fmt.Sprintf(", up to %s during the operation", formatUSD(*c.HighestUSD))
	}
	text += fmt.Sprintf(", %s after", formatUSD(*c.AfterUSD))
	if change := *c.AfterUSD - *c.BeforeUSD; change > 0.00005 || change < -0.00005 {
		sign := ""
		if change > 0 {
			sign = "+"
		}
		text += fmt.Sprintf(" (%s%s, or %s%s a month)", sign, formatUSD(change), sign, formatWholeUSD(change*hoursPerMonth))
	}
	return text
}

// formatWholeUSD writes an amount in whole dollars.
func formatWholeUSD(v float64) string {
	if v < 0 {
		return fmt.Sprintf("-$%.0f", -v)
	}
	return fmt.Sprintf("$%.0f", v)
}

func (t *planWriter) writeGuards(c *PlannedChange) {
	var passed, unasked []string
	why := ""
	for _, g := range c.Guards {
		switch {
		case g.Verdict == GuardBlocked:
			text := g.Message
			if g.RetryAfterSeconds > 0 {
				text += fmt.Sprintf(" (in %s)", formatAge(duration(g.RetryAfterSeconds)))
			}
			t.line(2, red, "✗ "+g.Guard, " "+text)
			t.line(4, plain, "", "to lift: "+g.Remedy)
		case g.Verdict == GuardUnknown:
			t.line(2, yellow, "? "+g.Guard, " not known: "+g.Message)
		case g.Verdict == GuardNotAsked:
			unasked, why = append(unasked, g.Guard), g.Message
		case g.Verdict == GuardPassed && t.Wide:
			t.line(2, green, "✔ "+g.Guard, "")
		case g.Verdict == GuardPassed:
			passed = append(passed, g.Guard)
		}
	}
	if len(passed) > 0 {
		t.line(2, green, fmt.Sprintf("✔ %s", counted(len(passed), "guard")+" passed:"), strings.Join(passed, ", "))
	}
	if len(unasked) > 0 {
		t.line(2, dim, fmt.Sprintf("? %s", counted(len(unasked), "guard")+" not asked:"), why)
	}
}
