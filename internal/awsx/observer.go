package awsx

import (
	"context"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Observe implements scaling.Observer. The scopes of the targets are read side by side.
func (e *Client) Observe(ctx context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	byScope := map[scaling.Scope][]int{}
	for n, t := range targets {
		byScope[t.Scope] = append(byScope[t.Scope], n)
	}
	results := make([]scaling.ObservationResult, len(targets))
	var wg sync.WaitGroup
	for name, indexes := range byScope {
		wg.Go(func() {
			asked := make([]scaling.Target, len(indexes))
			for n, index := range indexes {
				asked[n] = targets[index]
			}
			for n, observed := range e.clientForScope(name).observe(ctx, asked, notBefore) {
				results[indexes[n]] = observed
			}
		})
	}
	wg.Wait()
	return results
}
