package backtest

import (
	"cmp"
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// poolSize is a shape with what it has and costs.
type poolSize struct {
	scaling.Shape
	vcpus float64
	// hourlyCost of an hour: in millionths of a dollar where every price is known, otherwise in vCPUs.
	hourlyCost float64
}

// allowedSizes lists the shapes that a policy allows the pool, smallest first, and what it begins with. The readers that there are at the
// beginning are somebody's own, and nobody removes them.
func (s Setup) allowedSizes() []poolSize {
	least, most := 1, 1
	if s.Pool == scaling.Readers {
		least, most = max(s.InitialShape.Count, s.Policy.Readers.Min), s.Policy.Readers.Max
	}
	var out []poolSize
	for _, class := range s.allowedClasses(s.Pool) {
		for count := least; count <= most; count++ {
			out = append(out, s.newPoolSize(scaling.Shape{InstanceClass: class, Count: count}))
		}
	}
	if !slices.ContainsFunc(out, func(x poolSize) bool { return x.Shape == s.InitialShape }) {
		out = append(out, s.newPoolSize(s.InitialShape))
	}
	slices.SortStableFunc(out, func(a, b poolSize) int {
		return cmp.Or(cmp.Compare(a.vcpus, b.vcpus), cmp.Compare(a.hourlyCost, b.hourlyCost))
	})
	return out
}

// UnpricedClasses lists the classes of the pool that have no price in the policy. Money is not counted while there are any.
func (s Setup) UnpricedClasses() []string {
	var out []string
	for _, class := range append(slices.Clone(s.allowedClasses(s.Pool)), s.InitialShape.InstanceClass) {
		if _, known := s.Policy.Prices[class]; !known && class != "" && !slices.Contains(out, class) {
			out = append(out, class)
		}
	}
	return out
}

func (s Setup) hasPrices() bool { return len(s.UnpricedClasses()) == 0 }

func (s Setup) newPoolSize(shape scaling.Shape) poolSize {
	out := poolSize{Shape: shape, vcpus: float64(shape.Count) * classVCPUs(shape.InstanceClass, s.Engine)}
	out.hourlyCost = out.vcpus
	if s.hasPrices() {
		out.hourlyCost = float64(shape.Count) * float64(s.Policy.Prices[shape.InstanceClass])
	}
	return out
}

// sizeLadder are the sizes that an autoscaler goes up and down on, and the one that it begins with.
type sizeLadder struct {
	sizes     []poolSize
	startRung int
}

// newSizeLadder keeps of the sizes those that an autoscaler has, one of each number of vCPUs: the cheapest.
func (s Setup) newSizeLadder(has func(poolSize) bool) sizeLadder {
	var out sizeLadder
	for _, x := range s.allowedSizes() {
		if !has(x) && x.Shape != s.InitialShape {
			continue
		}
		if n := len(out.sizes); n > 0 && out.sizes[n-1].vcpus == x.vcpus {
			if x.Shape == s.InitialShape { // it begins with this one, whatever it costs
				out.sizes[n-1] = x
			}
			continue
		}
		out.sizes = append(out.sizes, x)
	}
	out.startRung = slices.IndexFunc(out.sizes, func(x poolSize) bool { return x.Shape == s.InitialShape })
	return out
}

// vcpus lists the vCPUs of rungs.
func (r sizeLadder) vcpus() []float64 {
	out := make([]float64, len(r.sizes))
	for n, x := range r.sizes {
		out[n] = x.vcpus
	}
	return out
}
