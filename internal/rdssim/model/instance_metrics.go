package model

import "time"

// InstanceMetrics is everything that an instance published for one minute.
type InstanceMetrics struct {
	// Identifier is that of the instance. ResourceID tells it from an earlier instance of the same identifier.
	Identifier, ResourceID string
	// IsWriter says whether the instance was the writer at the end of the minute.
	IsWriter bool
	// Time is the start of the minute.
	Time time.Time
	// Connections is the value of DatabaseConnections, UptimeSeconds that of EngineUptime.
	CPUPercent, FreeableMemoryBytes, Connections, UptimeSeconds float64
	// DBLoadCPU is the number of sessions on or waiting for a CPU; negative if it is not published.
	DBLoadCPU float64
	// ReplicaLag is the lag of a reader; negative if it is not published.
	ReplicaLag time.Duration
}

// ForEachPublished calls handle with the published minutes of a database's current and deleted instances, for minutes that
// begin at since or later: instance by instance, oldest first. It returns the time to pass as since in the next call.
func (w *World) ForEachPublished(region, identifier string, since time.Time, handle func(InstanceMetrics)) (next time.Time) {
	g, found := w.findGroup(region, identifier)
	newest := w.newestPublished()
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

// forEachPublished calls handle with the samples of an instance from since up to the newest published minute.
func (s *instanceState) forEachPublished(since, newest time.Time, handle func(InstanceMetrics)) {
	samples := s.samples[s.firstSampleAt(since):]
	for n := range samples {
		p := &samples[n]
		if p.time.After(newest) {
			return
		}
		m := InstanceMetrics{
			Identifier: s.Identifier, ResourceID: s.ResourceID, IsWriter: p.isWriter, Time: p.time, CPUPercent: p.cpuPercent,
			FreeableMemoryBytes: p.freeableMemoryBytes, Connections: p.connections(), UptimeSeconds: p.uptimeSeconds,
			DBLoadCPU: -1, ReplicaLag: -1,
		}
		if s.publishesLoad(p) {
			m.DBLoadCPU = p.activeSessions
		}
		if !p.isWriter {
			m.ReplicaLag = time.Duration(p.lagMillis * float64(time.Millisecond))
		}
		handle(m)
	}
}
