package decide

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// meanCapacity is the mean capacity of a quarter of an hour, by its seconds.
func meanCapacity(periods []scaling.CapacityPeriod, start time.Time) (float64, bool) {
	newest := -1
	for n := range periods {
		if !periods[n].StartedAt.After(start) {
			newest = n
		}
	}
	if newest < 0 {
		return 0, false
	}
	if !start.Add(quarterHour).After(periods[newest].EndedAt) {
		return periods[newest].VCPUs, true
	}
	total := 0.0
	for second := range int(quarterHour / time.Second) {
		at := start.Add(time.Duration(second) * time.Second)
		for newest+1 < len(periods) && !at.Before(periods[newest].EndedAt) && !at.Before(periods[newest+1].StartedAt) {
			newest++
		}
		vcpus := periods[newest].VCPUs
		if !at.Before(periods[newest].EndedAt) {
			if newest+1 == len(periods) || periods[newest+1].StartedAt.Sub(periods[newest].EndedAt) > maxTransition {
				return 0, false
			}
			vcpus = max(vcpus, periods[newest+1].VCPUs)
		}
		total += vcpus
	}
	return total / quarterHour.Seconds(), true
}

// TestPast_CapacityIsThatOfEachQuarter: what is remembered from one quarter of an hour to the next is the mean of each.
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
				wantVCPUs, want = meanCapacity(periods, start)
			}
			if known != want || known && (percent != wantPercent || math.Abs(vcpus-wantVCPUs) > 1e-9) {
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
