package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/decide"
)

const (
	// evaluateLimit is how long the first evaluation of all policies may take, and failoverLimit the first one after the leader's death:
	// both far longer than they should take, so that a slow version is measured, too.
	evaluateLimit, failoverLimit = 20 * time.Minute, 15 * time.Minute
	// leaderLimit is how long a replica may take to become the leader.
	leaderLimit = time.Minute
	// standbyReads is how long a standby takes to read the past of all databases: five minutes, and what the last of them takes. Until then
	// the requests are not those of a steady phase.
	standbyReads = 5*time.Minute + 30*time.Second
	// countInterval is how often the policies that have a decision are counted: to look at all 10,000 takes some milliseconds.
	countInterval = time.Second
	// changeSpread is the time over which the loads rise, of simulated time: the interval at which quiet databases are read, so that the
	// figures do not depend on the second at which all rise together.
	changeSpread = decide.ReadQuiet
	// changeLimit is how long to wait for the calls after a change of the load, of simulated time.
	changeLimit = 10 * time.Minute
)

// evaluateAll starts the operator and waits until each healthy policy has a decision. The second replica starts once the first leads.
func (t *loadTest) evaluateAll(ctx context.Context, r *results) (err error) {
	begin := time.Now()
	if t.leader, err = t.startReplica(ctx, processLeader); err != nil {
		return err
	}
	if err := t.waitForLeader(ctx, t.leader); err != nil {
		return err
	}
	t.profile(ctx, "starting "+processLeader, t.leader.profilesAddress)
	if t.standby, err = t.startReplica(ctx, processStandby); err != nil {
		return err
	}
	t.standbyStarted = time.Now()
	if err := t.waitForDecisions(ctx); err != nil {
		return err
	}
	r.evaluated = time.Since(begin)
	r.startUp = t.meter.between(processLeader, begin, time.Now())
	t.logf("evaluated all %d policies whose databases can be read", t.countHealthy(t.policies))
	return nil
}

// waitForDecisions waits until the healthy policies have a decision.
func (t *loadTest) waitForDecisions(ctx context.Context) error {
	healthy, reported, next := t.countHealthy(t.policies), time.Now(), time.Now()
	return t.waitUntil(ctx, fmt.Sprintf("%d policies have a decision", healthy), evaluateLimit, func() (bool, error) {
		if time.Now().Before(next) {
			return false, nil
		}
		next = time.Now().Add(countInterval)
		decided := t.watch.countDecided(&t.fleet)
		if time.Since(reported) > 15*time.Second {
			reported = time.Now()
			t.logf("%d of %d policies have a decision", decided, healthy)
		}
		return decided == healthy, nil
	})
}

// waitForLeader waits until a replica is the leader.
func (t *loadTest) waitForLeader(ctx context.Context, r *replica) error {
	return t.waitUntil(ctx, r.name+" is the leader", leaderLimit, func() (bool, error) {
		if !r.isRunning() {
			return false, fmt.Errorf("%s has ended; see %s", r.name, r.log.Name())
		}
		metrics, err := r.scrape(ctx, leaderMetric)
		return err == nil && metrics.sum(leaderMetric, nil) == 1, nil // it may not listen yet
	})
}

// measureSteady measures the phase in which nothing changes.
func (t *loadTest) measureSteady(ctx context.Context, r *results) error {
	pause := max(t.wall(time.Minute), t.wall(standbyReads)-time.Since(t.standbyStarted))
	if err := t.waitUntil(ctx, "the first reads are over", 2*pause, t.elapsed(pause)); err != nil {
		return err
	}
	t.logf("measuring for %s", t.duration)
	before, err := t.takeSnapshot(ctx)
	if err != nil {
		return err
	}
	t.profile(ctx, processLeader, t.leader.profilesAddress)
	if err := t.waitUntil(ctx, "the steady phase is over", 2*t.wall(t.duration), t.elapsed(t.wall(t.duration))); err != nil {
		return err
	}
	after, err := t.takeSnapshot(ctx)
	if err != nil {
		return err
	}
	r.steady = t.compare(before, after)
	t.logf("the steady phase is over")
	return nil
}

// elapsed returns a condition that holds after a time.
func (t *loadTest) elapsed(d time.Duration) func() (bool, error) {
	end := time.Now().Add(d)
	return func() (bool, error) { return time.Now().After(end), nil }
}

// changeLoads raises the load of a part of the clusters, one after the other at equal distances, and waits until the operator has begun to
// act on all of them.
func (t *loadTest) changeLoads(ctx context.Context, r *results) error {
	r.changed = t.pickChanged(t.changePercent)
	if len(r.changed) == 0 {
		return nil
	}
	begin := time.Now()
	for k, n := range r.changed {
		at := begin.Add(t.wall(changeSpread) * time.Duration(k) / time.Duration(len(r.changed)))
		isDue := func() (bool, error) { return !time.Now().Before(at), nil }
		if err := t.waitUntil(ctx, "the next load is to rise", 2*t.wall(changeSpread), isDue); err != nil {
			return err
		}
		if err := t.admin.setLoad(ctx, t.clusterName(n), raisedLoad()); err != nil {
			return err
		}
	}
	r.changedAt = time.Now()
	t.logf("raised the load of %d clusters in %s", len(r.changed), r.changedAt.Sub(begin).Round(time.Second))
	return t.waitForCalls(ctx, r)
}

// waitForCalls waits until the operator has begun to act on all clusters whose load rose. Those without a call after changeLimit are
// counted later.
func (t *loadTest) waitForCalls(ctx context.Context, r *results) error {
	limit := r.changedAt.Add(t.wall(changeLimit))
	return t.waitUntil(ctx, "every changed cluster has an operation", t.wall(2*changeLimit), func() (bool, error) {
		calls, err := t.admin.mutatingCalls(ctx)
		return len(firstCalls(calls)) >= len(r.changed) || time.Now().After(limit), err
	})
}

// killLeader kills the leader, and measures how long the other replica takes to lead and to evaluate every policy.
func (t *loadTest) killLeader(ctx context.Context, r *results) error {
	begin := time.Now()
	r.leaderPeak = t.meter.between(processLeader, time.Time{}, begin)
	t.meter.remove(processLeader)
	t.leader.kill()
	t.logf("killed the leader (SIGKILL)")
	t.leader, t.standby = t.standby, nil
	t.profile(ctx, "new "+processLeader, t.leader.profilesAddress)
	if err := t.waitForLeader(ctx, t.leader); err != nil {
		return err
	}
	r.newLeader = time.Since(begin)
	t.logf("the other replica is the leader")
	err := t.waitForEvaluations(ctx, failoverLimit)
	r.recovered = time.Since(begin)
	t.logf("the new leader has evaluated every policy whose database can be read")
	return err
}

// waitForEvaluations waits until the leader has evaluated every policy whose database can be read.
func (t *loadTest) waitForEvaluations(ctx context.Context, limit time.Duration) error {
	healthy := float64(t.countHealthy(t.policies))
	return t.waitUntil(ctx, "the leader has evaluated every policy", limit, func() (bool, error) {
		evaluated, err := t.leader.countEvaluated(ctx)
		if err != nil {
			t.countFailedScrape("the number of evaluated policies", err)
		}
		return evaluated >= healthy, nil // a failed one is repeated until the limit
	})
}

// verify waits for the calls of the changed clusters, and then for their operations, and checks the number of readers of all clusters.
func (t *loadTest) verify(ctx context.Context, r *results) error {
	if err := t.waitForCalls(ctx, r); err != nil {
		return err
	}
	end := time.Now().Add(t.wall(t.settle))
	err := t.waitUntil(ctx, "the operations are complete", t.wall(t.settle)+time.Minute, func() (bool, error) {
		t.countOperations(r)
		return r.completed == len(r.changed) || time.Now().After(end), nil
	})
	if err != nil {
		return err
	}
	clusters, err := t.admin.clusters(ctx)
	if err != nil {
		return err
	}
	for n := range clusters {
		if len(clusters[n].Members)-1 > maxReaders {
			r.tooManyReaders++
			t.logf("%s has %d readers: its policy allows %d", clusters[n].Identifier, len(clusters[n].Members)-1, maxReaders)
		}
	}
	r.peaks = map[string]usage{}
	for _, name := range []string{processAWS, processAPIServer, processEtcd} {
		r.peaks[name] = t.meter.between(name, time.Time{}, time.Now())
	}
	r.failedScrapes = t.failedScrapes.Load()
	return t.measureReactions(ctx, r)
}

// countOperations counts the changed clusters whose operation has ended, and those whose operation is in progress.
func (t *loadTest) countOperations(r *results) {
	r.completed, r.inProgress = 0, 0
	for _, n := range r.changed {
		switch status := t.watch.get(t.clusterName(n)); {
		case status.completed > 0:
			r.completed++
		case status.operating:
			r.inProgress++
		}
	}
}
