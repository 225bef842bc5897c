package workload

import (
	"math"
	"slices"
	"testing"
)

// Each load has its days of minutes, between 0.05 and 60 vCPUs. It depends on the seed only. Its noise, the deviation of a
// value from the mean of its neighbours, has the specified size.
func TestGenerate(t *testing.T) {
	names := map[string]bool{}
	for _, g := range All() {
		generated := g.Generate(1)
		if names[g.Name] || g.Description == "" || len(generated.Demand) != g.Days*24*60 || generated.Start != start || generated.Interval.Minutes() != 1 {
			t.Errorf("%s: %d values from %s", g.Name, len(generated.Demand), generated.Start)
		}
		names[g.Name] = true
		if slices.Equal(g.Generate(2).Demand, generated.Demand) || !slices.Equal(g.Generate(1).Demand, generated.Demand) {
			t.Errorf("%s: two seeds give the same load, or one seed gives two loads", g.Name)
		}
		if low, high := slices.Min(generated.Demand), slices.Max(generated.Demand); low < 0.05 || high > 60 || high < 3 {
			t.Errorf("%s: the demand is %.2f to %.1f vCPUs, want 0.05 to a maximum between 3 and 60", g.Name, low, high)
		}
		want := 0.03
		if g.Name == "noise" {
			want = 0.1
		}
		if got := relativeNoise(generated.Demand); math.Abs(got-want) > want/5 {
			t.Errorf("%s: the relative noise is %.3f, want %.3f", g.Name, got, want)
		}
	}
}

// relativeNoise is the standard deviation of values from the mean of their neighbours, relative to that mean. It is estimated from
// the median, on which steps have little effect.
func relativeNoise(demand []float64) float64 {
	var off []float64
	for n := 1; n+1 < len(demand); n++ {
		middle := (demand[n-1] + demand[n+1]) / 2
		off = append(off, math.Abs(demand[n]-middle)/middle)
	}
	slices.Sort(off)
	const toSigma = 1 / 0.6745 // of a normal distribution
	return off[len(off)/2] * toSigma / math.Sqrt(1.5)
}
