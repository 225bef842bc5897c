// Package report formats a comparison: as a table for a terminal, and as a page for a browser.
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

// WriteTable writes the runs of a comparison for a terminal, in the order of SortRuns. The error is the writer's.
func WriteTable(w io.Writer, c backtest.Comparison) error {
	tab := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "\tOVERLOADED\tUNSERVED\tCOST\tVS ORACLE\tSLACK\tTIME TO CAPACITY\tDISRUPTIONS\tCHANGES\t")
	for _, run := range SortRuns(c.Runs) {
		s := run.Score
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", padName(DisplayName(run), c.Runs), formatMinutes(s.OverloadedMinutes),
			formatUnserved(s.UnservedVCPUMinutes), FormatCost(s), FormatOracleRatio(c, run), FormatSlack(s),
			FormatTimeToCapacity(s), s.Disruptions, s.Changes)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s%s\n", describePolicyForesight(c), DescribeRecording(c))
	return err
}

// padName pads a name to the longest name, since tabwriter aligns all columns to the right.
func padName(name string, runs []backtest.Run) string {
	longest := 0
	for _, r := range runs {
		longest = max(longest, len([]rune(DisplayName(r))))
	}
	return name + strings.Repeat(" ", longest-len([]rune(name)))
}

// SortRuns sorts the policy's run first, and the reactive limit and the oracle last. The others are sorted by overloaded minutes, then
// by cost.
func SortRuns(runs []backtest.Run) []backtest.Run {
	rank := map[backtest.RunKind]int{backtest.PolicyRun: -1, backtest.ReactiveRun: 1, backtest.OracleRun: 2}
	out := append([]backtest.Run(nil), runs...)
	slices.SortStableFunc(out, func(a, b backtest.Run) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Score.OverloadedMinutes, b.Score.OverloadedMinutes),
			cmp.Compare(a.Score.VCPUHours, b.Score.VCPUHours))
	})
	return out
}

// FormatCost formats the cost: in dollars if every price is known, otherwise in vCPU hours.
func FormatCost(s backtest.Score) string {
	if s.CostKnown {
		return fmt.Sprintf("$%.2f", float64(s.Cost)/1e6)
	}
	return strconv.FormatFloat(s.VCPUHours, 'f', 0, 64) + " vCPU h"
}

// FormatSlack formats the slack in percent.
func FormatSlack(s backtest.Score) string { return fmt.Sprintf("%.0f %%", 100*s.Slack()) }

// FormatTimeToCapacity formats the mean and the longest time to capacity, or a dash if there was no shortage.
func FormatTimeToCapacity(s backtest.Score) string {
	if s.Shortages == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f min (at most %d)", s.TimeToCapacity(), s.LongestShortage)
}

// DescribeForesight describes in one sentence how many foreseen growths were needed, and how many shortages they averted.
func DescribeForesight(s backtest.Score) string {
	precision, foresaw := s.ForesightPrecision()
	recall, hadShortages := s.ForesightRecall()
	text := "Foresight: no growth was foreseen"
	if foresaw {
		text = fmt.Sprintf("Foresight: %d of %d foreseen growths were needed (precision %.0f %%)",
			s.NeededGrowths, s.ForeseenGrowths, 100*precision)
	}
	if hadShortages {
		text += fmt.Sprintf("; for %d of %d shortages the capacity was there in time (recall %.0f %%)", s.AvertedShortages,
			s.AvertedShortages+s.Shortages, 100*recall)
	}
	return text + "."
}

// DescribeQuiet describes in one sentence how often one-minute metrics were read.
func DescribeQuiet(s backtest.Score) string {
	share := 100 * float64(s.QuietMinutes) / float64(max(1, s.ScoredMinutes))
	return fmt.Sprintf("Cost of watching: for %.0f %% of the time no rise that the past has would lead to a threshold before the next read, "+
		"and one-minute metrics were read every other minute.", share)
}

// describePolicyForesight describes the foresight of the policy's run, in a line. It is empty without such a run.
func describePolicyForesight(c backtest.Comparison) string {
	for _, run := range c.Runs {
		if run.Kind == backtest.PolicyRun {
			return DescribeForesight(run.Score) + "\n"
		}
	}
	return ""
}

// FormatOracleRatio formats the cost divided by the oracle's, or a dash if there is no oracle.
func FormatOracleRatio(c backtest.Comparison, run backtest.Run) string {
	for _, other := range c.Runs {
		if other.Kind != backtest.OracleRun {
			continue
		}
		if ratio := run.Score.CostRatio(other.Score); ratio > 0 {
			return fmt.Sprintf("%.2f ×", ratio)
		}
	}
	return "–"
}

// DescribeRecording describes the recording and its uncertainties, and says that every figure is simulated.
func DescribeRecording(c backtest.Comparison) string {
	if text := describeUncertainty(c); text != "" {
		return describePeriod(c) + " " + text
	}
	return describePeriod(c)
}

// describePeriod describes the time and the interval of the recording, and what it does not have.
func describePeriod(c backtest.Comparison) string {
	return fmt.Sprintf("%s to %s, one value every %s. Every figure about a database is simulated. A recording has no I/O, so that no class "+
		"was checked against it: the operator may keep a larger class.",
		c.Start.UTC().Format("2006-01-02 15:04"), c.End.UTC().Format("2006-01-02 15:04"), strings.TrimSuffix(c.Interval.String(), "0s"))
}

// describeUncertainty describes the gaps and the saturation of the recording. It is empty if there are none.
func describeUncertainty(c backtest.Comparison) string {
	text := ""
	if c.GapMinutes > 0 {
		text = fmt.Sprintf("The recording has gaps of %s: in this time the autoscalers have no metrics, and no minute is scored.",
			formatMinutes(c.GapMinutes))
	}
	if c.UncertainMinutes > 0 {
		text = strings.TrimSpace(fmt.Sprintf("%s The recorded database was saturated for %s, so the true demand was higher than the simulated "+
			"one: record DBLoadCPU too.", text, formatMinutes(c.UncertainMinutes)))
	}
	return text
}

func formatUnserved(vcpuMinutes float64) string {
	if vcpuMinutes < 0.05 {
		return "0"
	}
	return strconv.FormatFloat(vcpuMinutes, 'f', 1, 64) + " vCPU min"
}

// formatMinutes formats a number of minutes, in hours and minutes from two hours on.
func formatMinutes(minutes int) string {
	switch d := time.Duration(minutes) * time.Minute; {
	case minutes == 0:
		return "0 min"
	case minutes < 120:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), minutes%60)
	}
}

// FormatScore formats a score in one line.
func FormatScore(s backtest.Score) string {
	return fmt.Sprintf("%s of %s overloaded, %s unserved, %s, %d disruptions, %d changes", formatMinutes(s.OverloadedMinutes),
		formatMinutes(s.ScoredMinutes), formatUnserved(s.UnservedVCPUMinutes), FormatCost(s), s.Disruptions, s.Changes)
}
