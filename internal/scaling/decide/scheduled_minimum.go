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

// scheduleLookahead is how long before a schedule opens a pool is no longer scaled down below what the schedule requires.
const scheduleLookahead = time.Hour

// poolMinimum is the smallest size that the schedules of a policy allow a pool. Schedules that overlap combine by maximum.
type poolMinimum struct {
	count            int
	vcpusPerInstance float64
	class            string   // the class that vcpusPerInstance is of
	schedules        []string // names
}

// scheduledMinimum combines the schedules that are open at a time. The error names the schedule that is invalid.
func scheduledMinimum(p *scaling.Policy, engine string, pool scaling.Pool, at time.Time) (poolMinimum, error) {
	var m poolMinimum
	for _, s := range p.ScheduledMinimums {
		open, err := schedule.IsWindowOpen(s.Window, at)
		if err != nil {
			return poolMinimum{}, fmt.Errorf("schedule %q is invalid: %w", s.Name, err)
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
			return poolMinimum{}, fmt.Errorf("schedule %q is invalid: %w", s.Name, err)
		}
		if vcpus := known.VCPUFor(engine); vcpus > m.vcpusPerInstance {
			m.vcpusPerInstance, m.class = vcpus, class
		}
	}
	return m, nil
}

// combineWith returns the maximum of two minimums.
func (m poolMinimum) combineWith(other poolMinimum) poolMinimum {
	if other.vcpusPerInstance > m.vcpusPerInstance {
		m.vcpusPerInstance, m.class = other.vcpusPerInstance, other.class
	}
	m.count = max(m.count, other.count)
	return m
}

// allows reports whether a candidate is at least the minimum.
func (m poolMinimum) allows(c *candidate) bool {
	return c.Shape.Count >= m.count && c.class.vcpus >= m.vcpusPerInstance
}

// isMetBy reports whether a pool of these instances is at least the minimum.
func (m poolMinimum) isMetBy(instances []poolInstance) bool {
	for n := range instances {
		if instances[n].vcpus < m.vcpusPerInstance {
			return false
		}
	}
	return len(instances) >= m.count
}

// String writes the minimum for people.
func (m poolMinimum) String() string {
	var parts []string
	if m.count > 0 {
		parts = append(parts, fmt.Sprintf("at least %d readers", m.count))
	}
	if m.class != "" {
		parts = append(parts, "at least "+m.class)
	}
	return strings.Join(parts, " of ")
}

// proposeRaiseToMinimum proposes the preferred shape that meets readers.minReplicas and the open schedules when the pool does not, never
// with fewer vCPUs than now. Without a proposal, the Hold gives the reason, and is empty when the pool meets the minimum or only
// shapes with fewer vCPUs would: then the load decides.
func (e *poolEvaluation) proposeRaiseToMinimum(current poolMinimum) (*scaling.Proposal, scaling.Hold) {
	tooFewReaders := e.pool == scaling.Readers && len(e.instances) < e.policy.Readers.Min
	if !tooFewReaders && current.isMetBy(e.instances) {
		return nil, scaling.Hold{}
	}
	minReaders, _ := countLimits(e.policy, e.instances, e.pool)
	e.listCandidates()
	var best *candidate
	for n := range e.candidates {
		c := &e.candidates[n]
		c.Verdict = e.checkLimits(c)
		if c.Verdict == "" && (c.VCPUs < e.vcpus || e.usableVCPUs(c) < e.load.UsableCapacity) {
			c.Verdict = scaling.VerdictWrongDirection
		}
		if c.Verdict == "" {
			c.Verdict = e.checkResources(c)
		}
		if c.Verdict != "" {
			continue
		}
		c.Verdict = scaling.VerdictFits
		if e.isPreferredForMinimum(c, best, tooFewReaders) {
			best = c
		}
	}
	reason, message := scaling.ReasonBelowMinimum, fmt.Sprintf("The policy requires at least %d readers", minReaders)
	if !current.isMetBy(e.instances) {
		reason = scaling.ReasonBelowSchedule
		message = fmt.Sprintf("The schedule %s requires %s", strings.Join(current.schedules, ", "), current)
	}
	if best == nil {
		rejections := e.rejections()
		hasSmaller := slices.ContainsFunc(e.candidates, func(c candidate) bool { return c.Verdict == scaling.VerdictWrongDirection })
		if hasSmaller || len(rejections) == 0 {
			return nil, scaling.Hold{}
		}
		return nil, scaling.Hold{Reason: scaling.ReasonNoSuitableShape, Message: fmt.Sprintf(
			"%s, but the pool is %s, and no shape that meets this is suitable: %s",
			message, e.currentShape(), e.describeRejections(rejections...))}
	}
	best.Verdict = scaling.VerdictChosen
	message += fmt.Sprintf(": %s → %s", e.currentShape(), best.Shape)
	return e.newProposal(reason, scaling.Up, best, message, message), scaling.Hold{}
}

// isPreferredForMinimum reports whether candidate a is preferred to b, which may be nil, for reaching the minimum. Where only the
// number of readers is too low, as few as possible are added, and none is resized if that can be avoided.
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
