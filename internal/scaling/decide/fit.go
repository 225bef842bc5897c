package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// HotPercent is the utilization at which a single reader is too hot, whatever the mean of the pool: clients keep their
	// connections, so that load may stick to one.
	HotPercent = 90
	// memoryReserve is the share of a class's memory that has to stay free.
	memoryReserve = 0.05
	// connectionReserve is the share of a class's connections that has to stay free.
	connectionReserve = 0.1
	// slowStale is the age above which samples of memory and connections, which are read every ten minutes, say nothing.
	slowStale = 20 * time.Minute
	// slowPeriod is the period of those samples.
	slowPeriod = 5 * time.Minute
	// rounding is what sums of floating-point fractions may be off by, in percent: a load on a threshold counts as on it.
	rounding = 1e-6
)

// scene is everything that candidates of one pool are held against.
type scene struct {
	policy      *scaling.Policy
	observation *scaling.Observation
	now         time.Time
	pool        scaling.Pool
	all         []member
	load        scaling.Load
	rungs       []rung
	market      market
	floor       floor
	// candidates are listed when they are first needed.
	candidates []candidate
	shown      []scaling.Candidate
	// successor is the vCPUs that readers must have so that one can succeed the writer, or zero.
	successor float64
	// classLow is what the window for a change of class shows; worked out when it is first needed.
	classLow *scaling.Low
	// usage is what memory and connections show; worked out when it is first needed.
	usage *usage
}

// usage is what the instances of a pool need beside CPU, together.
type usage struct {
	memory      float64 // bytes outside the page cache
	connections float64
	// memoryKnown and connectionsKnown say whether every instance had samples over the scale-down window.
	memoryKnown, connectionsKnown bool
	largest                       float64 // bytes of the largest present instance
}

// carrying is the vCPUs of a candidate that the policy counts on: with OneReaderLost, those that are left without one.
func (s *scene) carrying(c *candidate) float64 {
	if s.pool == scaling.Readers && s.policy.Readers != nil && s.policy.Readers.Redundancy == scaling.OneReaderLost {
		return c.VCPUs - c.rung.vcpus
	}
	return c.VCPUs
}

// predict works out the utilization that a candidate would have, in percent of what the policy counts on.
func (s *scene) predict(c *candidate, need float64) float64 {
	if len(s.all) == 0 {
		need = 0
	}
	return percentOf(need, s.carrying(c))
}

// refuse says why a candidate may not be taken whatever the load, or nothing.
func (s *scene) refuse(c *candidate) scaling.Verdict {
	factor := float64(s.policy.Guardrails.MaxStepFactor)
	switch {
	case c.rung.verdict != "":
		return c.rung.verdict
	case s.pool == scaling.Readers && s.observation.AutoScaling != nil && c.Shape.Count != len(s.all):
		return scaling.CountManaged
	case !s.floor.allows(c):
		return scaling.BelowScheduled
	case factor > 0 && s.load.Capacity > 0 && (c.VCPUs > factor*s.load.Capacity || c.VCPUs*factor < s.load.Capacity):
		return scaling.StepTooLarge
	case s.losesSuccessor(c):
		return scaling.LosesSuccessor
	case s.overBudget(c):
		return scaling.OverBudget
	}
	return ""
}

// overBudget says whether the target would cost too much, or how much nobody knows. What costs less than now is never too
// dear.
func (s *scene) overBudget(c *candidate) bool {
	most := s.policy.Guardrails.MaxHourlyCost
	if most == 0 || s.market.cost(c) < s.market.now && !s.market.foreign(*c.rung) {
		return false
	}
	total, known := scaling.HourlyCost(s.policy, s.observation, s.pool, c.Shape)
	return !known || total > most
}

// losesSuccessor says whether the largest reader at the best promotion tier would become smaller than the writer, or the
// writer larger than it. A reader that is too small already may be replaced by another such.
func (s *scene) losesSuccessor(c *candidate) bool {
	if s.successor == 0 {
		return false
	}
	if s.pool == scaling.Readers {
		return c.rung.vcpus < s.successor
	}
	return c.rung.vcpus > s.successor && c.rung.vcpus > s.load.Capacity
}

// fits says what stands in the way of a candidate beside CPU: what is smaller than now must have room for the memory and
// the connections that there are.
func (s *scene) fits(c *candidate) scaling.Verdict {
	if len(s.all) == 0 {
		return ""
	}
	if s.usage == nil {
		s.usage = s.measure()
	}
	u := s.usage
	if float64(c.rung.class.MemoryBytes) >= u.largest && c.Shape.Count >= len(s.all) {
		return ""
	}
	engine := s.observation.Engine
	memory := float64(c.rung.class.MemoryBytes) * (1 - memoryReserve - catalog.CacheShare(engine))
	most, known := c.rung.class.MaxConnections(engine)
	count := float64(c.Shape.Count)
	switch {
	case !u.memoryKnown:
		return scaling.MemoryUnknown
	case u.memory > memory*count:
		return scaling.TooLittleMemory
	case !u.connectionsKnown || !known:
		return scaling.ConnectionsUnknown
	case u.connections > (1-connectionReserve)*float64(most)*count:
		return scaling.TooFewConnections
	}
	return ""
}

// measure adds up what the instances need. The working set is what is not freeable; the engine's page cache, which follows
// the class, is taken off it.
func (s *scene) measure() *usage {
	u := &usage{memoryKnown: true, connectionsKnown: true}
	cache := catalog.CacheShare(s.observation.Engine)
	from := s.now.Add(-max(s.policy.ScaleDown.Window, slowStale))
	if since := s.observation.Since(s.pool); since.After(from) {
		from = since
	}
	for n := range s.all {
		i := &s.all[n]
		u.largest = max(u.largest, i.memory)
		free, _, knownMemory := extremes(i.FreeableMemory, from, s.now)
		u.memory += max(0, i.memory*(1-cache)-free)
		_, most, knownConnections := extremes(i.Connections, from, s.now)
		u.connections += most
		u.memoryKnown = u.memoryKnown && knownMemory
		u.connectionsKnown = u.connectionsKnown && knownConnections
	}
	return u
}

// extremes are the least and the greatest value since a moment, and whether the samples since then suffice: four of five of
// them, the newest not too old.
func extremes(series scaling.Series, from, now time.Time) (least, most float64, known bool) {
	n := 0
	var newest time.Time
	for _, sample := range series[series.From(from):] {
		if !scaling.Number(sample.Value) {
			continue
		}
		if n == 0 || sample.Value < least {
			least = sample.Value
		}
		most = max(most, sample.Value)
		newest = sample.At
		n++
	}
	expected := int((now.Sub(from) - slowStale) / slowPeriod)
	return least, most, n > 0 && now.Sub(newest) <= slowStale && float64(n) >= coverage*float64(expected)
}
