package model

import (
	"slices"
	"time"
)

// Reading is what an instance published of one minute, all of its metrics at once.
type Reading struct {
	// Instance is its identifier, and ResourceID tells it from an earlier one of that name.
	Instance, ResourceID string
	// Writer says whether it took writes at the end of the minute.
	Writer bool
	// At is the start of the minute.
	At time.Time
	// CPU in percent, FreeableMemory in bytes, Uptime in seconds.
	CPU, FreeableMemory, Connections, Uptime float64
	// DBLoadCPU is the sessions that have or want a CPU; below zero when it is not published.
	DBLoadCPU float64
	// Lag is that of a reader; below zero when it is not published.
	Lag time.Duration
}

// Published calls each with what the instances that a database has or had have published, for minutes that begin at since or
// later: one instance after the other, each with its oldest first. It gives the time from which to go on.
func (w *World) Published(region, identifier string, since time.Time, each func(Reading)) (next time.Time) {
	g, found := w.group(region, identifier)
	newest := w.now.Truncate(time.Minute).Add(-time.Minute)
	for w.published(newest).After(w.now) {
		newest = newest.Add(-time.Minute)
	}
	if !found || newest.Before(since) {
		return since
	}
	for _, s := range w.retired {
		if s.group == g {
			s.readings(since, newest, each)
		}
	}
	for _, s := range g.servers {
		s.readings(since, newest, each)
	}
	return newest.Add(time.Minute)
}

func (s *server) readings(since, newest time.Time, each func(Reading)) {
	for _, p := range s.samples[s.first(since):] {
		if p.at.After(newest) {
			return
		}
		r := Reading{
			Instance: s.Identifier, ResourceID: s.ResourceID, Writer: p.writer, At: p.at, CPU: p.cpu, FreeableMemory: p.memory,
			Connections: connections(p.sessions), Uptime: p.uptime, DBLoadCPU: -1, Lag: -1,
		}
		if load, published := metrics["DBLoadCPU"](s, p); published {
			r.DBLoadCPU = load
		}
		if !p.writer {
			r.Lag = time.Duration(lag(p) * float64(time.Millisecond))
		}
		each(r)
	}
}

// Happened counts what has happened by itself since the scenario began: while it stays the same, nothing looks different but for what
// somebody asked for, and for metrics.
func (w *World) Happened() int { return w.agenda.happened }

// MinutesSince is the truth about a database for the minutes that begin at since or later. It is not to be changed, and holds
// until the world goes on.
func (w *World) MinutesSince(region, identifier string, since time.Time) []Minute {
	g, found := w.group(region, identifier)
	if !found {
		return nil
	}
	n := len(g.minutes)
	for n > 0 && !g.minutes[n-1].At.Before(since) {
		n--
	}
	return slices.Clip(g.minutes[n:])
}

// Each calls each with every instance that a database has. The instance is not to be changed, nor kept.
func (w *World) Each(region, identifier string, each func(i *Instance, writer bool)) {
	if g, found := w.group(region, identifier); found {
		for _, s := range g.servers {
			each(&s.Instance, s.writer())
		}
	}
}
