package main

import (
	"strings"
	"testing"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newRun is a run with a cost in vCPU hours and minutes overloaded.
func newRun(id string, kind backtest.RunKind, elsewhere bool, cost float64, overloaded int) backtest.Run {
	return backtest.Run{ID: id, Name: id, Kind: kind, OtherPlatform: elsewhere, Score: backtest.Score{VCPUHours: cost, OverloadedMinutes: overloaded}}
}

func newLoadResult(dbscaler int) loadResult {
	return loadResult{load: load{name: "a load"}, Comparison: backtest.Comparison{Runs: []backtest.Run{
		newRun("dbscaler", backtest.PolicyRun, false, 150, dbscaler), newRun("hpa", backtest.BaselineRun, true, 120, 10), newRun("atlas", backtest.BaselineRun, false, 150, 40),
		newRun("aurora-h3", backtest.BaselineRun, false, 151, 1), newRun("static-mean", backtest.StaticRun, false, 90, 900), newRun("oracle", backtest.OracleRun, false, 100, 0),
	}}}
}

// The rival is who is overloaded least of those that cost no more: a dearer one does not count, nor does the oracle, nor, on RDS, what
// RDS cannot do.
func TestBestAffordable(t *testing.T) {
	c := newLoadResult(20).Comparison
	if best := bestAffordable(c, false); best == nil || best.ID != "hpa" {
		t.Errorf("the rival of all is %v", best)
	}
	if best := bestAffordable(c, true); best == nil || best.ID != "atlas" {
		t.Errorf("the rival on RDS is %v", best)
	}
	c.Runs[0].Score.VCPUHours = 80
	if best := bestAffordable(c, false); best != nil {
		t.Errorf("the rival of who costs least is %v", best)
	}
}

// Half of the rival's minutes still wins, a minute more does not; and a row says which of the two readings is won.
func TestCountWins(t *testing.T) {
	all := []loadResult{newLoadResult(20), newLoadResult(21), newLoadResult(5)}
	if rds, every := countWins(all, true), countWins(all, false); rds != 2 || every != 1 {
		t.Errorf("%d are won on RDS and %d of all", rds, every)
	}
	want := "| a load | 20 min | 1.50 × | 0 | 0 | atlas: 40 min at 1.50 × | yes | hpa †: 10 min at 1.20 × | no |\n"
	if got := renderRow(newLoadResult(20)); got != want {
		t.Errorf("the row is %q, want %q", got, want)
	}
	for _, want := range []string{"on the sum yes (46 min; atlas has 120 min); on 2 of 3 loads, three quarters wanted: no.",
		"on the sum no (46 min; hpa † has 30 min); on 1 of 3 loads", "1.25 × the oracle's on the sum: no (1.50 ×)", "| **dbscaler** | 46 min |"} {
		if got := renderTotals(all); !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// The default thresholds stand in their order among the others.
func TestRenderThresholds(t *testing.T) {
	others := []thresholdResult{{scaling.CPU{Target: 75, ScaleUp: 85, ScaleDown: 60}, backtest.Score{VCPUHours: 125, OverloadedMinutes: 50, Disruptions: 3}}}
	got := renderThresholds(newLoadResult(20).Comparison, scaling.CPU{Target: 65, ScaleUp: 75, ScaleDown: 50}, others)
	want := "| **65 %** | 75 % | 50 % | 20 min | 1.50 × | 0 |\n| 75 % | 85 % | 60 % | 50 min | 1.25 × | 3 |\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("the table is %q", got)
	}
}
