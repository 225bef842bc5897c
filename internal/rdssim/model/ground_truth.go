package model

import (
	"slices"
	"time"
)

// GroundTruth is what is really the case with an instance now, which CloudWatch shows later and only in part.
type GroundTruth struct {
	// InService says whether it serves clients.
	InService bool
	// IsWriter says whether it takes writes.
	IsWriter bool
	// VCPUs that it has.
	VCPUs float64
	// CPUPercent in use; 0 when it is out of service.
	CPUPercent float64
	// RequestedVCPUs is the vCPUs that its clients could use: new work, at the cost of a cold cache, and waiting work.
	RequestedVCPUs float64
	// Saturated says that it can't serve all of that.
	Saturated bool
	// Pool is what it is part of.
	Pool PoolGroundTruth
}

// PoolGroundTruth is what is really the case with the instances of one role now.
type PoolGroundTruth struct {
	// DemandVCPUs is what clients newly ask for, in vCPUs.
	DemandVCPUs float64
	// VCPUs of the instances in service.
	VCPUs float64
	// BacklogVCPUSeconds is the work that waits because it could not be served, in vCPU seconds.
	BacklogVCPUSeconds float64
	// Saturated says that an instance in service can't serve all that it is asked for, or that none is in service for a
	// demand. Readers whose demand the writer serves are not saturated; the writer may be.
	Saturated bool
}

// GroundTruth says what is really the case with an instance now, and false when there is none.
func (w *World) GroundTruth(region, id string) (GroundTruth, bool) {
	s, found := w.instances[region+"/"+id]
	if !found {
		return GroundTruth{}, false
	}
	t := GroundTruth{
		InService: s.isInService(), IsWriter: s.isWriter(), VCPUs: s.vcpus, RequestedVCPUs: s.requestedVCPUs, Saturated: s.isSaturated(),
		Pool: s.group.readers.groundTruth(),
	}
	if s.isWriter() {
		t.Pool = s.group.writer.groundTruth()
	}
	if s.isInService() {
		t.CPUPercent = s.cpuPercent(s.usedVCPUs)
	}
	return t, true
}

// PoolGroundTruth says what is really the case with a cluster's pools, or a plain instance, now, and false when there is none. A plain
// instance has no readers.
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

// MinuteSummary is the truth about a database in one minute.
type MinuteSummary struct {
	// Time is its start.
	Time time.Time
	// HottestReaderPercent is the CPU of the busiest reader in percent, averaged over the minute; 0 when no reader was in service.
	HottestReaderPercent float64
	// WriterPercent is the CPU of the writer in percent, averaged over the minute; 0 when it was not in service.
	WriterPercent float64
	// ReaderVCPUs and WriterVCPUs are the least that were in service at any time within the minute.
	ReaderVCPUs, WriterVCPUs float64
	// ReaderDemandVCPUs and WriterDemandVCPUs are what clients asked of the pools, in vCPUs.
	ReaderDemandVCPUs, WriterDemandVCPUs float64
	// ReaderUnservedVCPUSeconds and WriterUnservedVCPUSeconds are the work of the minute that was not done when it was asked for, in vCPU seconds.
	ReaderUnservedVCPUSeconds, WriterUnservedVCPUSeconds float64
	// Disruptions counts the restarts of instances in service, and the failovers.
	Disruptions int
	// BacklogVCPUSeconds is the work that waits at the end of the minute, in vCPU seconds.
	BacklogVCPUSeconds float64
	// ReadersSaturated says that for most of the minute a reader that was in service could not serve all that it was asked.
	ReadersSaturated bool
	// WriterSaturated says so of the writer.
	WriterSaturated bool
}

// Minutes is the truth about a cluster, or a plain instance, minute by minute, oldest first, for as long as History.
func (w *World) Minutes(region, identifier string) []MinuteSummary {
	if g, found := w.findGroup(region, identifier); found {
		return slices.Clone(g.minutes)
	}
	return nil
}

// minuteAccumulator adds a minute up.
type minuteAccumulator struct {
	MinuteSummary
	ticks, saturatedTicks, writerSaturatedTicks int
}

// addTick adds the last tick of a group.
func (t *minuteAccumulator) addTick(g *instanceGroup) {
	hottest, readers, writer := 0.0, 0.0, 0.0
	for _, s := range g.readers.inService {
		hottest = max(hottest, s.cpuPercent(s.usedVCPUs))
		readers += s.vcpus
	}
	for _, s := range g.writer.inService {
		t.WriterPercent += s.cpuPercent(s.usedVCPUs)
		writer += s.vcpus
	}
	t.HottestReaderPercent += hottest
	t.ReaderDemandVCPUs += g.readers.demandVCPUs
	t.WriterDemandVCPUs += g.writer.demandVCPUs
	if t.ticks == 0 {
		t.ReaderVCPUs, t.WriterVCPUs = readers, writer
	}
	t.ReaderVCPUs, t.WriterVCPUs = min(t.ReaderVCPUs, readers), min(t.WriterVCPUs, writer)
	if slices.ContainsFunc(g.readers.inService, (*instanceState).isSaturated) {
		t.saturatedTicks++
	}
	if slices.ContainsFunc(g.writer.inService, (*instanceState).isSaturated) {
		t.writerSaturatedTicks++
	}
	t.BacklogVCPUSeconds = g.writer.backlogVCPUSeconds + g.readers.backlogVCPUSeconds
	t.ReaderUnservedVCPUSeconds += g.readers.newUnservedVCPUs * tickInterval.Seconds()
	t.WriterUnservedVCPUSeconds += g.writer.newUnservedVCPUs * tickInterval.Seconds()
	t.ticks++
}

// summarize turns the sums into means.
func (t *minuteAccumulator) summarize(at time.Time) MinuteSummary {
	m, n := t.MinuteSummary, float64(t.ticks)
	m.Time = at
	m.HottestReaderPercent, m.WriterPercent = m.HottestReaderPercent/n, m.WriterPercent/n
	m.ReaderDemandVCPUs, m.WriterDemandVCPUs = m.ReaderDemandVCPUs/n, m.WriterDemandVCPUs/n
	m.ReadersSaturated, m.WriterSaturated = 2*t.saturatedTicks > t.ticks, 2*t.writerSaturatedTicks > t.ticks
	return m
}
