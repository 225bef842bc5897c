package main

import (
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newRun has a cost in vCPU hours and a number of overloaded minutes.
func newRun(id string, kind backtest.RunKind, otherPlatform bool, cost float64, overloaded int) backtest.Run {
	score := backtest.Score{VCPUHours: cost, OverloadedMinutes: overloaded}
	return backtest.Run{ID: id, Name: id, Kind: kind, OtherPlatform: otherPlatform, Score: score}
}

// newLoadResult has a run of dbscaler with so many overloaded minutes, and other runs.
func newLoadResult(overloaded int) loadResult {
	return loadResult{load: load{name: "a load"}, Comparison: backtest.Comparison{Runs: []backtest.Run{
		newRun("dbscaler", backtest.PolicyRun, false, 150, overloaded),
		newRun("hpa", backtest.BaselineRun, true, 120, 10),
		newRun("atlas", backtest.BaselineRun, false, 150, 40),
		newRun("aurora-h3", backtest.BaselineRun, false, 151, 1),
		newRun("static-mean", backtest.StaticRun, false, 90, 900),
		newRun("oracle", backtest.OracleRun, false, 100, 0),
	}}}
}

// The best affordable run is the least overloaded one. Runs that cost more, the oracle, and, on RDS, other platforms do not count.
func TestBestAffordable(t *testing.T) {
	c := newLoadResult(20).Comparison
	if best := bestAffordable(c, false); best == nil || best.ID != "hpa" {
		t.Errorf("the best affordable run is %v, want hpa", best)
	}
	if best := bestAffordable(c, true); best == nil || best.ID != "atlas" {
		t.Errorf("the best affordable run on RDS is %v, want atlas", best)
	}
	c.Runs[0].Score.VCPUHours = 80
	if best := bestAffordable(c, false); best != nil {
		t.Errorf("the best affordable run for the cheapest autoscaler is %v, want none", best)
	}
}

// Exactly half of the best affordable run's minutes is a win, one minute more is not. Rows and totals show both criteria.
func TestCountWins(t *testing.T) {
	all := []loadResult{newLoadResult(20), newLoadResult(21), newLoadResult(5)}
	if onRDS, onAny := countWins(all, true), countWins(all, false); onRDS != 2 || onAny != 1 {
		t.Errorf("%d wins on RDS and %d on any platform, want 2 and 1", onRDS, onAny)
	}
	want := "| a load | 20 min | 1.50 × | 0 | 0 | atlas: 40 min at 1.50 × | yes | hpa †: 10 min at 1.20 × | no |\n"
	if got := renderRow(newLoadResult(20)); got != want {
		t.Errorf("the row is %q, want %q", got, want)
	}
	for _, want := range []string{
		"on RDS, in the sum: yes (46 min; atlas has 120 min). The same in at least three quarters of the loads: no (2 of 3).",
		"on any platform, in the sum: no (46 min; hpa † has 30 min). The same in at least three quarters of the loads: no (1 of 3).",
		"1.25 × the oracle's, in the sum: no (1.50 ×)", "| **dbscaler** | 46 min |",
	} {
		if got := renderTotals(all); !strings.Contains(got, want) {
			t.Errorf("the totals do not contain %q:\n%s", want, got)
		}
	}
}

// The default thresholds are in their order among the others.
func TestRenderThresholds(t *testing.T) {
	others := []thresholdResult{{
		scaling.CPU{Target: 75, ScaleUp: 85, ScaleDown: 60}, backtest.Score{VCPUHours: 125, OverloadedMinutes: 50, Disruptions: 3},
	}}
	got := renderThresholds(newLoadResult(20).Comparison, scaling.CPU{Target: 65, ScaleUp: 75, ScaleDown: 50}, others)
	want := "| **65 %** | 75 % | 50 % | 20 min | 1.50 × | 0 |\n| 75 % | 85 % | 60 % | 50 min | 1.25 × | 3 |\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("the table is %q, want it to end with %q", got, want)
	}
}
