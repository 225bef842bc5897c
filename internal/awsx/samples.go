package awsx

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// refreshSeries reads the samples of the targets that are due.
func (s *scopeClient) refreshSeries(ctx context.Context, targets []scaling.Target) {
	s.fetchSeries(ctx, targets, func(_ scaling.Target, series targetSeries, cached cachedSeries, now time.Time) bool {
		return cached.isDue(series.metric, now, minRefreshAge)
	})
}

// seriesFilter says whether a series of a target is read now. Its caller holds s.mu.
type seriesFilter func(t scaling.Target, series targetSeries, cached cachedSeries, now time.Time) bool

// fetchSeries reads the samples of those series of the targets that are wanted.
func (s *scopeClient) fetchSeries(ctx context.Context, targets []scaling.Target, isWanted seriesFilter) {
	s.fetchSeriesOf(ctx, s.views(targets), isWanted)
}

// fetchSeriesOf is fetchSeries with the topologies to use.
func (s *scopeClient) fetchSeriesOf(ctx context.Context, views iter.Seq2[scaling.Target, *topology], isWanted seriesFilter) {
	now := s.clock.Now()
	for _, b := range batchQueries(s.newQueries(views, isWanted, now)) {
		s.storeSamples(b, s.fetchBatch(ctx, b), now)
	}
}

// newQueries returns the queries for those series of the targets that are wanted.
func (s *scopeClient) newQueries(
	views iter.Seq2[scaling.Target, *topology], isWanted seriesFilter, now time.Time,
) []metricQuery {
	var queries []metricQuery
	seen := map[seriesKey]bool{}
	var list []targetSeries
	for target, view := range views {
		s.mu.RLock()
		list = s.appendNeeded(list[:0], view, target)
		for _, series := range list {
			cached := s.series[series.seriesKey]
			if seen[series.seriesKey] || !isWanted(target, series, cached, now) {
				continue
			}
			seen[series.seriesKey] = true
			queries = append(queries, series.newQuery(cached, s.windowOf(target, series.metric), now))
		}
		s.mu.RUnlock()
	}
	// Sorted, so that the requests do not depend on the iteration order of a map.
	slices.SortFunc(queries, func(a, b metricQuery) int { return compareSeries(a.targetSeries, b.targetSeries) })
	return queries
}

// storeSamples caches the results of a batch, each by itself: workers wait for the lock meanwhile.
func (s *scopeClient) storeSamples(b queryBatch, results []queryResult, now time.Time) {
	logged := false
	var samples []scaling.Sample // of one query after the other
	for n, q := range b.queries {
		err := results[n].err
		samples = results[n].appendSamples(samples[:0], q)
		// MetricsErr reports errors of required metrics. For the optional ones, one log line per batch says why they are missing.
		if isFirstError := s.storeResult(q, samples, err, now); isFirstError && !q.metric.isRequired() && !logged {
			logged = true
			s.log.Error(err, "cannot read optional samples: they are missing until a later read succeeds", "scope", s.scope.String(),
				"metric", q.metric.name, "database", q.identifier)
		}
	}
}

// storeResult caches the samples of one query, and its error. It keeps nothing of the samples' array, and reports whether it is an error
// after a success.
func (s *scopeClient) storeResult(q metricQuery, samples []scaling.Sample, err error, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cached := s.series[q.seriesKey]
	isFirstError := err != nil && cached.err == nil
	cached.readAt, cached.err = now, err
	cached.samples = mergeSamples(q.metric, cached.samples, samples, q.keepFrom)
	if !cached.coveredFrom.IsZero() && cached.coveredFrom.Before(q.keepFrom) {
		cached.coveredFrom = q.keepFrom // a longer window is read again
	}
	if cached.err == nil {
		cached.coveredUntil = q.end
		if q.isFullRange {
			cached.coveredFrom = q.start
		}
	}
	s.series[q.seriesKey] = cached
	return isFirstError
}

// attachSamples sets the field of an observation that a series belongs to. A scaling.Series never changes, so observations can share it.
func attachSamples(o *scaling.Observation, series targetSeries, cached cachedSamples, now time.Time) {
	samples := cached.buffer.Series()
	switch series.metric {
	case readersCPU:
		o.ReadersCPU = samples
		return
	case writerCPU, instanceCPU:
		o.WriterCPU = samples
		return
	}
	i := &o.Instances[slices.IndexFunc(o.Instances, func(i scaling.Instance) bool { return i.Identifier == series.identifier })]
	switch series.metric {
	case cpuUtilization:
		i.CPU = samples
	case dbLoadCPU, possibleDBLoadCPU:
		i.DBLoadCPU = samples
	case freeableMemory:
		i.FreeableMemory = samples
	case serverlessCapacity:
		i.UsedCapacity = samples
	case databaseConnections:
		i.Connections = samples
	case engineUptime:
		i.RestartedAt = restartTime(cached.newest, now)
	case auroraReplicaLag, replicaLag:
		i.ReplicaLag = newestLag(series.metric, cached.newest, now)
	default:
		*ioSeries(i, series.metric) = samples
	}
}
