package awsx

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// factsTimeout bounds the reading of all facts, so that an endpoint which does not answer, as the Pricing API's may not from
// a private network, does not keep samples from those who wait for them.
const factsTimeout = 30 * time.Second

// fact is something that is read seldom and kept.
type fact[T any] struct {
	// read is when it was last asked for, whatever came of it; zero before that.
	read  time.Time
	value T
	// err is why it could not be read the last time, or nil.
	err error
}

// stale says whether it has to be read again for a caller that asked at the given time.
func (f fact[T]) stale(asked time.Time, every, errorEvery time.Duration) bool {
	if f.err != nil {
		every = errorEvery
	}
	return f.read.IsZero() || f.read.Before(asked.Add(-every))
}

// readFacts reads what is due of what changes seldom. What cannot be read is unknown, and does not keep the rest from being
// seen.
func (s *scope) readFacts(ctx context.Context, t *topology) {
	ctx, cancel := context.WithTimeout(ctx, factsTimeout)
	defer cancel()
	now := s.clock.Now()
	s.mu.Lock()
	upkeep := s.maintenance.stale(now, maintenanceEvery-Interval, maintenanceErrorEvery)
	clusters, offers, products := false, map[offer]bool{}, map[product]bool{}
	for target := range s.targets {
		o := t.observe(target)
		if !o.Found {
			continue
		}
		clusters = clusters || target.Kind == scaling.DBCluster
		version := offer{o.Engine, o.EngineVersion, o.Whole && !o.Serverless}
		if s.offered[version].stale(now, offeredEvery-Interval, offeredErrorEvery) {
			offers[version] = true
		}
		p, sold := t.product(target, s.name.Region)
		if sold && s.prices != nil && s.priced[p].stale(now, pricedEvery-Interval, pricedErrorEvery) {
			products[p] = true
		}
	}
	autoScaling := clusters && s.scalable.stale(now, autoScalingEvery-Interval, autoScalingErrorEvery)
	s.mu.Unlock()
	if upkeep {
		value, err := pendingMaintenance(ctx, s.databases)
		s.mu.Lock()
		s.maintenance = keep(s, s.maintenance, "pending maintenance", now, value, err)
		s.mu.Unlock()
	}
	for _, o := range slices.SortedFunc(maps.Keys(offers), compareOffers) {
		value, err := orderable(ctx, s.databases, o)
		s.mu.Lock()
		s.offered[o] = keep(s, s.offered[o], "the orderable classes of "+o.engine+" "+o.version, now, value, err)
		s.mu.Unlock()
	}
	if autoScaling {
		s.readScalable(ctx, now)
	}
	for _, p := range slices.SortedFunc(maps.Keys(products), compareProducts) {
		value, err := prices(ctx, s.prices, p)
		s.mu.Lock()
		s.priced[p] = keep(s, s.priced[p], "the prices of "+p.engine, now, value, err)
		s.mu.Unlock()
	}
}

// keep makes a fact of what was read, or of why it could not be. An error is logged when it is another than before. The
// caller holds s.mu.
func keep[T any](s *scope, before fact[T], what string, now time.Time, value T, err error) fact[T] {
	if err == nil {
		return fact[T]{read: now, value: value}
	}
	f := fact[T]{read: now, err: overdue(Classify(err), factsTimeout)}
	if before.err == nil || scaling.StableMessage(before.err) != scaling.StableMessage(f.err) {
		s.log.Error(f.err, what+" cannot be read, and counts as unknown", "scope", s.name.String())
	}
	return f
}
