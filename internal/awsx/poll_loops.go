package awsx

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// pollTopology reads the topology and the metadata of the scope, again and again.
func (p *scopePoller) pollTopology(ctx context.Context) {
	for {
		p.awaitCatchUp(ctx)
		isRead := p.withTimeout(ctx, p.readScopeTopology)
		pause := topologyRetryInterval
		if isRead {
			p.refreshMetadata(ctx, p.listTargets(func(*polledTarget) bool { return true }))
			p.onRead(ctx, p.listTargets(func(target *polledTarget) bool { return target.isAwaited && !target.readAt.IsZero() }))
			pause = p.setReady()
		} else {
			p.onRead(ctx, p.listTargets(func(*polledTarget) bool { return true })) // the error
		}
		if !p.wait(ctx, p.topologyWanted, pause) {
			return
		}
	}
}

// setReady has samples read from now on. It returns when the topology is to be read again.
func (p *scopePoller) setReady() time.Duration {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	p.isTopologyOld = false
	if !p.isReady {
		p.isReady = true
		signal(p.samplesWanted)
	}
	return p.topologyInterval()
}

// pollSamples reads the samples of the targets that are due, and checks the others for rises.
func (p *scopePoller) pollSamples(ctx context.Context) {
	for {
		p.readEarly(ctx)
		p.checkForRises(ctx)
		now := p.clock.Now()
		due := p.listTargets(func(target *polledTarget) bool { return p.isReady && !target.nextReadAt.After(now) })
		var reading errgroup.Group
		reading.SetLimit(concurrentReads)
		for chunk := range slices.Chunk(due, targetsPerRead) {
			reading.Go(func() error {
				p.readSamples(ctx, chunk)
				return nil
			})
		}
		_ = reading.Wait() // no read returns an error
		if !p.wait(ctx, p.samplesWanted, p.untilNextRead()) {
			return
		}
	}
}

// pollUrgent reads the targets of which somebody needs a new observation.
func (p *scopePoller) pollUrgent(ctx context.Context) {
	for p.wait(ctx, p.urgentWanted, time.Hour) {
		for targets := p.takeUrgent(); len(targets) > 0; targets = p.takeUrgent() {
			if p.withTimeout(ctx, func(ctx context.Context) bool { return p.readTargets(ctx, targets) }) {
				p.refreshMetadata(ctx, targets)
				p.readSamples(ctx, targets)
			} else {
				p.onRead(ctx, targets)
			}
		}
	}
}

// pollEvents reads RDS events for the targets that are observed for the first time.
func (p *scopePoller) pollEvents(ctx context.Context) {
	for p.wait(ctx, p.eventsWanted, time.Hour) {
		targets, from := p.takeAwaitingEvents()
		if len(targets) > 0 {
			p.refreshEvents(ctx, from, eventsTimeout)
			p.onRead(ctx, targets)
		}
	}
}

// takeAwaitingEvents returns the targets for which events are wanted, and the earliest time since when.
func (p *scopePoller) takeAwaitingEvents() (targets []scaling.Target, from time.Time) {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	for t, since := range p.awaitingEvents {
		if targets = append(targets, t); from.IsZero() || since.Before(from) {
			from = since
		}
	}
	clear(p.awaitingEvents)
	return targets, from
}
