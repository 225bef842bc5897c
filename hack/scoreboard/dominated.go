package main

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
)

// isPeerOnRDS reports whether a run is of an autoscaler or of a constant size that RDS can have.
func isPeerOnRDS(r backtest.Run) bool {
	return (r.Kind == backtest.BaselineRun || r.Kind == backtest.StaticRun) && !r.OtherPlatform
}

// dominates reports whether a score is better than another one on both axes: fewer overloaded minutes at a lower cost. Costs that differ
// by a rounding error are equal.
func dominates(a, b backtest.Score) bool {
	return a.OverloadedMinutes < b.OverloadedMinutes && a.CostRatio(b) < 1-1e-9
}

// dominatingPeer is the peer on RDS with the fewest overloaded minutes, of those that dominate dbscaler. It is nil if there is none.
func dominatingPeer(c backtest.Comparison) *backtest.Run {
	var worst *backtest.Run
	for n := range c.Runs {
		r := &c.Runs[n]
		if isPeerOnRDS(*r) && dominates(r.Score, c.Runs[0].Score) && (worst == nil || r.Score.OverloadedMinutes < worst.Score.OverloadedMinutes) {
			worst = r
		}
	}
	return worst
}

// renderComparedLoads renders a row for each load: dbscaler beside the reactive limit, the best affordable peer and the peer that
// dominates it. Costs are divided by the oracle's.
func renderComparedLoads(all []loadResult) string {
	var b strings.Builder
	b.WriteString("| load | dbscaler | reactive limit | oracle | disruptions (Atlas) | best affordable on RDS | dominated by |\n" +
		"| --- | ---: | ---: | ---: | ---: | --- | --- |\n")
	for _, l := range all {
		c := l.Comparison
		oracle := findRun(c, "oracle").Score
		describe := func(r *backtest.Run) string {
			if r == nil {
				return "none"
			}
			return fmt.Sprintf("%d min, %.2f ×", r.Score.OverloadedMinutes, r.Score.CostRatio(oracle))
		}
		withName := func(r *backtest.Run) string {
			if r == nil {
				return "none"
			}
			return report.DisplayName(*r) + ": " + describe(r)
		}
		limit := findRun(c, "reactive")
		fmt.Fprintf(&b, "| %s | %s | %s | %d min | %d (%d) | %s | %s |\n", l.name, describe(&c.Runs[0]), describe(&limit), oracle.OverloadedMinutes,
			c.Runs[0].Score.Disruptions, findRun(c, "atlas").Score.Disruptions, withName(bestAffordable(c, true)), withName(dominatingPeer(c)))
	}
	return b.String()
}
