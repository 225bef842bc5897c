package backtest

import (
	"math"
	"sort"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// How often the operator's AWS edge reads what, and how long it keeps it (internal/awsx, series.go and scope.go). A test plays a day
// with both and compares.
const (
	maxSnapshotAge  = 55 * time.Second
	minRefreshAge   = maxSnapshotAge / 2
	slowInterval    = 10 * time.Minute
	uptimeInterval  = 5 * time.Minute
	minOverlap      = 10 * time.Minute
	loadRetention   = 70 * time.Minute
	sampleRetention = 25 * time.Hour
	// slowPeriod and quarters are the periods of slow metrics and of the roles' history; historyRetention is how long the latter are kept.
	slowPeriod       = 5 * time.Minute
	historyPeriod    = 15 * time.Minute
	historyRetention = 15 * 24 * time.Hour
)

// readSchedule says when a group of metrics was read, and when it has to be read again.
type readSchedule struct {
	interval, lastReadAt time.Duration // since the Unix epoch; zero before the first
}

func sinceEpoch(t time.Time) time.Duration { return time.Duration(t.UnixNano()) }

// isDue says whether it is read along when something is read at all, and stale whether something has to be.
func (r readSchedule) isDue(now time.Time) bool {
	return r.lastReadAt == 0 || sinceEpoch(now)-r.lastReadAt >= max(minRefreshAge, r.interval-maxSnapshotAge)
}
func (r readSchedule) isStale(now time.Time) bool {
	return r.lastReadAt < sinceEpoch(now)-max(maxSnapshotAge, r.interval)
}

// metricFeed is what is known of an instance's metrics. What is published and was not read yet is kept apart.
type metricFeed struct {
	minuteSchedule, slowSchedule, uptimeSchedule readSchedule
	cpu, dbLoad                                  scaling.Series
	memory, connections                          scaling.Series
	// recent are the readings of the last hour or so, which five-minute values are made of.
	recent []model.InstanceMetrics
	// cpuRead and dbLoadRead are how much of the above was read.
	cpuRead, dbLoadRead int
	uptimeReading       model.InstanceMetrics
	lagReading          model.InstanceMetrics
}

// record takes a published reading in.
func (f *metricFeed) record(r model.InstanceMetrics) {
	f.cpu = append(f.cpu, scaling.Sample{Time: r.Time, Value: r.CPUPercent})
	if r.DBLoadCPU >= 0 {
		f.dbLoad = append(f.dbLoad, scaling.Sample{Time: r.Time, Value: r.DBLoadCPU})
	}
	f.recent = append(f.recent, r)
}

// read makes what has been published by now known, as far as it is due. Samples from before the instance was created are another's.
func (f *metricFeed) read(now, created time.Time) {
	if len(f.recent) > 0 && f.recent[0].Time.Before(created) {
		f.dropBefore(created)
	}
	if f.minuteSchedule.isDue(now) {
		f.minuteSchedule.lastReadAt = sinceEpoch(now)
		f.cpuRead, f.dbLoadRead = len(f.cpu), len(f.dbLoad)
		if n := len(f.recent); n > 0 {
			f.lagReading = f.recent[n-1]
		}
		f.dropExpired(now)
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

// dropBefore drops what was published before a moment.
func (f *metricFeed) dropBefore(created time.Time) {
	f.cpu, f.dbLoad = f.cpu[f.cpu.IndexFrom(created):], f.dbLoad[f.dbLoad.IndexFrom(created):]
	for len(f.recent) > 0 && f.recent[0].Time.Before(created) {
		f.recent = f.recent[1:]
	}
}

// dropExpired drops what is too old, from time to time so that it costs little.
func (f *metricFeed) dropExpired(now time.Time) {
	const spare = 2
	if len(f.cpu) > spare*int(sampleRetention/time.Minute) {
		f.cpu = append(f.cpu[:0], f.cpu[f.cpu.IndexFrom(now.Add(-sampleRetention)):]...) // no observation outlives a look
		f.cpuRead = len(f.cpu)
	}
	if len(f.dbLoad) > spare*int(loadRetention/time.Minute) {
		f.dbLoad = append(f.dbLoad[:0], f.dbLoad[f.dbLoad.IndexFrom(now.Add(-loadRetention)):]...)
		f.dbLoadRead = len(f.dbLoad)
	}
	const enough = 60 // minutes: what a slow read goes back to
	if len(f.recent) > 2*enough {
		f.recent = append(f.recent[:0], f.recent[len(f.recent)-enough:]...)
	}
}

// aggregateSlowMetrics makes the five-minute values of memory and connections that may have changed since the last time.
func (f *metricFeed) aggregateSlowMetrics(now, created time.Time) {
	from := created
	if last := len(f.memory) - 1; last >= 0 {
		from = f.memory[last].Time.Add(-minOverlap)
	}
	end := now.Truncate(slowPeriod)
	n := f.memory.IndexFrom(from)
	memory, connections := f.memory[:n], f.connections[:n] // what is overwritten nobody keeps
	first := sort.Search(len(f.recent), func(n int) bool { return !f.recent[n].Time.Before(from) })
	for _, r := range f.recent[first:] {
		at := r.Time.Truncate(slowPeriod)
		if at.Before(from) { // the first one has not been there for all of its five minutes
			continue
		}
		if !at.Before(end) {
			break
		}
		if last := len(memory) - 1; last >= 0 && memory[last].Time.Equal(at) {
			memory[last].Value = math.Min(memory[last].Value, r.FreeableMemoryBytes)
			connections[last].Value = math.Max(connections[last].Value, r.Connections)
			continue
		}
		memory = append(memory, scaling.Sample{Time: at, Value: r.FreeableMemoryBytes})
		connections = append(connections, scaling.Sample{Time: at, Value: r.Connections})
	}
	oldest := memory.IndexFrom(now.Add(-sampleRetention))
	f.memory, f.connections = memory[oldest:], connections[oldest:]
}

// addSamples puts what is known into an instance.
func (f *metricFeed) addSamples(i *scaling.Instance, now time.Time, aurora bool) {
	i.CPU = f.cpu[:f.cpuRead:f.cpuRead]
	loads := f.dbLoad[:f.dbLoadRead:f.dbLoadRead]
	i.DBLoadCPU = loads[loads.IndexFrom(now.Add(-loadRetention)):]
	i.FreeableMemory, i.Connections = f.memory, f.connections
	if up := f.uptimeReading; aurora && !up.Time.IsZero() && now.Sub(up.Time) <= uptimeInterval+scaling.MaxSampleAge {
		i.RestartedAt = up.Time.Add(time.Minute - time.Duration(up.UptimeSeconds)*time.Second).Truncate(time.Minute)
	}
	if newest := f.lagReading; !i.Writer && !newest.Time.IsZero() && newest.ReplicaLag >= 0 && now.Sub(newest.Time) <= scaling.MaxSampleAge {
		i.ReplicaLag = &scaling.Lag{MeasuredAt: newest.Time, Value: newest.ReplicaLag}
	}
}

// roleHistory is the mean CPU of a role by quarters of an hour.
type roleHistory struct {
	readSchedule
	samples scaling.Series
	// minuteSums are of the last two hours, by the minute.
	minuteSums [120]struct {
		minute int64
		total  float64
		count  int
	}
}

func (h *roleHistory) record(r model.InstanceMetrics) {
	minute := r.Time.Unix() / 60
	s := &h.minuteSums[minute%int64(len(h.minuteSums))]
	if s.minute != minute {
		s.minute, s.total, s.count = minute, 0, 0
	}
	s.total += r.CPUPercent
	s.count++
}

// read makes the quarters that have ended by now.
func (h *roleHistory) read(now time.Time) {
	if !h.isDue(now) {
		return
	}
	h.lastReadAt = sinceEpoch(now)
	end := now.Truncate(historyPeriod)
	from := end.Add(-time.Duration(len(h.minuteSums)) * time.Minute).Add(historyPeriod)
	if last := len(h.samples) - 1; last >= 0 {
		from = h.samples[last].Time.Add(-historyPeriod)
	}
	known := h.samples[:h.samples.IndexFrom(from)] // what is overwritten nobody keeps: observations do not outlive a look
	for at := from; at.Before(end); at = at.Add(historyPeriod) {
		total, count := 0.0, 0
		for minute := at.Unix() / 60; minute < at.Unix()/60+int64(historyPeriod/time.Minute); minute++ {
			if s := h.minuteSums[minute%int64(len(h.minuteSums))]; s.minute == minute {
				total += s.total
				count += s.count
			}
		}
		if count > 0 {
			known = append(known, scaling.Sample{Time: at, Value: total / float64(count)})
		}
	}
	h.samples = known[known.IndexFrom(now.Add(-historyRetention)):]
}
