package model

import (
	"slices"
	"time"
)

// Truth is what is really the case with an instance now, which CloudWatch shows later and only in part.
type Truth struct {
	// InService says whether it serves clients.
	InService bool
	// Writer says whether it takes writes.
	Writer bool
	// VCPUs that it has.
	VCPUs float64
	// CPUPercent in use; 0 when it is out of service.
	CPUPercent float64
	// Wanted is the vCPUs that its clients could use: new work, at the cost of a cold cache, and waiting work.
	Wanted float64
	// Saturated says that it can't serve all of that.
	Saturated bool
	// Pool is what it is part of.
	Pool PoolTruth
}

// PoolTruth is what is really the case with the instances of one role now.
type PoolTruth struct {
	// Demand is what clients newly ask for, in vCPUs.
	Demand float64
	// VCPUs of the instances in service.
	VCPUs float64
	// Backlog is the work that waits because it could not be served, in vCPU seconds.
	Backlog float64
	// Saturated says that an instance in service can't serve all that it is asked for, or that none is in service for a
	// demand. Readers whose demand the writer serves are not saturated; the writer may be.
	Saturated bool
}

// Truth says what is really the case with an instance now, and false when there is none.
func (w *World) Truth(region, id string) (Truth, bool) {
	s, found := w.members[region+"/"+id]
	if !found {
		return Truth{}, false
	}
	t := Truth{
		InService: s.serving(), Writer: s.writer(), VCPUs: s.vcpus, Wanted: s.wanted, Saturated: s.saturated(),
		Pool: s.group.readers.truth(),
	}
	if s.writer() {
		t.Pool = s.group.writer.truth()
	}
	if s.serving() {
		t.CPUPercent = s.percent(s.used)
	}
	return t, true
}

// Pools says what is really the case with a cluster's pools, or a plain instance, now, and false when there is none. A plain
// instance has no readers.
func (w *World) Pools(region, identifier string) (writer, readers PoolTruth, found bool) {
	g, found := w.group(region, identifier)
	if !found {
		return PoolTruth{}, PoolTruth{}, false
	}
	return g.writer.truth(), g.readers.truth(), true
}

func (p *pool) truth() PoolTruth {
	t := PoolTruth{Demand: p.asked, Backlog: p.backlog, Saturated: p.unserved > 0}
	for _, s := range p.serving {
		t.VCPUs += s.vcpus
	}
	return t
}

// Minute is the truth about a database in one minute.
type Minute struct {
	// At is its start.
	At time.Time
	// HottestReader is the CPU of the busiest reader in percent, averaged over the minute; 0 when no reader was in service.
	HottestReader float64
	// Writer is the CPU of the writer in percent, averaged over the minute; 0 when it was not in service.
	Writer float64
	// ReaderVCPUs and WriterVCPUs are the least that were in service at any time within the minute.
	ReaderVCPUs, WriterVCPUs float64
	// ReaderDemand and WriterDemand are what clients asked of the pools, in vCPUs.
	ReaderDemand, WriterDemand float64
	// ReaderRefused and WriterRefused are the work of the minute that was not done when it was asked for, in vCPU seconds.
	ReaderRefused, WriterRefused float64
	// Interrupted counts the restarts of instances in service, and the failovers.
	Interrupted int
	// Unserved is the work that waits at the end of the minute, in vCPU seconds.
	Unserved float64
	// Saturated says that for most of the minute a reader that was in service could not serve all that it was asked.
	Saturated bool
	// WriterSaturated says so of the writer.
	WriterSaturated bool
}

// Minutes is the truth about a cluster, or a plain instance, minute by minute, oldest first, for as long as History.
func (w *World) Minutes(region, identifier string) []Minute {
	if g, found := w.group(region, identifier); found {
		return slices.Clone(g.minutes)
	}
	return nil
}

// tally adds a minute up.
type tally struct {
	Minute
	ticks, saturated, writerSaturated int
}

// add adds the last tick of a group.
func (t *tally) add(g *group) {
	hottest, readers, writer := 0.0, 0.0, 0.0
	for _, s := range g.readers.serving {
		hottest = max(hottest, s.percent(s.used))
		readers += s.vcpus
	}
	for _, s := range g.writer.serving {
		t.Writer += s.percent(s.used)
		writer += s.vcpus
	}
	t.HottestReader += hottest
	t.ReaderDemand += g.readers.asked
	t.WriterDemand += g.writer.asked
	if t.ticks == 0 {
		t.ReaderVCPUs, t.WriterVCPUs = readers, writer
	}
	t.ReaderVCPUs, t.WriterVCPUs = min(t.ReaderVCPUs, readers), min(t.WriterVCPUs, writer)
	if slices.ContainsFunc(g.readers.serving, (*server).saturated) {
		t.saturated++
	}
	if slices.ContainsFunc(g.writer.serving, (*server).saturated) {
		t.writerSaturated++
	}
	t.Unserved = g.writer.backlog + g.readers.backlog
	t.ReaderRefused += g.readers.refused * tick.Seconds()
	t.WriterRefused += g.writer.refused * tick.Seconds()
	t.ticks++
}

// close turns the sums into means.
func (t *tally) close(at time.Time) Minute {
	m, n := t.Minute, float64(t.ticks)
	m.At = at
	m.HottestReader, m.Writer = m.HottestReader/n, m.Writer/n
	m.ReaderDemand, m.WriterDemand = m.ReaderDemand/n, m.WriterDemand/n
	m.Saturated, m.WriterSaturated = 2*t.saturated > t.ticks, 2*t.writerSaturated > t.ticks
	return m
}
