package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// A new class must carry the daily peak. Two xlarge (8 vCPU) that the operator created run at 10 %, 0.8 vCPU, and the peak of the
// day decides how small they may become. At 55 % one large carries 1.1 vCPU, four large 4.4 and two large 2.2. One xlarge needs
// no resize.
func TestScaleDown_ClassChangeMustCarryDailyPeak(t *testing.T) {
	always := []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}}
	changing := []scaling.CapacityPeriod{ // the demand of the day counts, measured on 16 vCPU until 6 h ago
		{StartedAt: now.Add(-30 * day), EndedAt: now.Add(-6 * time.Hour), VCPUs: 16},
		{StartedAt: now.Add(-5*time.Hour - 30*time.Minute), EndedAt: now, VCPUs: 8},
	}
	at := func(percent, peak float64) func(time.Time) float64 {
		return func(at time.Time) float64 {
			if at.Hour() == 20 {
				return peak
			}
			return percent
		}
	}
	for _, test := range []struct {
		name   string
		cpu    scaling.Series
		shapes []scaling.CapacityPeriod
		want   scaling.Shape
	}{
		{"no peak", quarterHourSeries(at(10, 10)), always, shape(1, large)},
		{"4.3 vCPU peak: four large carry 4.4", quarterHourSeries(at(10, 54)), always, shape(1, large)},
		{"4.5 vCPU peak: four large do not, and one xlarge is no class change", quarterHourSeries(at(10, 56)), always, shape(1, xlarge)},
		{"28 % of the earlier 16 vCPU are 4.5", quarterHourSeries(at(5, 28)), changing, shape(1, xlarge)},
		{"27 % of the earlier 16 vCPU are 4.3", quarterHourSeries(at(5, 27)), changing, shape(1, large)},
		{"saturated", quarterHourSeries(at(10, 96)), always, shape(1, xlarge)},
		{"samples are missing", quarterHourSeries(at(10, -1)), always, shape(1, xlarge)},
		{"capacity history is missing", quarterHourSeries(at(10, 10)), nil, shape(1, xlarge)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(func(p *scaling.Policy) { p.ScaleDownClassWindow = day })
			o := newObservation(ownReader("a", xlarge, recentSamples(repeated(5, 120)...)), ownReader("b", xlarge, recentSamples(repeated(5, 120)...)))
			o.ReadersChangedAt = now.Add(-5 * time.Hour)
			o.ReadersCPU, o.ReadersCapacityHistory = test.cpu, test.shapes
			for n := range o.Instances {
				o.Instances[n].FreeableMemory = fiveMinuteSeries(0.34 * 32 * (1 << 30)) // fits the smallest class
			}
			if got := onlyProposal(t, Evaluate(p, o, now)); got.To != test.want {
				t.Errorf("got %s (%s), want %s", got.To, got.Cause, test.want)
			}
		})
	}
}

// For a small saving a shape must itself carry the daily peak: three xlarge (12 vCPU) cost a quarter less than two 2xlarge (16).
func TestScaleDown_SmallSavingMustCarryWholeDay(t *testing.T) {
	for _, test := range []struct {
		name string
		peak float64
		want scaling.Shape
	}{
		{"peak 41 % of 16 vCPU is 6.56, and 12 vCPU carry 6.6", 41, shape(3, xlarge)},
		{"peak 42 % of 16 vCPU is 6.72, and 12 vCPU carry 6.6", 42, scaling.Shape{}},
	} {
		p := newPolicy(func(p *scaling.Policy) { p.ScaleDownClassWindow = day }, withReaders(1, 3, xlarge, xlarge2))
		o := newObservation(ownReader("a", xlarge2, recentSamples(repeated(34, 120)...)), ownReader("b", xlarge2, recentSamples(repeated(34, 120)...)))
		o.ReadersCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 16}}
		o.ReadersChangedAt = now.Add(-5 * time.Hour)
		o.ReadersCPU = quarterHourSeries(func(at time.Time) float64 {
			if at.Hour() == 20 {
				return test.peak
			}
			return 34
		})
		d := Evaluate(p, o, now)
		got := scaling.Shape{}
		if len(d.Proposals) > 0 {
			got = d.Proposals[0].To
		}
		if got != test.want {
			t.Errorf("%s: got %s (%s), want %s", test.name, got, d.Hold.Message, test.want)
		}
	}
}
