package backtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/reactive"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The sizes are those of all autoscalers. A size is left out if a larger one costs no more, unless it is the initial one.
func TestReactiveRule(t *testing.T) {
	s := newStepSetup()
	s.Policy.Readers.InstanceClasses = []string{"db.r6g.large", "db.r6g.xlarge"}
	s.Policy.Readers.Max = 2
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 300_000, "db.r6g.xlarge": 500_000}
	rule, sizes, start := mustValidate(t, s).reactiveRule()
	// Two large (4 vCPUs) cost 600,000, one xlarge 500,000, so newSizeLadder takes the xlarge.
	want := []reactive.Size{{VCPUs: 2, HourlyCost: 300_000}, {VCPUs: 4, HourlyCost: 500_000}, {VCPUs: 8, HourlyCost: 1_000_000}}
	if !slices.Equal(rule.Sizes, want) || start != 0 || sizes[1].Shape != (scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}) ||
		rule.GrowDuration != 7*time.Minute+30*time.Second || rule.RemoveDuration != 9*time.Minute || rule.TargetPercent != 65 {
		t.Errorf("got %+v, start %d", rule, start)
	}
	s.Policy.Prices["db.r6g.xlarge"] = 250_000
	if rule, _, start := mustValidate(t, s).reactiveRule(); len(rule.Sizes) != 3 || start != 0 {
		t.Errorf("the initial size is missing: %+v, start %d", rule, start)
	}
	s.InitialShape = scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}
	if rule, _, start := mustValidate(t, s).reactiveRule(); len(rule.Sizes) != 2 || start != 0 {
		t.Errorf("a size that costs more than a larger one was not left out: %+v, start %d", rule, start)
	}
}

// The demand rises from 1 to 5 vCPUs at 6:00. The limit has 2 vCPUs until 6:07:30; the backlog asks for more than the 8 vCPUs that 5
// need, and is gone within the half hour. The demand falls at 18:00, and the vCPUs are paid for until 18:09.
func TestRunReactiveLimit_PlaysStepLoad(t *testing.T) {
	s := mustValidate(t, newStepSetup())
	run, err := playReactiveLimit(t.Context(), s, 0)
	if err != nil {
		t.Fatal(err)
	}
	if overloaded := run.Score.OverloadedMinutes; overloaded < 7 || overloaded > 12 {
		t.Errorf("%d overloaded minutes, want 7 and a few for the backlog", overloaded)
	}
	least := 6*2 + 12*8 + 36*2.0
	if hours := run.Score.VCPUHours; hours < least-1 || hours > least+4 || run.Score.Disruptions != 0 || run.Kind != ReactiveRun {
		t.Errorf("the score is %+v, want about %.0f vCPU hours", run.Score, least)
	}
}

// An overloaded minute costs as much as an hour of the pool.
func TestWeighOverload(t *testing.T) {
	if got := weighOverload(Score{VCPUHours: 100, OverloadedMinutes: 5, ScoredMinutes: 600}); math.Abs(got-150) > 1e-9 {
		t.Errorf("got %g, want 150: an hour of the pool is 10 vCPU hours", got)
	}
}

// No rule on RDS without foresight is better than the reactive limit on both axes, under loads that rise within minutes.
func TestRunReactiveLimit_IsNotDominated(t *testing.T) {
	for _, g := range workload.All() {
		if g.Kind != workload.Bursty || g.Days > workload.Days || testing.Short() {
			continue
		}
		r := g.Generate(1)
		r.Demand = r.Demand[:7*24*60]
		s := Setup{
			Policy: newPolicy("db.r6g.large", "db.r6g.xlarge", "db.r6g.2xlarge", "db.r6g.4xlarge", "db.r6g.8xlarge"), Recording: r, Pool: scaling.Readers,
			PerformanceInsights: true, Seed: 1, InitialShape: scaling.Shape{InstanceClass: "db.r6g.2xlarge", Count: 1},
		}
		c, err := Compare(t.Context(), s, []string{"aurora-h3", "aurora-h5", "atlas", "alarm-lambda", "das", reactiveID}, nil)
		if err != nil {
			t.Fatal(err)
		}
		limit := c.Runs[len(c.Runs)-1].Score
		for _, run := range c.Runs[:len(c.Runs)-1] {
			if run.Score.OverloadedMinutes < limit.OverloadedMinutes && run.Score.VCPUHours <= limit.VCPUHours {
				t.Errorf("%s: %s has %d overloaded minutes at %.0f vCPU h, the reactive limit %d at %.0f", g.Name, run.Name, run.Score.OverloadedMinutes,
					run.Score.VCPUHours, limit.OverloadedMinutes, limit.VCPUHours)
			}
		}
	}
}
