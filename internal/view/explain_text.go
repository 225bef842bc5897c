package view

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// WriteExplanation writes an explanation as text. Unless it is wide, guards that passed are counted, and candidates in the wrong direction
// are left out.
func WriteExplanation(w io.Writer, e Explanation, o Options) error {
	var b strings.Builder
	line := func(indent int, s style, head, text string) {
		full := strings.TrimSpace(head + " " + text)
		for k, part := range wrap(full, o.width()-indent) {
			if k == 0 && strings.HasPrefix(part, head) {
				part = o.paint(s, head) + part[len(head):]
			}
			b.WriteString(strings.Repeat(" ", indent) + part + "\n")
		}
	}
	line(0, bold, e.Policy, "by "+e.Source)
	if !e.Time.IsZero() {
		line(0, plain, "", "decided at "+e.Time.Format(time.RFC3339))
	}
	b.WriteString("\n")
	line(0, bold, "Why:", e.Answer)
	if e.Cause != "" {
		line(0, plain, "", "Figures: "+e.Cause)
	}
	for n := range e.Pools {
		b.WriteString("\n")
		writePoolExplanation(&b, &e.Pools[n], o)
	}
	for _, c := range e.Changes {
		b.WriteString("\n")
		writeChangeExplanation(c, o, line)
	}
	if len(e.ToAct) > 0 {
		b.WriteString("\n")
		line(0, bold, "What would have to change", "for the operator to act:")
		for _, text := range e.ToAct {
			writeBullet(&b, text, o)
		}
	}
	if len(e.Unknown) > 0 {
		b.WriteString("\n")
		line(0, bold, "Not known", "from this source:")
		for _, text := range e.Unknown {
			writeBullet(&b, text, o)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeBullet writes an item of a list.
func writeBullet(b *strings.Builder, text string, o Options) {
	for k, part := range wrap(text, o.width()-2) {
		mark := "- "
		if k > 0 {
			mark = "  "
		}
		b.WriteString(mark + part + "\n")
	}
}

func writePoolExplanation(b *strings.Builder, p *PoolExplanation, o Options) {
	head := capitalize(poolNoun(p.Pool))
	b.WriteString(o.paint(bold, head) + "  " + orUnknown(p.Shape) + "\n")
	pool := Pool{Name: p.Pool, Load: p.Load, Thresholds: p.Thresholds}
	if text := describeLoad(&pool); text != "" {
		for _, part := range wrap(text, o.width()-2) {
			b.WriteString("  " + part + "\n")
		}
	}
	if l := p.Load; l != nil && (l.TrendVCPUs != nil || l.SeasonalVCPUs != nil) {
		var parts []string
		if l.TrendVCPUs != nil {
			parts = append(parts, fmt.Sprintf("%.1f vCPU by the trend", *l.TrendVCPUs))
		}
		if l.SeasonalVCPUs != nil {
			parts = append(parts, fmt.Sprintf("%.1f vCPU by earlier days", *l.SeasonalVCPUs))
		}
		b.WriteString("  predicted: " + strings.Join(parts, ", ") + "\n")
	}
	if p.Hold != "" {
		for _, part := range wrap("stays as it is: "+p.Hold, o.width()-2) {
			b.WriteString("  " + part + "\n")
		}
	}
	writeChart(b, p, o)
	writeCandidates(b, p.Candidates, o)
}

// The size of a chart: rows of text, and one column for each minute of the last hour.
const chartRows, chartLabel = 6, 7

// blocks are the eighths of a character cell.
var blocks = []rune(" ▁▂▃▄▅▆▇█")

// writeChart draws the demand of the last hour, with the capacity and the scale-up threshold as lines.
func writeChart(b *strings.Builder, p *PoolExplanation, o Options) {
	highest, known := 0.0, 0
	for _, m := range p.Demand {
		if m.VCPUs != nil {
			highest, known = max(highest, *m.VCPUs), known+1
		}
	}
	if known == 0 {
		return
	}
	capacity, threshold := 0.0, 0.0
	if p.CapacityVCPUs != nil {
		capacity = *p.CapacityVCPUs
		if p.Thresholds != nil {
			threshold = capacity * float64(p.Thresholds.ScaleUpPercent) / 100
		}
	}
	top := max(highest, capacity) * 1.0001
	perRow := top / chartRows
	minutes := p.Demand[max(0, len(p.Demand)-(o.width()-chartLabel-12)):]
	b.WriteString("  demand in vCPU, one column a minute:\n")
	for row := chartRows - 1; row >= 0; row-- {
		low, high := float64(row)*perRow, float64(row+1)*perRow
		line, mark := chartRow(minutes, low, perRow, row, threshold > low && threshold <= high, capacity > low && capacity <= high)
		fmt.Fprintf(b, "%*.1f ┤%s\n", chartLabel-2, high, strings.TrimRight(line+mark, " "))
	}
	first, last := minutes[0].Time.Format("15:04"), minutes[len(minutes)-1].Time.Format("15:04Z")
	b.WriteString(strings.Repeat(" ", chartLabel) + first + strings.Repeat(" ", max(1, len(minutes)-len(first)-len(last))) + last + "\n")
}

// chartRow draws one row of a chart and says which line it has.
func chartRow(minutes []MinuteDemand, low, perRow float64, row int, isThreshold, isCapacity bool) (line, mark string) {
	empty := ' '
	switch {
	case isThreshold && isCapacity:
		empty, mark = '─', " capacity, up"
	case isCapacity:
		empty, mark = '─', " capacity"
	case isThreshold:
		empty, mark = '┄', " scale up"
	}
	cells := make([]rune, len(minutes))
	for k, m := range minutes {
		cells[k] = empty
		switch {
		case m.VCPUs == nil && row == 0:
			cells[k] = '·' // no sample that may be used
		case m.VCPUs != nil:
			if eighths := min(max(int(math.Round((*m.VCPUs-low)/perRow*8)), 0), 8); eighths > 0 {
				cells[k] = blocks[eighths]
			}
		}
	}
	return string(cells), mark
}

// maxCandidates is how many candidates are shown unless the text is wide.
const maxCandidates = 10

func writeCandidates(b *strings.Builder, all []Candidate, o Options) {
	shown := all
	if !o.Wide {
		shown = slices.DeleteFunc(slices.Clone(all), func(c Candidate) bool { return c.Verdict == string(scaling.VerdictWrongDirection) })
		shown = shown[:min(len(shown), maxCandidates)]
	}
	if len(shown) == 0 {
		return
	}
	widths := [3]int{}
	rows := make([][3]string, len(shown))
	for n, c := range shown {
		rows[n] = [3]string{c.Shape, "", ""}
		if c.PredictedPercent != nil {
			rows[n][1] = fmt.Sprintf("%.0f%%", *c.PredictedPercent)
		}
		if c.HourlyUSD != nil {
			rows[n][2] = formatUSD(*c.HourlyUSD) + "/h"
		}
		for k := range widths {
			widths[k] = max(widths[k], columns(rows[n][k]))
		}
	}
	b.WriteString("  candidates (predicted CPU, price, verdict):\n")
	for n, c := range shown {
		left := "  " + pad(rows[n][0], widths[0]) + "  " + strings.Repeat(" ", widths[1]-columns(rows[n][1])) + rows[n][1]
		if widths[2] > 0 {
			left += "  " + strings.Repeat(" ", widths[2]-columns(rows[n][2])) + rows[n][2]
		}
		text := c.Verdict
		if c.Text != "" {
			text += ": " + c.Text
		}
		if c.IO != "" {
			text += " (" + c.IO + ")"
		}
		s := plain
		if c.Verdict == string(scaling.VerdictChosen) {
			s = green
		}
		for k, part := range wrap(text, max(o.width()-columns(left)-2, 24)) {
			if k == 0 {
				b.WriteString(left + "  " + o.paint(s, part) + "\n")
			} else {
				b.WriteString(strings.Repeat(" ", columns(left)+2) + part + "\n")
			}
		}
	}
	if left := len(all) - len(shown); left > 0 {
		fmt.Fprintf(b, "  and %d more: -o wide\n", left)
	}
}

func writeChangeExplanation(c ChangeExplanation, o Options, line func(int, style, string, string)) {
	text := fmt.Sprintf("%s %s → %s", poolNoun(c.Pool), c.From, c.To)
	if c.Path != "" {
		text += ": " + c.Path
	}
	line(0, bold, "Change "+c.Reason, " "+text)
	var passed, unasked []string
	why := ""
	for _, g := range c.Guards {
		switch {
		case g.Verdict == GuardBlocked:
			text := g.Message
			if g.Message == "" {
				text = "to lift: " + g.Remedy
			}
			if g.RetryAfterSeconds > 0 {
				text += fmt.Sprintf(" (in %s)", formatAge(duration(g.RetryAfterSeconds)))
			}
			line(2, red, "✗ "+g.Guard, " "+text)
		case g.Verdict == GuardNotAsked:
			unasked, why = append(unasked, g.Guard), g.Message
		case o.Wide:
			line(2, green, "✔ "+g.Guard, "")
		default:
			passed = append(passed, g.Guard)
		}
	}
	if len(passed) > 0 {
		line(2, green, fmt.Sprintf("✔ %s", counted(len(passed), "guard")+" passed:"), strings.Join(passed, ", "))
	}
	if len(unasked) > 0 {
		line(2, dim, fmt.Sprintf("? %s", counted(len(unasked), "guard")+" not asked:"), why)
	}
	if c.Hash != "" {
		line(2, plain, "", "approval hash "+c.Hash)
	}
}
