package awsx

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// maxSnapshotAge is how long what was read is good enough: RDS publishes a sample a minute, and a policy looks as often.
	maxSnapshotAge = 55 * time.Second
	// minRefreshAge is the age from which samples are read along with older ones, so that targets first asked for at different
	// times soon share their requests.
	minRefreshAge = maxSnapshotAge / 2
	// maxErrorAge is how long an error is good enough, so that many policies do not repeat a request that just failed.
	maxErrorAge = 15 * time.Second
	// idleRetention is how long after it was last asked for a target's samples are still read, and a scope is remembered.
	idleRetention = 30 * time.Minute
	// readTimeout bounds the reading of a scope, retries and waits for the rate limit included.
	readTimeout = 2 * time.Minute
)

// scopeClient is what is kept of one account and region: the topology and the samples, read at most once an interval however
// many ask.
type scopeClient struct {
	*sdkClients
	scope     scaling.Scope
	clock     clock.Clock
	window    func() time.Duration
	refreshes singleflight.Group
	// lastUsedAt is when it was last asked for. Edge.mu guards it.
	lastUsedAt time.Time

	mu sync.Mutex
	// targets are those asked for, and when last.
	targets map[scaling.Target]time.Time
	// topology is nil before it was read and after a change.
	topology *topology
	// changeCount counts the calls that may have changed something. What was read before the last one is out of date.
	changeCount int
	// topologyErrAt is when reading the topology began that last failed with err, if no reading has succeeded since.
	topologyErrAt time.Time
	topologyErr   error
	series        map[seriesKey]cachedSeries
	// pendingMaintenance is what AWS is about to do, by the ARN of the cluster or instance.
	pendingMaintenance cachedValue[map[string][]scaling.PendingMaintenance]
	// orderableClasses lists the orderable classes of each engine and version.
	orderableClasses map[orderableKey]cachedValue[[]string]
	// autoScalingLimits has the limits of Aurora Auto Scaling, by cluster.
	autoScalingLimits cachedValue[map[string]scaling.AutoScaling]
	// classPrices has the price of each class, by what the price depends on.
	classPrices map[priceKey]cachedValue[map[string]scaling.Money]
}

func newScopeClient(name scaling.Scope, c *sdkClients, clk clock.Clock, window func() time.Duration) *scopeClient {
	return &scopeClient{
		sdkClients: c, scope: name, clock: clk, window: window,
		targets: map[scaling.Target]time.Time{}, series: map[seriesKey]cachedSeries{},
		orderableClasses: map[orderableKey]cachedValue[[]string]{}, classPrices: map[priceKey]cachedValue[map[string]scaling.Money]{},
	}
}

// observe gives one result a target, as new as notBefore asks and no older than Interval.
func (s *scopeClient) observe(ctx context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	now := s.clock.Now()
	if notBefore.After(now) {
		notBefore = now // a clock ahead of this one wrote it; nothing can be newer than now
	}
	if oldest := now.Add(-maxSnapshotAge); notBefore.Before(oldest) {
		notBefore = oldest
	}
	for {
		s.trackTargets(targets, s.clock.Now())
		if results := s.cachedResults(targets, notBefore, now); results != nil {
			return results
		}
		// The reading outlives the caller that happened to start it, since others wait for it too.
		done := s.refreshes.DoChan("", func() (any, error) {
			s.refresh(context.WithoutCancel(ctx), notBefore)
			return nil, nil
		})
		select {
		case <-done:
		case <-ctx.Done():
			return failAllTargets(targets, fmt.Errorf("waiting for the databases of %s to be read: %w", s.scope, ctx.Err()))
		}
	}
}

// trackTargets notes which targets are asked for and forgets those that nobody asks for any more.
func (s *scopeClient) trackTargets(targets []scaling.Target, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		s.targets[t] = now
	}
	maps.DeleteFunc(s.targets, func(_ scaling.Target, last time.Time) bool { return now.Sub(last) > idleRetention })
	maps.DeleteFunc(s.series, func(_ seriesKey, known cachedSeries) bool { return now.Sub(known.readAt) > idleRetention })
}

// cachedResults gives the results from what was read, or nil when that is not good enough for a caller that asked at the given time.
func (s *scopeClient) cachedResults(targets []scaling.Target, notBefore, asked time.Time) []scaling.ObservationResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topology == nil || s.topology.readAt.Before(notBefore) {
		if s.topologyErr == nil || s.topologyErrAt.Before(notBefore) || s.topologyErrAt.Before(asked.Add(-maxErrorAge)) {
			return nil
		}
		return failAllTargets(targets, s.topologyErr)
	}
	if s.pendingMaintenance.isStale(asked, maintenanceInterval, maintenanceRetryInterval) {
		return nil
	}
	results := make([]scaling.ObservationResult, len(targets))
	for n, t := range targets {
		o := s.topology.observe(t)
		if o.Found && !s.addCachedMetadata(&o, t, asked) {
			return nil
		}
		results[n].Observation = o
		for _, w := range s.topology.requiredSeries(t) {
			known := s.series[w.seriesKey]
			if known.isStale(w.metric, asked) {
				return nil
			}
			if known.err != nil && w.metric.isRequired() && results[n].MetricsErr == nil {
				results[n].MetricsErr = known.err
			}
			attachSamples(&results[n].Observation, w, known.samples, asked)
		}
	}
	return results
}

// addCachedMetadata adds what changes seldom to an observation: orderable classes, maintenance, Aurora Auto Scaling, prices. It is
// false when something has to be read first.
func (s *scopeClient) addCachedMetadata(o *scaling.Observation, t scaling.Target, asked time.Time) bool {
	for n := range o.Instances {
		i := &o.Instances[n]
		switch {
		case s.pendingMaintenance.err != nil:
			i.PendingMaintenance = []scaling.PendingMaintenance{{Action: scaling.MaintenanceUnknown}}
		case i.ARN == o.ARN:
			i.PendingMaintenance = s.pendingMaintenance.value[i.ARN]
		default:
			i.PendingMaintenance = slices.Concat(s.pendingMaintenance.value[o.ARN], s.pendingMaintenance.value[i.ARN])
		}
	}
	offered := s.orderableClasses[orderableKey{o.Engine, o.EngineVersion, o.ResizedAsUnit && !o.Serverless}]
	if offered.isStale(asked, orderableInterval, orderableRetryInterval) {
		return false
	}
	o.Orderable = offered.value
	if t.Kind == scaling.DBCluster && s.autoScalingLimits.isStale(asked, autoScalingInterval, autoScalingRetryInterval) {
		return false
	}
	o.AutoScaling = s.autoScalingFor(t)
	if s.pricing == nil {
		return true
	}
	p, sold := s.topology.priceKeyFor(t, s.scope.Region)
	if !sold {
		return true
	}
	priced := s.classPrices[p]
	o.Prices = priced.value
	return !priced.isStale(asked, priceInterval, priceRetryInterval)
}

// isStale says whether a series is not good enough for a caller that asked at the given time.
func (s cachedSeries) isStale(m metric, asked time.Time) bool {
	if s.err != nil && m.isRequired() {
		return s.readAt.Before(asked.Add(-maxErrorAge))
	}
	return s.readAt.Before(asked.Add(-max(maxSnapshotAge, m.readInterval)))
}

// attachSamples puts the samples where they belong in an observation. They are never changed, so that they can be shared.
func attachSamples(o *scaling.Observation, w requiredSeries, samples scaling.Series, now time.Time) {
	switch w.metric {
	case readersCPU:
		o.ReadersCPU = samples
		return
	case writerCPU, instanceCPU:
		o.WriterCPU = samples
		return
	}
	i := &o.Instances[slices.IndexFunc(o.Instances, func(i scaling.Instance) bool { return i.Identifier == w.identifier })]
	switch w.metric {
	case cpuUtilization:
		i.CPU = slices.Clone(samples)
	case dbLoadCPU:
		i.DBLoadCPU = samples
	case freeableMemory:
		i.FreeableMemory = samples
	case databaseConnections:
		i.Connections = samples
	case engineUptime:
		i.RestartedAt = restartTime(samples, now)
	default:
		i.ReplicaLag = newestLag(w.metric, samples, now)
	}
}

// invalidate says that something may have changed: the topology is read again before it is used.
func (s *scopeClient) invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changeCount++
	s.topology = nil
}

// refresh brings the topology up to date, and the samples of all targets that are asked for.
func (s *scopeClient) refresh(ctx context.Context, notBefore time.Time) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if t := s.refreshTopology(ctx, notBefore); t != nil {
		s.refreshSeries(ctx, t)
		s.refreshMetadata(ctx, t)
	}
}

// refreshTopology gives a topology as new as notBefore asks, or nil when there is none.
func (s *scopeClient) refreshTopology(ctx context.Context, notBefore time.Time) *topology {
	s.mu.Lock()
	known, changed := s.topology, s.changeCount
	s.mu.Unlock()
	if known != nil && !known.readAt.Before(notBefore) {
		return known
	}
	begun := s.clock.Now()
	t, err := readTopology(ctx, s.rdsReader, begun)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.topologyErrAt, s.topologyErr = begun, fmt.Errorf("reading the databases of %s: %w", s.scope, asTimeoutError(Classify(err), readTimeout))
		return nil
	}
	if changed != s.changeCount {
		return nil
	}
	s.topology, s.topologyErr = t, nil
	return t
}

// asTimeoutError makes the end of a timeout what it is to those who wait: they did not give up, AWS did not answer in time.
func asTimeoutError(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, scaling.ErrUnavailable) {
		return fmt.Errorf("%w: no answer within %s: %w", scaling.ErrUnavailable, timeout, err)
	}
	return err
}

// refreshSeries reads the samples that are due.
func (s *scopeClient) refreshSeries(ctx context.Context, t *topology) {
	now := s.clock.Now()
	for _, b := range batchQueries(s.dueQueries(t, now)) {
		s.storeSamples(b, fetchBatch(ctx, s.cloudWatch, b), now)
	}
}

// dueQueries lists the queries for the samples of all targets that will soon be too old, or that could not be read.
func (s *scopeClient) dueQueries(t *topology, now time.Time) []metricQuery {
	window := s.window()
	s.mu.Lock()
	defer s.mu.Unlock()
	var queries []metricQuery
	seen := map[seriesKey]bool{}
	for target := range s.targets {
		for _, w := range t.requiredSeries(target) {
			known := s.series[w.seriesKey]
			if seen[w.seriesKey] || known.err == nil && now.Sub(known.readAt) < max(minRefreshAge, w.metric.readInterval-maxSnapshotAge) {
				continue
			}
			seen[w.seriesKey] = true
			queries = append(queries, w.newQuery(known, window, now))
		}
	}
	// In order of the databases, so that the same requests are made whatever the order of a map.
	slices.SortFunc(queries, func(a, b metricQuery) int { return compareSeries(a.requiredSeries, b.requiredSeries) })
	return queries
}

// storeSamples takes in the answers to a batch.
func (s *scopeClient) storeSamples(b queryBatch, answers []queryResult, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := false
	for n, q := range b.queries {
		known := s.series[q.seriesKey]
		// What is needed is told by MetricsErr. One line for the rest, when it begins to fail, says why it is missing.
		if err := answers[n].err; err != nil && known.err == nil && !q.metric.isRequired() && !told {
			told = true
			s.log.Error(err, "samples cannot be read; what they are for is unknown until they can", "scope", s.scope.String(),
				"metric", q.metric.name, "of", q.identifier)
		}
		known.readAt, known.err = now, answers[n].err
		known.samples = mergeSamples(known.samples, answers[n].samples, now.Add(-q.metric.sampleRetention()))
		if known.err == nil {
			known.coveredUntil = q.end
			if q.isFullRange {
				known.coveredFrom = q.start
			}
		}
		s.series[q.seriesKey] = known
	}
}

// failAllTargets gives every target the same error.
func failAllTargets(targets []scaling.Target, err error) []scaling.ObservationResult {
	return slices.Repeat([]scaling.ObservationResult{{Err: err}}, len(targets))
}
