package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// What a pool had while it changed counts as half of each shape, for as long as that is known.
func TestAverageCapacity(t *testing.T) {
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
		{"in a shape", 15, 4, true},
		{"up to its end", 45, 4, true},
		{"10 min of 4, 5 min of (4 + 16) / 2", 50, (10*4 + 5*10) / 15., true},
		{"on the way", 65, 10, true},
		{"5 min on the way, 10 min of 16", 85, (5*10 + 10*16) / 15., true},
		{"before all that is known", -5, 0, false},
		{"too long on the way", 300, 0, false},
		{"half in a gap that is too long", 190, 0, false},
		{"the way that nobody has seen the end of", 595, 0, false},
	} {
		got, known := averageCapacity(shapes, at(test.from), at(test.from+15), midpoint)
		if known != test.known || known && (got < test.want-1e-9 || got > test.want+1e-9) {
			t.Errorf("%s: %g vCPU, %t; want %g, %t", test.name, got, known, test.want, test.known)
		}
	}
}

// A change of class has to last for the day. Two xlarge (8 vCPU) of the operator's own run at 10 %, 0.8 vCPU, and what is asked of
// them over the day says how small they may become. One large needs 0.44 or less at 55 %, its four carry 4.4; two large 2.2; one
// xlarge needs no resizing.
func TestScaleDown_ClassChangeMustCarryDailyPeak(t *testing.T) {
	always := []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 8}}
	changing := []scaling.CapacityPeriod{ // what it was before does not matter, but how much it had does
		{StartedAt: now.Add(-30 * day), EndedAt: now.Add(-6 * time.Hour), VCPUs: 16},
		{StartedAt: now.Add(-5*time.Hour - 30*time.Minute), EndedAt: now, VCPUs: 8},
	}
	at := func(percent, rush float64) func(time.Time) float64 {
		return func(at time.Time) float64 {
			if at.Hour() == 20 {
				return rush
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
		{"a quiet day", quarterHourSeries(at(10, 10)), always, shape(1, large)},
		{"four large would carry it: 55 % of 8 are 4.4", quarterHourSeries(at(10, 54)), always, shape(1, large)},
		{"they would not, and one xlarge is no change of class", quarterHourSeries(at(10, 56)), always, shape(1, xlarge)},
		{"it was asked of more: 28 % of 16 are 4.5", quarterHourSeries(at(5, 28)), changing, shape(1, xlarge)},
		{"it was less: 27 % of 16 are 4.3", quarterHourSeries(at(5, 27)), changing, shape(1, large)},
		{"saturated", quarterHourSeries(at(10, 96)), always, shape(1, xlarge)},
		{"a quarter of an hour is missing", quarterHourSeries(at(10, -1)), always, shape(1, xlarge)},
		{"nobody knows what it had", quarterHourSeries(at(10, 10)), nil, shape(1, xlarge)},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(func(p *scaling.Policy) { p.ScaleDownClassWindow = day })
			o := newObservation(ownReader("a", xlarge, recentSamples(repeated(5, 120)...)), ownReader("b", xlarge, recentSamples(repeated(5, 120)...)))
			o.ReadersChangedAt = now.Add(-5 * time.Hour)
			o.ReadersCPU, o.ReadersCapacityHistory = test.cpu, test.shapes
			for n := range o.Instances {
				o.Instances[n].FreeableMemory = fiveMinuteSeries(0.34 * 32 * (1 << 30)) // there is room for that in the smallest
			}
			if got := onlyProposal(t, Evaluate(p, o, now)); got.To != test.want {
				t.Errorf("got %s (%s), want %s", got.To, got.Cause, test.want)
			}
		})
	}
}

// To save a little, a shape has to carry the whole day itself: three xlarge (12 vCPU) cost a quarter less than two 2xlarge (16).
func TestScaleDown_SmallSavingMustCarryWholeDay(t *testing.T) {
	for _, test := range []struct {
		name string
		rush float64
		want scaling.Shape
	}{
		{"it does: 41 % of 16 are 6.56, and 55 % of 12 are 6.6", 41, shape(3, xlarge)},
		{"it does not", 42, scaling.Shape{}},
	} {
		p := newPolicy(func(p *scaling.Policy) { p.ScaleDownClassWindow = day }, withReaders(1, 3, xlarge, xlarge2))
		o := newObservation(ownReader("a", xlarge2, recentSamples(repeated(34, 120)...)), ownReader("b", xlarge2, recentSamples(repeated(34, 120)...)))
		o.ReadersCapacityHistory = []scaling.CapacityPeriod{{StartedAt: now.Add(-30 * day), EndedAt: now, VCPUs: 16}}
		o.ReadersChangedAt = now.Add(-5 * time.Hour)
		o.ReadersCPU = quarterHourSeries(func(at time.Time) float64 {
			if at.Hour() == 20 {
				return test.rush
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
