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

// explanations say why a load is dominated, by the name of the load.
var explanations = map[string]string{
	"hourly-11": "the size was selected with the whole load in view; dbscaler " +
		"has the initial class for the first day and adds readers for every sixth job",
}

// listDominated lists the dominated loads with the peer and the explanation, and reports whether each has one.
func listDominated(all []loadResult) (dominated []string, isExplained bool) {
	isExplained = true
	for _, l := range all {
		peer := dominatingPeer(l.Comparison)
		if peer == nil {
			continue
		}
		text := l.name + " (" + peer.Name
		if why := explanations[l.name]; why != "" {
			text += ": " + why
		} else {
			isExplained = false
		}
		dominated = append(dominated, text+")")
	}
	return dominated, isExplained
}

// renderLimitExceptions lists the rules on RDS, dbscaler included, with fewer overloaded minutes than the reactive limit at no higher cost.
// Constant sizes do not count, since each is chosen with the whole load in view.
func renderLimitExceptions(all []loadResult) string {
	var exceptions []string
	for _, l := range all {
		limit := findRun(l.Comparison, "reactive").Score
		for _, r := range l.Runs {
			isRule := r.Kind == backtest.PolicyRun || r.Kind == backtest.BaselineRun && !r.OtherPlatform
			if isRule && r.Score.OverloadedMinutes < limit.OverloadedMinutes && r.Score.CostRatio(limit) <= 1+1e-9 {
				exceptions = append(exceptions, fmt.Sprintf("%s (%s: %d min, the limit %d, at %.2f × its cost)", l.name, r.Name,
					r.Score.OverloadedMinutes, limit.OverloadedMinutes, r.Score.CostRatio(limit)))
			}
		}
	}
	if len(exceptions) == 0 {
		return "No rule on RDS has fewer overloaded minutes than the reactive limit at the same cost or a lower one, under any load."
	}
	return "Rules on RDS with fewer overloaded minutes than the reactive limit at the same cost or a lower one: " +
		strings.Join(exceptions, ", ") + "."
}

// comparedColumns are the columns of renderComparedLoad.
const comparedColumns = "load | dbscaler | time to capacity | reactive limit | oracle | disruptions (Atlas) | best affordable peer | " +
	"dominated by |"

// renderComparedLoads renders a row for each load.
func renderComparedLoads(all []loadResult) string {
	var b strings.Builder
	b.WriteString("| " + comparedColumns + "\n| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |\n")
	for _, l := range all {
		b.WriteString(renderComparedLoad(l))
	}
	return b.String()
}

// renderComparedLoad renders the row of a load: dbscaler beside the reactive limit, the oracle, the best affordable peer and the peer that
// dominates it. Costs are divided by the oracle's.
func renderComparedLoad(l loadResult) string {
	c, policy := l.Comparison, &l.Runs[0]
	oracle, limit := findRun(c, "oracle").Score, findRun(c, "reactive")
	return fmt.Sprintf("| %s | %s | %s | %s | %d min | %d (%d) | %s | %s |\n", l.name, describeRun(policy, oracle, false),
		report.FormatTimeToCapacity(policy.Score), describeRun(&limit, oracle, false), oracle.OverloadedMinutes, policy.Score.Disruptions,
		findRun(c, "atlas").Score.Disruptions, describeRun(bestAffordable(c), oracle, true), describeRun(dominatingPeer(c), oracle, true))
}
