package backtest

import (
	"cmp"
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// size is a shape with what it has and costs.
type size struct {
	scaling.Shape
	vcpus float64
	// cost of an hour: in millionths of a dollar where every price is known, otherwise in vCPUs.
	cost float64
}

// sizes lists the shapes that a policy allows the pool, smallest first, and what it begins with. The readers that there are at the
// beginning are somebody's own, and nobody removes them.
func (s Setup) sizes() []size {
	least, most := 1, 1
	if s.Pool == scaling.Readers {
		least, most = max(s.Start.Count, s.Policy.Readers.Min), s.Policy.Readers.Max
	}
	var out []size
	for _, class := range s.ladder(s.Pool) {
		for count := least; count <= most; count++ {
			out = append(out, s.size(scaling.Shape{InstanceClass: class, Count: count}))
		}
	}
	if !slices.ContainsFunc(out, func(x size) bool { return x.Shape == s.Start }) {
		out = append(out, s.size(s.Start))
	}
	slices.SortStableFunc(out, func(a, b size) int { return cmp.Or(cmp.Compare(a.vcpus, b.vcpus), cmp.Compare(a.cost, b.cost)) })
	return out
}

// Unpriced lists the classes of the pool that have no price in the policy. Money is not counted while there are any.
func (s Setup) Unpriced() []string {
	var out []string
	for _, class := range append(slices.Clone(s.ladder(s.Pool)), s.Start.InstanceClass) {
		if _, known := s.Policy.Prices[class]; !known && class != "" && !slices.Contains(out, class) {
			out = append(out, class)
		}
	}
	return out
}

func (s Setup) priced() bool { return len(s.Unpriced()) == 0 }

func (s Setup) size(shape scaling.Shape) size {
	out := size{Shape: shape, vcpus: float64(shape.Count) * vcpus(shape.InstanceClass, s.Engine)}
	out.cost = out.vcpus
	if s.priced() {
		out.cost = float64(shape.Count) * float64(s.Policy.Prices[shape.InstanceClass])
	}
	return out
}

// rungs are the sizes that an autoscaler goes up and down on, and the one that it begins with.
type rungs struct {
	sizes []size
	start int
}

// ladderOf keeps of the sizes those that an autoscaler has, one of each number of vCPUs: the cheapest.
func (s Setup) ladderOf(has func(size) bool) rungs {
	var out rungs
	for _, x := range s.sizes() {
		if !has(x) && x.Shape != s.Start {
			continue
		}
		if n := len(out.sizes); n > 0 && out.sizes[n-1].vcpus == x.vcpus {
			if x.Shape == s.Start { // it begins with this one, whatever it costs
				out.sizes[n-1] = x
			}
			continue
		}
		out.sizes = append(out.sizes, x)
	}
	out.start = slices.IndexFunc(out.sizes, func(x size) bool { return x.Shape == s.Start })
	return out
}

// vcpuLadder lists the vCPUs of rungs.
func (r rungs) vcpuLadder() []float64 {
	out := make([]float64, len(r.sizes))
	for n, x := range r.sizes {
		out[n] = x.vcpus
	}
	return out
}
