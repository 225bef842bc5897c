package decide

import (
	"cmp"
	"strings"

	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

const (
	// maxIOShare is the share of the EBS limits that a class sustains which the I/O may use. It is a judgement: the limits are those of
	// all volumes together, and backups and storage scaling use them, too.
	maxIOShare = 0.7
	// minEBSBalancePercent is the burst balance below which the volumes are at the limit of the class. An instance whose balance never
	// drops below 100 % is a candidate for a smaller class (EC2 user guide, "Amazon EBS-optimized instances", get maximum performance);
	// the rest allows for an automated backup.
	minEBSBalancePercent = 90
	// iopsPerQueuedRequest: a queue of one request per 1,000 IOPS keeps an SSD volume busy (EBS user guide, "I/O characteristics and
	// monitoring"). Requests of a longer queue wait for a limit.
	iopsPerQueuedRequest = 1000
	// minCacheHitPercent is the buffer cache hit ratio below which the working set does not fit the memory: it should fit almost
	// completely (RDS and Aurora user guides, "DB instance RAM recommendations"). What almost means is a judgement.
	minCacheHitPercent = 99
	// ioPercentile is the percentile of what must fit, and cachePercentile that of the hit ratio: a nightly job of a few minutes does
	// not decide the size.
	ioPercentile, cachePercentile = 99, 5
)

// poolIO is the I/O of the instance of a pool with the most of it, over the window for class changes.
type poolIO struct {
	// measured says that measureIO has set the fields up to readIOPS.
	measured bool
	// volumesKnown says whether every instance had enough samples of what it does on its volumes: the fields up to queueDepth.
	volumesKnown                     bool
	iops, bytesPerSecond, queueDepth float64
	balancePercent                   float64 // 100 when no instance has a balance
	// cacheKnown is the same for cacheHitPercent and readIOPS, of Aurora.
	cacheKnown                bool
	cacheHitPercent, readIOPS float64
	// The extremes of the current classes. The smallest EBS limits are zero when those of one class are not known.
	largestMemoryBytes, largestVCPUs float64
	smallestEBS                      catalog.EBSLimits
}

// checkIO returns why the I/O of the database would not fit a candidate; empty when it fits. Only a candidate with smaller instances
// than now, or fewer, is checked. What is missing counts as not fitting.
//
//   - Outside Aurora, the class limits what an instance does on its EBS volumes: the 99th percentile over the class window must fit
//     maxIOShare of what the class sustains. Where a pool has fewer instances, each one is assumed to do more in proportion.
//   - Aurora has its storage elsewhere, and AWS publishes no such limit for it. A smaller class has a smaller buffer cache: it is
//     refused while the 5th percentile of the hit ratio is below minCacheHitPercent, and when the reads that miss, which are assumed
//     to grow as the memory shrinks, would be more than the same share of the IOPS that AWS builds the class for.
func (e *poolEvaluation) checkIO(c *candidate) scaling.Verdict {
	if e.policy.Guardrails.IOLimits == scaling.IgnoreIOLimits || len(e.instances) == 0 {
		return ""
	}
	if e.io == nil {
		e.io = newPoolIO(e.instances)
	}
	if strings.HasPrefix(e.observation.Engine, "aurora") {
		return e.checkCache(c)
	}
	u, limits := e.io, c.class.spec.BaselineEBS
	fewer := c.Shape.Count < len(e.instances)
	smaller := c.class.vcpus < u.largestVCPUs || float64(c.class.spec.MemoryBytes) < u.largestMemoryBytes ||
		limits.IsKnown() && (limits.IOPS < u.smallestEBS.IOPS || limits.BytesPerSecond < u.smallestEBS.BytesPerSecond)
	if !fewer && !smaller {
		return ""
	}
	e.measureIO(u)
	if !u.volumesKnown || !limits.IsKnown() {
		return scaling.VerdictIOUnknown
	}
	growth := max(1, float64(len(e.instances))/float64(c.Shape.Count))
	c.IO = scaling.CandidateIO{
		IOPS: growth * u.iops, MaxIOPS: maxIOShare * limits.IOPS,
		BytesPerSecond: growth * u.bytesPerSecond, MaxBytesPerSecond: maxIOShare * limits.BytesPerSecond,
		BalancePercent: u.balancePercent, QueueDepth: u.queueDepth,
	}
	switch {
	case c.IO.IOPS > c.IO.MaxIOPS, c.IO.BytesPerSecond > c.IO.MaxBytesPerSecond:
		return scaling.VerdictInsufficientIO
	case u.balancePercent < minEBSBalancePercent, u.queueDepth > limits.IOPS/iopsPerQueuedRequest:
		return scaling.VerdictIOSaturated
	}
	return ""
}

// checkCache is checkIO for Aurora. The number of readers does not matter to it: each has a cache of its own.
func (e *poolEvaluation) checkCache(c *candidate) scaling.Verdict {
	u := e.io
	memory := float64(c.class.spec.MemoryBytes)
	if memory >= u.largestMemoryBytes {
		return ""
	}
	e.measureIO(u)
	if !u.cacheKnown {
		return scaling.VerdictIOUnknown
	}
	c.IO = scaling.CandidateIO{CacheHitPercent: u.cacheHitPercent, IOPS: u.readIOPS * u.largestMemoryBytes / memory}
	if u.cacheHitPercent < minCacheHitPercent {
		return scaling.VerdictInsufficientCache
	}
	if e.observation.Serverless { // a capacity has no class with EBS limits
		return ""
	}
	if !c.class.spec.BaselineEBS.IsKnown() {
		return scaling.VerdictIOUnknown
	}
	if c.IO.MaxIOPS = maxIOShare * c.class.spec.BaselineEBS.IOPS; c.IO.IOPS > c.IO.MaxIOPS {
		return scaling.VerdictInsufficientIO
	}
	return ""
}

// checkResources returns why the memory, the connections or the I/O in use would not fit a candidate; empty when they fit.
func (e *poolEvaluation) checkResources(c *candidate) scaling.Verdict {
	return cmp.Or(e.checkMemoryAndConnections(c), e.checkIO(c))
}

// newPoolIO returns the extremes of the classes of a pool. Its I/O is measured when a candidate needs it: few decisions do, and a large
// pool has thousands of samples of it.
func newPoolIO(instances []poolInstance) *poolIO {
	u := &poolIO{}
	for n := range instances {
		u.addClass(n, &instances[n])
	}
	return u
}

// measureIO measures what each instance does, and keeps the highest, on its first call.
func (e *poolEvaluation) measureIO(u *poolIO) {
	if u.measured {
		return
	}
	u.measured, u.volumesKnown, u.cacheKnown = true, true, true
	u.balancePercent, u.cacheHitPercent = 100, 100
	from := e.now.Add(-max(e.policy.ScaleDown.Window, e.policy.ScaleDownClassWindow, maxSlowSampleAge))
	aurora := strings.HasPrefix(e.observation.Engine, "aurora")
	p := percentiles{now: e.now, buffer: make([]float64, 0, 16)}
	for n := range e.instances {
		i := &e.instances[n]
		p.from = laterOf(from, i.CreatedAt)
		if aurora {
			e.measureCache(u, &p, i)
			continue
		}
		iops, known := p.highestOfSum(i.IO.ReadIOPS, i.IO.WriteIOPS)
		throughput, throughputKnown := p.highestOfSum(i.IO.ReadThroughput, i.IO.WriteThroughput)
		queue, queueKnown := p.highest(i.IO.QueueDepth)
		u.volumesKnown = u.volumesKnown && known && throughputKnown && queueKnown
		u.iops, u.bytesPerSecond, u.queueDepth = max(u.iops, iops), max(u.bytesPerSecond, throughput), max(u.queueDepth, queue)
		// A class that does not burst has no balance, so that a missing one says nothing.
		for _, balance := range []scaling.Series{i.IO.ByteBalance, i.IO.IOBalance} {
			if lowest, known := p.lowest(balance, 100-ioPercentile); known {
				u.balancePercent = min(u.balancePercent, lowest)
			}
		}
	}
}

// measureCache measures the buffer cache of an Aurora instance, over the window and over the time since the pool last changed: with
// the larger cache of an earlier class the hit ratio may have been higher.
func (e *poolEvaluation) measureCache(u *poolIO, p *percentiles, i *poolInstance) {
	hit, known := p.lowest(i.IO.CacheHitRatio, cachePercentile)
	reads, readsKnown := p.highest(i.IO.ReadIOPS)
	u.cacheKnown = u.cacheKnown && known && readsKnown
	u.cacheHitPercent, u.readIOPS = min(u.cacheHitPercent, hit), max(u.readIOPS, reads)
	if changedAt := e.observation.ChangedAt(e.pool).Add(WarmUp); changedAt.After(p.from) {
		p.from = changedAt
		if hit, known = p.lowest(i.IO.CacheHitRatio, cachePercentile); known {
			u.cacheHitPercent = min(u.cacheHitPercent, hit)
		} else {
			u.cacheKnown = false
		}
	}
}

// addClass keeps the extremes of the classes of the pool; i is its nth instance.
func (u *poolIO) addClass(n int, i *poolInstance) {
	u.largestVCPUs = max(u.largestVCPUs, i.vcpus)
	u.largestMemoryBytes = max(u.largestMemoryBytes, i.memoryBytes)
	if n == 0 {
		u.smallestEBS = i.ebs
	}
	u.smallestEBS.IOPS = min(u.smallestEBS.IOPS, i.ebs.IOPS)
	u.smallestEBS.BytesPerSecond = min(u.smallestEBS.BytesPerSecond, i.ebs.BytesPerSecond)
}
