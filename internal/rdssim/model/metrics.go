package model

import (
	"cmp"
	"slices"
	"sort"
	"time"
)

const (
	// DefaultRetention is how long samples and minute summaries are kept if the scenario sets no retention: as long as
	// CloudWatch keeps five-minute datapoints (CloudWatch user guide, "Metrics retention"), which is longer than any window
	// that a policy may have.
	DefaultRetention = 63 * 24 * time.Hour

	// If the scenario sets no publish delay, the metrics of a minute appear 60 to 90 seconds after its end. AWS documents no
	// figure; one to two minutes is what users observe.
	minPublishDelay      = 60 * time.Second
	publishSpreadSeconds = 31

	// connectionsPerVCPU is the number of connections of a session on CPU; idleConnections are always open.
	connectionsPerVCPU, idleConnections = 40, 10
	// bytesPerConnection is the memory of a connection, and maxConnections the maximum number of connections: max_connections is
	// LEAST(DBInstanceClassMemory/9531392, 5000) (Aurora user guide, "Managing Aurora PostgreSQL").
	bytesPerConnection, maxConnections = 9531392, 5000
	// freeableMemoryShare is the fraction of the memory that is freeable without connections.
	freeableMemoryShare = 0.35

	// idleLagMillis is the lag of a reader without load, and loadLagMillis what 100 % CPU adds, in milliseconds.
	idleLagMillis, loadLagMillis = 15, 20
	// walSwitchInterval is the interval at which RDS for PostgreSQL switches the WAL segment of a source without transactions. Until then
	// its replicas see no transaction, and their lag rises (RDS user guide, "Monitoring and tuning the replication process").
	walSwitchInterval = 5 * time.Minute
	// nonCPUWaitShare is the number of sessions that wait for something other than a CPU, as a fraction of those on CPU.
	nonCPUWaitShare = 0.1
)

// sample is the measurement of an instance over one minute.
type sample struct {
	time                time.Time // start of the minute
	isWriter            bool
	cpuPercent          float64
	activeSessions      float64 // on or waiting for a CPU
	freeableMemoryBytes float64
	uptimeSeconds       float64
	lagMillis           float64 // of a reader
	io                  ioSample
	credits             creditSample
	withoutClients      bool    // no client is connected
	capacityACUs        float64 // of a Serverless v2 instance
	maxCapacityACUs     float64 // that its cluster allowed
}

// metricValues computes the value of each metric from a sample. False means that the metric has no datapoint.
var metricValues = map[string]func(*instanceState, sample) (float64, bool){
	"CPUUtilization":      func(_ *instanceState, p sample) (float64, bool) { return p.cpuPercent, true },
	"DatabaseConnections": func(_ *instanceState, p sample) (float64, bool) { return p.connections(), true },
	"FreeableMemory":      func(_ *instanceState, p sample) (float64, bool) { return p.freeableMemoryBytes, true },
	"EngineUptime":        func(s *instanceState, p sample) (float64, bool) { return p.uptimeSeconds, isAurora(s.Engine) },
	"AuroraReplicaLag": func(s *instanceState, p sample) (float64, bool) {
		return p.lagMillis, isAurora(s.Engine) && !p.isWriter
	},
	// In seconds, for a read replica outside Aurora and a standby of a Multi-AZ DB cluster.
	"ReplicaLag": func(s *instanceState, p sample) (float64, bool) {
		return p.lagMillis / 1000, !isAurora(s.Engine) && !p.isWriter
	},
	// Of Serverless v2 (Aurora user guide, "Important Amazon CloudWatch metrics for Aurora Serverless v2").
	"ServerlessDatabaseCapacity": func(_ *instanceState, p sample) (float64, bool) { return p.capacityACUs, p.maxCapacityACUs > 0 },
	"ACUUtilization": func(_ *instanceState, p sample) (float64, bool) {
		return 100 * p.capacityACUs / p.maxCapacityACUs, p.maxCapacityACUs > 0
	},
	// DBLoad metrics are published only if there is load (RDS user guide, "Amazon CloudWatch metrics for Performance Insights").
	"DBLoadCPU": func(s *instanceState, p sample) (float64, bool) { return p.activeSessions, s.publishesLoad(&p) },
	"DBLoad": func(s *instanceState, p sample) (float64, bool) {
		return p.activeSessions * (1 + nonCPUWaitShare), s.publishesLoad(&p)
	},
}

// publishesLoad reports whether the minute of a sample has datapoints of DBLoad and DBLoadCPU.
func (s *instanceState) publishesLoad(p *sample) bool {
	return s.PerformanceInsights && p.activeSessions > 0
}

// replicaLagMillis returns the mean replica lag of a reader over the minute of a sample, in milliseconds. While the source of an RDS for
// PostgreSQL replica is idle, it rises from 0 to five minutes and falls again.
func (s *instanceState) replicaLagMillis(p sample) float64 {
	if s.ReplicationSource != "" && s.Engine == "postgres" && s.group.writer.demandVCPUs == 0 {
		sinceSwitch := p.time.Sub(p.time.Truncate(walSwitchInterval)) + time.Minute/2
		return float64(sinceSwitch.Milliseconds())
	}
	return idleLagMillis + loadLagMillis*p.cpuPercent/100
}

// connectionCount returns the number of connections at a number of active sessions.
func connectionCount(sessions float64) float64 {
	return min(float64(int(idleConnections+connectionsPerVCPU*sessions)), maxConnections)
}

// maxExpectedSpan is the longest time for which memory is reserved before samples are computed.
const maxExpectedSpan = 15 * 24 * time.Hour

// metricGap is a period without metrics of an instance, or of all instances of the region if instance is empty.
type metricGap struct {
	region, instance string
	from, to         time.Time
}

// AddMetricGap suppresses the metrics of an instance, or of all instances of the region if instance is empty, for minutes with
// from <= start < to. Datapoints that exist already stay.
func (w *World) AddMetricGap(region, instance string, from, to time.Time) {
	index, _ := slices.BinarySearchFunc(w.metricGaps, from, func(g metricGap, from time.Time) int { return g.from.Compare(from) })
	w.metricGaps = slices.Insert(w.metricGaps, index, metricGap{region, instance, from, to})
}

func (w *World) isInMetricGap(s *instanceState, at time.Time) bool {
	for _, g := range w.metricGaps { // sorted by from
		if g.from.After(at) {
			break
		}
		if g.region == s.Region && (g.instance == s.Identifier || g.instance == "") && at.Before(g.to) {
			return true
		}
	}
	return false
}

// recordMinute records a sample of each instance and a summary of each group for the minute that ends now.
func (w *World) recordMinute() {
	start := w.now.Add(-time.Minute)
	for len(w.metricGaps) > 0 && !start.Before(w.metricGaps[0].to) {
		w.metricGaps = w.metricGaps[1:]
	}
	for _, g := range w.groups {
		if g.steady != nil && g.steady.until.IsZero() {
			continue
		}
		g.currentMinute.Disruptions, g.disruptions = g.disruptions, 0
		g.minutes = append(g.minutes, g.currentMinute.summarize(start))
		g.currentMinute = minuteAccumulator{}
		g.drawNoise()
		for _, s := range g.instances {
			// A minute that was mostly spent out of service has no datapoint, rather than a low one.
			if 2*s.minuteTotals.ticks >= int(time.Minute/tickInterval) && !w.isInMetricGap(s, start) {
				if last := len(w.freeSamples) - 1; s.samples == nil && last >= 0 {
					s.samples, w.freeSamples = w.freeSamples[last], w.freeSamples[:last]
				}
				s.samples = append(s.samples, s.newSample(start, w.now))
			}
			s.minuteTotals.ticks, s.minuteTotals.usedVCPUs, s.minuteTotals.requestedVCPUs, s.minuteTotals.capacityACUs = 0, 0, 0, 0
		}
	}
	if w.now.Truncate(24 * time.Hour).Equal(w.now) {
		w.pruneHistory(w.now.Add(-w.retention()))
	}
}

// newSample returns the sample of the minute from start to now.
func (s *instanceState) newSample(start, now time.Time) sample {
	ticks := float64(s.minuteTotals.ticks)
	p := sample{
		time: start, isWriter: s.isWriter(), cpuPercent: s.cpuPercent(s.minuteTotals.usedVCPUs / ticks),
		withoutClients: s.clientWeight == 0,
		activeSessions: s.minuteTotals.requestedVCPUs / ticks, uptimeSeconds: now.Sub(s.inServiceSince).Seconds(),
	}
	p.io, p.credits = s.serveIO(now), s.updateCredits(start, s.minuteTotals.usedVCPUs/ticks)
	if s.isServerless() {
		p.capacityACUs, p.maxCapacityACUs = s.minuteTotals.capacityACUs/ticks, s.group.cluster.Capacity.Max
	}
	p.lagMillis = s.replicaLagMillis(p)
	p.freeableMemoryBytes = max(0, freeableMemoryShare*s.memoryBytes-bytesPerConnection*p.connections())
	return p
}

// retention returns how long samples are kept.
func (w *World) retention() time.Duration {
	return cmp.Or(w.scenario.Retention.Duration, DefaultRetention)
}

// pruneHistory removes the summaries, samples and metric gaps from before a time, and the deleted instances that have no
// samples left.
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
		isEmpty := len(s.samples) == 0
		if isEmpty && s.samples != nil {
			s.samples, w.freeSamples = nil, append(w.freeSamples, s.samples)
		}
		return isEmpty
	})
	w.metricGaps = slices.DeleteFunc(w.metricGaps, func(g metricGap) bool { return g.to.Before(before) })
}

func (s *instanceState) pruneSamples(before time.Time) {
	s.samples = slices.Delete(s.samples, 0, s.firstSampleAt(before))
}

// firstSampleAt returns the index of the first sample that is not before a time.
func (s *instanceState) firstSampleAt(at time.Time) int {
	const newest = 4 // of which the first is mostly searched
	n := len(s.samples)
	for ; n > max(0, len(s.samples)-newest); n-- {
		if s.samples[n-1].time.Before(at) {
			return n
		}
	}
	return sort.Search(n, func(k int) bool { return !s.samples[k].time.Before(at) })
}

// PublishTime returns when the metrics of the minute that begins then appear.
func (w *World) PublishTime(minute time.Time) time.Time {
	delay := w.scenario.PublishDelay.Duration
	if delay == 0 {
		// A hash of the minute, so that the delay varies but is the same at each call. The spread is less than a minute, so
		// minutes appear in order.
		hash := uint64(minute.Unix()/60) * 0x9e3779b97f4a7c15 >> 32
		delay = minPublishDelay + time.Duration(hash%publishSpreadSeconds)*time.Second
	}
	return minute.Add(time.Minute + delay)
}

// MetricAverages returns the MetricSamples of a metric, averaged over the samples of each minute.
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

// MetricSamples returns the published samples of a metric for minutes with from <= start < to, oldest first. The dimensions are
// DBInstanceIdentifier, or DBClusterIdentifier with Role (WRITER or READER). With a role there is a sample for each instance
// that had the role in that minute.
func (w *World) MetricSamples(region string, dimensions map[string]string, metric string, from, to time.Time) []Point {
	return w.MetricSamplesOfPeriods(region, dimensions, metric, from, to, time.Minute)
}

// MetricSamplesOfPeriods returns the MetricSamples that suffice for the mean, the minimum and the maximum of each period: of a steady
// database not all of them.
func (w *World) MetricSamplesOfPeriods(
	region string, dimensions map[string]string, metric string, from, to time.Time, period time.Duration,
) []Point {
	metricValue, known := metricValues[metric]
	if !known {
		if metricValue, known = ioMetricValues[metric]; !known {
			return nil
		}
	}
	instance, cluster, role := dimensions["DBInstanceIdentifier"], dimensions["DBClusterIdentifier"], dimensions["Role"]
	var instances []*instanceState
	matchesRole := func(*sample) bool { return true }
	switch {
	case len(dimensions) == 1 && instance != "":
		instances = w.findByInstance(region, instance)
	case len(dimensions) == 2 && cluster != "" && (role == "WRITER" || role == "READER"):
		instances = w.findByCluster(region, cluster)
		matchesRole = func(p *sample) bool { return p.isWriter == (role == "WRITER") }
	}
	var out []Point
	for _, s := range instances {
		add := func(p *sample) {
			if v, isPublished := metricValue(s, *p); isPublished && matchesRole(p) {
				out = append(out, Point{p.time, v})
			}
		}
		if s.group.steady != nil {
			out = slices.Grow(out, int(min(to.Sub(from), maxExpectedSpan)/period)*len(sampledMinutes(period)))
		}
		w.forEachSteady(s, from, to, period, add)
		for _, p := range s.samples[s.firstSampleAt(from):] {
			if !p.time.Before(to) || w.PublishTime(p.time).After(w.now) {
				break
			}
			add(&p)
		}
	}
	if len(instances) > 1 {
		slices.SortStableFunc(out, func(a, b Point) int { return a.Time.Compare(b.Time) })
	}
	return out
}
