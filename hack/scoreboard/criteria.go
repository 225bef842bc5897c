package main

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
)

// isAtMostHalf reports whether a number of overloaded minutes is at most half of another.
func isAtMostHalf(minutes, other int) bool { return 2*minutes <= other }

// bestAffordable is the peer on RDS with the fewest overloaded minutes, of those that cost no more than dbscaler. It is nil if there is
// none.
func bestAffordable(c backtest.Comparison) *backtest.Run {
	policy := c.Runs[0]
	var best *backtest.Run
	for n := range c.Runs {
		r := &c.Runs[n]
		isCandidate := isPeerOnRDS(*r) && r.Score.CostRatio(policy.Score) <= 1+1e-9
		if isCandidate && (best == nil || r.Score.OverloadedMinutes < best.Score.OverloadedMinutes) {
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

// summarize describes the result of a load in one line.
func summarize(c backtest.Comparison) string {
	policy, oracle, limit := c.Runs[0].Score, findRun(c, "oracle").Score, findRun(c, "reactive").Score
	text := fmt.Sprintf("%d min overloaded at %.2f × oracle; reactive limit %d at %.2f; %d disruptions (Atlas %d), %d changes",
		policy.OverloadedMinutes, policy.CostRatio(oracle), limit.OverloadedMinutes, limit.CostRatio(oracle), policy.Disruptions,
		findRun(c, "atlas").Score.Disruptions, policy.Changes)
	if best := bestAffordable(c); best != nil {
		text += fmt.Sprintf("; %s %d at %.2f, at most half: %s", best.ID, best.Score.OverloadedMinutes, best.Score.CostRatio(oracle),
			formatYesNo(isAtMostHalf(policy.OverloadedMinutes, best.Score.OverloadedMinutes)))
	}
	if peer := dominatingPeer(c); peer != nil {
		text += "; dominated by " + peer.ID
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
	staticNames := map[string]string{
		"static-peak": "Static, for the peak", "static-mean": "Static, for the mean", "static-p99.5": "Static, P99.5 + 20 %",
	}
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

// countWins counts the loads in which dbscaler has at most half of the overloaded minutes of the best affordable peer.
func countWins(all []loadResult) int {
	n := 0
	for _, l := range all {
		best := bestAffordable(l.Comparison)
		if best == nil || isAtMostHalf(l.Runs[0].Score.OverloadedMinutes, best.Score.OverloadedMinutes) {
			n++
		}
	}
	return n
}

// ofKind are the loads of a kind.
func ofKind(all []loadResult, kind workload.Kind) []loadResult {
	var out []loadResult
	for _, l := range all {
		if l.kind == kind {
			out = append(out, l)
		}
	}
	return out
}

// The acceptance criteria: the highest overload and cost relative to the reactive limit, and the highest cost relative to the recorded one
// for smooth loads.
const (
	maxLimitOverload, maxLimitCost = 1.25, 1.3
	maxSmoothCost                  = 1.05
	maxDominatedShare              = 1.0 / 20
	maxDisruptionShare             = 1.0 / 3
)

// renderCriteria renders the acceptance criteria with their figures, and whether each is met.
func renderCriteria(all []loadResult) string {
	var b strings.Builder
	b.WriteString("*Peer*: a rule or a constant size that RDS can have. *Affordable*: costs no more than dbscaler. *Dominated*: " +
		"some peer has fewer overloaded minutes and a lower cost.\n\n| | criterion | figures | met |\n| --- | --- | --- | :---: |\n")
	row := func(number, criterion, figures string, met bool) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", number, criterion, figures, formatYesNo(met))
	}
	dominated, isExplained := listDominated(all)
	figures := fmt.Sprintf("%d of %d", len(dominated), len(all))
	if len(dominated) > 0 {
		figures += ": " + strings.Join(dominated, ", ")
	}
	row("1", "at most one load in twenty is dominated, and each is explained", figures,
		isExplained && float64(len(dominated)) <= maxDominatedShare*float64(len(all)))
	for _, group := range []struct {
		number, name string
		loads        []loadResult
	}{{"2", "all loads", all}, {"2", "bursty loads", ofKind(all, workload.Bursty)}} {
		if len(group.loads) == 0 {
			continue
		}
		c := sumLoads(group.loads)
		minutes, text, met := c.Runs[0].Score.OverloadedMinutes, "no peer is affordable", true
		if best := bestAffordable(c); best != nil {
			met = isAtMostHalf(minutes, best.Score.OverloadedMinutes)
			text = fmt.Sprintf("%s %d min", report.DisplayName(*best), best.Score.OverloadedMinutes)
		}
		row(group.number, "overloaded for at most half of the best affordable peer's minutes: sum of "+group.name,
			fmt.Sprintf("%d min; %s", minutes, text), met)
		wins := countWins(group.loads)
		row(group.number, "the same in three quarters of "+group.name, fmt.Sprintf("%d of %d", wins, len(group.loads)),
			4*wins >= 3*len(group.loads))
	}
	c := sumLoads(all)
	policy, limit := c.Runs[0].Score, findRun(c, "reactive").Score
	row("3", fmt.Sprintf("overloaded for at most %g × the reactive limit's minutes, in the sum", maxLimitOverload),
		fmt.Sprintf("%d min; %d min (%.2f ×)", policy.OverloadedMinutes, limit.OverloadedMinutes,
			float64(policy.OverloadedMinutes)/max(1, float64(limit.OverloadedMinutes))),
		float64(policy.OverloadedMinutes) <= maxLimitOverload*float64(limit.OverloadedMinutes))
	ratio := policy.CostRatio(limit)
	row("3", fmt.Sprintf("a cost of at most %g × the reactive limit's, in the sum", maxLimitCost), fmt.Sprintf("%.2f ×", ratio),
		ratio <= maxLimitCost)
	atlas := findRun(c, "atlas").Score.Disruptions
	row("4", "at most a third of Atlas's disruptions, in the sum", fmt.Sprintf("%d; Atlas %d", policy.Disruptions, atlas),
		float64(policy.Disruptions) <= maxDisruptionShare*float64(atlas))
	figures, met := compareSmooth(all, recordedSmoothScores())
	row("5", fmt.Sprintf("smooth generated loads as before: no more overloaded minutes, and at most %g × the cost, each", maxSmoothCost),
		figures, met)
	return b.String()
}
