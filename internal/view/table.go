package view

import (
	"fmt"
	"io"
	"strings"
)

// WriteTable writes one line for each policy. It is wider than a terminal when the options say so.
func WriteTable(w io.Writer, policies []Policy, o Options) error {
	header := []string{"NAMESPACE", "NAME", "STATE", "WRITER", "READERS", "BLOCKED-BY"}
	if o.Wide {
		header = append(header, "TARGET", "REGION", "MODE", "CPU", "HOURLY", "REASON", "SUMMARY")
	}
	rows := [][]string{header}
	for n := range policies {
		rows = append(rows, policyRow(&policies[n], o))
	}
	return writeRows(w, rows, func(row int) style {
		if row == 0 {
			return bold
		}
		return stateStyles[policies[row-1].State]
	}, 2, o)
}

func policyRow(p *Policy, o Options) []string {
	row := []string{p.Namespace, p.Name, string(p.State), p.poolShape("Writer", o.Wide), p.poolShape("Readers", o.Wide),
		p.firstBlocker()}
	if !o.Wide {
		return row
	}
	reason := ""
	if p.Decision != nil {
		reason = p.Decision.Reason
	}
	return append(row, p.Target.Kind+" "+p.Target.Identifier, p.Target.Region, p.Mode, p.cpu(), p.hourly(), reason,
		strings.ReplaceAll(p.Summary, "\n", " "))
}

// poolShape is the shape of a pool, if wanted with that after the operation in progress.
func (p *Policy) poolShape(name string, withTarget bool) string {
	for n := range p.Pools {
		if p.Pools[n].Name != name {
			continue
		}
		if op := p.Operation; withTarget && op != nil && op.Pool == name {
			return op.From + " → " + op.To
		}
		return p.Pools[n].Shape
	}
	return ""
}

// firstBlocker is the most important guard that blocks the change, or the reason why the policy is limited.
func (p *Policy) firstBlocker() string {
	if p.Decision != nil && len(p.Decision.BlockedBy) > 0 {
		return p.Decision.BlockedBy[0].Guard
	}
	return ""
}

// cpu is the utilization of the pools that were measured.
func (p *Policy) cpu() string {
	var parts []string
	for _, pool := range p.Pools {
		if pool.Load != nil && pool.Load.UtilizationPercent != nil {
			parts = append(parts, fmt.Sprintf("%s %.0f%%", poolNoun(pool.Name), *pool.Load.UtilizationPercent))
		}
	}
	return strings.Join(parts, ", ")
}

func (p *Policy) hourly() string {
	if p.Cost.HourlyUSD == nil {
		return ""
	}
	return formatUSD(*p.Cost.HourlyUSD)
}

// writeRows writes rows in columns. styleOf is the style of a row, for its styled column; the header has its style throughout.
func writeRows(w io.Writer, rows [][]string, styleOf func(row int) style, styled int, o Options) error {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for k, cell := range row {
			widths[k] = max(widths[k], columns(cell))
		}
	}
	var b strings.Builder
	for n, row := range rows {
		line := ""
		for k, cell := range row {
			text := cell
			if text == "" {
				text = "-"
			}
			padding := ""
			if k < len(row)-1 {
				padding = strings.Repeat(" ", max(widths[k], 1)-columns(text)+2)
			}
			if n == 0 || k == styled {
				text = o.paint(styleOf(n), text)
			}
			line += text + padding
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
