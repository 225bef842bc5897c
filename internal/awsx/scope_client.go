package awsx

import (
	"context"
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
	// maxSnapshotAge is the age up to which the topology and the samples of a minute are served from memory: RDS publishes
	// one sample a minute, and a policy is reconciled as often.
	maxSnapshotAge = 55 * time.Second
	// minRefreshAge is the age from which samples are read along with older ones, so that targets first requested at
	// different times soon share their requests.
	minRefreshAge = maxSnapshotAge / 2
	// maxErrorAge is the age up to which an error is served from memory, so that many policies do not repeat a request that
	// just failed.
	maxErrorAge = 15 * time.Second
	// idleRetention is how long after the last request for a target its samples are still read, and how long an unused
	// scope is kept.
	idleRetention = 30 * time.Minute
	// readTimeout limits one refresh of a scope, retries and waits for the rate limit included.
	readTimeout = 2 * time.Minute
)

// scopeClient reads, caches and changes the databases of one account and region. It reads the topology and the samples
// at most once per maxSnapshotAge, whatever the number of callers.
type scopeClient struct {
	*sdkClients
	scope     scaling.Scope
	clock     clock.Clock
	window    func() time.Duration
	refreshes singleflight.Group
	// lastUsedAt is when a caller last used this client. Client.mu guards it.
	lastUsedAt time.Time

	mu sync.Mutex
	// targets are the observed targets, with the time of the last request for each.
	targets map[scaling.Target]time.Time
	// topology is nil before the first read and after a change.
	topology *topology
	// changeCount counts the calls that may have changed something. A topology whose read began before the last of them is
	// out of date.
	changeCount int
	// topologyErr is why the last read of the topology failed, and topologyErrAt when that read began. A later success
	// clears topologyErr.
	topologyErr   error
	topologyErrAt time.Time
	series        map[seriesKey]cachedSeries
	// pendingMaintenance is by the ARN of the cluster or instance.
	pendingMaintenance cachedValue[map[string][]scaling.PendingMaintenance]
	orderableClasses   map[orderableKey]cachedValue[orderableOptions]
	// autoScalingLimits are the limits of Aurora Auto Scaling, by cluster identifier.
	autoScalingLimits cachedValue[map[string]scaling.AutoScaling]
	// classPrices are the hourly prices by instance class.
	classPrices map[priceKey]cachedValue[map[string]scaling.Money]
}

func newScopeClient(scope scaling.Scope, c *sdkClients, clk clock.Clock, window func() time.Duration) *scopeClient {
	return &scopeClient{
		sdkClients: c, scope: scope, clock: clk, window: window,
		targets: map[scaling.Target]time.Time{}, series: map[seriesKey]cachedSeries{},
		orderableClasses: map[orderableKey]cachedValue[orderableOptions]{}, classPrices: map[priceKey]cachedValue[map[string]scaling.Money]{},
	}
}

// observe returns one result per target, read at or after notBefore and no older than maxSnapshotAge.
func (s *scopeClient) observe(ctx context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	now := s.clock.Now()
	if notBefore.After(now) {
		notBefore = now // written by a clock ahead of this one: nothing can be newer than now
	}
	if oldest := now.Add(-maxSnapshotAge); notBefore.Before(oldest) {
		notBefore = oldest
	}
	for {
		s.trackTargets(targets, s.clock.Now())
		if results := s.cachedResults(targets, notBefore, now); results != nil {
			return results
		}
		// The refresh outlives the caller that started it, since others wait for it too.
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

// trackTargets records the requested targets, and drops the targets and series that were not requested for idleRetention.
func (s *scopeClient) trackTargets(targets []scaling.Target, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		s.targets[t] = now
	}
	maps.DeleteFunc(s.targets, func(_ scaling.Target, requestedAt time.Time) bool { return now.Sub(requestedAt) > idleRetention })
	maps.DeleteFunc(s.series, func(_ seriesKey, cached cachedSeries) bool { return now.Sub(cached.readAt) > idleRetention })
}

// cachedResults returns the results from memory, or nil when something must be read first for a caller that asked at
// requestedAt.
func (s *scopeClient) cachedResults(targets []scaling.Target, notBefore, requestedAt time.Time) []scaling.ObservationResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topology == nil || s.topology.readAt.Before(notBefore) {
		if s.topologyErr == nil || s.topologyErrAt.Before(notBefore) || s.topologyErrAt.Before(requestedAt.Add(-maxErrorAge)) {
			return nil
		}
		return failAllTargets(targets, s.topologyErr)
	}
	if s.pendingMaintenance.isStale(requestedAt, maintenanceInterval, maintenanceRetryInterval) {
		return nil
	}
	results := make([]scaling.ObservationResult, len(targets))
	for n, t := range targets {
		o := s.topology.observe(t)
		if o.Found && !s.addCachedMetadata(&o, t, requestedAt) {
			return nil
		}
		results[n].Observation = o
		for _, series := range s.topology.targetSeries(t) {
			cached := s.series[series.seriesKey]
			if cached.isStale(series.metric, requestedAt) {
				return nil
			}
			if cached.err != nil && series.metric.isRequired() && results[n].MetricsErr == nil {
				results[n].MetricsErr = cached.err
			}
			attachSamples(&results[n].Observation, series, cached.samples, requestedAt)
		}
	}
	return results
}

// invalidate discards the topology after a call that may have changed something.
func (s *scopeClient) invalidate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changeCount++
	s.topology = nil
}

// refresh reads the topology if needed, then the samples and the metadata of all tracked targets as far as they are due.
func (s *scopeClient) refresh(ctx context.Context, notBefore time.Time) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if t := s.refreshTopology(ctx, notBefore); t != nil {
		s.refreshSeries(ctx, t)
		s.refreshMetadata(ctx, t)
	}
}

// refreshTopology returns a topology read at or after notBefore. It returns nil when the read failed, or when a change
// was made meanwhile.
func (s *scopeClient) refreshTopology(ctx context.Context, notBefore time.Time) *topology {
	s.mu.Lock()
	cached, changeCount := s.topology, s.changeCount
	s.mu.Unlock()
	if cached != nil && !cached.readAt.Before(notBefore) {
		return cached
	}
	startedAt := s.clock.Now()
	t, err := readTopology(ctx, s.rdsReader, startedAt)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.topologyErrAt, s.topologyErr = startedAt, classifyRead(err, s.scope, readTimeout)
		return nil
	}
	if changeCount != s.changeCount {
		return nil
	}
	s.topology, s.topologyErr = t, nil
	return t
}

// failAllTargets returns the same error for every target.
func failAllTargets(targets []scaling.Target, err error) []scaling.ObservationResult {
	return slices.Repeat([]scaling.ObservationResult{{Err: err}}, len(targets))
}
