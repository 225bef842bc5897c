package model

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

const (
	// History is how long points and minutes of truth are kept where the scenario does not say: as long as CloudWatch keeps
	// five-minute points (CloudWatch user guide, "Metrics retention"), which is longer than any window that a policy may have.
	History = 63 * 24 * time.Hour

	// Without a delay in the scenario, a minute's metrics appear this long after its end: AWS names no figure, one to two
	// minutes is what is seen.
	publishLeast  = 60 * time.Second
	publishSpread = 31 // seconds

	// connectionsPerVCPU and connectionsIdle are how many connections a demand comes with, and how many there always are.
	connectionsPerVCPU, connectionsIdle = 40, 10
	// connectionBytes is the memory that one takes, and maxConnections their number at most: max_connections is
	// LEAST(DBInstanceClassMemory/9531392, 5000) (Aurora user guide, "Managing Aurora PostgreSQL").
	connectionBytes, maxConnections = 9531392, 5000
	// freeableShare is the part of the memory that is freeable without connections.
	freeableShare = 0.35

	// idleLag and busyLag are the lag of an Aurora reader in milliseconds, at no load and what a full load adds.
	idleLag, busyLag = 15, 20
	// waitShare is the load that waits for other things than a CPU, as a share of the one on CPU.
	waitShare = 0.1
)

// sample is what an instance publishes of one minute.
type sample struct {
	at       time.Time
	writer   bool
	cpu      float64 // percent
	sessions float64 // that have or want a CPU
	memory   float64 // freeable, in bytes
	uptime   float64 // seconds
}

// metrics says how each metric follows from a sample; false means that there is no point.
var metrics = map[string]func(*server, sample) (float64, bool){
	"CPUUtilization":      func(_ *server, p sample) (float64, bool) { return p.cpu, true },
	"DatabaseConnections": func(_ *server, p sample) (float64, bool) { return connections(p.sessions), true },
	"FreeableMemory":      func(_ *server, p sample) (float64, bool) { return p.memory, true },
	"EngineUptime":        func(s *server, p sample) (float64, bool) { return p.uptime, isAurora(s.Engine) },
	"AuroraReplicaLag":    func(s *server, p sample) (float64, bool) { return lag(p), isAurora(s.Engine) && !p.writer },
	// Of a read replica outside Aurora, and of a standby of a Multi-AZ DB cluster, in seconds.
	"ReplicaLag": func(s *server, p sample) (float64, bool) { return lag(p) / 1000, !isAurora(s.Engine) && !p.writer },
	// The load is published only when there is some (RDS user guide, "Amazon CloudWatch metrics for Performance Insights").
	"DBLoadCPU": func(s *server, p sample) (float64, bool) { return p.sessions, s.PerformanceInsights && p.sessions > 0 },
	"DBLoad": func(s *server, p sample) (float64, bool) {
		return p.sessions * (1 + waitShare), s.PerformanceInsights && p.sessions > 0
	},
}

// lag is how far a reader is behind, in milliseconds.
func lag(p sample) float64 { return idleLag + busyLag*p.cpu/100 }

// connections that come with so many sessions.
func connections(sessions float64) float64 {
	return min(float64(int(connectionsIdle+connectionsPerVCPU*sessions)), maxConnections)
}

// gap is a stretch of time in which an instance publishes nothing.
type gap struct {
	region, instance string
	from, to         time.Time
}

// Gap keeps an instance, or where it is empty every one of the region, from publishing the metrics of minutes that start at from or
// later and before to. What it has published already stays.
func (w *World) Gap(region, instance string, from, to time.Time) {
	at, _ := slices.BinarySearchFunc(w.gaps, from, func(g gap, from time.Time) int { return g.from.Compare(from) })
	w.gaps = slices.Insert(w.gaps, at, gap{region, instance, from, to})
}

func (w *World) inGap(s *server, at time.Time) bool {
	for _, g := range w.gaps { // in the order in which they begin
		if g.from.After(at) {
			break
		}
		if g.region == s.Region && (g.instance == s.Identifier || g.instance == "") && at.Before(g.to) {
			return true
		}
	}
	return false
}

// closeMinute turns what was added up since the last minute into samples.
func (w *World) closeMinute() {
	at := w.now.Add(-time.Minute)
	for len(w.gaps) > 0 && !at.Before(w.gaps[0].to) {
		w.gaps = w.gaps[1:]
	}
	for _, g := range w.groups {
		g.minute.Interrupted, g.disruptions = g.disruptions, 0
		g.minutes = append(g.minutes, g.minute.close(at))
		g.minute = tally{}
		g.drawNoise()
		for _, s := range g.servers {
			// A minute that was spent out of service for the most part has no point, rather than a low one.
			if 2*s.sum.ticks >= int(time.Minute/tick) && !w.inGap(s, at) {
				s.samples = append(s.samples, s.sample(at, w.now))
			}
			s.sum.ticks, s.sum.used, s.sum.wanted = 0, 0, 0
		}
	}
	if w.now.Truncate(24 * time.Hour).Equal(w.now) {
		w.forget(w.now.Add(-cmp.Or(w.scenario.Keep.Duration, History)))
	}
}

// sample is the minute that has just ended.
func (s *server) sample(at, now time.Time) sample {
	ticks := float64(s.sum.ticks)
	p := sample{
		at: at, writer: s.writer(), cpu: s.percent(s.sum.used / ticks), sessions: s.sum.wanted / ticks,
		uptime: now.Sub(s.since).Seconds(),
	}
	p.memory = max(0, freeableShare*s.memory-connectionBytes*connections(p.sessions))
	return p
}

// forget lets go of what is older.
func (w *World) forget(before time.Time) {
	for _, g := range w.groups {
		n := sort.Search(len(g.minutes), func(n int) bool { return !g.minutes[n].At.Before(before) })
		g.minutes = slices.Delete(g.minutes, 0, n)
		for _, s := range g.servers {
			s.forget(before)
		}
	}
	w.retired = slices.DeleteFunc(w.retired, func(s *server) bool {
		s.forget(before)
		return len(s.samples) == 0
	})
	w.gaps = slices.DeleteFunc(w.gaps, func(g gap) bool { return g.to.Before(before) })
}

func (s *server) forget(before time.Time) { s.samples = slices.Delete(s.samples, 0, s.first(before)) }

// first is the index of the first sample that is not before a moment.
func (s *server) first(at time.Time) int {
	return sort.Search(len(s.samples), func(n int) bool { return !s.samples[n].at.Before(at) })
}

// published is when the metrics of a minute appear.
func (w *World) published(minute time.Time) time.Time {
	delay := w.scenario.PublishDelay.Duration
	if delay == 0 {
		// Scattered, but the same for the same minute; the spread is too small for minutes to appear out of order.
		scattered := uint64(minute.Unix()/60) * 0x9e3779b97f4a7c15 >> 32
		delay = publishLeast + time.Duration(scattered%publishSpread)*time.Second
	}
	return minute.Add(time.Minute + delay)
}

// Points are the Samples of a metric, those of one minute as their mean.
func (w *World) Points(region string, dimensions map[string]string, metric string, from, to time.Time) []Point {
	var out []Point
	count := 0.0
	for _, p := range w.Samples(region, dimensions, metric, from, to) {
		if last := len(out) - 1; last >= 0 && out[last].At.Equal(p.At) {
			count++
			out[last].Value += (p.Value - out[last].Value) / count
			continue
		}
		out, count = append(out, p), 1
	}
	return out
}

// Samples is what CloudWatch has of a metric for minutes from <= At < to, oldest first: only what has been published, and
// nothing for minutes that have no point. The dimensions are DBInstanceIdentifier, or DBClusterIdentifier with Role (WRITER or
// READER), which has a sample of each instance that had the role in that minute.
func (w *World) Samples(region string, dimensions map[string]string, metric string, from, to time.Time) []Point {
	value, known := metrics[metric]
	if !known {
		return nil
	}
	instance, cluster, role := dimensions["DBInstanceIdentifier"], dimensions["DBClusterIdentifier"], dimensions["Role"]
	var of []*server
	keep := func(sample) bool { return true }
	switch {
	case len(dimensions) == 1 && instance != "":
		of = w.ever(func(s *server) bool { return s.Region == region && s.Identifier == instance })
	case len(dimensions) == 2 && cluster != "" && (role == "WRITER" || role == "READER"):
		of = w.ever(func(s *server) bool { return s.Region == region && s.Cluster == cluster })
		keep = func(p sample) bool { return p.writer == (role == "WRITER") }
	}
	var out []Point
	for _, s := range of {
		for _, p := range s.samples[s.first(from):] {
			if !p.at.Before(to) || w.published(p.at).After(w.now) {
				break
			}
			if v, has := value(s, p); has && keep(p) {
				out = append(out, Point{p.at, v})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Point) int { return a.At.Compare(b.At) })
	return out
}

// ever lists the instances that there are and were, as far as they are wanted.
func (w *World) ever(wanted func(*server) bool) []*server {
	var out []*server
	for _, s := range w.retired {
		if wanted(s) {
			out = append(out, s)
		}
	}
	for _, g := range w.groups {
		for _, s := range g.servers {
			if wanted(s) {
				out = append(out, s)
			}
		}
	}
	return out
}
