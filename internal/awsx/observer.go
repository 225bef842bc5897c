package awsx

import (
	"context"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Track implements scaling.Observer.
func (c *Client) Track(targets []scaling.TrackedTarget) {
	for _, t := range targets {
		s := c.clientForScope(t.Target.Scope)
		s.trackWindow(t, s.clock.Now())
	}
}

// Observe implements scaling.Observer. It reads the scopes of the targets in parallel.
func (c *Client) Observe(ctx context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	indexesByScope := map[scaling.Scope][]int{}
	for n, t := range targets {
		indexesByScope[t.Scope] = append(indexesByScope[t.Scope], n)
	}
	results := make([]scaling.ObservationResult, len(targets))
	var wg sync.WaitGroup
	for scope, indexes := range indexesByScope {
		wg.Go(func() {
			scopeTargets := make([]scaling.Target, len(indexes))
			for n, index := range indexes {
				scopeTargets[n] = targets[index]
			}
			for n, result := range c.clientForScope(scope).observe(ctx, scopeTargets, notBefore) {
				results[indexes[n]] = result
			}
		})
	}
	wg.Wait()
	return results
}
