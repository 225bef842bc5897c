package awsx

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// writerRise and readersRise are the mean over the instances that have the role now, in percent: one metric for a pool of any size.
var writerRise, readersRise = roleCPU("WRITER"), roleCPU("READER")

func roleCPU(role string) *metric {
	return &metric{name: cpuUtilization.name, statistic: cpuUtilization.statistic, period: samplePeriod, role: role}
}

// riseQuery asks for the CPU utilization of a pool, or of an instance of it, since the last read of a target.
type riseQuery struct {
	metricQuery
	target scaling.Target
	limit  float64 // in percent
}

// checkForRises has those targets read at once whose load has risen above their limits since they were read, so that a rise is noticed
// within a minute at the cost of one metric. An error changes nothing: the target is read when it is due, and that read reports it.
func (p *scopePoller) checkForRises(ctx context.Context) {
	now := p.clock.Now()
	queries := p.newRiseQueries(p.takeRiseChecks(now), now)
	for chunk := range slices.Chunk(queries, maxQueries) {
		p.withTimeout(ctx, func(ctx context.Context) bool {
			p.readRisen(p.fetchRisen(ctx, chunk, now))
			return true
		})
	}
}

// planRiseCheck plans the next check of a target, which is in the next minute unless the target is read by then. The caller holds p.pollMu.
func (p *scopePoller) planRiseCheck(target *polledTarget, now time.Time) {
	target.riseCheckAt = time.Time{}
	if p.isStandby || target.riseLimits.IsZero() || target.schedule.interval <= time.Minute {
		return
	}
	if next := target.schedule.nextMinute(now); next.Before(target.nextReadAt) {
		target.riseCheckAt = next
	}
}

// nextCheckAt is when the target is read or checked next.
func (t *polledTarget) nextCheckAt() time.Time {
	if !t.riseCheckAt.IsZero() && t.riseCheckAt.Before(t.nextReadAt) {
		return t.riseCheckAt
	}
	return t.nextReadAt
}

// takeRiseChecks returns the targets that are to be checked now and their limits, and plans their next check.
func (p *scopePoller) takeRiseChecks(now time.Time) map[scaling.Target]scaling.RiseLimits {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	taken := map[scaling.Target]scaling.RiseLimits{}
	for t, target := range p.polled {
		if target.riseCheckAt.IsZero() || target.riseCheckAt.After(now) {
			continue
		}
		p.planRiseCheck(target, now)
		if target.nextReadAt.After(now) {
			taken[t] = target.riseLimits
		}
	}
	return taken
}

// newRiseQueries returns the queries for the pools that have a limit.
func (p *scopePoller) newRiseQueries(targets map[scaling.Target]scaling.RiseLimits, now time.Time) []riseQuery {
	var queries []riseQuery
	for t, limits := range targets {
		from := p.newestSampleEnd(t)
		end := now.Truncate(samplePeriod)
		if !from.Before(end) || end.Sub(from) > scaling.MaxSampleAge {
			continue
		}
		add := func(limit float64, series ...targetSeries) {
			for _, s := range series {
				if limit > 0 {
					queries = append(queries, riseQuery{metricQuery{targetSeries: s, start: from, end: end}, t, limit})
				}
			}
		}
		writer, readers := p.riseSeries(t)
		add(limits.Writer, writer...)
		add(limits.Readers, readers...)
	}
	// Sorted, so that the requests do not depend on the iteration order of a map.
	slices.SortFunc(queries, func(a, b riseQuery) int { return compareSeries(a.targetSeries, b.targetSeries) })
	return queries
}

// riseSeries returns the series that show the utilization of the pools of a target: of the roles of a cluster, or else of each instance,
// since CloudWatch has no mean over the read replicas of an instance.
func (s *scopeClient) riseSeries(t scaling.Target) (writer, readers []targetSeries) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	view := s.topologyOf(t)
	if view == nil {
		return nil, nil
	}
	if cluster := view.clusters[t.Identifier]; t.Kind == scaling.DBCluster && cluster != nil {
		of := func(m *metric) []targetSeries {
			key := seriesKey{resourceID: aws.ToString(cluster.DbClusterResourceId), metric: m}
			return []targetSeries{{seriesKey: key, identifier: t.Identifier, createdAt: aws.ToTime(cluster.ClusterCreateTime)}}
		}
		return of(writerRise), of(readersRise)
	}
	for _, series := range view.targetSeries(t) {
		switch {
		case series.metric != cpuUtilization:
		case series.identifier == t.Identifier:
			writer = append(writer, series)
		default:
			readers = append(readers, series)
		}
	}
	return writer, readers
}

// fetchRisen makes one request for at most maxQueries queries. It returns the targets whose load was above a limit in a minute.
func (p *scopePoller) fetchRisen(ctx context.Context, queries []riseQuery, now time.Time) map[scaling.Target]bool {
	batch := queryBatch{start: now, end: now.Truncate(samplePeriod)}
	for n := range queries {
		q := queries[n].metricQuery
		batch.queries = append(batch.queries, q)
		if q.start.Before(batch.start) {
			batch.start = q.start
		}
	}
	risen := map[scaling.Target]bool{}
	for n, result := range p.fetchBatch(ctx, batch) {
		for i, at := range result.timestamps {
			if percent := result.values[i]; !at.Before(queries[n].start) && scaling.IsValidSample(percent) && percent > queries[n].limit {
				risen[queries[n].target] = true
			}
		}
	}
	return risen
}

// readRisen has targets read at once, before all others that are due.
func (p *scopePoller) readRisen(targets map[scaling.Target]bool) {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	for t := range targets {
		if target, known := p.polled[t]; known {
			target.nextReadAt = target.readAt
		}
	}
}
