package decide

import (
	"math"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// memoryReserveRatio is the share of a class's memory that must stay free.
	memoryReserveRatio = 0.05
	// connectionReserveRatio is the share of a class's maximum connections that must stay free.
	connectionReserveRatio = 0.1
	maxSlowSampleAge       = scaling.MaxSlowSampleAge
	// slowSamplePeriod is the period of samples of memory and connections.
	slowSamplePeriod = 5 * time.Minute
)

// poolUsage is the memory and connections that the instances of a pool use together.
type poolUsage struct {
	memoryBytes float64 // without the page cache
	connections float64
	// memoryKnown and connectionsKnown say whether every instance had enough samples over the scale-down window. One that had not counts
	// with all that its class has: it cannot use more. That is enough to know that fewer and larger instances suffice, as when readers
	// that were just added are too small.
	memoryKnown, connectionsKnown bool
	largestMemoryBytes            float64 // memory of the largest current instance
}

// usableVCPUs is the vCPUs of a candidate that the policy sizes for: with OneReaderLost those that are left when one reader is
// lost.
func (e *poolEvaluation) usableVCPUs(c *candidate) float64 {
	if e.pool == scaling.Readers && e.policy.Readers != nil && e.policy.Readers.Redundancy == scaling.OneReaderLost {
		return e.servingVCPUs(c) - c.class.vcpus
	}
	return e.servingVCPUs(c)
}

// predictUtilization is the utilization of a candidate's usable vCPUs under a demand, in percent. It is zero for a pool that has
// no instances yet.
func (e *poolEvaluation) predictUtilization(c *candidate, requiredVCPUs float64) float64 {
	if len(e.instances) == 0 {
		requiredVCPUs = 0
	}
	return utilizationPercent(requiredVCPUs, e.usableVCPUs(c))
}

// checkLimits returns why a candidate must not be chosen whatever the load; empty when it may be.
func (e *poolEvaluation) checkLimits(c *candidate) scaling.Verdict {
	maxFactor := float64(e.policy.Guardrails.MaxStepFactor)
	switch {
	case c.class.rejection != "":
		return c.class.rejection
	case e.pool == scaling.Readers && e.observation.AutoScaling != nil && c.Shape.Count != len(e.instances):
		return scaling.VerdictCountManaged
	case e.cannotReplicate(c):
		return scaling.VerdictCannotReplicate
	case e.isRefused(c):
		return scaling.VerdictRefusedByAWS
	case !e.minimum.allows(c):
		return scaling.VerdictBelowSchedule
	case maxFactor > 0 && e.vcpus > 0 && (c.VCPUs > maxFactor*e.vcpus || c.VCPUs*maxFactor < e.vcpus):
		return scaling.VerdictStepTooLarge
	case e.lowersStandby(c):
		return scaling.VerdictStandbyTooSmall
	case e.observation.Serverless && c.class.vcpus*catalog.ACUsPerVCPU < e.observation.MinCapacity:
		return scaling.VerdictBelowMinCapacity
	case e.losesPromotionCandidate(c):
		return scaling.VerdictNoPromotionCandidate
	case e.exceedsBudget(c):
		return scaling.VerdictOverBudget
	}
	return ""
}

// exceedsBudget reports whether the target would cost more than guardrails.maxHourlyCostUSD, or an amount that is not known. A
// candidate that costs less than the pool does now is always within budget.
func (e *poolEvaluation) exceedsBudget(c *candidate) bool {
	maxCost := e.policy.Guardrails.MaxHourlyCost
	if maxCost == 0 || e.pricing.cost(c) < e.pricing.currentCost && !e.pricing.isIncomparable(c.class) {
		return false
	}
	total, known := scaling.HourlyCost(e.policy, e.observation, e.pool, c.Shape)
	return !known || total > maxCost
}

// losesPromotionCandidate reports whether the largest reader at the best promotion tier would become smaller than the writer,
// or the writer larger than that reader. A reader that is too small already may be replaced by another that is.
func (e *poolEvaluation) losesPromotionCandidate(c *candidate) bool {
	if e.promotionLimit == 0 {
		return false
	}
	if e.pool == scaling.Readers {
		return c.class.vcpus < e.promotionLimit
	}
	return c.class.vcpus > e.promotionLimit && c.class.vcpus > e.load.Capacity
}

// checkMemoryAndConnections returns why the memory and connections in use would not fit a candidate; empty when they fit. Only a
// candidate with smaller instances than now, or fewer, is checked.
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
	smaller := float64(c.class.spec.MemoryBytes) < u.largestMemoryBytes
	if smaller {
		if v := e.checkParameters(c.class); v != "" {
			return v
		}
	}
	limits := e.limitsOf(c.class)
	usableMemory := float64(c.class.spec.MemoryBytes)*(1-memoryReserveRatio) - limits.CacheBytes
	maxConnections := limits.MaxConnections
	if e.observation.Serverless && catalog.IsLowMinimum(e.observation.Engine, e.observation.MinCapacity) {
		maxConnections = min(maxConnections, catalog.MaxConnectionsWithLowMinimum)
	}
	count := float64(e.servingCount(c))
	lacksMemory := u.memoryBytes > usableMemory*count
	lacksConnections := u.connections > (1-connectionReserveRatio)*float64(maxConnections)*count
	switch {
	case !u.memoryKnown && (smaller || lacksMemory):
		return scaling.VerdictMemoryUnknown
	case lacksMemory:
		return scaling.VerdictInsufficientMemory
	case !limits.ConnectionsKnown, !u.connectionsKnown && (smaller || lacksConnections):
		return scaling.VerdictConnectionsUnknown
	case lacksConnections:
		return scaling.VerdictInsufficientConnections
	}
	return ""
}

// measureUsage adds up the memory and connections of the instances, each at its highest over the scale-down window. Memory in
// use is what is not freeable, less the engine's page cache, whose size follows the class.
func (e *poolEvaluation) measureUsage() *poolUsage {
	u := &poolUsage{memoryKnown: true, connectionsKnown: true}
	from := e.now.Add(-max(e.policy.ScaleDown.Window, maxSlowSampleAge))
	if changedAt := e.observation.ChangedAt(e.pool); changedAt.After(from) {
		from = changedAt
	}
	serving := excludeInstances(e.instances, e.load.WithoutClients)
	for n := range serving {
		i := &serving[n]
		u.largestMemoryBytes = max(u.largestMemoryBytes, i.memoryBytes)
		minFreeable, _, memoryKnown := seriesRange(i.FreeableMemory, from, e.now)
		if !memoryKnown {
			minFreeable = 0
		}
		u.add(max(0, i.memoryBytes-e.cacheBytes(i)-minFreeable), e.load.ByHottest, len(serving), &u.memoryBytes)
		_, maxConnections, connectionsKnown := seriesRange(i.Connections, from, e.now)
		if !connectionsKnown {
			maxConnections = e.maxConnections(i)
		}
		u.add(maxConnections, e.load.ByHottest, len(serving), &u.connections)
		u.memoryKnown = u.memoryKnown && memoryKnown
		u.connectionsKnown = u.connectionsKnown && connectionsKnown
	}
	return u
}

// maxConnections is the number of connections that an instance allows; infinite when it is not known.
func (e *poolEvaluation) maxConnections(i *poolInstance) float64 {
	if class, err := catalog.Lookup(i.Class); err == nil {
		if limits := class.LimitsWith(e.observation.Engine, i.Parameters.Values); limits.ConnectionsKnown {
			return float64(limits.MaxConnections)
		}
	}
	return math.Inf(1)
}

// seriesRange returns the lowest and the highest value since a time, and whether there are enough samples: minCoverage of them,
// the newest no older than maxSlowSampleAge.
func seriesRange(series scaling.Series, from, now time.Time) (lowest, highest float64, known bool) {
	series = series.From(from)
	newest, known := series.NewestSample()
	if !known {
		return 0, 0, false
	}
	samples := 0
	lowest = newest.Value
	for n := range series.Len() {
		value, known := series.At(n)
		if !known {
			continue
		}
		if value < lowest { // faster than min and max, which treat NaN
			lowest = value
		}
		if value > highest {
			highest = value
		}
		samples++
	}
	expected := int((now.Sub(from) - maxSlowSampleAge) / slowSamplePeriod)
	return lowest, highest, now.Sub(newest.Time) <= maxSlowSampleAge && float64(samples) >= minCoverage*float64(expected)
}
