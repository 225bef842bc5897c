package awsx

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

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
	now := s.clock.Now()
	s.mu.Lock()
	upkeep := s.maintenance.stale(now, maintenanceEvery-Interval, maintenanceErrorEvery)
	offers, products := map[offer]bool{}, map[product]bool{}
	for target := range s.targets {
		o := t.observe(target)
		if !o.Found {
			continue
		}
		version := offer{o.Engine, o.EngineVersion}
		if s.offered[version].stale(now, offeredEvery-Interval, offeredErrorEvery) {
			offers[version] = true
		}
		p, sold := t.product(target, s.name.Region)
		if sold && s.prices != nil && s.priced[p].stale(now, pricedEvery-Interval, pricedErrorEvery) {
			products[p] = true
		}
	}
	s.mu.Unlock()
	if upkeep {
		value, err := pendingMaintenance(ctx, s.databases)
		keep(s, now, value, err, func(f fact[map[string][]scaling.Maintenance]) { s.maintenance = f })
	}
	for _, o := range slices.SortedFunc(maps.Keys(offers), compareOffers) {
		value, err := orderable(ctx, s.databases, o)
		keep(s, now, value, err, func(f fact[[]string]) { s.offered[o] = f })
	}
	for _, p := range slices.SortedFunc(maps.Keys(products), compareProducts) {
		value, err := prices(ctx, s.prices, p)
		keep(s, now, value, err, func(f fact[map[string]scaling.Money]) { s.priced[p] = f })
	}
}

// keep takes in a fact that was read, or why it could not be.
func keep[T any](s *scope, now time.Time, value T, err error, into func(fact[T])) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := fact[T]{read: now, value: value}
	if err != nil {
		f.err = overdue(Classify(err))
		s.log.Error(f.err, "something that is read seldom could not be read; it counts as unknown", "scope", s.name.String())
	}
	into(f)
}
