package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// thresholds are simulated in addition to the default ones. The last are the highest that the API accepts.
var thresholds = []scaling.CPU{
	{Target: 55, ScaleUp: 65, ScaleDown: 40}, {Target: 60, ScaleUp: 70, ScaleDown: 45}, {Target: 70, ScaleUp: 80, ScaleDown: 55},
	{Target: 75, ScaleUp: 85, ScaleDown: 60}, {Target: 84, ScaleUp: 90, ScaleDown: 74},
}

// thresholdResult is the score of dbscaler with other thresholds, summed over all loads.
type thresholdResult struct {
	scaling.CPU
	backtest.Score
}

// newThresholdResults has no scores yet.
func newThresholdResults() []thresholdResult {
	out := make([]thresholdResult, len(thresholds))
	for n := range thresholds {
		out[n].CPU = thresholds[n]
	}
	return out
}

// scoreThresholds simulates a load with each of the thresholds.
func scoreThresholds(ctx context.Context, s backtest.Setup, all []thresholdResult) ([]backtest.Score, error) {
	var out []backtest.Score
	for n := range all {
		s.Policy.CPU = all[n].CPU
		c, err := backtest.Compare(ctx, s, nil, nil)
		if err != nil {
			return nil, err
		}
		out = append(out, c.Runs[0].Score)
	}
	return out, nil
}

// renderThresholds renders the table of all thresholds, with the default ones in bold.
func renderThresholds(c backtest.Comparison, cpu scaling.CPU, others []thresholdResult) string {
	var b strings.Builder
	b.WriteString("\n## Effect of the thresholds\n\nThe same loads, with other CPU thresholds and otherwise the default settings. The last " +
		"row has the highest thresholds that the API accepts.\n\n" +
		"| target | scale up | scale down | overloaded | cost | disruptions |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, t := range sortThresholds(c, cpu, others) {
		bold := ""
		if t.CPU == cpu {
			bold = "**"
		}
		fmt.Fprintf(&b, "| %s%d %%%s | %d %% | %d %% | %d min | %s | %d |\n", bold, t.Target, bold, t.ScaleUp, t.ScaleDown,
			t.OverloadedMinutes, report.FormatOracleRatio(c, backtest.Run{Score: t.Score}), t.Disruptions)
	}
	return b.String()
}

// sortThresholds lists the results of the default and the other thresholds, the lowest target first.
func sortThresholds(c backtest.Comparison, cpu scaling.CPU, others []thresholdResult) []thresholdResult {
	all := append(slices.Clone(others), thresholdResult{cpu, c.Runs[0].Score})
	slices.SortFunc(all, func(a, b thresholdResult) int { return cmp.Compare(a.Target, b.Target) })
	return all
}
