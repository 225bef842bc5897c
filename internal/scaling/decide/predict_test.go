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

// risingLoad is a load in percent that rises by a step each minute to a final value.
func risingLoad(end, step float64) scaling.Series {
	percents := make([]float64, 30)
	for n := range percents {
		percents[n] = end - step*float64(len(percents)-1-n)
	}
	return recentSamples(percents...)
}

func TestPredictTrend(t *testing.T) {
	for _, test := range []struct {
		name string
		cpu  scaling.Series
		want scaling.Reason
	}{
		// At 09:58 the load is 60 %, and a new size is in service at 10:15: 17 minutes later it is at 70.2 %.
		{"predicted to reach 70.2 %", risingLoad(60, 0.6), scaling.ReasonPredictiveScaleUp},
		{"predicted to reach 69.4 %", risingLoad(60, 0.55), scaling.ReasonWithinThresholds},
		{"falling load", risingLoad(60, -0.6), scaling.ReasonWithinThresholds},
		{"constant load", constantLoad(69), scaling.ReasonWithinThresholds},
		{"four minutes are missing", withoutMinute(withoutMinute(withoutMinute(withoutMinute(risingLoad(60, 0.7), 5), 6), 7), 8),
			scaling.ReasonPredictiveScaleUp},
		{"seven minutes are missing",
			withoutMinute(withoutMinute(withoutMinute(withoutMinute(withoutMinute(withoutMinute(withoutMinute(risingLoad(60, 0.7), 5), 6), 7), 8), 9), 10), 11), scaling.ReasonWithinThresholds},
		{"a step has no trend", recentSamples(append(repeated(30, 21), repeated(60, 9)...)...), scaling.ReasonWithinThresholds},
		{"a single spike is not a trend", withMinute(constantLoad(50), 0, 90), scaling.ReasonWithinThresholds},
	} {
		d := Evaluate(newPolicy(withPredictions), newObservation(twoReaders(large, test.cpu)...), now)
		if reason(d) != test.want {
			t.Errorf("%s: got %s (%.2f of %.0f vCPU predicted), want %s", test.name, reason(d), d.Pools[0].Load.TrendDemand, d.Pools[0].Load.UsableCapacity, test.want)
		}
		if d := Evaluate(newPolicy(), newObservation(twoReaders(large, test.cpu)...), now); reason(d) != scaling.ReasonWithinThresholds {
			t.Errorf("%s, prediction disabled: got %s", test.name, reason(d))
		}
	}
	t.Run("sized for the predicted demand", func(t *testing.T) {
		// From 60 % by 1.1 a minute: 78.7 % of 4 vCPU are 3.15, which need 5.7 at 55 %. For 60 % 4.4 would be enough.
		got := onlyProposal(t, Evaluate(newPolicy(withPredictions), newObservation(twoReaders(large, risingLoad(60, 1.1))...), now))
		if got.To != shape(3, large) || math.Abs(got.Demand-2.4) > 0.01 {
			t.Errorf("got %s for %.2f vCPU", got.To, got.Demand)
		}
	})
	t.Run("no more than double is predicted", func(t *testing.T) {
		load := Evaluate(newPolicy(withPredictions), newObservation(ownReader("a", xlarge4, risingLoad(30, 1))), now).Pools[0].Load
		steep := Evaluate(newPolicy(withPredictions, func(p *scaling.Policy) { p.ScaleUp.Window = time.Minute }),
			newObservation(ownReader("a", xlarge4,
				recentSamples(append(repeated(0, 15), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)...))), now).Pools[0].Load
		if load.TrendDemand > 2*load.Demand || steep.TrendDemand > 2*steep.Demand {
			t.Errorf("%.2f of %.2f and %.2f of %.2f vCPU", load.TrendDemand, load.Demand, steep.TrendDemand, steep.Demand)
		}
	})
}

// A trend that only the last minutes have adds readers, and restarts none. One that the first 20 of 30 minutes have resizes them.
func TestPredictTrend_ResizesOnlyWhenItLasts(t *testing.T) {
	atMaximum := newPolicy(withPredictions, withReaders(2, 2, xlarge, xlarge2))
	withRoom := newPolicy(withPredictions, withReaders(2, 4, xlarge, xlarge2))
	roomForOne := newPolicy(withPredictions, withReaders(2, 3, xlarge, xlarge2))
	burstOf := func(factor float64) scaling.Series {
		cpu := append(repeated(10, 15), 13, 16, 19, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58, 62, 66)
		for n := range cpu {
			cpu[n] *= factor
		}
		return recentSamples(cpu...)
	}
	burst := burstOf(1)
	for _, test := range []struct {
		name   string
		policy scaling.Policy
		cpu    scaling.Series
		want   scaling.Shape // none without a proposal
	}{
		{"the begin of a burst adds readers", withRoom, burst, shape(3, xlarge)},
		{"also where a resize would fit better", roomForOne, burstOf(1.1), shape(3, xlarge)},
		{"the begin of a burst resizes none", atMaximum, burst, scaling.Shape{}},
		{"a lasting trend resizes readers", atMaximum, risingLoad(65, 1.2), shape(2, xlarge2)},
		{"a load at the threshold resizes readers", atMaximum, recentSamples(append(repeated(10, 24), 15, 25, 35, 70, 72, 74)...), shape(2, xlarge2)},
	} {
		d := Evaluate(test.policy, newObservation(twoReaders(xlarge, test.cpu)...), now)
		switch {
		case test.want == scaling.Shape{} && len(d.Proposals) > 0:
			t.Errorf("%s: got %s", test.name, d.Proposals[0].Message)
		case test.want != scaling.Shape{}:
			if got := onlyProposal(t, d); got.To != test.want {
				t.Errorf("%s: got %s", test.name, got.Message)
			}
		}
	}
}

// Noise on a constant load predicts no rise: of ten thousand draws fewer than one in a hundred reach the threshold.
func TestPredictTrend_IgnoresNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const draws = 10_000
	falsePositives := 0
	for range draws {
		percents := make([]float64, 30)
		for n := range percents {
			percents[n] = 55 + 10*(random.Float64()-0.5)
		}
		d := Evaluate(newPolicy(withPredictions), newObservation(ownReader("a", xlarge, recentSamples(percents...))), now)
		if reason(d) == scaling.ReasonPredictiveScaleUp {
			falsePositives++
		}
	}
	if falsePositives > draws/100 {
		t.Errorf("%d of %d constant loads were predicted to rise", falsePositives, draws)
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
		{"default without earlier operations", nil, 15 * time.Minute},
		{"slowest of the last three, and 5 min to warm up", scaling.History{took(12), took(30), took(20), took(50)}, 35 * time.Minute},
		{"a lead time of zero does not count", scaling.History{took(0), took(1)}, 6 * time.Minute},
		{"at most an hour", scaling.History{took(90)}, time.Hour},
		{"only successful scale-ups of the pool count", scaling.History{
			took(40, func(p *scaling.OperationRecord) { p.Succeeded = false }), took(41, func(p *scaling.OperationRecord) { p.Direction = scaling.Down }),
			took(42, func(p *scaling.OperationRecord) { p.Pool = scaling.Writer }), took(20),
		}, 25 * time.Minute},
	} {
		if got := estimateLeadTime(test.history, scaling.Readers); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

// quarterHourSeries is a CPU history of 18 days by quarters of an hour, from a function of time.
func quarterHourSeries(percent func(at time.Time) float64) scaling.Series {
	out := scaling.NewSeriesBuffer(quarterHour)
	for at := now.Truncate(quarterHour).Add(-18 * day); at.Before(now); at = at.Add(quarterHour) {
		out.Add(at, percent(at))
	}
	return out.Series()
}

// dailyPeak is a load of the given percent in the quarters from 10:15 to 10:30 of the given days ago, and of 20 % otherwise.
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
		{"peak yesterday, one and two weeks ago", quarterHourSeries(dailyPeak(75, 1, 7, 14)), all, scaling.ReasonPredictiveScaleUp},
		{"peak on two of the three days", quarterHourSeries(dailyPeak(75, 7, 14)), all, scaling.ReasonPredictiveScaleUp},
		{"peak on one day only", quarterHourSeries(dailyPeak(75, 7)), all, scaling.ReasonWithinThresholds},
		{"peak below the threshold", quarterHourSeries(dailyPeak(69, 1, 7, 14)), all, scaling.ReasonWithinThresholds},
		{"peak measured on half the capacity", quarterHourSeries(dailyPeak(75, 1, 7, 14)),
			[]scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 2}},
			scaling.ReasonWithinThresholds},
		{"low peak measured on twice the capacity", quarterHourSeries(dailyPeak(40, 1, 7, 14)),
			[]scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}},
			scaling.ReasonPredictiveScaleUp},
		{"capacity history is missing", quarterHourSeries(dailyPeak(75, 1, 7, 14)), nil, scaling.ReasonWithinThresholds},
		{"capacity changed during the peaks", quarterHourSeries(dailyPeak(75, 1, 7, 14)), []scaling.CapacityPeriod{
			{StartedAt: now.Add(-30 * day), EndedAt: now.Add(-14*day + 20*time.Minute), VCPUs: 4},
			{StartedAt: now.Add(-7*day + 40*time.Minute), EndedAt: now.Add(-day + 20*time.Minute), VCPUs: 4},
		}, scaling.ReasonWithinThresholds},
		{"only the last two days are known", quarterHourSeries(dailyPeak(75, 1, 2)),
			[]scaling.CapacityPeriod{{StartedAt: now.Add(-60 * time.Hour), EndedAt: now, VCPUs: 4}},
			scaling.ReasonPredictiveScaleUp},
		{"samples of the peak are missing", quarterHourSeries(func(at time.Time) float64 {
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
				t.Errorf("got %s (%.2f vCPU predicted), want %s", reason(d), d.Pools[0].Load.SeasonalDemand, test.want)
			}
			if d := Evaluate(newPolicy(), o, now); reason(d) != scaling.ReasonWithinThresholds {
				t.Errorf("prediction disabled: got %s", reason(d))
			}
		})
	}
	t.Run("no scale-down below the peak of the next hour", func(t *testing.T) {
		p := newPolicy(withPredictions, func(p *scaling.Policy) { p.ScaleDown.Window = 70 * time.Minute })
		o := newObservation(twoReaders(xlarge, recentSamples(repeated(20, 120)...))...) // 1.6 vCPU: one xlarge carries it
		o.ReadersCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}}
		o.ReadersCPU = quarterHourSeries(dailyPeak(50, 1, 7, 14)) // 4 vCPU: one xlarge does not
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonAtMinimum && (reason(d) != scaling.ReasonScaleDown || d.Proposals[0].To == shape(1, xlarge)) {
			t.Errorf("got %s %v", reason(d), d.Proposals)
		}
		o.ReadersCPU = quarterHourSeries(dailyPeak(20, 1, 7, 14))
		if d := Evaluate(p, o, now); reason(d) != scaling.ReasonScaleDown {
			t.Errorf("without the peak: got %s", reason(d))
		}
	})
}

// The time between two capacity periods counts with the mean of both.
func TestPast_Capacity(t *testing.T) {
	at := func(minute int) time.Time { return now.Add(time.Duration(minute) * time.Minute) }
	shapes := []scaling.CapacityPeriod{
		{StartedAt: at(0), EndedAt: at(60), VCPUs: 4},
		{StartedAt: at(90), EndedAt: at(200), VCPUs: 16},
		{StartedAt: at(500), EndedAt: at(600), VCPUs: 2},
	}
	for _, test := range []struct {
		name  string
		from  int
		want  float64
		known bool
	}{
		{"within a period", 15, 4, true},
		{"up to the end of a period", 45, 4, true},
		{"10 min of 4, 5 min of (4 + 16) / 2", 50, (10*4 + 5*10) / 15., true},
		{"between two periods", 65, 10, true},
		{"5 min between two periods, 10 min of 16", 85, (5*10 + 10*16) / 15., true},
		{"before the first period", -5, 0, false},
		{"gap of more than 3 h", 300, 0, false},
		{"partly in a gap of more than 3 h", 190, 0, false},
		{"after the last period", 595, 0, false},
	} {
		p := past{periods: shapes, begin: at(test.from), interpolate: midpoint}
		got, known := p.capacity(0)
		if known != test.known || known && (got < test.want-1e-9 || got > test.want+1e-9) {
			t.Errorf("%s: %g vCPU, %t; want %g, %t", test.name, got, known, test.want, test.known)
		}
	}
}

// A steep rise is continued to now, since the newest sample is minutes old: it makes a scale-up larger, and causes none.
func TestEvaluate_SteepRise(t *testing.T) {
	trend := func(p *scaling.Policy) { p.PredictiveScaling.Trend = true }
	before := make([]float64, 27)
	for n := range before {
		before[n] = 20
	}
	for _, test := range []struct {
		name  string
		last  [3]float64 // percent of 4 vCPUs
		edits []func(*scaling.Policy)
		want  int // readers; 0 for no change
	}{
		{"steep in both minutes", [3]float64{50, 70, 92}, []func(*scaling.Policy){trend}, 4},
		{"without prediction", [3]float64{50, 70, 92}, nil, 2},
		{"steep in one of them", [3]float64{70, 71, 92}, []func(*scaling.Policy){trend}, 2},
		{"high and falling", [3]float64{70, 92, 75}, []func(*scaling.Policy){trend}, 2},
		{"steep, and far below the threshold", [3]float64{20, 26, 34}, []func(*scaling.Policy){trend}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := foreignReader("a", xlarge, recentSamples(append(append([]float64(nil), before...), test.last[:]...)...))
			d := Evaluate(newPolicy(append(test.edits, withReaders(1, 8, xlarge))...), newObservation(i), now)
			count := 0
			if len(d.Proposals) > 0 {
				count = d.Proposals[0].To.Count
			}
			if count != test.want {
				t.Errorf("got %d readers, want %d: %+v %s", count, test.want, d.Proposals, d.Hold.Message)
			}
		})
	}
}
