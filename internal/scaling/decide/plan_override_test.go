package decide

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestPlanOverride_IsTheProposalOfEvaluate: with samples that show that a shape fits, PlanOverride proposes the same change as Evaluate, and
// says of exactly the smaller shapes that they were not checked.
func TestPlanOverride_IsTheProposalOfEvaluate(t *testing.T) {
	for _, test := range []struct {
		to        scaling.Shape
		unchecked bool
	}{
		{shape(3, xlarge2), false}, {shape(2, xlarge2), false}, {shape(4, xlarge), false}, {shape(1, xlarge), true}, {shape(6, large), true},
		{shape(2, xlarge), false},
	} {
		p := newPolicy(withOverride(&test.to, nil, time.Minute))
		o := withFreeResources(newObservation(twoReaders(xlarge, constantLoad(10))...), 28, 1)
		plan, err := PlanOverride(p, o, now)
		if err != nil || slices.Contains(plan.Unchecked, scaling.Readers) != test.unchecked {
			t.Errorf("%s: %v, unchecked %v", test.to, err, plan.Unchecked)
		}
		want := slices.DeleteFunc(Evaluate(p, o, now).Proposals, func(p scaling.Proposal) bool { return p.Pool != scaling.Readers })
		if !slices.Equal(plan.Proposals, want) {
			t.Errorf("%s: got %+v, want %+v", test.to, plan.Proposals, want)
		}
	}
	unknown := shape(2, "db.none.large")
	if _, err := PlanOverride(newPolicy(withOverride(&unknown, nil, time.Minute)), newObservation(twoReaders(xlarge, constantLoad(10))...), now); err == nil {
		t.Error("a class that the catalog lacks was planned")
	}
	if plan, err := PlanOverride(newPolicy(), newObservation(twoReaders(xlarge, constantLoad(10))...), now); err != nil || len(plan.Proposals) > 0 {
		t.Errorf("without an override: %+v, %v", plan, err)
	}
}
