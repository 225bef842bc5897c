package simtest

import (
	"math"
	"math/rand/v2"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// drawIO gives half of the databases a steady I/O: up to a little more than what the largest class of the ladder sustains, or a working
// set of Aurora up to twice its cache. It draws from a source of its own, so that the rest of a plan does not depend on it.
func drawIO(seed uint64, databases []model.Database) {
	r := rand.New(rand.NewPCG(seed, 2))
	largest, err := catalog.Lookup(ladder[len(ladder)-1])
	if err != nil {
		panic(err)
	}
	for n := range databases {
		if r.IntN(2) == 0 {
			continue
		}
		iops := math.Pow(r.Float64(), 2) * 1.1 * largest.BaselineEBS.IOPS
		databases[n].IO = &model.IOWorkload{
			Writer:        model.IODemand{ReadIOPS: 0.6 * iops, WriteIOPS: 0.4 * iops},
			Readers:       model.IODemand{ReadIOPS: r.Float64() * iops},
			WorkingSetGiB: r.Float64() * 2 * catalog.PageCacheRatio(databases[n].Engine) * float64(largest.MemoryBytes) / (1 << 30),
		}
		if r.IntN(3) == 0 {
			databases[n].IO.OperationBytes = 64 << 10 // the throughput is the limit
		}
	}
}

// observeIO returns the metrics of the storage as AWS shows them.
func (s *simulation) observeIO(i *model.Instance) scaling.IO {
	var io scaling.IO
	reduce := func(metric string, extreme func(a, b float64) float64) scaling.Series {
		return fiveMinuteExtremes(s.series(i, metric), extreme)
	}
	io.ReadIOPS = reduce("ReadIOPS", math.Max)
	if i.Engine == "aurora-postgresql" {
		io.CacheHitRatio = reduce("BufferCacheHitRatio", math.Min)
	} else {
		io.WriteIOPS, io.QueueDepth = reduce("WriteIOPS", math.Max), reduce("DiskQueueDepth", math.Max)
		io.ReadThroughput, io.WriteThroughput = reduce("ReadThroughput", math.Max), reduce("WriteThroughput", math.Max)
		io.IOBalance, io.ByteBalance = reduce("EBSIOBalance%", math.Min), reduce("EBSByteBalance%", math.Min)
	}
	return io
}

// checkIO requires that no instance gets a smaller class that the I/O of its database exceeds, or a smaller cache while reads miss.
func (ic *invariantChecker) checkIO(name string, call scaling.Call, t *trackedOperation) {
	s := ic.sim
	n := 0
	for n < len(s.plan.scenario.Databases) && s.plan.scenario.Databases[n].Identifier != name {
		n++
	}
	if n == len(s.plan.scenario.Databases) || s.plan.scenario.Databases[n].IO == nil || t.operation.Direction != scaling.Down ||
		!ic.undisturbedSince(name, t.startedAt) {
		return
	}
	io := s.plan.scenario.Databases[n].IO
	to, err := catalog.Lookup(call.InstanceClass)
	if err != nil {
		return
	}
	for _, i := range s.world.Instances(region) {
		resized := databaseOf(i) == name && (call.Action == scaling.ModifyClusterClass || i.Identifier == call.Instance)
		from, err := catalog.Lookup(i.Class)
		if !resized || err != nil {
			continue
		}
		// A reader that is resized to be promoted will serve the load of the writer, and no longer its own.
		if actual, _ := s.world.GroundTruth(region, i.Identifier); t.operation.Pool == scaling.Writer && !actual.IsWriter {
			continue
		}
		if i.Engine == "aurora-postgresql" {
			if hits := s.world.CacheHitPercent(region, i.Identifier, i.Class); to.MemoryBytes < from.MemoryBytes && hits < 99 {
				s.violationf("%s is resized to the smaller %s, and only %.1f %% of its reads come from its cache", i.Identifier, call.InstanceClass, hits)
			}
			continue
		}
		if to.BaselineEBS.IOPS >= from.BaselineEBS.IOPS && to.BaselineEBS.BytesPerSecond >= from.BaselineEBS.BytesPerSecond {
			continue
		}
		iops := io.Writer.ReadIOPS + io.Writer.WriteIOPS
		if i.ReplicationSource != "" {
			source, err := s.world.Instance(region, i.ReplicationSource)
			if err != nil {
				continue
			}
			iops = io.Writer.WriteIOPS + io.Readers.ReadIOPS/float64(len(source.Replicas))
		}
		bytes := iops * max(io.OperationBytes, 16<<10)
		if iops > to.BaselineEBS.IOPS || bytes > to.BaselineEBS.BytesPerSecond {
			s.violationf("%s is resized to %s, which sustains %.0f IOPS and %.0f bytes/s, and its clients request %.0f and %.0f",
				i.Identifier, call.InstanceClass, to.BaselineEBS.IOPS, to.BaselineEBS.BytesPerSecond, iops, bytes)
		}
	}
}
