package workload

import (
	"math"
	"slices"
	"testing"
)

// generate generates a load by the name of its generator.
func generate(t *testing.T, name string, seed uint64) []float64 {
	t.Helper()
	for _, g := range All() {
		if g.Name == name {
			return g.Generate(seed).Demand
		}
	}
	t.Fatalf("no generator %q", name)
	return nil
}

// averages are the means of successive parts of a length.
func averages(demand []float64, length int) []float64 {
	var out []float64
	for n := 0; n+length <= len(demand); n += length {
		total := 0.0
		for _, v := range demand[n : n+length] {
			total += v
		}
		out = append(out, total/float64(length))
	}
	return out
}

// A burst rises linearly to its height, keeps it, and falls as fast: here from 1:00 to 1:06, until 2:00 and until 2:06.
func TestBurst_At(t *testing.T) {
	b := burst{start: 1, rise: 0.1, length: 1, height: 10}
	for hours, want := range map[float64]float64{0.9: 0, 1: 0, 1.05: 5, 1.1: 10, 1.5: 10, 2: 10, 2.05: 5, 2.1: 0, 3: 0} {
		if got := b.at(hours); math.Abs(got-want) > 1e-9 {
			t.Errorf("%g h: %g, want %g", hours, got, want)
		}
	}
	later := burst{start: 2, rise: 0.1, length: 1, height: 4}
	if got := sumBursts([]burst{b, later}, 2.05); math.Abs(got-7) > 1e-9 {
		t.Errorf("two bursts: %g, want 5 + 2", got)
	}
}

// There are 2 to 20 bursts a week, each at 3 to 10 times the demand of 1 to 3 vCPUs.
func TestRandomBursts(t *testing.T) {
	for seed := range uint64(10) {
		minutes, count, isHigh := 0, 0, false
		demand := generate(t, "bursts", seed)
		for _, v := range demand {
			if v > 6 && !isHigh {
				count++
			}
			isHigh = v > 4 && (isHigh || v > 6)
			if isHigh {
				minutes++
			}
		}
		if count < 2 || count > 3*20 || minutes < 10*count || minutes > 120*count || slices.Max(demand) > 3*10*1.15 {
			t.Errorf("seed %d: %d bursts in %d minutes, up to %.1f vCPUs", seed, count, minutes, slices.Max(demand))
		}
	}
}

// The nightly job begins within five hours from midnight, at another minute each night.
func TestNightlyJobs(t *testing.T) {
	starts := map[int]bool{}
	demand := generate(t, "nightly", 1)
	for day := range Days {
		night := demand[day*24*60 : day*24*60+8*60]
		first := slices.IndexFunc(night, func(v float64) bool { return v > 4 })
		if first < 0 || first > 5*60+5 {
			t.Errorf("night %d: the job begins in minute %d", day, first)
		}
		starts[first] = true
	}
	if len(starts) < Days*3/4 {
		t.Errorf("%d different starts in %d nights", len(starts), Days)
	}
}

// Jobs begin with the hour, and are higher every sixth hour.
func TestHourlyJobs(t *testing.T) {
	demand := generate(t, "hourly", 1)
	before, within, sixth := 0.0, 0.0, 0.0
	for hour := 1; hour < Days*24; hour++ {
		before += demand[hour*60-2]
		if hour%6 == 0 {
			sixth += demand[hour*60+3] / 84
		} else {
			within += demand[hour*60+3] / 420
		}
	}
	before /= Days*24 - 1
	if within < 1.5*before || sixth < within+1 {
		t.Errorf("%.1f vCPUs before the hour, %.1f in it, and %.1f every sixth hour", before, within, sixth)
	}
}

// The last and the first day of a month, 31 March to 1 April and 30 April to 1 May, have the most work.
func TestMonthEnd(t *testing.T) {
	demand := generate(t, "monthend", 1)
	days := averages(demand, 24*60)
	if len(days) != monthEndDays {
		t.Fatalf("%d days, want %d", len(days), monthEndDays)
	}
	for day, mean := range days {
		isEnd := slices.Contains([]int{27, 28, 57, 58}, day)
		if isEnd != (mean > 4.5) {
			t.Errorf("day %d: %.1f vCPUs on average", day, mean)
		}
	}
}

// The mean of each day is 5 % above that of the day before.
func TestGrowth(t *testing.T) {
	days := averages(generate(t, "growth", 1), 24*60)
	for n := 1; n < len(days); n++ {
		if ratio := days[n] / days[n-1]; math.Abs(ratio-1.05) > 0.01 {
			t.Errorf("day %d: %.3f × the day before", n, ratio)
		}
	}
}

// The mean of a day after the upgrade is 1.5 to 2.5 times that of a day before it.
func TestUpgrade(t *testing.T) {
	for seed := range uint64(5) {
		days := averages(generate(t, "upgrade", seed), 24*60)
		if ratio := days[20] / days[0]; ratio < 1.45 || ratio > 2.55 || math.Abs(days[6]/days[0]-1) > 0.02 || math.Abs(days[14]/days[20]-1) > 0.02 {
			t.Errorf("seed %d: days %.2f", seed, days)
		}
	}
}

// An outage leaves 3 % of the demand for half an hour; two minutes later the storm is at its height, and decays.
func TestOutage(t *testing.T) {
	o := outage{start: 10, length: 0.5, factor: 3, decay: 0.25}
	for hours, want := range map[float64]float64{
		9.9: 1, 10.1: 0.03, 10.49: 0.03, 10.5 + 1.0/60: 1.515, 10.5 + 2.0/60: 3, 10.75 + 2.0/60: 1 + 2/math.E, 24: 1,
	} {
		if got := o.factorAt(hours); math.Abs(got-want) > 1e-6 {
			t.Errorf("%g h: %g, want %g", hours, got, want)
		}
	}
	lowest := slices.Min(generate(t, "retries", 1))
	if lowest > 0.4 {
		t.Errorf("the lowest demand is %.2f vCPUs, want 3 %% of the demand in an outage", lowest)
	}
}
