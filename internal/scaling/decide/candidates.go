package decide

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// ladderClass is one class of a ladder.
type ladderClass struct {
	name       string
	spec       catalog.Class
	vcpus      float64
	price      scaling.Money
	priceKnown bool
	// rejection is why no shape of this class may be taken, or empty.
	rejection scaling.Verdict
}

// candidate is a shape that the policy allows.
type candidate struct {
	*scaling.Candidate
	class *ladderClass
}

// resolveLadder looks the classes of a pool up. The error says which is not in the catalogue.
func resolveLadder(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, instances []poolInstance, now time.Time) ([]ladderClass, error) {
	var names []string
	switch {
	case pool == scaling.Writer && p.Writer != nil:
		names = p.Writer.InstanceClasses
	case pool == scaling.Readers && p.Readers != nil:
		names = p.Readers.InstanceClasses
	}
	classes := make([]ladderClass, len(names))
	for n, name := range names {
		class, err := catalog.Lookup(name)
		if err != nil {
			return nil, err
		}
		classes[n] = ladderClass{name: name, spec: class, vcpus: float64(class.VCPUFor(o.Engine))}
		classes[n].price, classes[n].priceKnown = scaling.ClassPrice(p, o, name)
		if o.Orderable != nil && !o.Serverless && !slices.Contains(o.Orderable, name) {
			classes[n].rejection = scaling.VerdictNotOrderable
		}
		if len(o.Shortages) > 0 && lacksCapacity(o, name, instances, now) {
			classes[n].rejection = scaling.VerdictNoCapacity
		}
	}
	return classes, nil
}

// lacksCapacity says whether AWS has no instances of a class: nowhere, or not where one of another class would have to become it. A new
// reader may go to another zone.
func lacksCapacity(o *scaling.Observation, class string, instances []poolInstance, now time.Time) bool {
	zones, everywhere := o.CapacityShortages(class, now)
	return everywhere || slices.ContainsFunc(instances, func(m poolInstance) bool {
		return m.Class != class && slices.Contains(zones, m.AvailabilityZone)
	})
}

// countLimits are the least and greatest numbers of instances that a pool may have. Readers that the operator did not create are
// never removed, so they are the least that the pool can have.
func countLimits(p *scaling.Policy, instances []poolInstance, pool scaling.Pool) (minCount, maxCount int) {
	if pool == scaling.Writer {
		return 1, 1
	}
	foreign := 0
	for n := range instances {
		if !instances[n].CreatedByOperator() {
			foreign++
		}
	}
	return max(p.Readers.Min, foreign), p.Readers.Max
}

// enumerateCandidates lists every allowed shape of a pool, in the order of the ladder, and what is shown of them.
func enumerateCandidates(p *scaling.Policy, instances []poolInstance, pool scaling.Pool, ladder []ladderClass) ([]candidate, []scaling.Candidate) {
	minCount, maxCount := countLimits(p, instances, pool)
	total := len(ladder) * max(0, maxCount-minCount+1)
	candidates, reported := make([]candidate, 0, total), make([]scaling.Candidate, total)
	for n := range ladder {
		r := &ladder[n]
		resized := 0
		for k := range instances {
			if instances[k].Class != r.name {
				resized++
			}
		}
		for count := minCount; count <= maxCount; count++ {
			c := &reported[len(candidates)]
			*c = scaling.Candidate{
				Shape: scaling.Shape{InstanceClass: r.name, Count: count},
				VCPUs: float64(count) * r.vcpus, HourlyCost: scaling.Money(count) * r.price,
				ResizedInstances: resized, CountChange: max(count-len(instances), len(instances)-count),
			}
			candidates = append(candidates, candidate{c, r})
		}
	}
	return candidates, reported
}

// isPreferred says whether a candidate goes before another, which may be none, on the way from the present shape. Of two that
// are alike the ladder's first stays.
func (e *poolEvaluation) isPreferred(a, b *candidate) bool {
	return b == nil || e.compare(a, a.ResizedInstances, a.CountChange, b, b.ResizedInstances, b.CountChange) < 0
}

// isPreferredFrom is the same on the way from another candidate.
func (e *poolEvaluation) isPreferredFrom(base, a, b *candidate) bool {
	if b == nil {
		return true
	}
	aResized, aCounted := changesBetween(base, a)
	bResized, bCounted := changesBetween(base, b)
	return e.compare(a, aResized, aCounted, b, bResized, bCounted) < 0
}

// changesBetween is how many instances get another class from one candidate to another, and by how many their number changes.
func changesBetween(from, to *candidate) (resized, counted int) {
	if from.class != to.class {
		resized = from.Shape.Count
	}
	return resized, max(from.Shape.Count-to.Shape.Count, to.Shape.Count-from.Shape.Count)
}

// resizeCostFactor is how many times its cost a shape counts for that resizes readers: each is taken out of service for that and it takes
// longer, while one that is added or removed interrupts nothing.
const resizeCostFactor = 1.5

// weightedCost is the cost of a candidate, with what it disturbs.
func (e *poolEvaluation) weightedCost(c *candidate, resized int) float64 {
	if e.pool == scaling.Readers && resized > 0 {
		return resizeCostFactor * e.pricing.cost(c)
	}
	return e.pricing.cost(c)
}

// compare compares two candidates by the policy's preference, then by cost with what they disturb.
func (e *poolEvaluation) compare(a *candidate, aResized, aCounted int, b *candidate, bResized, bCounted int) int {
	preferred := 0
	if e.pool == scaling.Readers {
		switch e.policy.Readers.Preference {
		case scaling.Vertical:
			preferred = cmp.Compare(aCounted, bCounted)
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
		cmp.Compare(aResized, bResized), cmp.Compare(aCounted, bCounted), cmp.Compare(a.Shape.Count, b.Shape.Count))
}

// skipIntermediateShapes follows the rules on from a candidate until nothing more would change at the same load, so that one jump gets there:
// while it would be too large, to the next smaller and cheaper one that fits.
func (e *poolEvaluation) skipIntermediateShapes(c *candidate, requiredVCPUs float64) *candidate {
	for e.predictUtilization(c, requiredVCPUs) < float64(e.policy.CPU.ScaleDown)-roundingTolerance {
		var next *candidate
		for n := range e.candidates {
			other := &e.candidates[n]
			smaller := e.usableVCPUs(other) < e.usableVCPUs(c) && e.weightedCost(other, other.ResizedInstances) < e.weightedCost(c, c.ResizedInstances) &&
				e.respectsPreference(other, c.Shape.Count)
			if other.Verdict == scaling.VerdictFits && smaller && e.isPreferredFrom(c, other, next) {
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

// respectsPreference says whether a smaller shape keeps to the policy's preference: who wants the class to change before the number
// does not want more readers in order to save.
func (e *poolEvaluation) respectsPreference(c *candidate, count int) bool {
	return e.pool != scaling.Readers || e.policy.Readers.Preference != scaling.Vertical || c.Shape.Count <= count
}
