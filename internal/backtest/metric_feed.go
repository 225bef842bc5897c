package backtest

import (
	"sort"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The intervals at which the operator's AWS client reads metrics, and how long it keeps them: the same as in internal/awsx
// (metric.go and scope_client.go), which this package cannot import. A test simulates a day with both and compares.
const (
	maxSnapshotAge  = 55 * time.Second
	minRefreshAge   = maxSnapshotAge / 2
	slowInterval    = 12 * time.Minute
	historyInterval = 15 * time.Minute
	uptimeInterval  = 5 * time.Minute
	minOverlap      = 10 * time.Minute
	loadRetention   = 70 * time.Minute
	sampleRetention = 25 * time.Hour
	// slowPeriod is the period of the slow metrics: memory and connections.
	slowPeriod = 5 * time.Minute
	// historyPeriod is the period of the roles' CPU history.
	historyPeriod    = 15 * time.Minute
	historyRetention = 15 * 24 * time.Hour
)

// readSchedule says when a group of metrics was read, and when it has to be read again.
type readSchedule struct {
	interval time.Duration
	// lastReadAt is the time since the Unix epoch; zero before the first read.
	lastReadAt time.Duration
}

func sinceEpoch(t time.Time) time.Duration { return time.Duration(t.UnixNano()) }

// isDue reports whether a refresh, whatever caused it, includes this group.
func (r readSchedule) isDue(now time.Time) bool {
	return r.lastReadAt == 0 || sinceEpoch(now)-r.lastReadAt >= max(minRefreshAge, r.interval-maxSnapshotAge)
}

// isStale reports whether this group causes a refresh.
func (r readSchedule) isStale(now time.Time) bool {
	return r.lastReadAt < sinceEpoch(now)-max(maxSnapshotAge, r.interval)
}

// metricFeed has the metrics of one instance: all published values, and how many of them the operator has read.
type metricFeed struct {
	minuteSchedule, slowSchedule, uptimeSchedule readSchedule
	// cpu (percent) and dbLoad (sessions) are all published values.
	cpu, dbLoad scaling.SeriesBuffer
	// cpuRead and dbLoadRead are those that the operator has read.
	cpuRead, dbLoadRead scaling.Series
	// memory (bytes) and connections are the five-minute values that the operator has read.
	memory, connections scaling.SeriesBuffer
	// recent are the published values of about the last hour, from which five-minute values are aggregated.
	recent        []model.InstanceMetrics
	uptimeReading model.InstanceMetrics
	// lagReading is negative while no lag is published, and without a time before the first read.
	lagReading scaling.Lag
}

func newMetricFeed() *metricFeed {
	return &metricFeed{
		slowSchedule: readSchedule{interval: slowInterval}, uptimeSchedule: readSchedule{interval: uptimeInterval},
		cpu: scaling.NewSeriesBuffer(time.Minute), dbLoad: scaling.NewSeriesBuffer(time.Minute),
		memory: scaling.NewSeriesBuffer(slowPeriod), connections: scaling.NewSeriesBuffer(slowPeriod),
	}
}

// setMinuteInterval sets how often one-minute samples are read; of a quiet database EngineUptime is read as rarely as the slow metrics.
func (f *metricFeed) setMinuteInterval(interval time.Duration) {
	f.minuteSchedule.interval, f.uptimeSchedule.interval = interval, uptimeInterval
	if interval > time.Minute {
		f.uptimeSchedule.interval = slowInterval
	}
}

// record appends published metrics.
func (f *metricFeed) record(metrics model.InstanceMetrics) {
	f.cpu.Add(metrics.Time, metrics.CPUPercent)
	f.dbLoad.Add(metrics.Time, metrics.DBLoadCPU) // a negative value is missing
	f.recent = append(f.recent, metrics)
}

// read makes the published values available to the operator, for the groups that are due. It drops values from before the creation
// of the instance, which belong to another one.
func (f *metricFeed) read(now, created time.Time) {
	if len(f.recent) > 0 && f.recent[0].Time.Before(created) {
		f.dropBefore(created)
	}
	if f.minuteSchedule.isDue(now) {
		f.minuteSchedule.lastReadAt = sinceEpoch(now)
		f.dropExpired(now)
		f.cpuRead, f.dbLoadRead = f.cpu.Series(), f.dbLoad.Series()
		if n := len(f.recent); n > 0 {
			f.lagReading = scaling.Lag{MeasuredAt: f.recent[n-1].Time, Value: f.recent[n-1].ReplicaLag}
		}
	}
	if f.uptimeSchedule.isDue(now) {
		f.uptimeSchedule.lastReadAt = sinceEpoch(now)
		if n := len(f.recent); n > 0 {
			f.uptimeReading = f.recent[n-1]
		}
	}
	if f.slowSchedule.isDue(now) {
		f.slowSchedule.lastReadAt = sinceEpoch(now)
		f.aggregateSlowMetrics(now, created)
	}
}

// dropBefore drops the values from before a time.
func (f *metricFeed) dropBefore(start time.Time) {
	f.cpu.DropBefore(start)
	f.dbLoad.DropBefore(start)
	f.cpuRead, f.dbLoadRead = f.cpuRead.From(start), f.dbLoadRead.From(start)
	for len(f.recent) > 0 && f.recent[0].Time.Before(start) {
		f.recent = f.recent[1:]
	}
}

// dropExpired drops values past their retention.
func (f *metricFeed) dropExpired(now time.Time) {
	f.cpu.DropBefore(now.Add(-sampleRetention))
	f.dbLoad.DropBefore(now.Add(-loadRetention))
	const keptMinutes = 60 // as far back as a slow read looks
	if len(f.recent) > 2*keptMinutes {
		f.recent = append(f.recent[:0], f.recent[len(f.recent)-keptMinutes:]...)
	}
}

// aggregateSlowMetrics aggregates the five-minute values of memory and connections that may have changed since the last read.
func (f *metricFeed) aggregateSlowMetrics(now, created time.Time) {
	from := created
	if newest, known := f.memory.Series().NewestSample(); known {
		from = newest.Time.Add(-minOverlap)
	}
	const periodSeconds = int64(slowPeriod / time.Second)
	end := now.Unix() / periodSeconds
	current := int64(0) // the period of memory and connections, since the Unix epoch
	var memory, connections float64
	add := func() {
		if current > 0 {
			f.memory.Add(time.Unix(current*periodSeconds, 0), memory)
			f.connections.Add(time.Unix(current*periodSeconds, 0), connections)
		}
	}
	first := sort.Search(len(f.recent), func(n int) bool { return !f.recent[n].Time.Before(from) })
	firstPeriod := from.Add(slowPeriod-1).Unix() / periodSeconds // of an earlier one, the instance existed for a part only
	for n := first; n < len(f.recent); n++ {
		metrics := &f.recent[n]
		period := metrics.Time.Unix() / periodSeconds
		if period < firstPeriod {
			continue
		}
		if period >= end {
			break
		}
		if period != current {
			add()
			current, memory, connections = period, metrics.FreeableMemoryBytes, metrics.Connections
			continue
		}
		memory, connections = min(memory, metrics.FreeableMemoryBytes), max(connections, metrics.Connections)
	}
	add()
	f.memory.DropBefore(now.Add(-sampleRetention))
	f.connections.DropBefore(now.Add(-sampleRetention))
}

// addSamples adds the values that the operator has read to an observed instance. They are valid until the next read.
func (f *metricFeed) addSamples(instance *scaling.Instance, now time.Time, aurora bool) {
	instance.CPU, instance.DBLoadCPU = f.cpuRead, f.dbLoadRead
	instance.FreeableMemory, instance.Connections = f.memory.Series(), f.connections.Series()
	if uptime := f.uptimeReading; aurora && !uptime.Time.IsZero() && now.Sub(uptime.Time) <= slowInterval+scaling.MaxSampleAge {
		instance.RestartedAt = uptime.Time.Add(time.Minute - time.Duration(uptime.UptimeSeconds)*time.Second).Truncate(time.Minute)
	}
	lag := &f.lagReading
	if !instance.Writer && !lag.MeasuredAt.IsZero() && lag.Value >= 0 && now.Sub(lag.MeasuredAt) <= scaling.MaxSampleAge {
		instance.ReplicaLag = lag
	}
}

// roleHistory is the mean CPU of a role, writer or readers, in periods of 15 minutes.
type roleHistory struct {
	readSchedule
	samples scaling.SeriesBuffer
	// minuteSums are the sums of the last two hours, indexed by minute modulo 120.
	minuteSums [120]struct {
		minute int64
		total  float64
		count  int
	}
}

// record adds the published metrics of one instance.
func (h *roleHistory) record(metrics model.InstanceMetrics) {
	minute := metrics.Time.Unix() / 60
	sum := &h.minuteSums[minute%int64(len(h.minuteSums))]
	if sum.minute != minute {
		sum.minute, sum.total, sum.count = minute, 0, 0
	}
	sum.total += metrics.CPUPercent
	sum.count++
}

// exceeds reports whether the mean of a minute is known and above a limit in percent; zero is no limit.
func (h *roleHistory) exceeds(limit float64, at time.Time) bool {
	minute := at.Unix() / 60
	sum := &h.minuteSums[minute%int64(len(h.minuteSums))]
	return limit > 0 && sum.minute == minute && sum.count > 0 && sum.total/float64(sum.count) > limit
}

// read aggregates the periods that have ended by now.
func (h *roleHistory) read(now time.Time) {
	if !h.isDue(now) {
		return
	}
	h.lastReadAt = sinceEpoch(now)
	end := now.Truncate(historyPeriod)
	from := end.Add(-time.Duration(len(h.minuteSums)) * time.Minute).Add(historyPeriod)
	if newest, known := h.samples.Series().NewestSample(); known {
		from = newest.Time.Add(-historyPeriod)
	}
	for start := from; start.Before(end); start = start.Add(historyPeriod) {
		total, count := 0.0, 0
		for minute := start.Unix() / 60; minute < start.Unix()/60+int64(historyPeriod/time.Minute); minute++ {
			if sum := h.minuteSums[minute%int64(len(h.minuteSums))]; sum.minute == minute {
				total += sum.total
				count += sum.count
			}
		}
		if count > 0 {
			h.samples.Add(start, total/float64(count))
		}
	}
	h.samples.DropBefore(now.Add(-historyRetention))
}
