package decide

import (
	"math"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// mergeInstances returns an observation with one instance in place of all instances of a Multi-AZ DB cluster or a Serverless v2
// cluster. They have one class, and any standby may become the writer, so that each minute has the load of the busiest instance.
// A minute for which one instance has no sample is missing.
func mergeInstances(o scaling.Observation) scaling.Observation {
	writer := slices.IndexFunc(o.Instances, func(i scaling.Instance) bool { return i.Writer })
	if writer < 0 {
		return o
	}
	merged := o.Instances[writer]
	merged.CPU = mergeSeries(o.Instances, func(i scaling.Instance) scaling.Series { return i.CPU }, math.Max)
	merged.DBLoadCPU = mergeSeries(o.Instances, func(i scaling.Instance) scaling.Series { return i.DBLoadCPU }, math.Max)
	merged.UsedCapacity = mergeSeries(o.Instances, func(i scaling.Instance) scaling.Series { return i.UsedCapacity }, math.Max)
	merged.FreeableMemory = mergeSeries(o.Instances, func(i scaling.Instance) scaling.Series { return i.FreeableMemory }, math.Min)
	merged.Connections = mergeSeries(o.Instances, func(i scaling.Instance) scaling.Series { return i.Connections }, math.Max)
	merged.IO = mergeIO(o.Instances)
	for _, i := range o.Instances {
		if !scaling.IsServing(i.Status) {
			merged.Status = i.Status
		}
	}
	switch single := len(o.Instances) == 1; {
	case single:
	case o.WriterChangedAt.IsZero() || o.ReadersChangedAt.IsZero():
		o.WriterChangedAt = time.Time{}
	case o.ReadersChangedAt.After(o.WriterChangedAt):
		o.WriterChangedAt = o.ReadersChangedAt
	}
	o.Instances = []scaling.Instance{merged}
	return o
}

// mergeIO returns the highest I/O of all instances at each time, and their lowest balance and hit ratio.
func mergeIO(instances []scaling.Instance) scaling.IO {
	merge := func(seriesOf func(*scaling.IO) scaling.Series, extreme func(a, b float64) float64) scaling.Series {
		return mergeSeries(instances, func(i scaling.Instance) scaling.Series { return seriesOf(&i.IO) }, extreme)
	}
	return scaling.IO{
		ReadIOPS:        merge(func(io *scaling.IO) scaling.Series { return io.ReadIOPS }, math.Max),
		WriteIOPS:       merge(func(io *scaling.IO) scaling.Series { return io.WriteIOPS }, math.Max),
		ReadThroughput:  merge(func(io *scaling.IO) scaling.Series { return io.ReadThroughput }, math.Max),
		WriteThroughput: merge(func(io *scaling.IO) scaling.Series { return io.WriteThroughput }, math.Max),
		QueueDepth:      merge(func(io *scaling.IO) scaling.Series { return io.QueueDepth }, math.Max),
		ByteBalance:     merge(func(io *scaling.IO) scaling.Series { return io.ByteBalance }, math.Min),
		IOBalance:       merge(func(io *scaling.IO) scaling.Series { return io.IOBalance }, math.Min),
		CacheHitRatio:   merge(func(io *scaling.IO) scaling.Series { return io.CacheHitRatio }, math.Min),
	}
}

// mergeSeries returns the extreme of all instances at each time for which every instance has a sample.
func mergeSeries(
	instances []scaling.Instance, seriesOf func(scaling.Instance) scaling.Series, extreme func(a, b float64) float64,
) scaling.Series {
	series := make([]scaling.Series, len(instances))
	for n := range instances {
		series[n] = seriesOf(instances[n])
	}
	return scaling.CombineSeries(extreme, series...)
}
