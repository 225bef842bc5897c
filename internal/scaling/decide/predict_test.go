package decide

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

func withPredictions(p *scaling.Policy) {
	p.PredictiveScaling = scaling.PredictiveScaling{Trend: true, History: true}
}

// risingLoad is a load in percent that grows by so much a minute and ends at the given value.
func risingLoad(end, each float64) []scaling.Sample {
	percents := make([]float64, 30)
	for n := range percents {
		percents[n] = end - each*float64(len(percents)-1-n)
	}
	return recentSamples(percents...)
}

func TestPredictTrend(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  []scaling.Sample
		want scaling.Reason
	}{
		// At 09:58 it is at 60 %, and a new size is in service at 10:15 at the earliest: 17 minutes later it is at 70.2 %.
		{"it will be at 70.2 % by then", risingLoad(60, 0.6), scaling.ReasonPredictiveScaleUp},
		{"it will be at 69.4 % by then", risingLoad(60, 0.55), scaling.ReasonWithinThresholds},
		{"it falls", risingLoad(60, -0.6), scaling.ReasonWithinThresholds},
		{"it stays", constantLoad(69), scaling.ReasonWithinThresholds},
		{"with four minutes missing", withoutMinute(withoutMinute(withoutMinute(withoutMinute(risingLoad(60, 0.7), 5), 6), 7), 8), scaling.ReasonPredictiveScaleUp},
		{"with seven missing nobody knows",
			withoutMinute(withoutMinute(withoutMinute(withoutMinute(withoutMinute(withoutMinute(withoutMinute(risingLoad(60, 0.7), 5), 6), 7), 8), 9), 10), 11), scaling.ReasonWithinThresholds},
		{"one spike is no trend", withMinute(constantLoad(50), 0, 90), scaling.ReasonWithinThresholds},
	} {
		d := Evaluate(newPolicy(withPredictions), newObservation(twoReaders(large, test.cpu)...), now)
		if reason(d) != test.want {
			t.Errorf("%s: got %s (%.2f of %.0f vCPU foreseen), want %s", test.name, reason(d), d.Pools[0].Load.TrendDemand, d.Pools[0].Load.UsableCapacity, test.want)
		}
		if d := Evaluate(newPolicy(), newObservation(twoReaders(large, test.cpu)...), now); reason(d) != scaling.ReasonWithinThresholds {
			t.Errorf("%s, switched off: got %s", test.name, reason(d))
		}
	}
	t.Run("it is sized for what is foreseen", func(t *testing.T) {
		// From 60 % by 1.1 a minute: 78.7 % of 4 vCPUs are 3.15, which take 5.7 at 55 %. Of 60 % 4.4 would do.
		got := onlyProposal(t, Evaluate(newPolicy(withPredictions), newObservation(twoReaders(large, risingLoad(60, 1.1))...), now))
		if got.To != shape(3, large) || math.Abs(got.Demand-2.4) > 0.01 {
			t.Errorf("got %s for %.2f vCPU", got.To, got.Demand)
		}
	})
	t.Run("it foresees no more than double", func(t *testing.T) {
		load := Evaluate(newPolicy(withPredictions), newObservation(ownReader("a", xlarge4, risingLoad(30, 1))), now).Pools[0].Load
		steep := Evaluate(newPolicy(withPredictions, func(p *scaling.Policy) { p.ScaleUp.Window = time.Minute }),
			newObservation(ownReader("a", xlarge4, recentSamples(append(repeated(0, 15), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)...))), now).Pools[0].Load
		if load.TrendDemand > 2*load.Demand || steep.TrendDemand > 2*steep.Demand {
			t.Errorf("%.2f of %.2f and %.2f of %.2f vCPU", load.TrendDemand, load.Demand, steep.TrendDemand, steep.Demand)
		}
	})
}

// Noise on a constant load foresees no growth: in ten thousand draws the threshold is reached in fewer than one in a hundred.
func TestPredictTrend_IgnoresNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const draws = 10_000
	alarms := 0
	for range draws {
		percents := make([]float64, 30)
		for n := range percents {
			percents[n] = 55 + 10*(random.Float64()-0.5)
		}
		d := Evaluate(newPolicy(withPredictions), newObservation(ownReader("a", xlarge, recentSamples(percents...))), now)
		if reason(d) == scaling.ReasonPredictiveScaleUp {
			alarms++
		}
	}
	if alarms > draws/100 {
		t.Errorf("%d of %d constant loads were taken for a rise", alarms, draws)
	}
}

func TestEstimateLeadTime(t *testing.T) {
	took := func(minutes int, edits ...func(*scaling.OperationRecord)) scaling.OperationRecord {
		p := scaling.OperationRecord{Pool: scaling.Readers, Direction: scaling.Up, Succeeded: true, StartedAt: now, CompletedAt: now.Add(2 * time.Hour),
			LeadTime: time.Duration(minutes) * time.Minute}
		for _, edit := range edits {
			edit(&p)
		}
		return p
	}
	for _, test := range []struct {
		name    string
		history scaling.History
		want    time.Duration
	}{
		{"nothing is known", nil, 15 * time.Minute},
		{"the slowest of the last three", scaling.History{took(12), took(30), took(20), took(50)}, 35 * time.Minute},
		{"no less than five minutes, and five to warm up", scaling.History{took(0), took(1)}, 6 * time.Minute},
		{"no more than an hour", scaling.History{took(90)}, time.Hour},
		{"what failed, shrank or was another pool's does not count", scaling.History{
			took(40, func(p *scaling.OperationRecord) { p.Succeeded = false }), took(41, func(p *scaling.OperationRecord) { p.Direction = scaling.Down }),
			took(42, func(p *scaling.OperationRecord) { p.Pool = scaling.Writer }), took(20),
		}, 25 * time.Minute},
	} {
		if got := estimateLeadTime(test.history, scaling.Readers); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// quarterHourSeries is a history of the readers' CPU over two weeks and a half, from a rule.
func quarterHourSeries(percent func(at time.Time) float64) scaling.Series {
	var out scaling.Series
	for at := now.Truncate(15 * time.Minute).Add(-18 * day); at.Before(now); at = at.Add(15 * time.Minute) {
		if v := percent(at); v >= 0 {
			out = append(out, scaling.Sample{Time: at, Value: v})
		}
	}
	return out
}

// Every day from 10:10 to 10:40 the readers are at so many percent, otherwise at 20.
func dailyPeak(percent float64, days ...int) func(time.Time) float64 {
	return func(at time.Time) float64 {
		ago := int(now.Truncate(day).Sub(at.Truncate(day)) / day)
		if at.Hour() != 10 || at.Minute() < 15 || at.Minute() > 30 {
			return 20
		}
		for _, d := range days {
			if d == ago {
				return percent
			}
		}
		return 20
	}
}

func TestPredictSeasonal(t *testing.T) {
	all := []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 4}}
	for _, test := range []struct {
		name   string
		cpu    scaling.Series
		shapes []scaling.CapacityPeriod
		want   scaling.Reason
	}{
		{"yesterday, a week and two weeks ago", quarterHourSeries(dailyPeak(75, 1, 7, 14)), all, scaling.ReasonPredictiveScaleUp},
		{"two of the three", quarterHourSeries(dailyPeak(75, 7, 14)), all, scaling.ReasonPredictiveScaleUp},
		{"one odd day", quarterHourSeries(dailyPeak(75, 7)), all, scaling.ReasonWithinThresholds},
		{"it would not be too much", quarterHourSeries(dailyPeak(69, 1, 7, 14)), all, scaling.ReasonWithinThresholds},
		{"too much now was half of it then", quarterHourSeries(dailyPeak(75, 1, 7, 14)), []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 2}},
			scaling.ReasonWithinThresholds},
		{"little on what was large", quarterHourSeries(dailyPeak(40, 1, 7, 14)), []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}},
			scaling.ReasonPredictiveScaleUp},
		{"nobody knows how large it was", quarterHourSeries(dailyPeak(75, 1, 7, 14)), nil, scaling.ReasonWithinThresholds},
		{"it changed in the middle of those quarters", quarterHourSeries(dailyPeak(75, 1, 7, 14)), []scaling.CapacityPeriod{
			{StartedAt: now.Add(-30 * day), EndedAt: now.Add(-14*day + 20*time.Minute), VCPUs: 4},
			{StartedAt: now.Add(-7*day + 40*time.Minute), EndedAt: now.Add(-day + 20*time.Minute), VCPUs: 4},
		}, scaling.ReasonWithinThresholds},
		{"the last two days, where there is no more", quarterHourSeries(dailyPeak(75, 1, 2)), []scaling.CapacityPeriod{{StartedAt: now.Add(-60 * time.Hour), EndedAt: now, VCPUs: 4}},
			scaling.ReasonPredictiveScaleUp},
		{"samples are missing", quarterHourSeries(func(at time.Time) float64 {
			if at.Hour() == 10 {
				return -1
			}
			return 20
		}), all, scaling.ReasonWithinThresholds},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newObservation(twoReaders(large, constantLoad(50))...)
			o.ReadersCPU, o.ReadersCapacityHistory = test.cpu, test.shapes
			if d := Evaluate(newPolicy(withPredictions), o, now); reason(d) != test.want {
				t.Errorf("got %s (%.2f vCPU foreseen), want %s", reason(d), d.Pools[0].Load.SeasonalDemand, test.want)
			}
			if d := Evaluate(newPolicy(), o, now); reason(d) != scaling.ReasonWithinThresholds {
				t.Errorf("switched off: got %s", reason(d))
			}
		})
	}
	t.Run("nothing shrinks before it comes again", func(t *testing.T) {
		p := newPolicy(withPredictions, func(p *scaling.Policy) { p.ScaleDown.Window = 70 * time.Minute })
		o := newObservation(twoReaders(xlarge, recentSamples(repeated(20, 120)...))...) // 1.6 vCPU: one xlarge would do
		o.ReadersCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}}
		o.ReadersCPU = quarterHourSeries(dailyPeak(50, 1, 7, 14)) // 4 vCPU: one would not
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonAtMinimum && (reason(d) != scaling.ReasonScaleDown || d.Proposals[0].To == shape(1, xlarge)) {
			t.Errorf("got %s %v", reason(d), d.Proposals)
		}
		o.ReadersCPU = quarterHourSeries(dailyPeak(20, 1, 7, 14))
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonScaleDown {
			t.Errorf("without it: got %s", reason(d))
		}
	})
}
