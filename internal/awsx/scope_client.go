package awsx

import (
	"cmp"
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
	// seriesRetention is how long a series is kept after it was last read.
	seriesRetention = 2 * standbyInterval
	// freshRetention is how long a target that was requested with a time is read along with the next such request: two intervals at
	// which an operation in progress is observed.
	freshRetention = 30 * time.Second
	// eventsTimeout limits the reading of RDS events in the background: the first decision about a database waits for it, and can do
	// without.
	eventsTimeout = 20 * time.Second
	// readTimeout limits one refresh of a scope, retries and waits for the rate limit included.
	readTimeout = 2 * time.Minute
)

// scopeClient reads, caches and changes the databases of one account and region. It reads the topology and the samples
// at most once per maxSnapshotAge, whatever the number of callers.
type scopeClient struct {
	*sdkClients
	scope scaling.Scope
	// clusterName is Options.ClusterName.
	clusterName string
	clock       clock.Clock
	refreshes   singleflight.Group
	// lastUsedAt is when a caller last used this client. Client.mu guards it.
	lastUsedAt time.Time

	// mu is held for reading while an observation is made, as workers do at the same time, and for writing only while a value is stored.
	mu sync.RWMutex
	// sweptAt is when unused targets and series were last dropped.
	sweptAt time.Time
	// targets are the tracked and observed targets.
	targets map[scaling.Target]trackedTarget
	topologyCache
	// freshTargets are the targets that were requested with a time, and when: operations on them are in progress. They are read
	// together.
	freshTargets map[scaling.Target]time.Time
	series       map[seriesKey]cachedSeries
	// pendingMaintenance is by the ARN of the cluster or instance.
	pendingMaintenance cachedValue[map[string][]scaling.PendingMaintenance]
	orderableClasses   map[orderableKey]cachedValue[*orderableMatches]
	// autoScalingLimits are the limits of Aurora Auto Scaling, by cluster identifier.
	autoScalingLimits cachedValue[map[string]scaling.AutoScaling]
	// classPrices are the hourly prices by instance class.
	classPrices map[priceKey]cachedValue[map[string]scaling.Money]
	topologyMetadata
	// events are the RDS events that were read last.
	events cachedEvents
}

// trackedTarget is when a target was last tracked or observed, and how far back its samples are needed.
type trackedTarget struct {
	requestedAt time.Time
	// window is for most metrics, and scaleDownWindow for those of metric.usesScaleDownWindow; zero for defaults.
	window, scaleDownWindow time.Duration
	// readersOnly is TrackedTarget.ReadersOnly.
	readersOnly bool
}

func newScopeClient(scope scaling.Scope, c *sdkClients, clk clock.Clock) *scopeClient {
	return &scopeClient{
		sdkClients: c, scope: scope, clock: clk,
		targets: map[scaling.Target]trackedTarget{}, series: map[seriesKey]cachedSeries{},
		orderableClasses: map[orderableKey]cachedValue[*orderableMatches]{}, classPrices: map[priceKey]cachedValue[map[string]scaling.Money]{},
		topologyMetadata: topologyMetadata{parameters: map[parameterGroupKey]cachedValue[map[string]string]{}},
		topologyCache:    topologyCache{targetTopologies: map[scaling.Target]*topology{}, changes: map[scaling.Target]int{}},
		freshTargets:     map[scaling.Target]time.Time{},
	}
}

// observe returns one result per target, read at or after notBefore and no older than maxSnapshotAge.
func (s *scopeClient) observe(ctx context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	now := s.clock.Now()
	if notBefore.After(now) {
		notBefore = now // written by a clock ahead of this one: nothing can be newer than now
	}
	needsFresh := true
	if oldest := now.Add(-maxSnapshotAge); notBefore.Before(oldest) {
		notBefore, needsFresh = oldest, false
	}
	for {
		s.trackTargets(targets, needsFresh, s.clock.Now())
		if results := s.cachedResults(targets, notBefore, now); results != nil {
			return results
		}
		// The refresh outlives the caller that started it, since others wait for it too.
		done := s.refreshes.DoChan("", func() (any, error) {
			s.refresh(context.WithoutCancel(ctx), targets, notBefore)
			return nil, nil
		})
		select {
		case <-done:
		case <-ctx.Done():
			return failAllTargets(targets, fmt.Errorf("waiting for the databases of %s to be read: %w", s.scope, ctx.Err()))
		}
	}
}

// trackTargets records the requested targets. Once per maxSnapshotAge it drops the targets and series that were not requested for
// idleRetention.
func (s *scopeClient) trackTargets(targets []scaling.Target, needsFresh bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range targets {
		tracked := s.targets[t]
		tracked.requestedAt = now
		s.targets[t] = tracked
		if needsFresh {
			s.freshTargets[t] = now
		}
	}
	if !needsFresh && now.Sub(s.sweptAt) < maxSnapshotAge {
		return
	}
	maps.DeleteFunc(s.freshTargets, func(_ scaling.Target, requestedAt time.Time) bool { return now.Sub(requestedAt) > freshRetention })
	s.sweep(now)
}

// trackWindow records which samples of a target are needed, and how far back.
func (s *scopeClient) trackWindow(t scaling.TrackedTarget, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.targets[t.Target] = trackedTarget{
		requestedAt: now, window: t.Window, scaleDownWindow: t.ScaleDownWindow, readersOnly: t.ReadersOnly,
	}
	s.sweep(now)
}

// sweep drops the targets and series that were not requested for idleRetention, once per maxSnapshotAge. The caller holds s.mu.
func (s *scopeClient) sweep(now time.Time) {
	if now.Sub(s.sweptAt) < maxSnapshotAge {
		return
	}
	s.sweptAt = now
	maps.DeleteFunc(s.targets, func(_ scaling.Target, t trackedTarget) bool { return now.Sub(t.requestedAt) > idleRetention })
	maps.DeleteFunc(s.series, func(_ seriesKey, cached cachedSeries) bool { return now.Sub(cached.readAt) > seriesRetention })
}

// drop forgets a target and its series.
func (s *scopeClient) drop(t scaling.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.targets, t)
	delete(s.targetTopologies, t)
	delete(s.changes, t)
	if s.topology == nil {
		return
	}
	for _, series := range s.topology.targetSeries(t) {
		delete(s.series, series.seriesKey)
	}
}

// windowOf is how far back samples of a metric of a target are needed. The caller holds s.mu.
func (s *scopeClient) windowOf(t scaling.Target, m *metric) time.Duration {
	tracked := s.targets[t]
	if m.usesScaleDownWindow && tracked.scaleDownWindow > 0 {
		return tracked.scaleDownWindow
	}
	return cmp.Or(tracked.window, DefaultWindow)
}

// appendNeeded appends the series of a target that are needed. The caller holds s.mu.
func (s *scopeClient) appendNeeded(list []targetSeries, view *topology, t scaling.Target) []targetSeries {
	return view.appendSeries(list, t, s.targets[t].readersOnly)
}

// cachedResults returns the results from memory, or nil when something must be read first for a caller that asked at
// requestedAt.
func (s *scopeClient) cachedResults(targets []scaling.Target, notBefore, requestedAt time.Time) []scaling.ObservationResult {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.staleTargets(targets, notBefore)) > 0 {
		if s.topologyErr == nil || s.topologyErrAt.Before(notBefore) || s.topologyErrAt.Before(requestedAt.Add(-maxErrorAge)) {
			return nil
		}
		return failAllTargets(targets, s.topologyErr)
	}
	results := make([]scaling.ObservationResult, len(targets))
	for n, t := range targets {
		var complete bool
		isStale := func(series targetSeries, cached cachedSeries) bool { return cached.isStale(series.metric, requestedAt) }
		if results[n], complete = s.newResult(t, requestedAt, requestedAt, isStale); !complete {
			return nil
		}
	}
	return results
}

// newResult returns the result for a target from memory. It returns false when metadata is too old for a caller that asked at
// requestedAt, when it or the topology was never read, or when a series is stale. The caller holds s.mu.
func (s *scopeClient) newResult(
	t scaling.Target, now, requestedAt time.Time, isStale func(targetSeries, cachedSeries) bool,
) (result scaling.ObservationResult, complete bool) {
	view := s.topologyOf(t)
	if view == nil || s.pendingMaintenance.isStale(requestedAt, maintenanceInterval, maintenanceRetryInterval) {
		return result, false
	}
	result.Observation = view.observe(t)
	scaling.MarkOtherClusters(result.Observation.Instances, s.clusterName)
	if result.Observation.Found && !s.addCachedMetadata(&result.Observation, view, t, requestedAt) {
		return result, false
	}
	var list [usualSeries]targetSeries
	for _, series := range s.appendNeeded(list[:0], view, t) {
		cached := s.series[series.seriesKey]
		if isStale(series, cached) {
			return result, false
		}
		if cached.err != nil && series.metric.isRequired() && result.MetricsErr == nil {
			result.MetricsErr = cached.err
		}
		attachSamples(&result.Observation, series, cached.samples, now)
	}
	return result, true
}

// refresh reads the topology if needed, then the samples and the metadata of all tracked targets as far as they are due.
func (s *scopeClient) refresh(ctx context.Context, targets []scaling.Target, notBefore time.Time) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if s.refreshTopology(ctx, targets, notBefore) {
		tracked := s.trackedTargets()
		s.refreshSeries(ctx, tracked)
		s.refreshMetadata(ctx, tracked)
	}
}

// trackedTargets lists the tracked targets.
func (s *scopeClient) trackedTargets() []scaling.Target {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Keys(s.targets))
}

// failAllTargets returns the same error for every target.
func failAllTargets(targets []scaling.Target, err error) []scaling.ObservationResult {
	return slices.Repeat([]scaling.ObservationResult{{Err: err}}, len(targets))
}
