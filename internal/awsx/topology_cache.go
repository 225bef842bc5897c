package awsx

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// topologyCache is what is known of the databases of a scope. scopeClient.mu guards it.
type topologyCache struct {
	// topology is that of the whole scope; nil before the first read.
	topology *topology
	// targetTopologies are of targets that were read again since: during an operation the rest of the scope is of no interest.
	targetTopologies map[scaling.Target]*topology
	// changeCount counts the calls that may have changed something. changes has its value for the last call for each target of which
	// nothing was read since.
	changeCount int
	changes     map[scaling.Target]int
	// topologyErr is why the last read of the topology failed, topologyErrAt when that read began, and topologyFailedAt when it ended. A
	// later success clears topologyErr.
	topologyErr                     error
	topologyErrAt, topologyFailedAt time.Time
	// partial is what was read so far of the first topology of the whole scope; nil when nobody reads samples meanwhile.
	partial *partialTopology
	// topologyDuration is how long the last read of the whole scope took.
	topologyDuration time.Duration
}

// topologyOf returns the newest topology that has a target; nil when it must be read first. The caller holds s.mu.
func (s *scopeClient) topologyOf(t scaling.Target) *topology {
	if own := s.targetTopologies[t]; own != nil {
		return own
	}
	if _, changed := s.changes[t]; changed {
		return nil
	}
	return s.topology
}

// views are the targets with their newest topologies, without those that have just been changed. The lock is not held in between: workers
// need it, and there may be thousands of targets.
func (s *scopeClient) views(targets []scaling.Target) iter.Seq2[scaling.Target, *topology] {
	return func(yield func(scaling.Target, *topology) bool) {
		for _, target := range targets {
			s.mu.RLock()
			view := s.topologyOf(target)
			s.mu.RUnlock()
			if view != nil && !yield(target, view) {
				return
			}
		}
	}
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
	s.changes[t] = s.changeCount
	delete(s.targetTopologies, t)
}

// refreshTopology makes sure that the topology of the targets was read at or after notBefore. It returns false when the read failed. The
// whole scope is read once per maxSnapshotAge; in between, only the targets that need it.
func (s *scopeClient) refreshTopology(ctx context.Context, targets []scaling.Target, notBefore time.Time) bool {
	startedAt := s.clock.Now()
	s.mu.Lock()
	stale := s.staleTargets(targets, notBefore)
	isOld := s.topology == nil || s.topology.readAt.Before(startedAt.Add(-maxSnapshotAge))
	s.mu.Unlock()
	switch {
	case len(stale) == 0:
		return true
	case isOld:
		return s.readScopeTopology(ctx)
	default:
		return s.readTargets(ctx, stale)
	}
}

// setTopologyErr records that a read of the topology failed. The caller holds s.mu.
func (s *scopeClient) setTopologyErr(startedAt time.Time, err error) {
	s.topologyErr, s.topologyErrAt, s.topologyFailedAt = classifyRead(err, s.scope, readTimeout), startedAt, s.clock.Now()
}

// readTargets reads the topology of some targets, together with that of the other targets whose operations are in progress. It reads the
// whole scope when they do not fit into a filter, or when AWS does not know one of them. It returns false when the read failed.
func (s *scopeClient) readTargets(ctx context.Context, targets []scaling.Target) bool {
	startedAt := s.clock.Now()
	s.mu.Lock()
	for t := range s.freshTargets {
		if !slices.Contains(targets, t) {
			targets = append(targets, t)
		}
	}
	ids, changeCount, previous := identifiersOf(targets, s.topologyOf), s.changeCount, s.topology
	s.mu.Unlock()
	if !ids.fitsFilters() {
		return s.readScopeTopology(ctx)
	}
	t, err := readTargetTopology(ctx, s.rdsReader, ids, previous, startedAt)
	if err != nil && errors.Is(classify(err, s.scope), scaling.ErrNotFound) { // a filter with a value that AWS does not know
		return s.readScopeTopology(ctx)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.setTopologyErr(startedAt, err)
		return false
	}
	s.topologyErr = nil
	for _, target := range targets {
		if s.changes[target] > changeCount { // what was read may be from before the change
			continue
		}
		s.targetTopologies[target] = t
		delete(s.changes, target)
	}
	return true
}

// readScopeTopology reads the topology of the whole scope. It returns false when the read failed. What was changed or read meanwhile stays
// as it is.
func (s *scopeClient) readScopeTopology(ctx context.Context) bool {
	startedAt := s.clock.Now()
	s.mu.Lock()
	changeCount, previous, partial := s.changeCount, s.topology, s.partial
	s.mu.Unlock()
	if previous != nil {
		partial = nil
	}
	t, err := readTopology(ctx, s.rdsReader, previous, partial, startedAt)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.setTopologyErr(startedAt, err)
		return false
	}
	s.topology, s.topologyErr, s.topologyDuration = t, nil, s.clock.Since(startedAt)
	partial.clear()
	maps.DeleteFunc(s.targetTopologies, func(_ scaling.Target, own *topology) bool { return !own.readAt.After(startedAt) })
	maps.DeleteFunc(s.changes, func(_ scaling.Target, count int) bool { return count <= changeCount })
	for target := range s.targets {
		if target.Kind == scaling.DBCluster && s.targetTopologies[target] == nil && t.lacksMember(target.Identifier) {
			s.changes[target] = s.changeCount // it is read again by itself, on one page
		}
	}
	return true
}
