package model

import (
	"slices"
	"time"
)

// InstanceMetrics is what an instance published of one minute, all of its metrics at once.
type InstanceMetrics struct {
	// Identifier is its identifier, and ResourceID tells it from an earlier one of that name.
	Identifier, ResourceID string
	// IsWriter says whether it took writes at the end of the minute.
	IsWriter bool
	// Time is the start of the minute.
	Time time.Time
	// CPUPercent in percent, FreeableMemoryBytes in bytes, Uptime in seconds.
	CPUPercent, FreeableMemoryBytes, Connections, UptimeSeconds float64
	// DBLoadCPU is the sessions that have or want a CPU; below zero when it is not published.
	DBLoadCPU float64
	// ReplicaLag is that of a reader; below zero when it is not published.
	ReplicaLag time.Duration
}

// ForEachPublished calls each with what the instances that a database has or had have published, for minutes that begin at since or
// later: one instance after the other, each with its oldest first. It gives the time from which to go on.
func (w *World) ForEachPublished(region, identifier string, since time.Time, handle func(InstanceMetrics)) (next time.Time) {
	g, found := w.findGroup(region, identifier)
	newest := w.now.Truncate(time.Minute).Add(-time.Minute)
	for w.publishTime(newest).After(w.now) {
		newest = newest.Add(-time.Minute)
	}
	if !found || newest.Before(since) {
		return since
	}
	for _, s := range w.deletedInstances {
		if s.group == g {
			s.forEachPublished(since, newest, handle)
		}
	}
	for _, s := range g.instances {
		s.forEachPublished(since, newest, handle)
	}
	return newest.Add(time.Minute)
}

func (s *instanceState) forEachPublished(since, newest time.Time, handle func(InstanceMetrics)) {
	for _, p := range s.samples[s.firstSampleAt(since):] {
		if p.time.After(newest) {
			return
		}
		r := InstanceMetrics{
			Identifier: s.Identifier, ResourceID: s.ResourceID, IsWriter: p.isWriter, Time: p.time, CPUPercent: p.cpuPercent, FreeableMemoryBytes: p.freeableMemoryBytes,
			Connections: connectionCount(p.activeSessions), UptimeSeconds: p.uptimeSeconds, DBLoadCPU: -1, ReplicaLag: -1,
		}
		if load, published := metricValues["DBLoadCPU"](s, p); published {
			r.DBLoadCPU = load
		}
		if !p.isWriter {
			r.ReplicaLag = time.Duration(lagMillis(p) * float64(time.Millisecond))
		}
		handle(r)
	}
}

// ProcessedEvents counts what has happened by itself since the scenario began: while it stays the same, nothing looks different but for what
// somebody asked for, and for metrics.
func (w *World) ProcessedEvents() int { return w.queue.processed }

// MinutesSince is the truth about a database for the minutes that begin at since or later. It is not to be changed, and holds
// until the world goes on.
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

// ForEachInstance calls each with every instance that a database has. The instance is not to be changed, nor kept.
func (w *World) ForEachInstance(region, identifier string, handle func(i *Instance, writer bool)) {
	if g, found := w.findGroup(region, identifier); found {
		for _, s := range g.instances {
			handle(&s.Instance, s.isWriter())
		}
	}
}
