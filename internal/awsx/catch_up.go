package awsx

import (
	"context"
	"time"
)

// maxCatchUpDelay is how long a new leader reads the samples of its targets, at most, before it reads the topology.
const maxCatchUpDelay = 15 * time.Second

// setStandby changes how often the targets are read. A new leader reads them at once: first those that it knows from standby, which only
// lack the samples since then, and of these the ones that were read longest ago. Targets of one request then lack about as much.
func (p *scopePoller) setStandby(isStandby bool) {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	now := p.clock.Now()
	p.isStandby, p.isTopologyOld = isStandby, !isStandby
	for _, target := range p.polled {
		target.isCatchingUp = !target.readAt.IsZero()
		if target.nextReadAt = target.readAt; !target.isCatchingUp {
			target.nextReadAt = now
		}
	}
	if p.isReady { // otherwise it is being read
		signal(p.topologyWanted)
	}
	signal(p.samplesWanted)
}

// awaitCatchUp waits until the targets that this replica knows from standby were read, so that their policies are evaluated: the topology
// of a large scope takes CPU time from that for a minute, and the one from standby may be used meanwhile. Operations do not depend on it,
// since each reads its own target.
func (p *scopePoller) awaitCatchUp(ctx context.Context) {
	p.pollMu.Lock()
	isCatchingUp := p.isReady && p.isCatchingUp()
	p.pollMu.Unlock()
	if isCatchingUp {
		p.wait(ctx, p.caughtUp, maxCatchUpDelay)
	}
}

// isCatchingUp reports whether a target is catching up. The caller holds p.pollMu.
func (p *scopePoller) isCatchingUp() bool {
	for _, target := range p.polled {
		if target.isCatchingUp {
			return true
		}
	}
	return false
}
