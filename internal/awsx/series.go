package awsx

import (
	"cmp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// seriesKey identifies one metric of one instance or of one role of a cluster.
type seriesKey struct {
	// resourceID is the DbiResourceId or the DbClusterResourceId, which a new database of the same name does not share.
	resourceID string
	metric     *metric
}

// targetSeries is one of the series that are read for a target.
type targetSeries struct {
	seriesKey
	// identifier is the identifier in CloudWatch: of the instance, or of the cluster for the mean of a role.
	identifier string
	// createdAt is when the instance or cluster was created. Older samples belong to an earlier database of the same name.
	createdAt time.Time
	// retention is how long the samples are kept when that is shorter than the metric is otherwise kept; zero when it is not.
	retention time.Duration
}

// usualSeries is at least the number of series of a target with a few instances: room for them needs no memory on the heap.
const usualSeries = 40

// targetSeries returns the series that are read for a target of which all pools are scaled. An instance that is still being created has
// none.
func (t *topology) targetSeries(target scaling.Target) []targetSeries {
	return t.appendSeries(nil, target, false)
}

// appendSeries appends the series that are read for a target: every observation needs them. With readersOnly, of the writer of a cluster
// that is not scaled there are only those that its load needs (see TrackedTarget.ReadersOnly).
func (t *topology) appendSeries(list []targetSeries, target scaling.Target, readersOnly bool) []targetSeries {
	if target.Kind != scaling.DBCluster {
		if i, found := t.instances[target.Identifier]; found {
			list = appendInstanceSeries(list, &rdstypes.DBCluster{}, i, false)
			for _, replica := range t.replicas(target.Identifier) {
				list = appendInstanceSeries(list, &rdstypes.DBCluster{}, replica, false)
			}
		}
		return list
	}
	cluster, members := t.clusters[target.Identifier], t.members(target.Identifier)
	if cluster == nil {
		cluster = &rdstypes.DBCluster{}
	}
	unscaled := readersOnly && !isResizedAsUnit(cluster, members) // the writer
	if len(members) > 0 {
		for _, m := range []*metric{readersCPU, writerCPU} {
			if m == writerCPU && unscaled {
				continue
			}
			list = append(list, targetSeries{
				seriesKey:  seriesKey{resourceID: aws.ToString(cluster.DbClusterResourceId), metric: m},
				identifier: target.Identifier, createdAt: aws.ToTime(cluster.ClusterCreateTime),
			})
		}
	}
	for _, i := range members {
		role, _ := memberOf(*cluster, aws.ToString(i.DBInstanceIdentifier))
		list = appendInstanceSeries(list, cluster, i, unscaled && aws.ToBool(role.IsClusterWriter))
	}
	return list
}

// appendInstanceSeries appends the series of an instance: with unscaled only those of metrics that show the load. The cluster is empty when
// the instance belongs to none.
func appendInstanceSeries(list []targetSeries, cluster *rdstypes.DBCluster, i *rdstypes.DBInstance, unscaled bool) []targetSeries {
	if i.InstanceCreateTime == nil {
		return list
	}
	var metrics [maxInstanceMetrics]*metric
	for _, m := range instanceMetrics(metrics[:0], cluster, i) {
		series := targetSeries{
			seriesKey:  seriesKey{resourceID: aws.ToString(i.DbiResourceId), metric: m},
			identifier: aws.ToString(i.DBInstanceIdentifier), createdAt: *i.InstanceCreateTime,
		}
		if unscaled {
			if !m.showsLoad() {
				continue
			}
			series.retention = loadRetention
		}
		list = append(list, series)
	}
	return list
}

// newQuery returns the query for the samples that are not cached yet, and for the overlap.
func (s targetSeries) newQuery(cached cachedSeries, window time.Duration, now time.Time) metricQuery {
	end := now.Truncate(s.metric.period)
	lookback := s.metric.lookback(window)
	if s.retention > 0 {
		lookback = min(lookback, s.retention)
	}
	keepFrom := end.Add(-lookback).Truncate(s.metric.period)
	earliest := keepFrom
	if s.createdAt.After(earliest) {
		earliest = s.createdAt.Truncate(s.metric.period)
	}
	// An instance younger than one period has no sample yet, and CloudWatch requires a start before the end.
	if latest := end.Add(-s.metric.period); earliest.After(latest) {
		earliest = latest
	}
	start := cached.nextStart(earliest, s.metric)
	return metricQuery{targetSeries: s, start: start, end: end, keepFrom: keepFrom, isFullRange: start.Equal(earliest)}
}

// compareSeries orders series by identifier, then by metric.
func compareSeries(a, b targetSeries) int {
	return cmp.Or(cmp.Compare(a.identifier, b.identifier), cmp.Compare(a.metric.name, b.metric.name),
		cmp.Compare(a.metric.period, b.metric.period), cmp.Compare(a.metric.role, b.metric.role))
}

// cachedSeries holds the samples of one series.
type cachedSeries struct {
	// readAt is when the series was last read, successfully or not.
	readAt time.Time
	// err is why the last read failed, or nil.
	err error
	// coveredFrom and coveredUntil bound the time that was read without a gap.
	coveredFrom, coveredUntil time.Time
	samples                   cachedSamples
}

// cachedSamples are the samples of one series that were read. Observations share them.
type cachedSamples struct {
	// buffer holds them as float32. It has none of a metric of which only the newest sample counts.
	buffer scaling.SeriesBuffer
	// newest is the newest sample as it was read; zero when none is known. It may be an invalid one.
	newest scaling.Sample
}

// isStale reports whether the series must be read again for a caller that asked at requestedAt.
func (s cachedSeries) isStale(m *metric, requestedAt time.Time) bool {
	if s.err != nil && m.isRequired() {
		return s.readAt.Before(requestedAt.Add(-maxErrorAge))
	}
	return s.readAt.Before(requestedAt.Add(-max(maxSnapshotAge, s.readInterval(m))))
}

// isDue reports whether the series is to be read along with others: it will soon be too old, or its last read failed. A series is not
// read again within minAge.
func (s cachedSeries) isDue(m *metric, now time.Time, minAge time.Duration) bool {
	return s.err != nil || now.Sub(s.readAt) >= max(minAge, s.readInterval(m)-maxSnapshotAge)
}

// waitsWhileQuiet reports whether the series of a target that is read less often than once a minute is read again later.
func (s cachedSeries) waitsWhileQuiet(m *metric, now time.Time) bool {
	return s.err == nil && !s.readAt.IsZero() && now.Sub(s.readAt) < m.quietInterval-maxSnapshotAge
}

// readInterval is how often the series is read.
func (s cachedSeries) readInterval(m *metric) time.Duration {
	if m.emptyInterval > 0 && s.samples.newest.Time.IsZero() {
		return m.emptyInterval
	}
	return m.readInterval
}

// nextStart returns where the next read starts: at the newest sample less the overlap. It returns earliest, which is how far
// back samples are needed, when the series does not reach that far back yet or was not read for long.
func (s cachedSeries) nextStart(earliest time.Time, m *metric) time.Time {
	if s.coveredFrom.IsZero() || earliest.Before(s.coveredFrom) {
		return earliest
	}
	start := s.coveredUntil
	if newest := s.samples.newest.Time; !newest.IsZero() {
		start = newest
	}
	if start = start.Add(-m.rereadOverlap()); start.After(earliest) {
		return start
	}
	return earliest
}

// mergeSamples adds new samples of a metric, which replace cached ones of the same period, and drops samples before oldest. What
// observations have of the cached samples stays as it is.
func mergeSamples(m *metric, cached cachedSamples, fresh []scaling.Sample, oldest time.Time) cachedSamples {
	if cached.newest.Time.Before(oldest) {
		cached.newest = scaling.Sample{}
	}
	for _, sample := range fresh {
		if !sample.Time.Before(oldest) && !sample.Time.Before(cached.newest.Time) {
			cached.newest = sample
		}
	}
	if m.isNewestOnly() {
		return cached
	}
	if cached.buffer.Period() == 0 {
		cached.buffer = scaling.NewSeriesBuffer(m.period)
	}
	cached.buffer.Merge(oldest, fresh...)
	return cached
}

// isNewestOnly reports whether only the newest sample of a metric is used, at its full precision.
func (m *metric) isNewestOnly() bool { return m == engineUptime || m.lagUnit != 0 }

// newestLag returns the newest replica lag of a series. It returns nil when the lag is unknown: there is no sample, the
// newest is older than scaling.MaxSampleAge, or replication is broken.
func newestLag(m *metric, newest scaling.Sample, now time.Time) *scaling.Lag {
	if !scaling.IsValidSample(newest.Value) || now.Sub(newest.Time) > scaling.MaxSampleAge {
		return nil
	}
	return &scaling.Lag{MeasuredAt: newest.Time, Value: time.Duration(newest.Value * float64(m.lagUnit))}
}

// restartTime returns when the engine started according to the newest sample of EngineUptime, to the minute; zero when unknown.
func restartTime(newest scaling.Sample, now time.Time) time.Time {
	if !scaling.IsValidSample(newest.Value) || now.Sub(newest.Time) > engineUptime.quietInterval+scaling.MaxSampleAge {
		return time.Time{}
	}
	return newest.Time.Add(samplePeriod).Add(-time.Duration(newest.Value) * time.Second).Truncate(samplePeriod)
}
