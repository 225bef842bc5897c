package model

import (
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// retention is how long one-minute points are kept (CloudWatch user guide, "Metrics retention").
const retention = 15 * 24 * time.Hour

// gap is a stretch of time in which an instance publishes nothing.
type gap struct {
	instance string
	from, to time.Time
}

// Gap keeps an instance's metrics of a stretch of time from being published.
func (w *World) Gap(instance string, from, to time.Time) {
	w.gaps = append(w.gaps, gap{instance, from, to})
}

// closeMinute turns what was added up since the last minute into points.
func (w *World) closeMinute() {
	at := w.now.Add(-time.Minute)
	ticks := int(time.Minute / tick)
	for _, g := range w.groups {
		w.closeGroup(g, at)
		for _, s := range g.servers {
			// A minute that was spent out of service for the most part has no point, rather than a low one.
			if 2*s.ticks > ticks && !w.inGap(s.Identifier, at) {
				s.publish(at, w.now)
			}
			s.ticks, s.usedSum, s.sessionsSum = 0, 0, 0
		}
	}
	if at.Truncate(time.Hour).Equal(at) {
		w.forget(at.Add(-retention))
	}
}

func (w *World) closeGroup(g *group, at time.Time) {
	m := g.minute
	if m.ticks > 0 {
		n := float64(m.ticks)
		m.At, m.HottestReader, m.Writer, m.ReaderDemand = at, m.HottestReader/n, m.Writer/n, m.ReaderDemand/n
		m.Saturated = 2*m.saturatedTicks > m.ticks
		g.minutes = append(g.minutes, m)
	}
	g.minute = Minute{}
	percent := max(g.load.Writer.NoisePercent, g.load.Readers.NoisePercent) / 100
	g.noise = 1 + percent*(2*w.random.Float64()-1)
}

// publish records a minute's points.
func (s *server) publish(at, now time.Time) {
	n := float64(s.ticks)
	sessions := s.sessionsSum / n
	add := func(metric string, value float64) { s.metrics[metric] = append(s.metrics[metric], Point{at, value}) }
	add("CPUUtilization", s.usedSum/n)
	add("DatabaseConnections", float64(int(10+20*sessions)))
	if class, err := catalog.Lookup(s.Class); err == nil {
		add("FreeableMemory", 0.35*float64(class.MemoryBytes))
	}
	if s.Cluster != "" {
		add("EngineUptime", now.Sub(s.since).Seconds())
		if !s.writer() {
			add("AuroraReplicaLag", 15+10*s.utilization)
		}
	}
	if s.PerformanceInsights && sessions > 0 {
		add("DBLoadCPU", sessions)
		add("DBLoad", 1.1*sessions)
	}
}

func (w *World) inGap(instance string, at time.Time) bool {
	return slices.ContainsFunc(w.gaps, func(g gap) bool {
		return g.instance == instance && !at.Before(g.from) && at.Before(g.to)
	})
}

func (w *World) forget(before time.Time) {
	for _, s := range w.all() {
		for metric, points := range s.metrics {
			n, _ := slices.BinarySearchFunc(points, before, func(p Point, t time.Time) int { return p.At.Compare(t) })
			s.metrics[metric] = slices.Delete(points, 0, n)
		}
	}
}

// all lists the instances there are and were, those that were first.
func (w *World) all() []*server {
	out := slices.Clone(w.retired)
	for _, g := range w.groups {
		out = append(out, g.servers...)
	}
	return out
}

// Points is what CloudWatch shows of a metric for minutes from <= At < to, oldest first: only what has been published, and
// nothing for minutes that have no point. The dimensions are DBInstanceIdentifier, or DBClusterIdentifier with Role
// (WRITER or READER), whose points are means over the instances that have the role now.
func (w *World) Points(region string, dimensions map[string]string, metric string, from, to time.Time) []Point {
	// A minute is published a while after it has ended.
	if unpublished := w.now.Add(-w.scenario.PublishDelay.Duration - time.Minute + 1); to.After(unpublished) {
		to = unpublished
	}
	instance, cluster, role := dimensions["DBInstanceIdentifier"], dimensions["DBClusterIdentifier"], dimensions["Role"]
	sums := map[time.Time]Point{}
	counts := map[time.Time]float64{}
	for _, s := range w.all() {
		one := instance != "" && len(dimensions) == 1 && s.Identifier == instance
		pool := cluster != "" && len(dimensions) == 2 && s.Cluster == cluster && role == s.role()
		if s.Region != region || !one && !pool {
			continue
		}
		for _, p := range within(s.metrics[metric], from, to) {
			sums[p.At] = Point{p.At, sums[p.At].Value + p.Value}
			counts[p.At]++
		}
	}
	out := make([]Point, 0, len(sums))
	for at, p := range sums {
		out = append(out, Point{at, p.Value / counts[at]})
	}
	slices.SortFunc(out, func(a, b Point) int { return a.At.Compare(b.At) })
	return out
}

// within cuts points to from <= At < to.
func within(points []Point, from, to time.Time) []Point {
	search := func(t time.Time) int {
		n, _ := slices.BinarySearchFunc(points, t, func(p Point, t time.Time) int { return p.At.Compare(t) })
		return n
	}
	first, last := search(from), search(to)
	if first >= last {
		return nil
	}
	return points[first:last]
}

func (s *server) role() string {
	if s.writer() {
		return "WRITER"
	}
	return "READER"
}
