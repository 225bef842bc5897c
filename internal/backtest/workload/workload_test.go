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
	for _, l := range All() {
		r := l.Generate(1)
		if names[l.Name] || l.Description == "" || len(r.Demand) != Days*24*60 || r.Start != start || r.Interval.Minutes() != 1 {
			t.Errorf("%s: %d values from %s", l.Name, len(r.Demand), r.Start)
		}
		names[l.Name] = true
		if slices.Equal(l.Generate(2).Demand, r.Demand) || !slices.Equal(l.Generate(1).Demand, r.Demand) {
			t.Errorf("%s: the seed does not say what is drawn", l.Name)
		}
		if least, most := slices.Min(r.Demand), slices.Max(r.Demand); least < 0.05 || most > 30 || most < 3 {
			t.Errorf("%s: from %.2f to %.1f vCPUs", l.Name, least, most)
		}
		want := 0.03
		if l.Name == "noise" {
			want = 0.1
		}
		if got := relativeNoise(r.Demand); math.Abs(got-want) > want/5 {
			t.Errorf("%s: a noise of %.3f, want %.3f", l.Name, got, want)
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
