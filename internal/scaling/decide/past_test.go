package decide

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestPast_CapacityIsThatOfEachQuarter: what is remembered from one quarter of an hour to the next is what averageCapacity says of each.
func TestPast_CapacityIsThatOfEachQuarter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	minutes := func(most int) time.Duration { return time.Duration(random.IntN(most)) * time.Minute }
	compared := 0
	for range 200 {
		begin := now.Add(-10 * day).Truncate(quarterHour)
		var periods []scaling.CapacityPeriod
		for at := begin.Add(minutes(2000)); at.Before(now) && random.IntN(40) > 0; {
			length := 10*time.Minute + minutes([]int{20, 60, 1500}[random.IntN(3)])
			periods = append(periods, scaling.CapacityPeriod{StartedAt: at, EndedAt: at.Add(length), VCPUs: float64(2 + random.IntN(30))})
			// The next one may have begun earlier: a restart is seen late.
			at = at.Add(length + []time.Duration{-min(minutes(40), length), 0, minutes(20), minutes(600)}[random.IntN(4)])
		}
		values := make([]float64, 10*96)
		for n := range values {
			values[n] = []float64{10, 50, math.NaN()}[random.IntN(3)]
		}
		cpu := scaling.NewSeries(quarterHour, begin, values...)
		from := begin.Add(time.Duration(random.IntN(300)-20) * quarterHour)
		p := newPast(cpu, periods, from, math.Max)
		for n := range values {
			start := from.Add(time.Duration(n) * quarterHour)
			percent, vcpus, known := p.quarter(n)
			wantPercent, want := cpu.ValueAt(start)
			wantVCPUs := 0.0
			if want {
				wantVCPUs, want = averageCapacity(periods, start, start.Add(quarterHour), math.Max)
			}
			if known != want || known && (percent != wantPercent || vcpus != wantVCPUs) {
				t.Fatalf("quarter %d: %g %% of %g vCPUs (%t), want %g of %g (%t)", n, percent, vcpus, known, wantPercent, wantVCPUs, want)
			}
			if known {
				compared++
			}
		}
	}
	if compared < 10_000 {
		t.Errorf("only %d quarters are known", compared)
	}
}

// TestPast_OfAnotherPeriod: a series that is not by the quarter of an hour has no samples, rather than wrong ones.
func TestPast_OfAnotherPeriod(t *testing.T) {
	periods := []scaling.CapacityPeriod{{StartedAt: now.Add(-day), EndedAt: now, VCPUs: 8}}
	for name, cpu := range map[string]scaling.Series{"hours": scaling.NewSeries(time.Hour, now.Add(-day), 10, 20, 30), "empty": {}} {
		p := newPast(cpu, periods, now.Add(-day), math.Max)
		if demand, known := p.demand(1); known {
			t.Errorf("%s: %g vCPUs", name, demand)
		}
	}
}
