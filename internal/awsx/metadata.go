package awsx

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Metadata is what rarely changes and is read at longer intervals than the topology: pending maintenance, orderable
// classes, the limits of Aurora Auto Scaling, and prices.

// metadataTimeout limits one refresh of all metadata. An endpoint that does not respond, as the Pricing API's may not from
// a private network, must not delay the samples for long.
const metadataTimeout = 30 * time.Second

// cachedValue is one piece of metadata, or the error of its last read.
type cachedValue[T any] struct {
	// readAt is when it was last read, successfully or not; zero before the first read.
	readAt time.Time
	value  T
	err    error
}

// isStale reports whether the value must be read again for a caller that asked at requestedAt: after interval, or after
// retryInterval when the last read failed.
func (v cachedValue[T]) isStale(requestedAt time.Time, interval, retryInterval time.Duration) bool {
	if v.err != nil {
		interval = retryInterval
	}
	return v.readAt.IsZero() || v.readAt.Before(requestedAt.Add(-interval))
}

// addCachedMetadata adds the metadata to an observation. It returns false when some of it must be read first. The caller
// holds s.mu.
func (s *scopeClient) addCachedMetadata(o *scaling.Observation, view *topology, t scaling.Target, requestedAt time.Time) bool {
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
	classes := s.orderableClasses[orderableKeyFor(*o)]
	if classes.isStale(requestedAt, orderableInterval, orderableRetryInterval) {
		return false
	}
	o.Orderable, o.OrderableGaps = classes.value.find(view.orderableNeeds(t))
	if !s.addTopologyMetadata(o, view, t, requestedAt) {
		return false
	}
	if t.Kind == scaling.DBCluster && s.autoScalingLimits.isStale(requestedAt, autoScalingInterval, autoScalingRetryInterval) {
		return false
	}
	o.AutoScaling = s.autoScalingFor(t)
	if s.pricing == nil {
		return true
	}
	key, hasPrices := view.priceKeyFor(t, s.scope.Region)
	if !hasPrices {
		return true
	}
	prices := s.classPrices[key]
	o.Prices = prices.value
	return !prices.isStale(requestedAt, priceInterval, priceRetryInterval)
}

// refreshMetadata reads the metadata of the targets that is due. What cannot be read counts as unknown and does
// not prevent the rest from being read.
func (s *scopeClient) refreshMetadata(ctx context.Context, targets []scaling.Target) {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	now := s.clock.Now()
	hasClusters, dueClasses, duePrices := false, map[orderableKey]bool{}, map[priceKey]bool{}
	for target, view := range s.views(targets) {
		o := view.observe(target)
		if !o.Found {
			continue
		}
		hasClusters = hasClusters || target.Kind == scaling.DBCluster
		dueClasses[orderableKeyFor(o)] = true
		if price, hasPrices := view.priceKeyFor(target, s.scope.Region); hasPrices && s.pricing != nil {
			duePrices[price] = true
		}
	}
	s.mu.RLock()
	maintenanceDue := s.pendingMaintenance.isStale(now, maintenanceInterval-maxSnapshotAge, maintenanceRetryInterval)
	maps.DeleteFunc(dueClasses, func(key orderableKey, _ bool) bool {
		return !s.orderableClasses[key].isStale(now, orderableInterval-maxSnapshotAge, orderableRetryInterval)
	})
	maps.DeleteFunc(duePrices, func(key priceKey, _ bool) bool {
		return !s.classPrices[key].isStale(now, priceInterval-maxSnapshotAge, priceRetryInterval)
	})
	autoScalingDue := hasClusters && s.autoScalingLimits.isStale(now, autoScalingInterval-maxSnapshotAge, autoScalingRetryInterval)
	s.mu.RUnlock()
	if maintenanceDue {
		value, err := listPendingMaintenance(ctx, s.rdsReader)
		err = classifyRead(err, s.scope, metadataTimeout)
		s.mu.Lock()
		s.pendingMaintenance = updateCachedValue(s, s.pendingMaintenance, "pending maintenance", now, value, err)
		s.mu.Unlock()
	}
	s.refreshTopologyMetadata(ctx, targets, now)
	for _, key := range slices.SortedFunc(maps.Keys(dueClasses), compareOrderableKeys) {
		options, err := listOrderableOptions(ctx, s.rdsReader, key)
		err = classifyRead(err, s.scope, metadataTimeout)
		s.mu.Lock()
		what := "orderable classes of " + key.engine + " " + key.version
		s.orderableClasses[key] = updateCachedValue(s, s.orderableClasses[key], what, now, newOrderableMatches(options), err)
		s.mu.Unlock()
	}
	if autoScalingDue {
		s.refreshAutoScaling(ctx, now)
	}
	for _, key := range slices.SortedFunc(maps.Keys(duePrices), comparePriceKeys) {
		value, err := listPrices(ctx, s.pricing, key)
		err = classifyRead(err, scaling.Scope{Region: s.pricingRegion}, metadataTimeout)
		s.mu.Lock()
		s.classPrices[key] = updateCachedValue(s, s.classPrices[key], "prices of "+key.engine, now, value, err)
		s.mu.Unlock()
	}
}

// updateCachedValue returns the value that was read, or the classified error of the read. It logs an error that differs
// from the previous one. The caller holds s.mu.
func updateCachedValue[T any](s *scopeClient, before cachedValue[T], what string, now time.Time, value T, err error) cachedValue[T] {
	if err == nil {
		return cachedValue[T]{readAt: now, value: value}
	}
	if before.err == nil || scaling.StableMessage(before.err) != scaling.StableMessage(err) {
		s.log.Error(err, "cannot read the "+what+": treated as unknown until a later read succeeds", "scope", s.scope.String())
	}
	return cachedValue[T]{readAt: now, err: err}
}
