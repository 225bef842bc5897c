package decide

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// ladderClass is one class of the policy's ladder.
type ladderClass struct {
	name       string
	spec       *catalog.Class
	vcpus      float64 // of one instance
	price      scaling.Money
	priceKnown bool
	// rejection is why no shape of this class may be chosen, or empty.
	rejection scaling.Verdict
	// limits is set by limitsOf when it is first needed.
	limits *catalog.Limits
	// largest is the candidate of the class with the most instances; nil when there is none.
	largest *candidate
	// pastCost is what the class would have cost over the known past. It is set by isCheaperOverHistory when it is first needed.
	pastCost float64
}

// candidate is a shape that the policy allows.
type candidate struct {
	*scaling.Candidate
	class *ladderClass
}

// allowedClasses are the names of the classes that the policy allows for a pool.
func allowedClasses(p *scaling.Policy, pool scaling.Pool) []string {
	switch {
	case pool == scaling.Writer && p.Writer != nil:
		return p.Writer.InstanceClasses
	case pool == scaling.Readers && p.Readers != nil:
		return p.Readers.InstanceClasses
	}
	return nil
}

// checkAllowedClasses returns an error that names the first class that the policy allows for a pool and the catalog does not have.
func checkAllowedClasses(p *scaling.Policy, pool scaling.Pool) error {
	for _, name := range allowedClasses(p, pool) {
		if _, err := catalog.Find(name); err != nil {
			return err
		}
	}
	return nil
}

// resolveLadder looks up the classes that the policy allows for the pool. There are none when the catalog does not have all of them: see
// checkAllowedClasses.
func (e *poolEvaluation) resolveLadder() {
	p, o := e.policy, e.observation
	names := allowedClasses(p, e.pool)
	e.buffers.ladder = zeroed(e.buffers.ladder, len(names))
	for n, name := range names {
		class := &e.buffers.ladder[n]
		var err error
		if class.spec, err = catalog.Find(name); err != nil {
			e.ladder = nil
			return
		}
		class.name, class.vcpus = name, class.spec.VCPUFor(o.Engine)
		class.price, class.priceKnown = scaling.ClassPrice(p, o, name)
		if o.Orderable != nil && !o.Serverless && !slices.Contains(o.Orderable, name) {
			class.rejection = scaling.VerdictNotOrderable
		}
		if isMissingInZone(o, name, e.instances) {
			class.rejection = scaling.VerdictNotOrderable
		}
		if len(o.Shortages) > 0 && lacksCapacity(o, name, e.instances, e.now) {
			class.rejection = scaling.VerdictNoCapacity
		}
	}
	e.ladder = e.buffers.ladder
}

// lacksCapacity reports whether AWS recently reported insufficient capacity for a class: in all zones, or in the zone of an
// instance that would be resized to it. A new reader may be created in another zone.
func lacksCapacity(o *scaling.Observation, class string, instances []poolInstance, now time.Time) bool {
	zones, everywhere := o.CapacityShortages(class, now)
	return everywhere || slices.ContainsFunc(instances, func(i poolInstance) bool {
		return i.Class != class && slices.Contains(zones, i.AvailabilityZone)
	})
}

// countLimits returns the smallest and largest number of instances that a pool may have. Readers that the operator did not
// create are never removed, nor those that others replicate from, so their number is a lower bound.
func countLimits(p *scaling.Policy, instances []poolInstance, pool scaling.Pool) (minCount, maxCount int) {
	if pool == scaling.Writer {
		return 1, 1
	}
	foreign := 0
	for n := range instances {
		if !instances[n].CanBeRemoved() {
			foreign++
		}
	}
	return max(p.Readers.Min, foreign), p.Readers.Max
}

// enumerateCandidates lists every allowed shape of the pool in the order of the ladder, and the same for the assessment. Both
// share their figures and verdicts.
func (e *poolEvaluation) enumerateCandidates() {
	minCount, maxCount := countLimits(e.policy, e.instances, e.pool)
	total := len(e.ladder) * max(0, maxCount-minCount+1)
	candidates, reported := zeroed(e.buffers.candidates, total)[:0], zeroed(e.buffers.reported, total)
	for n := range e.ladder {
		class := &e.ladder[n]
		resized := 0
		for k := range e.instances {
			if e.instances[k].Class != class.name {
				resized++
			}
		}
		for count := minCount; count <= maxCount; count++ {
			c := &reported[len(candidates)]
			c.Shape.InstanceClass, c.Shape.Count = class.name, count
			c.VCPUs, c.HourlyCost = float64(count)*class.vcpus, scaling.Money(count)*class.price
			c.ResizedInstances, c.CountChange = resized, max(count-len(e.instances), len(e.instances)-count)
			candidates = append(candidates, candidate{c, class})
		}
		if minCount <= maxCount {
			class.largest = &candidates[len(candidates)-1] // never moved: there is room for all
		}
	}
	e.candidates, e.reported = candidates, reported
	e.buffers.candidates, e.buffers.reported = candidates, reported
}
