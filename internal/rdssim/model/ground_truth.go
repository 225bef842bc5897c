package model

import (
	"slices"
	"time"
)

// GroundTruth is the actual state of an instance now. CloudWatch shows only a part of it, and later.
type GroundTruth struct {
	// InService says whether the instance serves clients.
	InService bool
	// CreateFailed says that the creation of the instance failed, so that it never served.
	CreateFailed bool
	// IsWriter says whether the instance accepts writes.
	IsWriter bool
	// VCPUs is the number of vCPUs of the instance.
	VCPUs float64
	// CPUPercent is the CPU utilization; 0 while the instance is out of service.
	CPUPercent float64
	// RequestedVCPUs is the vCPUs that clients could use: new work, including the extra cost of a cold cache, and retried
	// backlog.
	RequestedVCPUs float64
	// HasClients says whether clients are connected while the instance is in service.
	HasClients bool
	// Saturated says that RequestedVCPUs exceeds what the instance can serve.
	Saturated bool
	// Pool is the ground truth of the pool that the instance belongs to.
	Pool PoolGroundTruth
}

// PoolGroundTruth is the actual state of the instances of one role now.
type PoolGroundTruth struct {
	// DemandVCPUs is the vCPUs of new work that clients ask for.
	DemandVCPUs float64
	// VCPUs is the sum over the instances in service.
	VCPUs float64
	// BacklogVCPUSeconds is the work that has not been served yet and waits.
	BacklogVCPUSeconds float64
	// Saturated says that an instance in service cannot serve all requested work, or that there is demand and no instance in
	// service. Readers whose demand the writer serves are not saturated; the writer may be.
	Saturated bool
}

// GroundTruth returns the ground truth of an instance, and false if the instance does not exist.
func (w *World) GroundTruth(region, id string) (GroundTruth, bool) {
	s, found := w.instances[region+"/"+id]
	if !found {
		return GroundTruth{}, false
	}
	t := GroundTruth{
		InService: s.isInService(), CreateFailed: s.createFailed,
		IsWriter: s.isWriter(), VCPUs: s.vcpus, RequestedVCPUs: s.requestedVCPUs, Saturated: s.isSaturated(),
		HasClients: s.clientWeight > 0, Pool: s.group.readers.groundTruth(),
	}
	if s.isWriter() {
		t.Pool = s.group.writer.groundTruth()
	}
	if s.isInService() {
		t.CPUPercent = s.cpuPercent(s.usedVCPUs)
	}
	return t, true
}

// PoolGroundTruth returns the ground truth of the pools of a cluster or of a standalone instance with its replicas, and false
// if the database does not exist.
func (w *World) PoolGroundTruth(region, identifier string) (writer, readers PoolGroundTruth, found bool) {
	g, found := w.findGroup(region, identifier)
	if !found {
		return PoolGroundTruth{}, PoolGroundTruth{}, false
	}
	return g.writer.groundTruth(), g.readers.groundTruth(), true
}

func (p *pool) groundTruth() PoolGroundTruth {
	t := PoolGroundTruth{DemandVCPUs: p.demandVCPUs, BacklogVCPUSeconds: p.backlogVCPUSeconds, Saturated: p.unservedVCPUs > 0}
	for _, s := range p.inService {
		t.VCPUs += s.vcpus
	}
	return t
}

// MinuteSummary is the ground truth of a database over one minute.
type MinuteSummary struct {
	// Time is the start of the minute.
	Time time.Time
	// HottestReaderPercent is the CPU utilization of the busiest reader, averaged over the minute; 0 if no reader was in service.
	HottestReaderPercent float64
	// WriterPercent is the CPU utilization of the writer, averaged over the minute; 0 if it was out of service.
	WriterPercent float64
	// ReaderVCPUs and WriterVCPUs are the minimum vCPUs in service within the minute.
	ReaderVCPUs, WriterVCPUs float64
	// ReaderDemandVCPUs and WriterDemandVCPUs are the mean demand of new work.
	ReaderDemandVCPUs, WriterDemandVCPUs float64
	// ReaderUnservedVCPUSeconds and WriterUnservedVCPUSeconds are the new work of the minute that was not served at once. Retried
	// backlog does not count.
	ReaderUnservedVCPUSeconds, WriterUnservedVCPUSeconds float64
	// Disruptions counts the restarts of instances that were in service, and the failovers.
	Disruptions int
	// BacklogVCPUSeconds is the backlog of both pools at the end of the minute.
	BacklogVCPUSeconds float64
	// ReadersSaturated says that a reader in service was saturated for more than half of the minute.
	ReadersSaturated bool
	// WriterSaturated says the same of the writer.
	WriterSaturated bool
}

// Minutes returns the ground truth of a cluster or a standalone instance minute by minute, oldest first, for the retention time.
func (w *World) Minutes(region, identifier string) []MinuteSummary {
	if g, found := w.findGroup(region, identifier); found {
		return slices.Clone(g.minutes)
	}
	return nil
}

// MinutesSince returns the ground truth of a database for the minutes that begin at since or later. The caller must not modify
// it. It is valid until the next Advance.
func (w *World) MinutesSince(region, identifier string, since time.Time) []MinuteSummary {
	g, found := w.findGroup(region, identifier)
	if !found {
		return nil
	}
	n := len(g.minutes)
	for n > 0 && !g.minutes[n-1].Time.Before(since) {
		n--
	}
	return slices.Clip(g.minutes[n:])
}

// minuteAccumulator sums up the ticks of a minute.
type minuteAccumulator struct {
	MinuteSummary
	ticks, saturatedTicks, writerSaturatedTicks int
}

// addTick adds the last tick of a group.
func (a *minuteAccumulator) addTick(g *instanceGroup) {
	hottest, readers, writer := 0.0, 0.0, 0.0
	readersSaturated, writerSaturated := false, false
	for _, s := range g.readers.inService {
		hottest = max(hottest, s.cpuPercent(s.usedVCPUs))
		readers += s.vcpus
		readersSaturated = readersSaturated || s.isSaturated()
	}
	for _, s := range g.writer.inService {
		a.WriterPercent += s.cpuPercent(s.usedVCPUs)
		writer += s.vcpus
		writerSaturated = writerSaturated || s.isSaturated()
	}
	a.HottestReaderPercent += hottest
	a.ReaderDemandVCPUs += g.readers.demandVCPUs
	a.WriterDemandVCPUs += g.writer.demandVCPUs
	if a.ticks == 0 {
		a.ReaderVCPUs, a.WriterVCPUs = readers, writer
	}
	a.ReaderVCPUs, a.WriterVCPUs = min(a.ReaderVCPUs, readers), min(a.WriterVCPUs, writer)
	if readersSaturated {
		a.saturatedTicks++
	}
	if writerSaturated {
		a.writerSaturatedTicks++
	}
	a.BacklogVCPUSeconds = g.writer.backlogVCPUSeconds + g.readers.backlogVCPUSeconds
	a.ReaderUnservedVCPUSeconds += g.readers.newUnservedVCPUs * tickInterval.Seconds()
	a.WriterUnservedVCPUSeconds += g.writer.newUnservedVCPUs * tickInterval.Seconds()
	a.ticks++
}

// summarize turns the sums into means, for the minute that begins at start.
func (a *minuteAccumulator) summarize(start time.Time) MinuteSummary {
	m, n := a.MinuteSummary, float64(a.ticks)
	m.Time = start
	m.HottestReaderPercent, m.WriterPercent = m.HottestReaderPercent/n, m.WriterPercent/n
	m.ReaderDemandVCPUs, m.WriterDemandVCPUs = m.ReaderDemandVCPUs/n, m.WriterDemandVCPUs/n
	m.ReadersSaturated, m.WriterSaturated = 2*a.saturatedTicks > a.ticks, 2*a.writerSaturatedTicks > a.ticks
	return m
}
