package backtest

import (
	"math"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest/baseline"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// A minute is overloaded at 90 %, or if work was not served at lower CPU, for example while no instance is in service. Each restart counts.
func TestScorer_ScoresMinute(t *testing.T) {
	for _, test := range []struct {
		name        string
		minute      model.MinuteSummary
		overloaded  int
		unserved    float64
		disruptions int
	}{
		{"not overloaded below 90 %", model.MinuteSummary{HottestReaderPercent: 89.9, WriterPercent: 89.9}, 0, 0, 0},
		{"overloaded by a reader at 90 %", model.MinuteSummary{HottestReaderPercent: 90}, 1, 0, 0},
		{"overloaded by the writer at 90 %", model.MinuteSummary{WriterPercent: 90}, 1, 0, 0},
		{"overloaded by unserved work", model.MinuteSummary{ReaderUnservedVCPUSeconds: 30, WriterUnservedVCPUSeconds: 60}, 1, 1.5, 0},
		{"not overloaded by a rounding error", model.MinuteSummary{ReaderUnservedVCPUSeconds: 1e-9}, 0, 0, 0},
		{"two disruptions in a minute", model.MinuteSummary{Disruptions: 2}, 0, 0, 2},
	} {
		sc := &scorer{setup: newFixedSetup("db.r6g.large", newHourlyRecording(1)), billedSize: func() (float64, float64) { return 3, 600 }}
		sc.startTimeline()
		test.minute.Time = monday.Add(time.Minute)
		sc.scoreMinute(test.minute)
		s := sc.score
		if s.ScoredMinutes != 1 || s.OverloadedMinutes != test.overloaded || math.Abs(s.UnservedVCPUMinutes-test.unserved) > 1e-6 ||
			s.Disruptions != test.disruptions || s.VCPUHours != 0.05 || sc.microdollars != 10 {
			t.Errorf("%s: the score is %+v", test.name, s)
		}
	}
}

func TestScore_CostRatioAndAdd(t *testing.T) {
	a := Score{ScoredMinutes: 1, OverloadedMinutes: 2, UnservedVCPUMinutes: 3, VCPUHours: 4, Cost: 30, CostKnown: true, Disruptions: 5, Changes: 6}
	b := Score{ScoredMinutes: 10, OverloadedMinutes: 20, UnservedVCPUMinutes: 30, VCPUHours: 40, Cost: 10, CostKnown: true, Disruptions: 50, Changes: 60}
	if got := a.CostRatio(b); got != 3 {
		t.Errorf("the cost ratio in money is %g, want 3", got)
	}
	b.CostKnown = false
	if got := a.CostRatio(b); got != 0.1 {
		t.Errorf("the cost ratio in vCPU hours is %g, want 0.1", got)
	}
	if got := a.CostRatio(Score{}); got != 0 {
		t.Errorf("the cost ratio to a cost of zero is %g, want 0", got)
	}
	want := Score{ScoredMinutes: 11, OverloadedMinutes: 22, UnservedVCPUMinutes: 33, VCPUHours: 44, Disruptions: 55, Changes: 66}
	if got := a.Add(b); got != want {
		t.Errorf("the sum is %+v, want %+v", got, want)
	}
}

// The writer pool pays for the growth of its promotion candidate: the reader's initial 2 vCPUs cost nothing, the 2 added vCPUs do.
func TestRun_ChargesPromotionCandidateToWriter(t *testing.T) {
	p := newPolicy()
	p.Readers, p.Writer = nil, &scaling.WriterLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}}
	other := scaling.Shape{InstanceClass: "db.r6g.large", Count: 1}
	unchanged := runPolicy(t, Setup{
		Policy: p, Recording: newHourlyRecording(1, 1), Pool: scaling.Writer, PerformanceInsights: true, Seed: 1, OtherPoolShape: other,
	})
	if math.Abs(unchanged.Score.VCPUHours-4) > 1e-6 {
		t.Errorf("the score of two hours of a large is %+v, want 4 vCPU hours", unchanged.Score)
	}
	s := mustValidate(t, Setup{Policy: p, Recording: newHourlyRecording(1, 1, 1, 1, 1, 1), Pool: scaling.Writer, Seed: 1, OtherPoolShape: other})
	run, err := runBaseline(t.Context(), s, newScriptedAutoscaler(baseline.MethodClasses, map[time.Duration]int{0: 1}))
	if err != nil {
		t.Fatal(err)
	}
	// One of the two instances has 4 vCPUs after 15 minutes, and the other one has the writer's initial 2 vCPUs.
	if got := run.Score.VCPUHours; got < 6*2+5.5*2 || got > 6*2+6*2 {
		t.Errorf("six hours cost %.1f vCPU hours, want 23 to 24", got)
	}
}
