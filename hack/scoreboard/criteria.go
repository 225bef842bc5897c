package main

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

// isAtMostHalf reports whether a number of overloaded minutes is at most half of another.
func isAtMostHalf(minutes, other int) bool { return 2*minutes <= other }

// bestAffordable is the baseline or static size with the fewest overloaded minutes, of those that cost no more than dbscaler. It is
// nil if there is none. With onRDS set, it ignores other platforms.
func bestAffordable(c backtest.Comparison, onRDS bool) *backtest.Run {
	policy := c.Runs[0]
	var best *backtest.Run
	for n := range c.Runs {
		r := &c.Runs[n]
		isCandidate := r.Kind == backtest.BaselineRun || r.Kind == backtest.StaticRun
		if !isCandidate || onRDS && r.OtherPlatform || r.Score.CostRatio(policy.Score) > 1+1e-9 {
			continue
		}
		if best == nil || r.Score.OverloadedMinutes < best.Score.OverloadedMinutes {
			best = r
		}
	}
	return best
}

// findRun is the run with an ID, or an empty run.
func findRun(c backtest.Comparison, id string) backtest.Run {
	for _, r := range c.Runs {
		if r.ID == id {
			return r
		}
	}
	return backtest.Run{}
}

// summarize describes the result of a load in one line. For the best affordable run of all platforms and of RDS it says whether
// dbscaler has at most half of its overloaded minutes.
func summarize(c backtest.Comparison) string {
	policy, oracle := c.Runs[0].Score, findRun(c, "oracle").Score
	text := fmt.Sprintf("%d min overloaded, %.2f × oracle, %d disruptions (Atlas %d), %d changes", policy.OverloadedMinutes,
		policy.CostRatio(oracle), policy.Disruptions, findRun(c, "atlas").Score.Disruptions, policy.Changes)
	for _, onRDS := range []bool{false, true} {
		if best := bestAffordable(c, onRDS); best != nil {
			text += fmt.Sprintf("; %s %d at %.2f %t", best.ID, best.Score.OverloadedMinutes, best.Score.CostRatio(oracle),
				isAtMostHalf(policy.OverloadedMinutes, best.Score.OverloadedMinutes))
		}
	}
	return text
}

// sumRuns sums the scores of an ID over all loads. It returns false if a load has no such run.
func sumRuns(all []loadResult, id string) (backtest.Run, bool) {
	total := backtest.Run{}
	for _, l := range all {
		run := findRun(l.Comparison, id)
		if run.ID == "" {
			return total, false
		}
		sum := total.Score.Add(run.Score)
		total = run
		total.Score = sum
	}
	return total, len(all) > 0
}

// sumLoads is the comparison with the sums over all loads.
func sumLoads(all []loadResult) backtest.Comparison {
	// The name of a static size has its shape, which differs between loads.
	staticNames := map[string]string{"static-peak": "Static, for the peak", "static-mean": "Static, for the mean"}
	c := backtest.Comparison{}
	for _, id := range append([]string{"dbscaler"}, backtest.ComparisonNames()...) {
		if total, exists := sumRuns(all, id); exists {
			if total.Kind == backtest.StaticRun {
				total.Name = staticNames[id]
			}
			c.Runs = append(c.Runs, total)
		}
	}
	return c
}

// countWins counts the loads in which dbscaler has at most half of the overloaded minutes of the best affordable run.
func countWins(all []loadResult, onRDS bool) int {
	n := 0
	for _, l := range all {
		best := bestAffordable(l.Comparison, onRDS)
		if best == nil || isAtMostHalf(l.Runs[0].Score.OverloadedMinutes, best.Score.OverloadedMinutes) {
			n++
		}
	}
	return n
}
