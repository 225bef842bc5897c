package decide

import (
	"cmp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// rung is one class of a ladder.
type rung struct {
	name   string
	class  catalog.Class
	vcpus  float64
	price  scaling.Money
	priced bool
	// verdict is why no shape of this class may be taken, or empty.
	verdict scaling.Verdict
}

// candidate is a shape that the policy allows.
type candidate struct {
	*scaling.Candidate
	rung *rung
}

// ladder looks the classes of a pool up. The error says which is not in the catalogue.
func ladder(p *scaling.Policy, o *scaling.Observation, pool scaling.Pool, all []member, now time.Time) ([]rung, error) {
	var names []string
	switch {
	case pool == scaling.Writer && p.Writer != nil:
		names = p.Writer.InstanceClasses
	case pool == scaling.Readers && p.Readers != nil:
		names = p.Readers.InstanceClasses
	}
	rungs := make([]rung, len(names))
	for n, name := range names {
		class, err := catalog.Lookup(name)
		if err != nil {
			return nil, err
		}
		rungs[n] = rung{name: name, class: class, vcpus: float64(class.VCPUFor(o.Engine))}
		rungs[n].price, rungs[n].priced = scaling.Price(p, o, name)
		if o.Orderable != nil && !o.Serverless && !slices.Contains(o.Orderable, name) {
			rungs[n].verdict = scaling.NotOrderable
		}
		if len(o.Shortages) > 0 && short(o, name, all, now) {
			rungs[n].verdict = scaling.NoCapacity
		}
	}
	return rungs, nil
}

// short says whether AWS has no instances of a class: nowhere, or not where one of another class would have to become it. A new
// reader may go to another zone.
func short(o *scaling.Observation, class string, all []member, now time.Time) bool {
	zones, everywhere := o.Short(class, now)
	return everywhere || slices.ContainsFunc(all, func(m member) bool {
		return m.Class != class && slices.Contains(zones, m.AvailabilityZone)
	})
}

// counts are the least and greatest numbers of instances that a pool may have. Readers that the operator did not create are
// never removed, so they are the least that the pool can have.
func counts(p *scaling.Policy, all []member, pool scaling.Pool) (least, most int) {
	if pool == scaling.Writer {
		return 1, 1
	}
	foreign := 0
	for n := range all {
		if !all[n].Own() {
			foreign++
		}
	}
	return max(p.Readers.Min, foreign), p.Readers.Max
}

// candidates lists every allowed shape of a pool, in the order of the ladder, and what is shown of them.
func candidates(p *scaling.Policy, all []member, pool scaling.Pool, rungs []rung) ([]candidate, []scaling.Candidate) {
	least, most := counts(p, all, pool)
	length := len(rungs) * max(0, most-least+1)
	list, shown := make([]candidate, 0, length), make([]scaling.Candidate, length)
	for n := range rungs {
		r := &rungs[n]
		resized := 0
		for k := range all {
			if all[k].Class != r.name {
				resized++
			}
		}
		for count := least; count <= most; count++ {
			c := &shown[len(list)]
			*c = scaling.Candidate{
				Shape: scaling.Shape{InstanceClass: r.name, Count: count},
				VCPUs: float64(count) * r.vcpus, Price: scaling.Money(count) * r.price,
				Resized: resized, Counted: max(count-len(all), len(all)-count),
			}
			list = append(list, candidate{c, r})
		}
	}
	return list, shown
}

// preferred says whether a candidate goes before another, which may be none, on the way from the present shape. Of two that
// are alike the ladder's first stays.
func (s *scene) preferred(a, b *candidate) bool {
	return b == nil || s.rank(a, a.Resized, a.Counted, b, b.Resized, b.Counted) < 0
}

// preferredFrom is the same on the way from another candidate.
func (s *scene) preferredFrom(base, a, b *candidate) bool {
	if b == nil {
		return true
	}
	aResized, aCounted := distance(base, a)
	bResized, bCounted := distance(base, b)
	return s.rank(a, aResized, aCounted, b, bResized, bCounted) < 0
}

// distance is how many instances get another class from one candidate to another, and by how many their number changes.
func distance(from, to *candidate) (resized, counted int) {
	if from.rung != to.rung {
		resized = from.Shape.Count
	}
	return resized, max(from.Shape.Count-to.Shape.Count, to.Shape.Count-from.Shape.Count)
}

// resizing is how many times its cost a shape counts for that resizes readers: each is taken out of service for that and it takes
// longer, while one that is added or removed interrupts nothing.
const resizing = 1.5

// worth is the cost of a candidate, with what it disturbs.
func (s *scene) worth(c *candidate, resized int) float64 {
	if s.pool == scaling.Readers && resized > 0 {
		return resizing * s.market.cost(c)
	}
	return s.market.cost(c)
}

// rank compares two candidates by the policy's preference, then by cost with what they disturb.
func (s *scene) rank(a *candidate, aResized, aCounted int, b *candidate, bResized, bCounted int) int {
	preferred := 0
	if s.pool == scaling.Readers {
		switch s.policy.Readers.Preference {
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
	if c := cmp.Compare(s.worth(a, aResized), s.worth(b, bResized)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(s.market.cost(a), s.market.cost(b)),
		cmp.Compare(aResized, bResized), cmp.Compare(aCounted, bCounted), cmp.Compare(a.Shape.Count, b.Shape.Count))
}

// settle follows the rules on from a candidate until nothing more would change at the same load, so that one jump gets there:
// while it would be too large, to the next smaller and cheaper one that fits.
func (s *scene) settle(c *candidate, need float64) *candidate {
	for s.predict(c, need) < float64(s.policy.CPU.ScaleDown)-rounding {
		var next *candidate
		for n := range s.candidates {
			other := &s.candidates[n]
			smaller := s.carrying(other) < s.carrying(c) && s.worth(other, other.Resized) < s.worth(c, c.Resized) &&
				s.inKeeping(other, c.Shape.Count)
			if other.Verdict == scaling.Fits && smaller && s.preferredFrom(c, other, next) {
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

// inKeeping says whether a smaller shape keeps to the policy's preference: who wants the class to change before the number
// does not want more readers in order to save.
func (s *scene) inKeeping(c *candidate, count int) bool {
	return s.pool != scaling.Readers || s.policy.Readers.Preference != scaling.Vertical || c.Shape.Count <= count
}
