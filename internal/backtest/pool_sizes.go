package backtest

import (
	"cmp"
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// poolSize is a shape with its vCPUs and its cost.
type poolSize struct {
	scaling.Shape
	vcpus float64
	// hourlyCost is in millionths of a dollar if every price is known, otherwise in vCPUs.
	hourlyCost float64
}

// allowedSizes lists the shapes that a policy allows the pool and the initial shape, smallest first. The initial readers are not
// removed, since the autoscaler did not create them.
func (s Setup) allowedSizes() []poolSize {
	minCount, maxCount := 1, 1
	if s.Pool == scaling.Readers {
		minCount, maxCount = max(s.InitialShape.Count, s.Policy.Readers.Min), s.Policy.Readers.Max
	}
	var out []poolSize
	for _, class := range s.allowedClasses(s.Pool) {
		for count := minCount; count <= maxCount; count++ {
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

// UnpricedClasses lists the classes of the pool without a price in the policy. The cost in money is unknown if there are any.
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

// sizeLadder has the sizes that an autoscaler can choose, smallest first. Autoscalers refer to a size by its index.
type sizeLadder struct {
	sizes []poolSize
	// startIndex is the index of the initial shape.
	startIndex int
}

// newSizeLadder selects the available sizes and the initial shape. Of several sizes with the same vCPUs it takes the cheapest, or the
// initial shape.
func (s Setup) newSizeLadder(isAvailable func(poolSize) bool) sizeLadder {
	var ladder sizeLadder
	for _, size := range s.allowedSizes() {
		if !isAvailable(size) && size.Shape != s.InitialShape {
			continue
		}
		if n := len(ladder.sizes); n > 0 && ladder.sizes[n-1].vcpus == size.vcpus {
			if size.Shape == s.InitialShape { // the initial shape, at any cost
				ladder.sizes[n-1] = size
			}
			continue
		}
		ladder.sizes = append(ladder.sizes, size)
	}
	ladder.startIndex = slices.IndexFunc(ladder.sizes, func(size poolSize) bool { return size.Shape == s.InitialShape })
	return ladder
}

// vcpus lists the vCPUs of each size.
func (l sizeLadder) vcpus() []float64 {
	out := make([]float64, len(l.sizes))
	for n, x := range l.sizes {
		out[n] = x.vcpus
	}
	return out
}
