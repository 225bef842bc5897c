package awsx

import (
	"context"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// newStandbyScope returns the poller of a scope on standby, whose targets were read. It is not started: the test makes its reads.
func newStandbyScope(t *testing.T, targetCount int) (*fakeAWS, []scaling.Target, *Poller, *scopePoller) {
	t.Helper()
	c, targets := newFakeFleet(t, targetCount)
	poller := NewPoller(c.newClient(t), func(context.Context, []scaling.Target) {})
	poller.Track(tracked(targets, 0))
	scope := poller.scopePollerFor(euWest1)
	if !scope.readScopeTopology(t.Context()) {
		t.Fatal("the databases could not be read")
	}
	scope.setReady()
	scope.refreshMetadata(t.Context(), targets)
	scope.readSamples(t.Context(), targets)
	return c, targets, poller, scope
}

// TestScopePoller_NewLeaderReadsSamplesFirst: the topology of a large scope takes a minute, and policies are evaluated without it. It is not
// delayed for long where CloudWatch does not answer.
func TestScopePoller_NewLeaderReadsSamplesFirst(t *testing.T) {
	for _, test := range []struct {
		name string
		next func(*fakeAWS, []scaling.Target, *scopePoller)
	}{
		{"the samples were read", func(_ *fakeAWS, targets []scaling.Target, scope *scopePoller) {
			scope.readSamples(t.Context(), targets)
		}},
		{"they take long", func(c *fakeAWS, _ []scaling.Target, _ *scopePoller) { c.clock.Step(maxCatchUpDelay) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, targets, poller, scope := newStandbyScope(t, 2)
			reads := func() (n int) {
				c.update(func() { n = c.callCounts["DescribeDBClusters"] })
				return n
			}
			before := reads()
			poller.Activate()
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				scope.pollTopology(ctx)
			}()
			t.Cleanup(func() {
				cancel()
				<-ended
			})
			for c.clock.Waiters() == 0 {
				runtime.Gosched()
			}
			if n := reads() - before; n > 0 {
				t.Fatal("the topology was read before the samples")
			}
			test.next(c, targets, scope)
			for reads() == before {
				if t.Context().Err() != nil {
					t.Fatal("the topology was not read")
				}
				runtime.Gosched()
			}
		})
	}
}

// TestScopePoller_CatchUpOrder: a new leader first reads the targets that lack most, and then those that it does not know.
func TestScopePoller_CatchUpOrder(t *testing.T) {
	c, targets, poller, scope := newStandbyScope(t, 3)
	c.clock.Step(time.Minute)
	scope.readSamples(t.Context(), targets[:1])
	c.clock.Step(time.Minute)
	scope.readSamples(t.Context(), targets[2:])
	c.clock.Step(time.Minute)
	unknown := clusterTarget("a-new-one")
	poller.Track(tracked([]scaling.Target{unknown}, 0))
	poller.Activate()
	now := c.clock.Now()
	got := scope.listTargets(func(target *polledTarget) bool { return !target.nextReadAt.After(now) })
	if want := []scaling.Target{targets[1], targets[0], targets[2], unknown}; !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
}

// TestScopePoller_TrackWakesWhenDueEarlier: thousands of policies say after their first evaluation that their databases are quiet. For that
// the loop need not search all targets each time.
func TestScopePoller_TrackWakesWhenDueEarlier(t *testing.T) {
	_, targets, poller, scope := newStandbyScope(t, 2)
	poller.Activate()
	scope.readSamples(t.Context(), targets)
	track := func(interval time.Duration) {
		for _, target := range targets {
			poller.Track([]scaling.TrackedTarget{{Target: target, ReadInterval: interval}})
		}
	}
	track(10 * time.Minute)
	<-scope.samplesWanted
	scope.untilNextRead()
	track(20 * time.Minute)
	if len(scope.samplesWanted) > 0 {
		t.Error("a target that is due later wakes the loop")
	}
	track(15 * time.Second)
	if len(scope.samplesWanted) == 0 {
		t.Error("a target that is due earlier does not wake the loop")
	}
}
