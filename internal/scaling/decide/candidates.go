package decide

import (
	"cmp"
	"slices"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// candidate is a shape that the policy allows.
type candidate struct {
	shape scaling.Shape
	vcpus float64
	// resized is how many of the present instances get another class.
	resized int
	// counted is by how many the number of instances changes.
	counted int
}

// candidates lists every allowed shape of a pool, the preferred first among those of equal fitness. The error says which
// class is not in the catalogue.
func candidates(p scaling.Policy, o scaling.Observation, pool scaling.Pool) ([]candidate, error) {
	instances := o.Pool(pool)
	classes, least, most := limits(p, instances, pool)
	var all []candidate
	for _, name := range classes {
		class, err := catalog.Lookup(name)
		if err != nil {
			return nil, err
		}
		for count := least; count <= most; count++ {
			c := candidate{
				shape: scaling.Shape{InstanceClass: name, Count: count},
				vcpus: float64(count * class.VCPUFor(o.Engine)),
			}
			for _, i := range instances {
				if i.Class != name {
					c.resized++
				}
			}
			c.counted = max(count-len(instances), len(instances)-count)
			all = append(all, c)
		}
	}
	prefer := order(p, pool)
	slices.SortStableFunc(all, prefer)
	return all, nil
}

// limits are the classes and counts that a pool may have. Readers that the operator did not create are never removed, so
// they are the least that the pool can have.
func limits(p scaling.Policy, instances []scaling.Instance, pool scaling.Pool) (classes []string, least, most int) {
	if pool == scaling.Writer {
		return p.Writer.InstanceClasses, 1, 1
	}
	foreign := 0
	for _, i := range instances {
		if !i.Own() {
			foreign++
		}
	}
	return p.Readers.InstanceClasses, max(p.Readers.Min, foreign), p.Readers.Max
}

// order compares two candidates by the policy's preference, then by vCPUs, then by how much they disturb.
func order(p scaling.Policy, pool scaling.Pool) func(a, b candidate) int {
	return func(a, b candidate) int {
		preference := 0
		if pool == scaling.Readers {
			switch p.Readers.Preference {
			case scaling.Vertical:
				preference = cmp.Compare(a.counted, b.counted)
			case scaling.Horizontal:
				preference = cmp.Compare(a.resized, b.resized)
			case scaling.Cheapest:
			}
		}
		return cmp.Or(
			preference,
			cmp.Compare(a.vcpus, b.vcpus),
			cmp.Compare(a.resized, b.resized), // to resize an instance takes it out of service; to add one does not
			cmp.Compare(a.counted, b.counted),
			cmp.Compare(a.shape.Count, b.shape.Count),
		)
	}
}
