package workload

import (
	"math"
	"slices"
	"testing"
)

// Each kind is three weeks by the minute, between 0.05 and about 30 vCPUs, the same for a seed and another for another, with noise
// of as much as it says: the spread of what is left when the line through the neighbours is taken off.
func TestGenerate(t *testing.T) {
	names := map[string]bool{}
	for _, g := range All() {
		generated := g.Generate(1)
		if names[g.Name] || g.Description == "" || len(generated.Demand) != Days*24*60 || generated.Start != start || generated.Interval.Minutes() != 1 {
			t.Errorf("%s: %d values from %s", g.Name, len(generated.Demand), generated.Start)
		}
		names[g.Name] = true
		if slices.Equal(g.Generate(2).Demand, generated.Demand) || !slices.Equal(g.Generate(1).Demand, generated.Demand) {
			t.Errorf("%s: the seed does not say what is drawn", g.Name)
		}
		if least, most := slices.Min(generated.Demand), slices.Max(generated.Demand); least < 0.05 || most > 30 || most < 3 {
			t.Errorf("%s: from %.2f to %.1f vCPUs", g.Name, least, most)
		}
		want := 0.03
		if g.Name == "noise" {
			want = 0.1
		}
		if got := relativeNoise(generated.Demand); math.Abs(got-want) > want/5 {
			t.Errorf("%s: a noise of %.3f, want %.3f", g.Name, got, want)
		}
	}
}

// relativeNoise is the spread of values around the middle of their neighbours, relative to it; by the median, which steps do not move.
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
