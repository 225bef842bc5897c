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
	// freshRetention is how long a target that was requested with a time is read along with the next such request: two intervals at
	// which an operation in progress is observed.
	freshRetention = 30 * time.Second
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
	window      func() time.Duration
	refreshes   singleflight.Group
	// lastUsedAt is when a caller last used this client. Client.mu guards it.
	lastUsedAt time.Time

	mu sync.Mutex
	// sweptAt is when unused targets and series were last dropped.
	sweptAt time.Time
	// targets are the observed targets, with the time of the last request for each.
	targets map[scaling.Target]time.Time
	// topology is that of the whole scope; nil before the first read.
	topology *topology
	// targetTopologies are of targets that were read again since: during an operation the rest of the scope is of no interest.
	targetTopologies map[scaling.Target]*topology
	// changedTargets are the targets that a call may have changed since topology was read.
	changedTargets map[scaling.Target]bool
	// freshTargets are the targets that were requested with a time, and when: operations on them are in progress. They are read
	// together.
	freshTargets map[scaling.Target]time.Time
	// changeCount counts the calls that may have changed something. A read that began before the last of them is discarded.
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
	topologyMetadata
	// events are the RDS events that were read last.
	events cachedEvents
}

func newScopeClient(scope scaling.Scope, c *sdkClients, clk clock.Clock, window func() time.Duration) *scopeClient {
	return &scopeClient{
		sdkClients: c, scope: scope, clock: clk, window: window,
		targets: map[scaling.Target]time.Time{}, series: map[seriesKey]cachedSeries{},
		orderableClasses: map[orderableKey]cachedValue[orderableOptions]{}, classPrices: map[priceKey]cachedValue[map[string]scaling.Money]{},
		topologyMetadata: topologyMetadata{parameters: map[parameterGroupKey]cachedValue[map[string]string]{}},
		targetTopologies: map[scaling.Target]*topology{}, changedTargets: map[scaling.Target]bool{},
		freshTargets: map[scaling.Target]time.Time{},
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
		s.targets[t] = now
		if needsFresh {
			s.freshTargets[t] = now
		}
	}
	if !needsFresh && now.Sub(s.sweptAt) < maxSnapshotAge {
		return
	}
	maps.DeleteFunc(s.freshTargets, func(_ scaling.Target, requestedAt time.Time) bool { return now.Sub(requestedAt) > freshRetention })
	if now.Sub(s.sweptAt) < maxSnapshotAge {
		return
	}
	s.sweptAt = now
	maps.DeleteFunc(s.targets, func(_ scaling.Target, requestedAt time.Time) bool { return now.Sub(requestedAt) > idleRetention })
	maps.DeleteFunc(s.series, func(_ seriesKey, cached cachedSeries) bool { return now.Sub(cached.readAt) > idleRetention })
}

// cachedResults returns the results from memory, or nil when something must be read first for a caller that asked at
// requestedAt.
func (s *scopeClient) cachedResults(targets []scaling.Target, notBefore, requestedAt time.Time) []scaling.ObservationResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.staleTargets(targets, notBefore)) > 0 {
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
		view := s.topologyOf(t)
		o := view.observe(t)
		scaling.MarkOtherClusters(o.Instances, s.clusterName)
		if o.Found && !s.addCachedMetadata(&o, view, t, requestedAt) {
			return nil
		}
		results[n].Observation = o
		for _, series := range view.targetSeries(t) {
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

// topologyOf returns the newest topology that has a target; nil when it must be read first. The caller holds s.mu.
func (s *scopeClient) topologyOf(t scaling.Target) *topology {
	if own := s.targetTopologies[t]; own != nil {
		return own
	}
	if s.changedTargets[t] {
		return nil
	}
	return s.topology
}

// staleTargets lists the targets of which no topology was read at or after notBefore. The caller holds s.mu.
func (s *scopeClient) staleTargets(targets []scaling.Target, notBefore time.Time) []scaling.Target {
	var stale []scaling.Target
	for _, t := range targets {
		if view := s.topologyOf(t); view == nil || view.readAt.Before(notBefore) {
			stale = append(stale, t)
		}
	}
	return stale
}

// invalidate discards what is known of a target after a call that may have changed it.
func (s *scopeClient) invalidate(t scaling.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changeCount++
	s.changedTargets[t] = true
	delete(s.targetTopologies, t)
}

// refresh reads the topology if needed, then the samples and the metadata of all tracked targets as far as they are due.
func (s *scopeClient) refresh(ctx context.Context, targets []scaling.Target, notBefore time.Time) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if s.refreshTopology(ctx, targets, notBefore) {
		s.refreshSeries(ctx)
		s.refreshMetadata(ctx)
	}
}

// refreshTopology makes sure that the topology of the targets was read at or after notBefore. It returns false when the read failed, or
// when a change was made meanwhile. The whole scope is read once per maxSnapshotAge; in between, only the targets that need it.
func (s *scopeClient) refreshTopology(ctx context.Context, targets []scaling.Target, notBefore time.Time) bool {
	startedAt := s.clock.Now()
	s.mu.Lock()
	changeCount, stale := s.changeCount, s.staleTargets(targets, notBefore)
	if len(stale) == 0 {
		s.mu.Unlock()
		return true
	}
	for t := range s.freshTargets {
		if !slices.Contains(stale, t) {
			stale = append(stale, t)
		}
	}
	ids := identifiersOf(stale, s.topologyOf)
	readsAll := s.topology == nil || s.topology.readAt.Before(startedAt.Add(-maxSnapshotAge)) || !ids.fitsFilters()
	s.mu.Unlock()
	var t *topology
	var err error
	if !readsAll {
		t, err = readTargetTopology(ctx, s.rdsReader, ids, startedAt)
		readsAll = err != nil && errors.Is(classify(err, s.scope), scaling.ErrNotFound) // a filter with a value that AWS does not know
	}
	if readsAll {
		t, err = readTopology(ctx, s.rdsReader, startedAt)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.topologyErrAt, s.topologyErr = startedAt, classifyRead(err, s.scope, readTimeout)
		return false
	case changeCount != s.changeCount:
		return false
	case readsAll:
		s.topology, s.topologyErr = t, nil
		clear(s.targetTopologies)
		clear(s.changedTargets)
		return true
	}
	s.topologyErr = nil
	for _, target := range stale {
		s.targetTopologies[target] = t
	}
	return true
}

// failAllTargets returns the same error for every target.
func failAllTargets(targets []scaling.Target, err error) []scaling.ObservationResult {
	return slices.Repeat([]scaling.ObservationResult{{Err: err}}, len(targets))
}
