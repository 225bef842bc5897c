package backtest

import (
	"slices"
	"testing"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// No size has fewer readers than the initial shape: the autoscaler did not create them.
func TestAllowedSizes_KeepInitialReaders(t *testing.T) {
	s := newStepSetup()
	s.InitialShape.Count = 2
	smallest := slices.MinFunc(s.allowedSizes(), func(a, b poolSize) int { return a.Count - b.Count })
	if n := len(s.allowedSizes()); smallest.Count != 2 || n != 3*3 {
		t.Errorf("the fewest readers are in %v, of %d sizes", smallest.Shape, n)
	}
}

// The ladder has the initial shape, even if another shape with the same vCPUs is cheaper.
func TestNewSizeLadder_ContainsInitialShape(t *testing.T) {
	s := newStepSetup()
	s.InitialShape = scaling.Shape{InstanceClass: "db.r6g.xlarge", Count: 1}
	s.Policy.Prices = map[string]scaling.Money{"db.r6g.large": 100, "db.r6g.xlarge": 300, "db.r6g.2xlarge": 600}
	r := s.newSizeLadder(func(poolSize) bool { return true })
	if r.startIndex < 0 || r.sizes[r.startIndex].Shape != s.InitialShape {
		t.Errorf("the start size is %d of %+v", r.startIndex, r.sizes)
	}
	for n := 1; n < len(r.sizes); n++ {
		if r.sizes[n].vcpus <= r.sizes[n-1].vcpus {
			t.Errorf("size %d is not larger than size %d", n, n-1)
		}
	}
}
