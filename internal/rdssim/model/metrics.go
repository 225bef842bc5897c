package model

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

const (
	// DefaultRetention is how long points and minutes of truth are kept where the scenario does not say: as long as CloudWatch keeps
	// five-minute points (CloudWatch user guide, "Metrics retention"), which is longer than any window that a policy may have.
	DefaultRetention = 63 * 24 * time.Hour

	// Without a delay in the scenario, a minute's metrics appear this long after its end: AWS names no figure, one to two
	// minutes is what is seen.
	minPublishDelay      = 60 * time.Second
	publishSpreadSeconds = 31 // seconds

	// connectionsPerVCPU and idleConnections are how many connections a demand comes with, and how many there always are.
	connectionsPerVCPU, idleConnections = 40, 10
	// bytesPerConnection is the memory that one takes, and maxConnections their number at most: max_connections is
	// LEAST(DBInstanceClassMemory/9531392, 5000) (Aurora user guide, "Managing Aurora PostgreSQL").
	bytesPerConnection, maxConnections = 9531392, 5000
	// freeableMemoryShare is the part of the memory that is freeable without connections.
	freeableMemoryShare = 0.35

	// idleLagMillis and loadLagMillis are the lag of an Aurora reader in milliseconds, at no load and what a full load adds.
	idleLagMillis, loadLagMillis = 15, 20
	// nonCPUWaitShare is the load that waits for other things than a CPU, as a share of the one on CPU.
	nonCPUWaitShare = 0.1
)

// sample is what an instance publishes of one minute.
type sample struct {
	time                time.Time
	isWriter            bool
	cpuPercent          float64 // percent
	activeSessions      float64 // that have or want a CPU
	freeableMemoryBytes float64 // freeable, in bytes
	uptimeSeconds       float64 // seconds
}

// metricValues says how each metric follows from a sample; false means that there is no point.
var metricValues = map[string]func(*instanceState, sample) (float64, bool){
	"CPUUtilization":      func(_ *instanceState, p sample) (float64, bool) { return p.cpuPercent, true },
	"DatabaseConnections": func(_ *instanceState, p sample) (float64, bool) { return connectionCount(p.activeSessions), true },
	"FreeableMemory":      func(_ *instanceState, p sample) (float64, bool) { return p.freeableMemoryBytes, true },
	"EngineUptime":        func(s *instanceState, p sample) (float64, bool) { return p.uptimeSeconds, isAurora(s.Engine) },
	"AuroraReplicaLag": func(s *instanceState, p sample) (float64, bool) {
		return lagMillis(p), isAurora(s.Engine) && !p.isWriter
	},
	// Of a read replica outside Aurora, and of a standby of a Multi-AZ DB cluster, in seconds.
	"ReplicaLag": func(s *instanceState, p sample) (float64, bool) {
		return lagMillis(p) / 1000, !isAurora(s.Engine) && !p.isWriter
	},
	// The load is published only when there is some (RDS user guide, "Amazon CloudWatch metrics for Performance Insights").
	"DBLoadCPU": func(s *instanceState, p sample) (float64, bool) {
		return p.activeSessions, s.PerformanceInsights && p.activeSessions > 0
	},
	"DBLoad": func(s *instanceState, p sample) (float64, bool) {
		return p.activeSessions * (1 + nonCPUWaitShare), s.PerformanceInsights && p.activeSessions > 0
	},
}

// lagMillis is how far a reader is behind, in milliseconds.
func lagMillis(p sample) float64 { return idleLagMillis + loadLagMillis*p.cpuPercent/100 }

// connectionCount that come with so many sessions.
func connectionCount(sessions float64) float64 {
	return min(float64(int(idleConnections+connectionsPerVCPU*sessions)), maxConnections)
}

// metricGap is a stretch of time in which an instance publishes nothing.
type metricGap struct {
	region, instance string
	from, to         time.Time
}

// AddMetricGap keeps an instance, or where it is empty every one of the region, from publishing the metrics of minutes that start at from or
// later and before to. What it has published already stays.
func (w *World) AddMetricGap(region, instance string, from, to time.Time) {
	at, _ := slices.BinarySearchFunc(w.metricGaps, from, func(g metricGap, from time.Time) int { return g.from.Compare(from) })
	w.metricGaps = slices.Insert(w.metricGaps, at, metricGap{region, instance, from, to})
}

func (w *World) isInMetricGap(s *instanceState, at time.Time) bool {
	for _, g := range w.metricGaps { // in the order in which they begin
		if g.from.After(at) {
			break
		}
		if g.region == s.Region && (g.instance == s.Identifier || g.instance == "") && at.Before(g.to) {
			return true
		}
	}
	return false
}

// recordMinute turns what was added up since the last minute into samples.
func (w *World) recordMinute() {
	at := w.now.Add(-time.Minute)
	for len(w.metricGaps) > 0 && !at.Before(w.metricGaps[0].to) {
		w.metricGaps = w.metricGaps[1:]
	}
	for _, g := range w.groups {
		g.currentMinute.Disruptions, g.disruptions = g.disruptions, 0
		g.minutes = append(g.minutes, g.currentMinute.summarize(at))
		g.currentMinute = minuteAccumulator{}
		g.drawNoise()
		for _, s := range g.instances {
			// A minute that was spent out of service for the most part has no point, rather than a low one.
			if 2*s.minuteTotals.ticks >= int(time.Minute/tickInterval) && !w.isInMetricGap(s, at) {
				s.samples = append(s.samples, s.newSample(at, w.now))
			}
			s.minuteTotals.ticks, s.minuteTotals.used, s.minuteTotals.wanted = 0, 0, 0
		}
	}
	if w.now.Truncate(24 * time.Hour).Equal(w.now) {
		w.pruneHistory(w.now.Add(-cmp.Or(w.scenario.Retention.Duration, DefaultRetention)))
	}
}

// newSample is the minute that has just ended.
func (s *instanceState) newSample(at, now time.Time) sample {
	ticks := float64(s.minuteTotals.ticks)
	p := sample{
		time: at, isWriter: s.isWriter(), cpuPercent: s.cpuPercent(s.minuteTotals.used / ticks), activeSessions: s.minuteTotals.wanted / ticks,
		uptimeSeconds: now.Sub(s.inServiceSince).Seconds(),
	}
	p.freeableMemoryBytes = max(0, freeableMemoryShare*s.memoryBytes-bytesPerConnection*connectionCount(p.activeSessions))
	return p
}

// pruneHistory lets go of what is older.
func (w *World) pruneHistory(before time.Time) {
	for _, g := range w.groups {
		n := sort.Search(len(g.minutes), func(n int) bool { return !g.minutes[n].Time.Before(before) })
		g.minutes = slices.Delete(g.minutes, 0, n)
		for _, s := range g.instances {
			s.pruneSamples(before)
		}
	}
	w.deletedInstances = slices.DeleteFunc(w.deletedInstances, func(s *instanceState) bool {
		s.pruneSamples(before)
		return len(s.samples) == 0
	})
	w.metricGaps = slices.DeleteFunc(w.metricGaps, func(g metricGap) bool { return g.to.Before(before) })
}

func (s *instanceState) pruneSamples(before time.Time) {
	s.samples = slices.Delete(s.samples, 0, s.firstSampleAt(before))
}

// firstSampleAt is the index of the first sample that is not before a moment.
func (s *instanceState) firstSampleAt(at time.Time) int {
	return sort.Search(len(s.samples), func(n int) bool { return !s.samples[n].time.Before(at) })
}

// publishTime is when the metrics of a minute appear.
func (w *World) publishTime(minute time.Time) time.Time {
	delay := w.scenario.PublishDelay.Duration
	if delay == 0 {
		// Scattered, but the same for the same minute; the spread is too small for minutes to appear out of order.
		hash := uint64(minute.Unix()/60) * 0x9e3779b97f4a7c15 >> 32
		delay = minPublishDelay + time.Duration(hash%publishSpreadSeconds)*time.Second
	}
	return minute.Add(time.Minute + delay)
}

// MetricAverages are the Samples of a metric, those of one minute as their mean.
func (w *World) MetricAverages(region string, dimensions map[string]string, metric string, from, to time.Time) []Point {
	var out []Point
	count := 0.0
	for _, p := range w.MetricSamples(region, dimensions, metric, from, to) {
		if last := len(out) - 1; last >= 0 && out[last].Time.Equal(p.Time) {
			count++
			out[last].Value += (p.Value - out[last].Value) / count
			continue
		}
		out, count = append(out, p), 1
	}
	return out
}

// MetricSamples is what CloudWatch has of a metric for minutes from <= At < to, oldest first: only what has been published, and
// nothing for minutes that have no point. The dimensions are DBInstanceIdentifier, or DBClusterIdentifier with Role (WRITER or
// READER), which has a sample of each instance that had the role in that minute.
func (w *World) MetricSamples(region string, dimensions map[string]string, metric string, from, to time.Time) []Point {
	metricValue, known := metricValues[metric]
	if !known {
		return nil
	}
	instance, cluster, role := dimensions["DBInstanceIdentifier"], dimensions["DBClusterIdentifier"], dimensions["Role"]
	var instances []*instanceState
	keep := func(sample) bool { return true }
	switch {
	case len(dimensions) == 1 && instance != "":
		instances = w.findCurrentAndDeleted(func(s *instanceState) bool { return s.Region == region && s.Identifier == instance })
	case len(dimensions) == 2 && cluster != "" && (role == "WRITER" || role == "READER"):
		instances = w.findCurrentAndDeleted(func(s *instanceState) bool { return s.Region == region && s.Cluster == cluster })
		keep = func(p sample) bool { return p.isWriter == (role == "WRITER") }
	}
	var out []Point
	for _, s := range instances {
		for _, p := range s.samples[s.firstSampleAt(from):] {
			if !p.time.Before(to) || w.publishTime(p.time).After(w.now) {
				break
			}
			if v, published := metricValue(s, p); published && keep(p) {
				out = append(out, Point{p.time, v})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Point) int { return a.Time.Compare(b.Time) })
	return out
}

// findCurrentAndDeleted lists the instances that there are and were, as far as they are wanted.
func (w *World) findCurrentAndDeleted(matches func(*instanceState) bool) []*instanceState {
	var out []*instanceState
	for _, s := range w.deletedInstances {
		if matches(s) {
			out = append(out, s)
		}
	}
	for _, g := range w.groups {
		for _, s := range g.instances {
			if matches(s) {
				out = append(out, s)
			}
		}
	}
	return out
}
