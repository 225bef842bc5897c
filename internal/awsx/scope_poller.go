package awsx

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// forgetAfter is how long a target is read after it was last tracked or observed.
	forgetAfter = 3 * time.Minute
	// maxReadDelay is how much later than planned a target may have been read for its observation to be used.
	maxReadDelay = 2 * time.Minute
	// targetsPerRead is how many targets are read, and then evaluated, together: with two instances each, their CPU takes one request.
	targetsPerRead = 250
	// concurrentReads is how many such reads of a scope are made at once: a response with a day of samples takes a second.
	concurrentReads = 2
	// urgentTargetsPerRead is the same for targets that are read at once.
	urgentTargetsPerRead = 25
)

// scopePoller reads the targets of one scope in the background: the topology and metadata of all, the samples of those that are due, and
// in between the targets of which somebody needs a new observation.
type scopePoller struct {
	*scopeClient
	onRead func(context.Context, []scaling.Target)
	// The loops wait for these channels.
	topologyWanted, samplesWanted, urgentWanted, eventsWanted chan struct{}
	// early is what was read so far of the first topology.
	early *partialTopology
	// caughtUp says that no target is catching up any more.
	caughtUp chan struct{}

	stop chan struct{}

	pollMu    sync.Mutex
	isStandby bool
	// isReady says that topology and metadata were read once: before that, samples are of no use.
	isReady bool
	// isTopologyOld says that this replica has just become the leader, and has not read the topology since: until then the one that it read
	// on standby may be used. An operation starts only on one of the last minute.
	isTopologyOld bool
	polled        map[scaling.Target]*polledTarget
	// samplesDueAt is when samples are read next unless they are wanted earlier.
	samplesDueAt time.Time
	urgent       map[scaling.Target]bool
	// awaitingEvents are the targets for which RDS events are wanted, and since when.
	awaitingEvents map[scaling.Target]time.Time
}

// polledTarget is when a target was read, and when it will be.
type polledTarget struct {
	trackedAt time.Time
	schedule  readSchedule
	// readAt is when its samples were read last; zero before the first time.
	readAt     time.Time
	nextReadAt time.Time
	// riseCheckAt is when it is checked before nextReadAt whether its load has risen above riseLimits; zero for never.
	riseCheckAt time.Time
	riseLimits  scaling.RiseLimits
	// needsLag is TrackedTarget.NeedsReplicaLag.
	needsLag bool
	// isCatchingUp says that this replica has just become the leader: at first only one-minute samples are read.
	isCatchingUp bool
	// isReadEarly says that its samples were read while the first topology was being read.
	isReadEarly bool
	// isAwaited says that an observation was asked for and could not be returned.
	isAwaited bool
}

func newScopePoller(client *scopeClient, onRead func(context.Context, []scaling.Target), isStandby bool) *scopePoller {
	p := &scopePoller{
		scopeClient: client, onRead: onRead, isStandby: isStandby,
		topologyWanted: make(chan struct{}, 1), samplesWanted: make(chan struct{}, 1), urgentWanted: make(chan struct{}, 1),
		eventsWanted: make(chan struct{}, 1), caughtUp: make(chan struct{}, 1), stop: make(chan struct{}),
		polled: map[scaling.Target]*polledTarget{}, urgent: map[scaling.Target]bool{}, awaitingEvents: map[scaling.Target]time.Time{},
	}
	client.mu.Lock()
	defer client.mu.Unlock()
	p.early = newPartialTopology(p.samplesWanted)
	client.partial = p.early
	return p
}

// start starts the loops.
func (p *scopePoller) start(run func(func(context.Context))) {
	run(p.pollTopology)
	run(p.pollSamples)
	run(p.pollUrgent)
	run(p.pollEvents)
}

// track has a target read from now on.
func (p *scopePoller) track(t scaling.TrackedTarget) {
	now := p.clock.Now()
	p.trackWindow(t, now)
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	target := p.polledTarget(t.Target, now)
	interval := max(t.ReadInterval, 0)
	isPlanned := interval == target.schedule.interval && t.RiseLimits.IsZero() == target.riseLimits.IsZero()
	target.needsLag, target.riseLimits, target.schedule.interval = t.NeedsReplicaLag, t.RiseLimits, interval
	if isPlanned || target.readAt.IsZero() {
		return
	}
	p.plan(target, p.newestSampleEnd(t.Target))
	if target.nextCheckAt().Before(p.samplesDueAt) { // otherwise each of thousands of policies would have all targets searched
		signal(p.samplesWanted)
	}
}

// polledTarget returns the state of a target, which is due at once when it is new. The caller holds p.pollMu.
func (p *scopePoller) polledTarget(t scaling.Target, now time.Time) *polledTarget {
	target, known := p.polled[t]
	if !known {
		target = &polledTarget{schedule: newReadSchedule(t)}
		if p.isStandby {
			target.nextReadAt = now.Add(time.Duration(target.schedule.hash) * time.Second % standbySpread)
		}
		p.polled[t] = target
		signal(p.samplesWanted)
	}
	target.trackedAt = now
	return target
}

// forget drops the targets that were not tracked lately. When none is left, it ends the loops and returns true.
func (p *scopePoller) forget(now time.Time) bool {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	for t, target := range p.polled {
		if now.Sub(target.trackedAt) > forgetAfter {
			delete(p.polled, t)
			p.drop(t)
		}
	}
	if len(p.polled) > 0 {
		return false
	}
	close(p.stop)
	return true
}

// observe returns the observation of a target from memory, or else ErrNotRead, and has it read. The state of all targets is not locked
// while the observation is made: other workers need it.
func (p *scopePoller) observe(t scaling.Target, notBefore time.Time) scaling.ObservationResult {
	now := p.clock.Now()
	if notBefore.After(now) {
		notBefore = now // written by a clock ahead of this one
	}
	wasRead, isRecent, oldest := p.await(t, now)
	if notBefore.Before(oldest) {
		notBefore = oldest
	}
	result, complete := p.readResult(t, notBefore, now)
	isUsable := complete && (isRecent || result.Err != nil)
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	if isUsable {
		if target, known := p.polled[t]; known {
			target.isAwaited = false
		}
		return result
	}
	if wasRead && !complete {
		p.urgent[t] = true
		signal(p.urgentWanted)
	}
	return scaling.ObservationResult{Err: scaling.ErrNotRead}
}

// await has a target reported when it is read. It returns whether it was read before, whether that is recent enough for its observation
// to be used, and when the oldest topology was read that may be.
func (p *scopePoller) await(t scaling.Target, now time.Time) (wasRead, isRecent bool, oldest time.Time) {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	target := p.polledTarget(t, now)
	target.isAwaited = true // before the observation is made: what is read meanwhile is reported
	wasRead = !target.readAt.IsZero()
	isRecent = wasRead && now.Sub(target.readAt) <= target.schedule.longestInterval(p.isStandby)+maxReadDelay
	return wasRead, isRecent, now.Add(-p.longestTopologyAge())
}

// readResult returns the result for a target as it was read last; false when it was not read at or after notBefore.
func (p *scopePoller) readResult(t scaling.Target, notBefore, now time.Time) (scaling.ObservationResult, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.staleTargets([]scaling.Target{t}, notBefore)) > 0 {
		isFailed := p.topologyErr != nil && !p.topologyFailedAt.Before(notBefore) // a read that fails may take minutes
		return scaling.ObservationResult{Err: p.topologyErr}, isFailed
	}
	isUnread := func(series targetSeries, cached cachedSeries) bool {
		return cached.readAt.IsZero() && !series.metric.isReadOnDemand()
	}
	return p.newResult(t, now, time.Time{}, isUnread)
}

// readEvents returns the events from memory, or else ErrNotRead, and has them read.
func (p *scopePoller) readEvents(t scaling.Target, from, notBefore time.Time) ([]scaling.DatabaseEvent, error) {
	now := p.clock.Now()
	if notBefore.After(now) {
		notBefore = now
	}
	if cached, valid := p.cachedEventsSince(from, notBefore, now); valid {
		return cached.events, cached.err
	}
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	p.awaitingEvents[t] = from
	signal(p.eventsWanted)
	return nil, scaling.ErrNotRead
}

// readSamples reads the samples of some targets that are due, plans their next read, and reports them.
func (p *scopePoller) readSamples(ctx context.Context, targets []scaling.Target) {
	if ctx.Err() != nil {
		return
	}
	startedAt := p.clock.Now()
	needLag := p.targetsWith(targets, func(target *polledTarget) bool { return target.needsLag })
	quiet := p.targetsWith(targets, func(target *polledTarget) bool { return target.schedule.interval > time.Minute })
	catchingUp := p.targetsWith(targets, func(target *polledTarget) bool { return target.isCatchingUp })
	p.withTimeout(ctx, func(ctx context.Context) bool {
		p.fetchSeries(ctx, targets, func(t scaling.Target, series targetSeries, cached cachedSeries, now time.Time) bool {
			isLater := catchingUp[t] && series.metric.readInterval > 0 && !cached.readAt.IsZero()
			isLater = isLater || quiet[t] && cached.waitsWhileQuiet(series.metric, now)
			return !series.metric.isReadOnDemand() && !isLater && cached.isDue(series.metric, now, minPollAge)
		})
		p.fetchSeries(ctx, targets, func(t scaling.Target, series targetSeries, cached cachedSeries, now time.Time) bool {
			return series.metric.isReadOnDemand() && !catchingUp[t] && p.isNeeded(series, cached, needLag[t], now)
		})
		return true
	})
	newestEnds := make([]time.Time, len(targets))
	for n, t := range targets {
		newestEnds[n] = p.newestSampleEnd(t)
	}
	p.pollMu.Lock()
	for n, t := range targets {
		if target, known := p.polled[t]; known {
			target.readAt, target.isCatchingUp = startedAt, false
			p.plan(target, newestEnds[n])
		}
	}
	if len(catchingUp) > 0 && !p.isCatchingUp() {
		signal(p.caughtUp)
	}
	p.pollMu.Unlock()
	p.onRead(ctx, targets)
}

// plan plans the next read of a target whose newest minute with samples ended at newestEnd. The caller holds p.pollMu.
func (p *scopePoller) plan(target *polledTarget, newestEnd time.Time) {
	target.nextReadAt = target.schedule.next(target.readAt, newestEnd, p.isStandby)
	p.planRiseCheck(target, p.clock.Now())
}

// targetsWith returns those of the targets that match.
func (p *scopePoller) targetsWith(targets []scaling.Target, matches func(*polledTarget) bool) map[scaling.Target]bool {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	matching := map[scaling.Target]bool{}
	for _, t := range targets {
		if target, known := p.polled[t]; known && matches(target) {
			matching[t] = true
		}
	}
	return matching
}

// takeUrgent returns some of the targets that are to be read at once.
func (p *scopePoller) takeUrgent() []scaling.Target {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	var taken []scaling.Target
	for t := range p.urgent {
		if len(taken) == urgentTargetsPerRead {
			break
		}
		taken = append(taken, t)
		delete(p.urgent, t)
	}
	return taken
}

// listTargets lists the targets that match, those that were due first before the others, and otherwise by identifier.
func (p *scopePoller) listTargets(matches func(*polledTarget) bool) []scaling.Target {
	type dueTarget struct {
		target scaling.Target
		at     time.Time
	}
	var due []dueTarget
	p.pollMu.Lock()
	for t, target := range p.polled {
		if matches(target) {
			due = append(due, dueTarget{t, target.nextReadAt})
		}
	}
	p.pollMu.Unlock() // workers need it meanwhile
	slices.SortFunc(due, func(a, b dueTarget) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.target.Identifier, b.target.Identifier))
	})
	list := make([]scaling.Target, len(due))
	for n := range due {
		list[n] = due[n].target
	}
	return list
}

// untilNextRead is how long no target is due.
func (p *scopePoller) untilNextRead() time.Duration {
	p.pollMu.Lock()
	defer p.pollMu.Unlock()
	now, earliest := p.clock.Now(), time.Time{}
	for _, target := range p.polled {
		if next := target.nextCheckAt(); earliest.IsZero() || next.Before(earliest) {
			earliest = next
		}
	}
	pause := max(minPollPause, earliest.Sub(now))
	if !p.isReady || len(p.polled) == 0 {
		pause = time.Hour // until the topology is read, or a target is tracked
	}
	p.samplesDueAt = now.Add(pause)
	return pause
}

// withTimeout limits one read.
func (p *scopePoller) withTimeout(ctx context.Context, read func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return read(ctx)
}

// wait waits for a signal or for a time. It returns false when the loop must end.
func (p *scopePoller) wait(ctx context.Context, wanted <-chan struct{}, pause time.Duration) bool {
	timer := p.clock.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-wanted:
		return true
	case <-timer.C():
		return true
	case <-p.stop:
		return false
	case <-ctx.Done():
		return false
	}
}

// signal wakes a loop.
func signal(wanted chan<- struct{}) {
	select {
	case wanted <- struct{}{}:
	default: // it will wake already
	}
}
