// Package report shows a comparison to people: as a table in a terminal, and as a page for a browser.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

// Table writes the runs of a comparison for a terminal, the policy's own first, then the others with the least overload first and
// the oracle last. The error is the writer's.
func Table(w io.Writer, c backtest.Comparison) error {
	tab := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "\tOVERLOADED\tUNSERVED\tCOST\tOF ORACLE\tDISRUPTIONS\tCHANGES\t")
	for _, run := range Sorted(c.Runs) {
		s := run.Score
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", left(label(run), c.Runs), duration(s.Overloaded), unserved(s.Unserved),
			Cost(s), OfOracle(c, run), s.Disruptions, s.Changes)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", Notes(c))
	return err
}

// left pads a name, since tabwriter aligns all columns to one side.
func left(name string, runs []backtest.Run) string {
	longest := 0
	for _, r := range runs {
		longest = max(longest, len([]rune(label(r))))
	}
	return name + strings.Repeat(" ", longest-len([]rune(name)))
}

// Sorted puts the policy's own run first, then the others with the least overload first, of two that are alike the cheaper, and the
// oracle last.
func Sorted(runs []backtest.Run) []backtest.Run {
	rank := map[backtest.Kind]int{backtest.Ours: -1, backtest.Oracle: 1}
	out := append([]backtest.Run(nil), runs...)
	slices.SortStableFunc(out, func(a, b backtest.Run) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Score.Overloaded, b.Score.Overloaded),
			cmp.Compare(a.Score.VCPUHours, b.Score.VCPUHours))
	})
	return out
}

// Cost writes what a run cost: in dollars where every price is known, otherwise in vCPU hours.
func Cost(s backtest.Score) string {
	if s.Priced {
		return fmt.Sprintf("$%.2f", float64(s.Cost)/1e6)
	}
	return strconv.FormatFloat(s.VCPUHours, 'f', 0, 64) + " vCPU h"
}

// OfOracle writes how much a run cost compared with the oracle, or a dash where there is none.
func OfOracle(c backtest.Comparison, run backtest.Run) string {
	for _, other := range c.Runs {
		if other.Kind != backtest.Oracle {
			continue
		}
		if ratio := run.Score.Over(other.Score); ratio > 0 {
			return fmt.Sprintf("%.2f ×", ratio)
		}
	}
	return "–"
}

// Notes says what a reader has to know: how much of the recording counts, and that the rest is simulated.
func Notes(c backtest.Comparison) string {
	if text := doubt(c); text != "" {
		return period(c) + " " + text
	}
	return period(c)
}

// period says what was played.
func period(c backtest.Comparison) string {
	return fmt.Sprintf("%s to %s, one value every %s. Every figure about a database is simulated.",
		c.Start.UTC().Format("2006-01-02 15:04"), c.End.UTC().Format("2006-01-02 15:04"), strings.TrimSuffix(c.Interval.String(), "0s"))
}

// doubt says what is not known of the recording, or nothing.
func doubt(c backtest.Comparison) string {
	text := ""
	if c.Gaps > 0 {
		text = fmt.Sprintf("In %s nothing was recorded: no autoscaler was told anything then, and nothing was scored.", duration(c.Gaps))
	}
	if c.Uncertain > 0 {
		text = strings.TrimSpace(fmt.Sprintf("%s In %s the recorded database was saturated, so that the true demand was higher than what is "+
			"played: record DBLoadCPU as well to know it.", text, duration(c.Uncertain)))
	}
	return text
}

func unserved(vcpuMinutes float64) string {
	if vcpuMinutes < 0.05 {
		return "0"
	}
	return strconv.FormatFloat(vcpuMinutes, 'f', 1, 64) + " vCPU min"
}

// duration writes minutes.
func duration(minutes int) string {
	switch d := time.Duration(minutes) * time.Minute; {
	case minutes == 0:
		return "0 min"
	case minutes < 120:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), minutes%60)
	}
}

// InWords writes a score in one line.
func InWords(s backtest.Score) string {
	return fmt.Sprintf("%s of %s overloaded, %s unserved, %s, %d disruptions, %d changes", duration(s.Overloaded), duration(s.Minutes),
		unserved(s.Unserved), Cost(s), s.Disruptions, s.Changes)
}
