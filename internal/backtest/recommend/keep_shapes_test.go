package recommend

import (
	"slices"
	"testing"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestDimensions_KeepShapes: with KeepShapes no variant has other classes or another number of readers.
func TestDimensions_KeepShapes(t *testing.T) {
	policy := scaling.Policy{Readers: &scaling.ReaderLimits{InstanceClasses: []string{"db.r6g.large", "db.r6g.xlarge"}, Min: 1, Max: 3}}
	setup := backtest.Setup{Policy: policy, Pool: scaling.Readers}
	shapesVary := func(limits Limits) bool {
		s := searcher{setup: setup, limits: limits}
		for _, vary := range s.dimensions() {
			for _, variant := range vary(setup, policy) {
				r := variant.Readers
				if !slices.Equal(r.InstanceClasses, policy.Readers.InstanceClasses) || r.Min != policy.Readers.Min || r.Max != policy.Readers.Max {
					return true
				}
			}
		}
		return false
	}
	if shapesVary(Limits{KeepShapes: true}) || !shapesVary(Limits{}) {
		t.Errorf("shapes vary with KeepShapes: %t, and without: %t", shapesVary(Limits{KeepShapes: true}), shapesVary(Limits{}))
	}
}
