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

// scheduleLookahead is how long before a schedule begins a pool is no longer made smaller than it will ask for.
const scheduleLookahead = time.Hour

// poolMinimum is the least that a pool may be by the schedules of its policy; those that overlap combine by maximum.
type poolMinimum struct {
	count            int
	vcpusPerInstance float64 // of each instance
	class            string  // the class that vcpus are of
	schedules        []string
}

// scheduledMinimum combines the schedules that are open at a moment. The error says which cannot be read.
func scheduledMinimum(p *scaling.Policy, engine string, pool scaling.Pool, at time.Time) (poolMinimum, error) {
	var m poolMinimum
	for _, s := range p.ScheduledMinimums {
		open, err := schedule.IsWindowOpen(s.Window, at)
		if err != nil {
			return poolMinimum{}, fmt.Errorf("schedule %q cannot be read: %w", s.Name, err)
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
		m.schedules = append(m.schedules, s.Name)
		m.count = max(m.count, count)
		if class == "" {
			continue
		}
		known, err := catalog.Lookup(class)
		if err != nil {
			return poolMinimum{}, fmt.Errorf("schedule %q: %w", s.Name, err)
		}
		if vcpus := float64(known.VCPUFor(engine)); vcpus > m.vcpusPerInstance {
			m.vcpusPerInstance, m.class = vcpus, class
		}
	}
	return m, nil
}

// combineWith combines two floors by maximum.
func (f poolMinimum) combineWith(g poolMinimum) poolMinimum {
	if g.vcpusPerInstance > f.vcpusPerInstance {
		f.vcpusPerInstance, f.class = g.vcpusPerInstance, g.class
	}
	f.count = max(f.count, g.count)
	return f
}

// allows says whether a candidate is at least the floor.
func (f poolMinimum) allows(c *candidate) bool {
	return c.Shape.Count >= f.count && c.class.vcpus >= f.vcpusPerInstance
}

// isMetBy says whether a pool is at least the floor.
func (f poolMinimum) isMetBy(instances []poolInstance) bool {
	for n := range instances {
		if instances[n].vcpus < f.vcpusPerInstance {
			return false
		}
	}
	return len(instances) >= f.count
}

// String says what a floor asks for.
func (f poolMinimum) String() string {
	var parts []string
	if f.count > 0 {
		parts = append(parts, fmt.Sprintf("at least %d", f.count))
	}
	if f.class != "" {
		parts = append(parts, "at least "+f.class)
	}
	return strings.Join(parts, " of ")
}

// proposeRaiseToMinimum proposes the preferred shape that the limits and schedules of the policy allow when the pool is smaller, never
// with fewer vCPUs than now. Where such a shape has fewer, the load decides; where there is none that may be taken, it says so.
func (e *poolEvaluation) proposeRaiseToMinimum(current poolMinimum) (*scaling.Proposal, scaling.Hold) {
	minReaders, _ := countLimits(e.policy, e.instances, e.pool)
	tooFewReaders := len(e.instances) < minReaders && e.pool == scaling.Readers
	if !tooFewReaders && current.isMetBy(e.instances) {
		return nil, scaling.Hold{}
	}
	e.listCandidates()
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.Verdict = e.checkLimits(c)
		if c.Verdict == "" && (c.VCPUs < e.load.Capacity || e.usableVCPUs(c) < e.load.UsableCapacity) {
			c.Verdict = scaling.VerdictWrongDirection
		}
		if c.Verdict == "" {
			c.Verdict = e.checkMemoryAndConnections(c)
		}
		if c.Verdict != "" {
			continue
		}
		c.Verdict = scaling.VerdictFits
		if e.isPreferredForMinimum(c, best, tooFewReaders) {
			best = c
		}
	}
	reason, message := scaling.ReasonBelowMinimum, fmt.Sprintf("The policy asks for at least %d readers", minReaders)
	if !current.isMetBy(e.instances) {
		reason = scaling.ReasonBelowSchedule
		message = fmt.Sprintf("The schedule %s asks for %s", strings.Join(current.schedules, ", "), current)
	}
	if best == nil {
		refused := e.rejections()
		smaller := slices.ContainsFunc(e.candidates, func(c candidate) bool { return c.Verdict == scaling.VerdictWrongDirection })
		if smaller || len(refused) == 0 {
			return nil, scaling.Hold{}
		}
		return nil, scaling.Hold{Reason: scaling.ReasonNoSuitableShape, Message: fmt.Sprintf(
			"%s, and there are %s. No shape that has them may be taken: %s", message, e.currentShape(), describeRejections(refused...))}
	}
	best.Verdict = scaling.VerdictChosen
	message += fmt.Sprintf(": %s → %s", e.currentShape(), best.Shape)
	return e.newProposal(reason, scaling.Up, best, message, message), scaling.Hold{}
}

// isPreferredForMinimum says whether a candidate goes before another, which may be none, for reaching the least. Where only readers are
// missing, as few are added as will do, and none is resized if that can be.
func (e *poolEvaluation) isPreferredForMinimum(a, b *candidate, onlyCount bool) bool {
	if b == nil || !onlyCount {
		return e.isPreferred(a, b)
	}
	resizes := func(c *candidate) int { return min(c.ResizedInstances, 1) }
	if c := cmp.Or(cmp.Compare(a.Shape.Count, b.Shape.Count), cmp.Compare(resizes(a), resizes(b))); c != 0 {
		return c < 0
	}
	return e.isPreferred(a, b)
}
