package awsx

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Poller reads the tracked targets in the background, each scope by itself, so that the workers of the operator never wait for AWS, and a
// scope that does not answer delays no other. It implements scaling.Observer and scaling.EventReader with what was read last.
type Poller struct {
	client *Client
	onRead func(context.Context, []scaling.Target)

	mu sync.Mutex
	// run starts a goroutine that ends with Start; nil before Start.
	run func(func(context.Context))
	// isStandby says that the targets are read rarely: only so that a start is quick.
	isStandby bool
	scopes    map[scaling.Scope]*scopePoller
	// unstarted are those whose loops do not run yet: they start when their first targets are known, whose metadata is read then.
	unstarted []*scopePoller
	// sweptAt is when targets were last forgotten.
	sweptAt time.Time
}

var (
	_ scaling.Observer    = (*Poller)(nil)
	_ scaling.EventReader = (*Poller)(nil)
)

// NewPoller returns a Poller that reads with a client. It calls onRead with the targets that were read: with those for which there is a
// new observation, or an error.
func NewPoller(client *Client, onRead func(context.Context, []scaling.Target)) *Poller {
	return &Poller{client: client, onRead: onRead, isStandby: true, scopes: map[scaling.Scope]*scopePoller{}}
}

// Start reads until the context ends. Until Activate is called, it reads rarely.
func (p *Poller) Start(ctx context.Context) error {
	var running sync.WaitGroup
	p.mu.Lock()
	p.run = func(read func(context.Context)) { running.Go(func() { read(ctx) }) }
	p.startScopes()
	p.mu.Unlock()
	<-ctx.Done()
	p.mu.Lock()
	p.run = nil
	p.mu.Unlock()
	running.Wait()
	return nil
}

// NeedLeaderElection reports that a replica polls before it is the leader, so that it knows the databases when it becomes the leader.
func (p *Poller) NeedLeaderElection() bool { return false }

// Activate has all targets read at their intervals from now on, and at once for the first time.
func (p *Poller) Activate() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isStandby = false
	for _, s := range p.scopes {
		s.setStandby(false)
	}
}

// Track implements scaling.Observer. Targets that were not tracked or observed for forgetAfter are no longer read.
func (p *Poller) Track(targets []scaling.TrackedTarget) {
	for _, t := range targets {
		p.scopePollerFor(t.Target.Scope).track(t)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startScopes()
	now := p.client.clock.Now()
	if now.Sub(p.sweptAt) < forgetAfter/3 {
		return
	}
	p.sweptAt = now
	maps.DeleteFunc(p.scopes, func(_ scaling.Scope, s *scopePoller) bool { return s.forget(now) })
}

// Observe implements scaling.Observer. It does not wait: the error of a target that must be read first is scaling.ErrNotRead.
func (p *Poller) Observe(_ context.Context, targets []scaling.Target, notBefore time.Time) []scaling.ObservationResult {
	results := make([]scaling.ObservationResult, len(targets))
	for n, t := range targets {
		results[n] = p.scopePollerFor(t.Scope).observe(t, notBefore)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startScopes()
	return results
}

// ReadEvents implements scaling.EventReader. It does not wait: the error is scaling.ErrNotRead when they must be read first.
func (p *Poller) ReadEvents(_ context.Context, t scaling.Target, from, notBefore time.Time) ([]scaling.DatabaseEvent, error) {
	return p.scopePollerFor(t.Scope).readEvents(t, from, notBefore)
}

// startScopes starts the loops of new scopes once Start has been called. The caller holds p.mu.
func (p *Poller) startScopes() {
	if p.run == nil {
		return
	}
	for _, s := range p.unstarted {
		s.start(p.run)
	}
	p.unstarted = nil
}

// scopePollerFor returns the poller of a scope, which it creates if needed.
func (p *Poller) scopePollerFor(scope scaling.Scope) *scopePoller {
	client := p.client.clientForScope(scope)
	p.mu.Lock()
	defer p.mu.Unlock()
	s, known := p.scopes[scope]
	if known && s.scopeClient != client { // it was idle for long
		close(s.stop)
	}
	if !known || s.scopeClient != client {
		s = newScopePoller(client, p.onRead, p.isStandby)
		p.scopes[scope] = s
		p.unstarted = append(p.unstarted, s)
	}
	return s
}
