package decide

import (
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// pastWeek returns the CPU of a reader pool of 8 vCPUs over a week, by the quarter of an hour: 15 %, and
// burstPercent of 32 vCPUs in the first quarters of each day.
func pastWeek(bursts int, burstPercent float64) (scaling.Series, []scaling.CapacityPeriod) {
	return pastDays(7, burstPercent, func(quarter int) bool { return quarter < bursts })
}

// pastDays is pastWeek for a number of days, with bursts in any quarters of the day, counted from 10:00.
func pastDays(days int, burstPercent float64, isBurst func(quarter int) bool) (scaling.Series, []scaling.CapacityPeriod) {
	from := now.Add(-time.Duration(days) * day)
	return pastLoad(from, burstPercent, func(at time.Time) bool { return isBurst(int(at.Sub(from) % day / quarterHour)) })
}

// pastLoad is pastDays from a time on, with bursts at any times.
func pastLoad(from time.Time, burstPercent float64, isBurst func(at time.Time) bool) (scaling.Series, []scaling.CapacityPeriod) {
	cpu := scaling.NewSeriesBuffer(quarterHour)
	var periods []scaling.CapacityPeriod
	for at := from; at.Before(now.Add(-quarterHour)); at = at.Add(quarterHour) {
		vcpus, percent := 8.0, 15.0
		if isBurst(at) {
			vcpus, percent = 32, burstPercent
		}
		cpu.Add(at, percent)
		if last := len(periods) - 1; last >= 0 && periods[last].VCPUs == vcpus {
			periods[last].EndedAt = at.Add(quarterHour)
		} else {
			periods = append(periods, scaling.CapacityPeriod{StartedAt: at, EndedAt: at.Add(quarterHour), VCPUs: vcpus})
		}
	}
	return cpu.Series(), periods
}

func TestEvaluate_ClassByThePast(t *testing.T) {
	for _, test := range []struct {
		name   string
		price  int
		bursts int // quarters of an hour each day
		burst  float64
		want   string // class of the decision; empty when nothing changes
	}{
		{"no bursts", 16, 0, 0, xlarge},
		{"bursts that four smaller readers carry", 16, 4, 40, xlarge},
		{"bursts that they do not carry", 16, 4, 60, ""},
		{"the same, and an overloaded minute costs little", 1, 4, 60, xlarge},
		{"the same, and the past is ignored", 0, 4, 60, xlarge},
		{"one short burst a day", 4, 1, 60, xlarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
			p.OverloadedMinuteVCPUHours = test.price
			o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
			o.ReadersCPU, o.ReadersCapacityHistory = pastWeek(test.bursts, test.burst)
			d := Evaluate(p, o, now)
			if test.want == "" {
				if len(d.Proposals) > 0 {
					t.Errorf("got %s, want no change", d.Proposals[0].Message)
				}
				return
			}
			if got := onlyProposal(t, d).To; got != shape(1, test.want) {
				t.Errorf("got %s, want 1 × %s", got, test.want)
			}
		})
	}
}

// Less than a day of the past decides nothing.
func TestEvaluate_ShortPastDecidesNothing(t *testing.T) {
	p := newPolicy(withReaders(1, 4, xlarge, xlarge2))
	p.OverloadedMinuteVCPUHours = 16
	o := newObservation(foreignReader("a", xlarge2, constantLoad(15)))
	cpu, periods := pastWeek(96, 60)
	o.ReadersCPU, o.ReadersCapacityHistory = cpu.From(cpu.TimeAt(cpu.Len()-95)), periods
	if got := onlyProposal(t, Evaluate(p, o, now)).To; got != shape(1, xlarge) {
		t.Errorf("got %s", got)
	}
}

// A writer has no further instances that could carry a burst: 6.4 vCPUs are too much for db.r6g.xlarge, 3.2 are not.
func TestEvaluate_WriterClassByThePast(t *testing.T) {
	for percent, want := range map[float64]string{20: "", 10: xlarge} {
		p := newPolicy(withoutReaders, withWriter(xlarge, xlarge2))
		p.OverloadedMinuteVCPUHours = 16
		o := newObservation(writer(xlarge2, constantLoad(15)))
		o.WriterCPU, o.WriterCapacityHistory = pastWeek(4, percent)
		d := Evaluate(p, o, now)
		if want == "" && len(d.Proposals) > 0 || want != "" && onlyProposal(t, d).To != shape(1, want) {
			t.Errorf("bursts of %.0f %%: got %+v, want %q", percent, d.Proposals, want)
		}
	}
}
