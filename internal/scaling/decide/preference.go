package decide

import (
	"cmp"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// resizeCostFactor multiplies the cost of a shape that resizes readers: each resized reader is out of service for a time, and
// resizing takes longer, while adding or removing a reader interrupts nothing.
const resizeCostFactor = 1.5

// isPreferred reports whether candidate a is preferred to b, which may be nil, as a change of the current shape. Of two equal
// candidates the one that comes first on the ladder stays.
func (e *poolEvaluation) isPreferred(a, b *candidate) bool {
	return b == nil || e.compare(a, a.ResizedInstances, a.CountChange, b, b.ResizedInstances, b.CountChange) < 0
}

// isPreferredFrom reports whether candidate a is preferred to b, which may be nil, as a change of another candidate.
func (e *poolEvaluation) isPreferredFrom(base, a, b *candidate) bool {
	if b == nil {
		return true
	}
	aResized, aCountChange := changesBetween(base, a)
	bResized, bCountChange := changesBetween(base, b)
	return e.compare(a, aResized, aCountChange, b, bResized, bCountChange) < 0
}

// changesBetween returns how many instances would get another class, and by how many their number would change.
func changesBetween(from, to *candidate) (resized, countChange int) {
	if from.class != to.class {
		resized = from.Shape.Count
	}
	return resized, max(from.Shape.Count-to.Shape.Count, to.Shape.Count-from.Shape.Count)
}

// compare orders two candidates by the policy's preference, then by weighted cost, by cost, and by the number of changes.
func (e *poolEvaluation) compare(a *candidate, aResized, aCountChange int, b *candidate, bResized, bCountChange int) int {
	preferred := 0
	if e.pool == scaling.Readers {
		switch e.policy.Readers.Preference {
		case scaling.Vertical:
			preferred = cmp.Compare(aCountChange, bCountChange)
		case scaling.Horizontal:
			preferred = cmp.Compare(aResized, bResized)
		case scaling.Cheapest:
		}
	}
	if preferred != 0 {
		return preferred
	}
	if c := cmp.Compare(e.weightedCost(a, aResized), e.weightedCost(b, bResized)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(e.pricing.cost(a), e.pricing.cost(b)),
		cmp.Compare(aResized, bResized), cmp.Compare(aCountChange, bCountChange), cmp.Compare(a.Shape.Count, b.Shape.Count))
}

// weightedCost is the cost of a candidate, times resizeCostFactor when it resizes readers.
func (e *poolEvaluation) weightedCost(c *candidate, resized int) float64 {
	if e.pool == scaling.Readers && resized > 0 {
		return resizeCostFactor * e.pricing.cost(c)
	}
	return e.pricing.cost(c)
}

// skipIntermediateShapes returns the shape at which repeated evaluations of the same load would end, so that one operation gets
// there: while a candidate would be too large, it goes to the preferred smaller and cheaper one that fits.
func (e *poolEvaluation) skipIntermediateShapes(c *candidate, requiredVCPUs float64) *candidate {
	for !reaches(e.predictUtilization(c, requiredVCPUs), e.policy.CPU.ScaleDown) {
		var next *candidate
		for n := range e.candidates {
			other := &e.candidates[n]
			smaller := e.usableVCPUs(other) < e.usableVCPUs(c) && e.respectsPreference(other, c.Shape.Count)
			cheaper := e.weightedCost(other, other.ResizedInstances) < e.weightedCost(c, c.ResizedInstances)
			if other.Verdict == scaling.VerdictFits && smaller && cheaper && e.isPreferredFrom(c, other, next) {
				next = other
			}
		}
		if next == nil {
			break
		}
		c = next
	}
	return c
}

// respectsPreference reports whether a smaller shape follows the policy's preference: with Vertical, readers are not added in
// order to save cost. Nor are read replicas of a DB instance: a new one has no clients, so that it does not let the others shrink.
func (e *poolEvaluation) respectsPreference(c *candidate, count int) bool {
	keepsCount := e.policy.Readers != nil && e.policy.Readers.Preference == scaling.Vertical || e.observation.Kind == scaling.DBInstance
	return e.pool != scaling.Readers || !keepsCount || c.Shape.Count <= count
}
