package decide

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
	"github.com/dbscaler/dbscaler/internal/scaling/schedule"
)

// floorAhead is how long before a schedule begins a pool is no longer made smaller than it will ask for.
const floorAhead = time.Hour

// floor is the least that a pool may be by the schedules of its policy; those that overlap combine by maximum.
type floor struct {
	count int
	vcpus float64 // of each instance
	class string  // the class that vcpus are of
	names []string
}

// floorOf combines the schedules that are open at a moment. The error says which cannot be read.
func floorOf(p *scaling.Policy, engine string, pool scaling.Pool, at time.Time) (floor, error) {
	var f floor
	for _, s := range p.Floors {
		open, err := schedule.Active(s.Window, at)
		if err != nil {
			return floor{}, fmt.Errorf("schedule %q cannot be read: %w", s.Name, err)
		}
		if !open {
			continue
		}
		class, count := s.WriterClass, 0
		if pool == scaling.Readers {
			class, count = s.ReaderClass, s.MinReaders
		}
		if class == "" && count == 0 {
			continue
		}
		f.names = append(f.names, s.Name)
		f.count = max(f.count, count)
		if class == "" {
			continue
		}
		known, err := catalog.Lookup(class)
		if err != nil {
			return floor{}, fmt.Errorf("schedule %q: %w", s.Name, err)
		}
		if vcpus := float64(known.VCPUFor(engine)); vcpus > f.vcpus {
			f.vcpus, f.class = vcpus, class
		}
	}
	return f, nil
}

// and combines two floors by maximum.
func (f floor) and(g floor) floor {
	if g.vcpus > f.vcpus {
		f.vcpus, f.class = g.vcpus, g.class
	}
	f.count = max(f.count, g.count)
	return f
}

// allows says whether a candidate is at least the floor.
func (f floor) allows(c *candidate) bool { return c.Shape.Count >= f.count && c.rung.vcpus >= f.vcpus }

// met says whether a pool is at least the floor.
func (f floor) met(all []member) bool {
	for n := range all {
		if all[n].vcpus < f.vcpus {
			return false
		}
	}
	return len(all) >= f.count
}

// String says what a floor asks for.
func (f floor) String() string {
	var parts []string
	if f.count > 0 {
		parts = append(parts, fmt.Sprintf("at least %d", f.count))
	}
	if f.class != "" {
		parts = append(parts, "at least "+f.class)
	}
	return strings.Join(parts, " of ")
}

// ontoFloor proposes the preferred shape that the limits and schedules of the policy allow when the pool is smaller, never
// with fewer vCPUs than now. Where such a shape has fewer, the load decides; where there is none that may be taken, it says so.
func (s *scene) ontoFloor(current floor) (*scaling.Proposal, scaling.Hold) {
	least, _ := counts(s.policy, s.all, s.pool)
	few := len(s.all) < least && s.pool == scaling.Readers
	if !few && current.met(s.all) {
		return nil, scaling.Hold{}
	}
	s.list()
	var best *candidate
	for n := range s.candidates {
		c := &s.candidates[n]
		c.Verdict = s.refuse(c)
		if c.Verdict == "" && (c.VCPUs < s.load.Capacity || s.carrying(c) < s.load.Carrying) {
			c.Verdict = scaling.WrongDirection
		}
		if c.Verdict == "" {
			c.Verdict = s.fits(c)
		}
		if c.Verdict != "" {
			continue
		}
		c.Verdict = scaling.Fits
		if s.completes(c, best, few) {
			best = c
		}
	}
	reason, text := scaling.ReasonBelowMinimum, fmt.Sprintf("The policy asks for at least %d readers", least)
	if !current.met(s.all) {
		reason = scaling.ReasonBelowSchedule
		text = fmt.Sprintf("The schedule %s asks for %s", strings.Join(current.names, ", "), current)
	}
	if best == nil {
		refused := s.refused()
		smaller := slices.ContainsFunc(s.candidates, func(c candidate) bool { return c.Verdict == scaling.WrongDirection })
		if smaller || len(refused) == 0 {
			return nil, scaling.Hold{}
		}
		return nil, scaling.Hold{Reason: scaling.ReasonNothingFits, Message: fmt.Sprintf(
			"%s, and there are %s. No shape that has them may be taken: %s", text, s.shape(), because(refused...))}
	}
	best.Verdict = scaling.Chosen
	text += fmt.Sprintf(": %s → %s", s.shape(), best.Shape)
	return s.propose(reason, scaling.Up, best, text, text), scaling.Hold{}
}

// completes says whether a candidate goes before another, which may be none, for reaching the least. Where only readers are
// missing, as few are added as will do, and none is resized if that can be.
func (s *scene) completes(a, b *candidate, few bool) bool {
	if b == nil || !few {
		return s.preferred(a, b)
	}
	resizes := func(c *candidate) int { return min(c.Resized, 1) }
	if c := cmp.Or(cmp.Compare(a.Shape.Count, b.Shape.Count), cmp.Compare(resizes(a), resizes(b))); c != 0 {
		return c < 0
	}
	return s.preferred(a, b)
}
