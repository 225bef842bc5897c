package main

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

// isAtMostHalf says whether a number of overloaded minutes is at most half of another.
func isAtMostHalf(dbscaler, best int) bool { return 2*dbscaler <= best }

// bestAffordable is the run with the least overload of those that cost no more than dbscaler; nil when there is none. Where onRDS is set only
// those count that an RDS database can have.
func bestAffordable(c backtest.Comparison, onRDS bool) *backtest.Run {
	dbscaler := c.Runs[0]
	var best *backtest.Run
	for n := range c.Runs {
		r := &c.Runs[n]
		if r.Kind != backtest.BaselineRun && r.Kind != backtest.StaticRun || onRDS && r.OtherPlatform || r.Score.CostRatio(dbscaler.Score) > 1+1e-9 {
			continue
		}
		if best == nil || r.Score.OverloadedMinutes < best.Score.OverloadedMinutes {
			best = r
		}
	}
	return best
}

// findRun is the run of a name.
func findRun(c backtest.Comparison, id string) backtest.Run {
	for _, r := range c.Runs {
		if r.ID == id {
			return r
		}
	}
	return backtest.Run{}
}

// summarize is a load in a line.
func summarize(c backtest.Comparison) string {
	dbscaler, oracle := c.Runs[0], findRun(c, "oracle")
	text := fmt.Sprintf("%d min overloaded, %.2f × oracle, %d disruptions (Atlas %d), %d changes", dbscaler.Score.OverloadedMinutes,
		dbscaler.Score.CostRatio(oracle.Score), dbscaler.Score.Disruptions, findRun(c, "atlas").Score.Disruptions, dbscaler.Score.Changes)
	for _, onRDS := range []bool{false, true} {
		if best := bestAffordable(c, onRDS); best != nil {
			text += fmt.Sprintf("; %s %d at %.2f %t", best.ID, best.Score.OverloadedMinutes, best.Score.CostRatio(oracle.Score),
				isAtMostHalf(dbscaler.Score.OverloadedMinutes, best.Score.OverloadedMinutes))
		}
	}
	return text
}

// sumRuns adds the scores of a name up over loads.
func sumRuns(all []loadResult, id string) (backtest.Run, bool) {
	total := backtest.Run{}
	for _, p := range all {
		r := findRun(p.Comparison, id)
		if r.ID == "" {
			return total, false
		}
		s := total.Score
		total = r
		total.Score = s.Add(r.Score)
	}
	return total, len(all) > 0
}

// sumLoads is a comparison of the sums over loads.
func sumLoads(all []loadResult) backtest.Comparison {
	c := backtest.Comparison{}
	for _, id := range append([]string{"dbscaler"}, backtest.ComparisonNames()...) {
		if total, played := sumRuns(all, id); played {
			if total.Kind == backtest.StaticRun {
				total.Name = map[string]string{"static-peak": "Static, for the peak", "static-mean": "Static, for the mean"}[id]
			}
			c.Runs = append(c.Runs, total)
		}
	}
	return c
}

// countWins counts the loads in which dbscaler is overloaded for at most half as long as the best that costs no more.
func countWins(all []loadResult, onRDS bool) int {
	n := 0
	for _, p := range all {
		if best := bestAffordable(p.Comparison, onRDS); best == nil || isAtMostHalf(p.Runs[0].Score.OverloadedMinutes, best.Score.OverloadedMinutes) {
			n++
		}
	}
	return n
}
