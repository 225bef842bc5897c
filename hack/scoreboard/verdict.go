package main

import (
	"fmt"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

// half says whether a number of overloaded minutes is at most half of another.
func half(ours, best int) bool { return 2*ours <= best }

// rival is the run with the least overload of those that cost no more than ours; nil when there is none. Where onRDS is set only
// those count that an RDS database can have.
func rival(c backtest.Comparison, onRDS bool) *backtest.Run {
	ours := c.Runs[0]
	var best *backtest.Run
	for n := range c.Runs {
		r := &c.Runs[n]
		if r.Kind != backtest.Peer && r.Kind != backtest.Static || onRDS && r.Elsewhere || r.Score.Over(ours.Score) > 1+1e-9 {
			continue
		}
		if best == nil || r.Score.Overloaded < best.Score.Overloaded {
			best = r
		}
	}
	return best
}

// find is the run of a name.
func find(c backtest.Comparison, id string) backtest.Run {
	for _, r := range c.Runs {
		if r.ID == id {
			return r
		}
	}
	return backtest.Run{}
}

// brief is a load in a line.
func brief(c backtest.Comparison) string {
	ours, oracle := c.Runs[0], find(c, "oracle")
	text := fmt.Sprintf("%d min overloaded, %.2f × oracle, %d disruptions (Atlas %d), %d changes", ours.Score.Overloaded,
		ours.Score.Over(oracle.Score), ours.Score.Disruptions, find(c, "atlas").Score.Disruptions, ours.Score.Changes)
	for _, onRDS := range []bool{false, true} {
		if best := rival(c, onRDS); best != nil {
			text += fmt.Sprintf("; %s %d at %.2f %t", best.ID, best.Score.Overloaded, best.Score.Over(oracle.Score),
				half(ours.Score.Overloaded, best.Score.Overloaded))
		}
	}
	return text
}

// sum adds the scores of a name up over loads.
func sum(all []played, id string) (backtest.Run, bool) {
	total := backtest.Run{}
	for _, p := range all {
		r := find(p.Comparison, id)
		if r.ID == "" {
			return total, false
		}
		s := total.Score
		total = r
		total.Score = s.Plus(r.Score)
	}
	return total, len(all) > 0
}

// summed is a comparison of the sums over loads.
func summed(all []played) backtest.Comparison {
	c := backtest.Comparison{}
	for _, id := range append([]string{"dbscaler"}, backtest.Names()...) {
		if total, played := sum(all, id); played {
			if total.Kind == backtest.Static {
				total.Name = map[string]string{"static-peak": "Static, for the peak", "static-mean": "Static, for the mean"}[id]
			}
			c.Runs = append(c.Runs, total)
		}
	}
	return c
}

// won counts the loads in which ours is overloaded for at most half as long as the best that costs no more.
func won(all []played, onRDS bool) int {
	n := 0
	for _, p := range all {
		if best := rival(p.Comparison, onRDS); best == nil || half(p.Runs[0].Score.Overloaded, best.Score.Overloaded) {
			n++
		}
	}
	return n
}
