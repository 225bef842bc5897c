package awsx

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// isReadOnDemand reports whether the Poller reads the metric only when decisions can use it, since CloudWatch charges for each metric
// requested: the load of sessions counts while the CPU is saturated, and the replica lag for changes of a pool.
func (m *metric) isReadOnDemand() bool { return m.name == dbLoadCPU.name || m.lagUnit != 0 }

// isNeeded reports whether a series that is read on demand is to be read now: the load of a saturated instance, and the lag of targets that
// may be changed. What was not read in between is read with the next request: CloudWatch keeps it. The caller holds s.mu.
func (s *scopeClient) isNeeded(series targetSeries, cached cachedSeries, needsLag bool, now time.Time) bool {
	if series.metric.lagUnit != 0 {
		return needsLag && cached.isDue(series.metric, now, minPollAge)
	}
	from := now.Add(-loadRetention)
	if known := cached.coveredUntil.Add(-series.metric.rereadOverlap()); known.After(from) {
		from = known // what was published since may be incomplete
	}
	return s.wasSaturatedSince(series.resourceID, from) && cached.isDue(series.metric, now, minPollAge)
}

// wasSaturatedSince reports whether the CPU of an instance was saturated in a minute since a time. The caller holds s.mu.
func (s *scopeClient) wasSaturatedSince(resourceID string, from time.Time) bool {
	cached := s.series[seriesKey{resourceID: resourceID, metric: cpuUtilization}]
	cpu := cached.samples.buffer.Series()
	for _, percent := range cpu.From(from).All() {
		if percent >= scaling.SaturationPercent {
			return true
		}
	}
	return false
}

// newestSampleEnd is the end of the newest minute that the instances in service of a target have published; zero when there is none. An
// instance whose samples end long before those of another one is not waited for.
func (s *scopeClient) newestSampleEnd(t scaling.Target) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	view := s.topologyOf(t)
	if view == nil {
		return time.Time{}
	}
	var earliest, latest time.Time
	var list [usualSeries]targetSeries
	for _, series := range s.appendNeeded(list[:0], view, t) {
		newest := s.series[series.seriesKey].samples.newest.Time
		if series.metric != cpuUtilization || newest.IsZero() {
			continue
		}
		end := newest.Add(samplePeriod)
		if end.After(latest) {
			latest = end
		}
		if earliest.IsZero() || end.Before(earliest) {
			earliest = end
		}
	}
	if latest.Sub(earliest) > scaling.MaxSampleAge {
		return latest
	}
	return earliest
}
