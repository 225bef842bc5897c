package decide

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// hotReaderPercent is the utilization at which a single reader is too hot, whatever the mean of the pool: clients keep their
	// connections, so that load may stick to one.
	hotReaderPercent = 90
	// memoryReserveRatio is the share of a class's memory that has to stay free.
	memoryReserveRatio = 0.05
	// connectionReserveRatio is the share of a class's connections that has to stay free.
	connectionReserveRatio = 0.1
	// maxSlowSampleAge is the age above which samples of memory and connections, which are read every ten minutes, say nothing.
	maxSlowSampleAge = 20 * time.Minute
	// slowSamplePeriod is the period of those samples.
	slowSamplePeriod = 5 * time.Minute
	// roundingTolerance is what sums of floating-point fractions may be off by, in percent: a load on a threshold counts as on it.
	roundingTolerance = 1e-6
)

// poolEvaluation is everything that candidates of one pool are held against.
type poolEvaluation struct {
	policy      *scaling.Policy
	observation *scaling.Observation
	now         time.Time
	pool        scaling.Pool
	instances   []poolInstance
	load        scaling.Load
	ladder      []ladderClass
	pricing     pricing
	minimum     poolMinimum
	// candidates are listed when they are first needed.
	candidates []candidate
	reported   []scaling.Candidate
	// promotionLimit is the vCPUs that readers must have so that one can succeed the writer, or zero.
	promotionLimit float64
	// classChangeWindow is what the window for a change of class shows; worked out when it is first needed.
	classChangeWindow *scaling.ScaleDownWindow
	// usage is what memory and connections show; worked out when it is first needed.
	usage *poolUsage
}

// poolUsage is what the instances of a pool need beside CPU, together.
type poolUsage struct {
	memoryBytes float64 // bytes outside the page cache
	connections float64
	// memoryKnown and connectionsKnown say whether every instance had samples over the scale-down window.
	memoryKnown, connectionsKnown bool
	largestMemoryBytes            float64 // bytes of the largest present instance
}

// usableVCPUs is the vCPUs of a candidate that the policy counts on: with OneReaderLost, those that are left without one.
func (e *poolEvaluation) usableVCPUs(c *candidate) float64 {
	if e.pool == scaling.Readers && e.policy.Readers != nil && e.policy.Readers.Redundancy == scaling.OneReaderLost {
		return c.VCPUs - c.class.vcpus
	}
	return c.VCPUs
}

// predictUtilization works out the utilization that a candidate would have, in percent of what the policy counts on.
func (e *poolEvaluation) predictUtilization(c *candidate, requiredVCPUs float64) float64 {
	if len(e.instances) == 0 {
		requiredVCPUs = 0
	}
	return utilizationPercent(requiredVCPUs, e.usableVCPUs(c))
}

// checkLimits says why a candidate may not be taken whatever the load, or nothing.
func (e *poolEvaluation) checkLimits(c *candidate) scaling.Verdict {
	factor := float64(e.policy.Guardrails.MaxStepFactor)
	switch {
	case c.class.rejection != "":
		return c.class.rejection
	case e.pool == scaling.Readers && e.observation.AutoScaling != nil && c.Shape.Count != len(e.instances):
		return scaling.VerdictCountManaged
	case !e.minimum.allows(c):
		return scaling.VerdictBelowSchedule
	case factor > 0 && e.load.Capacity > 0 && (c.VCPUs > factor*e.load.Capacity || c.VCPUs*factor < e.load.Capacity):
		return scaling.VerdictStepTooLarge
	case e.losesPromotionCandidate(c):
		return scaling.VerdictNoPromotionCandidate
	case e.exceedsBudget(c):
		return scaling.VerdictOverBudget
	}
	return ""
}

// exceedsBudget says whether the target would cost too much, or how much nobody knows. What costs less than now is never too
// dear.
func (e *poolEvaluation) exceedsBudget(c *candidate) bool {
	maxCost := e.policy.Guardrails.MaxHourlyCost
	if maxCost == 0 || e.pricing.cost(c) < e.pricing.currentCost && !e.pricing.isIncomparable(*c.class) {
		return false
	}
	total, known := scaling.HourlyCost(e.policy, e.observation, e.pool, c.Shape)
	return !known || total > maxCost
}

// losesPromotionCandidate says whether the largest reader at the best promotion tier would become smaller than the writer, or the
// writer larger than it. A reader that is too small already may be replaced by another such.
func (e *poolEvaluation) losesPromotionCandidate(c *candidate) bool {
	if e.promotionLimit == 0 {
		return false
	}
	if e.pool == scaling.Readers {
		return c.class.vcpus < e.promotionLimit
	}
	return c.class.vcpus > e.promotionLimit && c.class.vcpus > e.load.Capacity
}

// checkMemoryAndConnections says what stands in the way of a candidate beside CPU: what is smaller than now must have room for the memory and
// the connections that there are.
func (e *poolEvaluation) checkMemoryAndConnections(c *candidate) scaling.Verdict {
	if len(e.instances) == 0 {
		return ""
	}
	if e.usage == nil {
		e.usage = e.measureUsage()
	}
	u := e.usage
	if float64(c.class.spec.MemoryBytes) >= u.largestMemoryBytes && c.Shape.Count >= len(e.instances) {
		return ""
	}
	engine := e.observation.Engine
	memory := float64(c.class.spec.MemoryBytes) * (1 - memoryReserveRatio - catalog.PageCacheRatio(engine))
	maxConnections, known := c.class.spec.MaxConnections(engine)
	count := float64(c.Shape.Count)
	switch {
	case !u.memoryKnown:
		return scaling.VerdictMemoryUnknown
	case u.memoryBytes > memory*count:
		return scaling.VerdictInsufficientMemory
	case !u.connectionsKnown || !known:
		return scaling.VerdictConnectionsUnknown
	case u.connections > (1-connectionReserveRatio)*float64(maxConnections)*count:
		return scaling.VerdictInsufficientConnections
	}
	return ""
}

// measureUsage adds up what the instances need. The working set is what is not freeable; the engine's page cache, which follows
// the class, is taken off it.
func (e *poolEvaluation) measureUsage() *poolUsage {
	u := &poolUsage{memoryKnown: true, connectionsKnown: true}
	cache := catalog.PageCacheRatio(e.observation.Engine)
	from := e.now.Add(-max(e.policy.ScaleDown.Window, maxSlowSampleAge))
	if since := e.observation.ChangedAt(e.pool); since.After(from) {
		from = since
	}
	for n := range e.instances {
		i := &e.instances[n]
		u.largestMemoryBytes = max(u.largestMemoryBytes, i.memoryBytes)
		freeMemory, _, knownMemory := seriesRange(i.FreeableMemory, from, e.now)
		u.memoryBytes += max(0, i.memoryBytes*(1-cache)-freeMemory)
		_, maxConnections, knownConnections := seriesRange(i.Connections, from, e.now)
		u.connections += maxConnections
		u.memoryKnown = u.memoryKnown && knownMemory
		u.connectionsKnown = u.connectionsKnown && knownConnections
	}
	return u
}

// seriesRange are the least and the greatest value since a moment, and whether the samples since then suffice: four of five of
// them, the newest not too old.
func seriesRange(series scaling.Series, from, now time.Time) (lowest, highest float64, known bool) {
	n := 0
	var newest time.Time
	for _, sample := range series[series.IndexFrom(from):] {
		if !scaling.IsValidSample(sample.Value) {
			continue
		}
		if n == 0 || sample.Value < lowest {
			lowest = sample.Value
		}
		highest = max(highest, sample.Value)
		newest = sample.Time
		n++
	}
	expected := int((now.Sub(from) - maxSlowSampleAge) / slowSamplePeriod)
	return lowest, highest, n > 0 && now.Sub(newest) <= maxSlowSampleAge && float64(n) >= minCoverage*float64(expected)
}
