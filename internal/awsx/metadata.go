package awsx

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// metadataTimeout bounds the reading of all facts, so that an endpoint which does not answer, as the Pricing API's may not from
// a private network, does not keep samples from those who wait for them.
const metadataTimeout = 30 * time.Second

// cachedValue is something that is read seldom and kept.
type cachedValue[T any] struct {
	// readAt is when it was last asked for, whatever came of it; zero before that.
	readAt time.Time
	value  T
	// err is why it could not be read the last time, or nil.
	err error
}

// isStale says whether it has to be read again for a caller that asked at the given time.
func (f cachedValue[T]) isStale(asked time.Time, every, errorEvery time.Duration) bool {
	if f.err != nil {
		every = errorEvery
	}
	return f.readAt.IsZero() || f.readAt.Before(asked.Add(-every))
}

// refreshMetadata reads what is due of what changes seldom. What cannot be read is unknown, and does not keep the rest from being
// seen.
func (s *scopeClient) refreshMetadata(ctx context.Context, t *topology) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	now := s.clock.Now()
	s.mu.Lock()
	upkeep := s.pendingMaintenance.isStale(now, maintenanceInterval-maxSnapshotAge, maintenanceRetryInterval)
	clusters, offers, products := false, map[orderableKey]bool{}, map[priceKey]bool{}
	for target := range s.targets {
		o := t.observe(target)
		if !o.Found {
			continue
		}
		clusters = clusters || target.Kind == scaling.DBCluster
		version := orderableKey{o.Engine, o.EngineVersion, o.ResizedAsUnit && !o.Serverless}
		if s.orderableClasses[version].isStale(now, orderableInterval-maxSnapshotAge, orderableRetryInterval) {
			offers[version] = true
		}
		p, sold := t.priceKeyFor(target, s.scope.Region)
		if sold && s.pricing != nil && s.classPrices[p].isStale(now, priceInterval-maxSnapshotAge, priceRetryInterval) {
			products[p] = true
		}
	}
	autoScaling := clusters && s.autoScalingLimits.isStale(now, autoScalingInterval-maxSnapshotAge, autoScalingRetryInterval)
	s.mu.Unlock()
	if upkeep {
		value, err := listPendingMaintenance(ctx, s.rdsReader)
		s.mu.Lock()
		s.pendingMaintenance = updateCachedValue(s, s.pendingMaintenance, "pending maintenance", now, value, err)
		s.mu.Unlock()
	}
	for _, o := range slices.SortedFunc(maps.Keys(offers), compareOrderableKeys) {
		value, err := listOrderableClasses(ctx, s.rdsReader, o)
		s.mu.Lock()
		s.orderableClasses[o] = updateCachedValue(s, s.orderableClasses[o], "the orderable classes of "+o.engine+" "+o.version, now, value, err)
		s.mu.Unlock()
	}
	if autoScaling {
		s.refreshAutoScaling(ctx, now)
	}
	for _, p := range slices.SortedFunc(maps.Keys(products), comparePriceKeys) {
		value, err := listPrices(ctx, s.pricing, p)
		s.mu.Lock()
		s.classPrices[p] = updateCachedValue(s, s.classPrices[p], "the prices of "+p.engine, now, value, err)
		s.mu.Unlock()
	}
}

// updateCachedValue makes a fact of what was read, or of why it could not be. An error is logged when it is another than before. The
// caller holds s.mu.
func updateCachedValue[T any](s *scopeClient, before cachedValue[T], what string, now time.Time, value T, err error) cachedValue[T] {
	if err == nil {
		return cachedValue[T]{readAt: now, value: value}
	}
	f := cachedValue[T]{readAt: now, err: asTimeoutError(Classify(err), metadataTimeout)}
	if before.err == nil || scaling.StableMessage(before.err) != scaling.StableMessage(f.err) {
		s.log.Error(f.err, what+" cannot be read, and counts as unknown", "scope", s.scope.String())
	}
	return f
}
