package main

import (
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newRun has a cost in vCPU hours and a number of overloaded minutes.
func newRun(id string, kind backtest.RunKind, otherPlatform bool, cost float64, overloaded int) backtest.Run {
	score := backtest.Score{VCPUHours: cost, OverloadedMinutes: overloaded}
	return backtest.Run{ID: id, Name: id, Kind: kind, OtherPlatform: otherPlatform, Score: score}
}

// newLoadResult has a run of dbscaler with so many overloaded minutes, and other runs.
func newLoadResult(overloaded int) loadResult {
	return loadResult{load: load{name: "a load", kind: workload.Bursty}, Comparison: backtest.Comparison{Runs: []backtest.Run{
		newRun("dbscaler", backtest.PolicyRun, false, 150, overloaded),
		newRun("hpa", backtest.BaselineRun, true, 120, 10),
		newRun("atlas", backtest.BaselineRun, false, 150, 40),
		newRun("aurora-h3", backtest.BaselineRun, false, 151, 1),
		newRun("static-mean", backtest.StaticRun, false, 90, 900),
		newRun("reactive", backtest.ReactiveRun, false, 120, 16),
		newRun("oracle", backtest.OracleRun, false, 100, 0),
	}}}
}

// The best affordable run is the least overloaded one. Runs that cost more, the bounds, and other platforms do not count.
func TestBestAffordable(t *testing.T) {
	c := newLoadResult(20).Comparison
	if best := bestAffordable(c); best == nil || best.ID != "atlas" {
		t.Errorf("the best affordable run is %v, want atlas", best)
	}
	c.Runs[0].Score.VCPUHours = 80
	if best := bestAffordable(c); best != nil {
		t.Errorf("the best affordable run for the cheapest autoscaler is %v, want none", best)
	}
}

// A peer dominates with fewer overloaded minutes and a lower cost. An equal cost, the bounds and other platforms do not count.
func TestDominatingPeer(t *testing.T) {
	c := newLoadResult(900).Comparison
	if peer := dominatingPeer(c); peer != nil {
		t.Errorf("dominated by %v; hpa runs elsewhere, atlas costs as much, static-mean is overloaded as long", peer)
	}
	c.Runs[0].Score.OverloadedMinutes = 901
	if peer := dominatingPeer(c); peer == nil || peer.ID != "static-mean" {
		t.Errorf("dominated by %v, want static-mean", peer)
	}
	c.Runs[0].Score.VCPUHours = 150.1
	if peer := dominatingPeer(c); peer == nil || peer.ID != "atlas" {
		t.Errorf("dominated by %v, want atlas, which has the fewest minutes", peer)
	}
}

// Exactly half of the best affordable run's minutes is a win, one minute more is not.
func TestCountWins(t *testing.T) {
	if wins := countWins([]loadResult{newLoadResult(20), newLoadResult(21), newLoadResult(5)}); wins != 2 {
		t.Errorf("%d wins, want 2", wins)
	}
}

// Each criterion is met at its limit, and not above it.
func TestRenderCriteria(t *testing.T) {
	explanations["a load"] = "it is small"
	defer delete(explanations, "a load")
	twenty := make([]loadResult, 20)
	for n := range twenty {
		twenty[n] = newLoadResult(20)
	}
	edit := func(loads int, change func(*backtest.Score)) []loadResult {
		out := make([]loadResult, len(twenty))
		for n := range out {
			out[n] = newLoadResult(20)
			if n < loads {
				change(&out[n].Runs[0].Score)
			}
		}
		return out
	}
	for _, test := range []struct {
		name string
		all  []loadResult
		want string
	}{
		{"none dominated", twenty, "| 1 | at most one load in twenty is dominated, and each is explained | 0 of 20 | yes |"},
		{"one in twenty", edit(1, func(s *backtest.Score) { s.OverloadedMinutes = 901 }), "explained | 1 of 20: a load (static-mean: it is small) | yes |"},
		{"two in twenty", edit(2, func(s *backtest.Score) { s.OverloadedMinutes = 901 }), "2 of 20: a load (static-mean: it is small), a load (static-mean: it is small) | no |"},
		{"half", twenty, "minutes: sum of all loads | 400 min; atlas 800 min | yes |"},
		{"more than half", edit(1, func(s *backtest.Score) { s.OverloadedMinutes = 21 }), "sum of bursty loads | 401 min; atlas 800 min | no |"},
		{"three quarters", edit(5, func(s *backtest.Score) { s.OverloadedMinutes = 21 }), "in three quarters of bursty loads | 15 of 20 | yes |"},
		{"fewer", edit(6, func(s *backtest.Score) { s.OverloadedMinutes = 21 }), "in three quarters of all loads | 14 of 20 | no |"},
		{"1.25 × the limit", twenty, "in the sum | 400 min; 320 min (1.25 ×) | yes |"},
		{"more than 1.25 ×", edit(1, func(s *backtest.Score) { s.OverloadedMinutes = 21 }), "in the sum | 401 min; 320 min (1.25 ×) | no |"},
		{"1.25 × the cost", twenty, "1.3 × the reactive limit's, in the sum | 1.25 × | yes |"},
		{"more than 1.3 × the cost", edit(20, func(s *backtest.Score) { s.VCPUHours = 157 }), "1.3 × the reactive limit's, in the sum | 1.31 × | no |"},
		{"disruptions", edit(1, func(s *backtest.Score) { s.Disruptions = 1 }), "Atlas's disruptions, in the sum | 1; Atlas 0 | no |"},
	} {
		if got := renderCriteria(test.all); !strings.Contains(got, test.want) {
			t.Errorf("%s: got\n%s\nwant %q", test.name, got, test.want)
		}
	}
	third := newLoadResult(20)
	third.Runs[0].Score.Disruptions, third.Runs[2].Score.Disruptions = 10, 30
	if got := renderCriteria([]loadResult{third}); !strings.Contains(got, "| 10; Atlas 30 | yes |") {
		t.Errorf("a third of the disruptions: got\n%s", got)
	}
}

// A dominated load without an explanation does not meet the criterion.
func TestListDominated(t *testing.T) {
	if dominated, isExplained := listDominated([]loadResult{newLoadResult(901), newLoadResult(20)}); len(dominated) != 1 || isExplained {
		t.Errorf("got %v, explained: %t", dominated, isExplained)
	}
}

// A rule on RDS with fewer minutes at the same cost is an exception; other platforms and constant sizes are not.
func TestRenderLimitExceptions(t *testing.T) {
	l := newLoadResult(20)
	if got := renderLimitExceptions([]loadResult{l}); !strings.HasPrefix(got, "No rule") {
		t.Errorf("got %q", got)
	}
	l.Runs[5].Score = backtest.Score{VCPUHours: 150, OverloadedMinutes: 901}
	want := "lower one: a load (dbscaler: 20 min, the limit 901, at 1.00 × its cost), a load (atlas: 40 min, the limit 901, at 1.00 × its cost)."
	if got := renderLimitExceptions([]loadResult{l}); !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
}

// A smooth load is no worse with as many overloaded minutes and 1.05 × the cost.
func TestCompareSmooth(t *testing.T) {
	before := map[string]backtest.Score{"step": {OverloadedMinutes: 20, VCPUHours: 150 / 1.05}}
	smooth := func(name string, minutes int, cost float64) loadResult {
		l := newLoadResult(minutes)
		l.name, l.kind, l.Runs[0].Score.VCPUHours = name, workload.Smooth, cost
		return l
	}
	for _, test := range []struct {
		l    loadResult
		want bool
	}{
		{smooth("step", 20, 149.999), true}, {smooth("step", 21, 100), false}, {smooth("step", 0, 151), false}, {smooth("another", 0, 1), false},
	} {
		if figures, met := compareSmooth([]loadResult{test.l}, before); met != test.want {
			t.Errorf("%s, %d min: got %t (%s)", test.l.name, test.l.Runs[0].Score.OverloadedMinutes, met, figures)
		}
	}
	recorded := recordedSmoothScores()
	for _, g := range workload.All() {
		for _, seed := range strings.Split(reportingSeeds, ",") {
			if score, exists := recorded[g.Name+"-"+seed]; exists != (g.Kind == workload.Smooth) || exists && score.VCPUHours < 1000 {
				t.Errorf("%s-%s: the recorded score is %+v", g.Name, seed, score)
			}
		}
	}
}

// The row has dbscaler beside the bounds and the peers.
func TestRenderComparedLoad(t *testing.T) {
	l := newLoadResult(901)
	l.Runs[0].Score.Shortages, l.Runs[0].Score.ShortageMinutes, l.Runs[0].Score.LongestShortage = 2, 30, 20
	want := "| a load | 901 min, 1.50 × | 15 min (at most 20) | 16 min, 1.20 × | 0 min | 0 (0) | atlas: 40 min, 1.50 × | static-mean: 900 min, 0.90 × |\n"
	if got := renderComparedLoad(l); got != want {
		t.Errorf("the row is %q, want %q", got, want)
	}
	if got := renderTotals([]loadResult{l}); !strings.Contains(got, "| **dbscaler** | 901 min |") {
		t.Errorf("the totals are\n%s", got)
	}
}

// Seeds that decisions were tuned on are never on the page.
func TestCheckReportingSeeds(t *testing.T) {
	for seeds, want := range map[string]bool{reportingSeeds: true, "9": true, tuningSeeds: false, "11, 2": false, "3": false} {
		if err := checkReportingSeeds(seeds); (err == nil) != want {
			t.Errorf("%s: got error %v, want success: %t", seeds, err, want)
		}
	}
	for seed := range strings.SplitSeq(tuningSeeds, ",") {
		if strings.Contains(","+reportingSeeds+",", ","+seed+",") {
			t.Errorf("seed %s is for tuning and for reporting", seed)
		}
	}
}

// The picture begins half an hour before the time with the most overload.
func TestWorstBurst(t *testing.T) {
	start := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	timeline := backtest.Timeline{Start: start, BucketLength: 15 * time.Minute, OverloadedMinutes: make([]int, 100)}
	timeline.OverloadedMinutes[20], timeline.OverloadedMinutes[60], timeline.OverloadedMinutes[63] = 12, 8, 5
	if got, want := worstBurst(timeline), start.Add(15*time.Hour-burstMargin); !got.Equal(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	timeline.OverloadedMinutes[0] = 15
	if got := worstBurst(timeline); !got.Equal(start) {
		t.Errorf("got %s, want the start", got)
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
