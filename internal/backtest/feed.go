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
	edgeInterval = 55 * time.Second
	edgeRegroup  = edgeInterval / 2
	edgeSlowly   = 10 * time.Minute
	edgeUptime   = 5 * time.Minute
	edgeOverlap  = 10 * time.Minute
	edgeLoadKept = 70 * time.Minute
	edgeKept     = 25 * time.Hour
	// fives and quarters are the periods of slow metrics and of the roles' history; edgeHistory is how long the latter are kept.
	fives       = 5 * time.Minute
	quarter     = 15 * time.Minute
	edgeHistory = 15 * 24 * time.Hour
)

// reads says when a group of metrics was read, and when it has to be read again.
type reads struct {
	every, last time.Duration // since the Unix epoch; zero before the first
}

func since(t time.Time) time.Duration { return time.Duration(t.UnixNano()) }

// due says whether it is read along when something is read at all, and stale whether something has to be.
func (r reads) due(now time.Time) bool {
	return r.last == 0 || since(now)-r.last >= max(edgeRegroup, r.every-edgeInterval)
}
func (r reads) stale(now time.Time) bool { return r.last < since(now)-max(edgeInterval, r.every) }

// feed is what is known of an instance's metrics. What is published and was not read yet is kept apart.
type feed struct {
	minutes, slow, uptime reads
	cpu, load             scaling.Series
	memory, connections   scaling.Series
	// fresh are the readings of the last hour or so, which five-minute values are made of.
	fresh []model.InstanceMetrics
	// cpuSeen and loadSeen are how much of the above was read.
	cpuSeen, loadSeen int
	restarted         model.InstanceMetrics
	lag               model.InstanceMetrics
}

// take takes a published reading in.
func (f *feed) take(r model.InstanceMetrics) {
	f.cpu = append(f.cpu, scaling.Sample{Time: r.Time, Value: r.CPUPercent})
	if r.DBLoadCPU >= 0 {
		f.load = append(f.load, scaling.Sample{Time: r.Time, Value: r.DBLoadCPU})
	}
	f.fresh = append(f.fresh, r)
}

// read makes what has been published by now known, as far as it is due. Samples from before the instance was created are another's.
func (f *feed) read(now, created time.Time) {
	if len(f.fresh) > 0 && f.fresh[0].Time.Before(created) {
		f.begin(created)
	}
	if f.minutes.due(now) {
		f.minutes.last = since(now)
		f.cpuSeen, f.loadSeen = len(f.cpu), len(f.load)
		if n := len(f.fresh); n > 0 {
			f.lag = f.fresh[n-1]
		}
		f.forget(now)
	}
	if f.uptime.due(now) {
		f.uptime.last = since(now)
		if n := len(f.fresh); n > 0 {
			f.restarted = f.fresh[n-1]
		}
	}
	if f.slow.due(now) {
		f.slow.last = since(now)
		f.summarize(now, created)
	}
}

// begin drops what was published before a moment.
func (f *feed) begin(created time.Time) {
	f.cpu, f.load = f.cpu[f.cpu.IndexFrom(created):], f.load[f.load.IndexFrom(created):]
	for len(f.fresh) > 0 && f.fresh[0].Time.Before(created) {
		f.fresh = f.fresh[1:]
	}
}

// forget drops what is too old, from time to time so that it costs little.
func (f *feed) forget(now time.Time) {
	const spare = 2
	if len(f.cpu) > spare*int(edgeKept/time.Minute) {
		f.cpu = append(f.cpu[:0], f.cpu[f.cpu.IndexFrom(now.Add(-edgeKept)):]...) // no observation outlives a look
		f.cpuSeen = len(f.cpu)
	}
	if len(f.load) > spare*int(edgeLoadKept/time.Minute) {
		f.load = append(f.load[:0], f.load[f.load.IndexFrom(now.Add(-edgeLoadKept)):]...)
		f.loadSeen = len(f.load)
	}
	const enough = 60 // minutes: what a slow read goes back to
	if len(f.fresh) > 2*enough {
		f.fresh = append(f.fresh[:0], f.fresh[len(f.fresh)-enough:]...)
	}
}

// summarize makes the five-minute values of memory and connections that may have changed since the last time.
func (f *feed) summarize(now, created time.Time) {
	from := created
	if last := len(f.memory) - 1; last >= 0 {
		from = f.memory[last].Time.Add(-edgeOverlap)
	}
	end := now.Truncate(fives)
	n := f.memory.IndexFrom(from)
	memory, connections := f.memory[:n], f.connections[:n] // what is overwritten nobody keeps
	first := sort.Search(len(f.fresh), func(n int) bool { return !f.fresh[n].Time.Before(from) })
	for _, r := range f.fresh[first:] {
		at := r.Time.Truncate(fives)
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
	oldest := memory.IndexFrom(now.Add(-edgeKept))
	f.memory, f.connections = memory[oldest:], connections[oldest:]
}

// attach puts what is known into an instance.
func (f *feed) attach(i *scaling.Instance, now time.Time, aurora bool) {
	i.CPU = f.cpu[:f.cpuSeen:f.cpuSeen]
	loads := f.load[:f.loadSeen:f.loadSeen]
	i.DBLoadCPU = loads[loads.IndexFrom(now.Add(-edgeLoadKept)):]
	i.FreeableMemory, i.Connections = f.memory, f.connections
	if up := f.restarted; aurora && !up.Time.IsZero() && now.Sub(up.Time) <= edgeUptime+scaling.MaxSampleAge {
		i.RestartedAt = up.Time.Add(time.Minute - time.Duration(up.UptimeSeconds)*time.Second).Truncate(time.Minute)
	}
	if newest := f.lag; !i.Writer && !newest.Time.IsZero() && newest.ReplicaLag >= 0 && now.Sub(newest.Time) <= scaling.MaxSampleAge {
		i.ReplicaLag = &scaling.Lag{MeasuredAt: newest.Time, Value: newest.ReplicaLag}
	}
}

// history is the mean CPU of a role by quarters of an hour.
type history struct {
	reads
	known scaling.Series
	// sums are of the last two hours, by the minute.
	sums [120]struct {
		minute int64
		total  float64
		count  int
	}
}

func (h *history) take(r model.InstanceMetrics) {
	minute := r.Time.Unix() / 60
	s := &h.sums[minute%int64(len(h.sums))]
	if s.minute != minute {
		s.minute, s.total, s.count = minute, 0, 0
	}
	s.total += r.CPUPercent
	s.count++
}

// read makes the quarters that have ended by now.
func (h *history) read(now time.Time) {
	if !h.due(now) {
		return
	}
	h.last = since(now)
	end := now.Truncate(quarter)
	from := end.Add(-time.Duration(len(h.sums)) * time.Minute).Add(quarter)
	if last := len(h.known) - 1; last >= 0 {
		from = h.known[last].Time.Add(-quarter)
	}
	known := h.known[:h.known.IndexFrom(from)] // what is overwritten nobody keeps: observations do not outlive a look
	for at := from; at.Before(end); at = at.Add(quarter) {
		total, count := 0.0, 0
		for minute := at.Unix() / 60; minute < at.Unix()/60+int64(quarter/time.Minute); minute++ {
			if s := h.sums[minute%int64(len(h.sums))]; s.minute == minute {
				total += s.total
				count += s.count
			}
		}
		if count > 0 {
			known = append(known, scaling.Sample{Time: at, Value: total / float64(count)})
		}
	}
	h.known = known[known.IndexFrom(now.Add(-edgeHistory)):]
}
