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

// thresholds are what is played beside the default, up to the highest that the API takes.
var thresholds = []scaling.CPU{
	{Target: 55, ScaleUp: 65, ScaleDown: 40}, {Target: 60, ScaleUp: 70, ScaleDown: 45}, {Target: 70, ScaleUp: 80, ScaleDown: 55},
	{Target: 75, ScaleUp: 85, ScaleDown: 60}, {Target: 84, ScaleUp: 90, ScaleDown: 74},
}

// thresholdResult is how other thresholds fared, summed over loads.
type thresholdResult struct {
	scaling.CPU
	backtest.Score
}

// addThresholdScores adds up what a load makes of other thresholds.
func addThresholdScores(ctx context.Context, s backtest.Setup, all []thresholdResult) error {
	for n := range all {
		s.Policy.CPU = all[n].CPU
		c, err := backtest.Compare(ctx, s, nil, nil)
		if err != nil {
			return err
		}
		all[n].Score = all[n].Add(c.Runs[0].Score)
	}
	return nil
}

// renderThresholds shows what thresholds trade, the default ones among the others.
func renderThresholds(c backtest.Comparison, cpu scaling.CPU, others []thresholdResult) string {
	var b strings.Builder
	b.WriteString("\n## What the thresholds trade\n\nThe same loads, with other thresholds and the default settings for all else. The last " +
		"row has the highest that the API takes.\n\n" +
		"| target | up | down | overloaded | cost | disruptions |\n| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, t := range sortThresholds(c, cpu, others) {
		mark := ""
		if t.CPU == cpu {
			mark = "**"
		}
		fmt.Fprintf(&b, "| %s%d %%%s | %d %% | %d %% | %d min | %s | %d |\n", mark, t.Target, mark, t.ScaleUp, t.ScaleDown, t.OverloadedMinutes,
			report.FormatOracleRatio(c, backtest.Run{Score: t.Score}), t.Disruptions)
	}
	return b.String()
}

// sortThresholds lists the thresholds that were played, the default ones among them, the lowest first.
func sortThresholds(c backtest.Comparison, cpu scaling.CPU, others []thresholdResult) []thresholdResult {
	all := append(slices.Clone(others), thresholdResult{cpu, c.Runs[0].Score})
	slices.SortFunc(all, func(a, b thresholdResult) int { return cmp.Compare(a.Target, b.Target) })
	return all
}
