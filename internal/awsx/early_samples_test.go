package awsx

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestScopePoller_ReadsSamplesWhileTopologyIsRead: the past of the databases that are known is read before the topology is complete, once.
// No policy is told before, and on standby nothing is read early.
func TestScopePoller_ReadsSamplesWhileTopologyIsRead(t *testing.T) {
	c, targets := newFakeFleet(t, targetsPerRead+10)
	told := 0
	poller := NewPoller(c.newClient(t), func(_ context.Context, targets []scaling.Target) { told += len(targets) }) // it is not started
	poller.Track(tracked(targets, 0))
	scope := poller.scopePollerFor(euWest1)
	reads := func() (n int) {
		c.update(func() {
			n = c.callCounts["GetMetricData"]
			clear(c.callCounts)
		})
		return n
	}
	if _, err := readTopology(t.Context(), scope.rdsReader, nil, scope.early, c.clock.Now()); err != nil { // all pages, and no end
		t.Fatal(err)
	}
	if scope.readEarly(t.Context()); reads() > 0 {
		t.Error("samples are read early on standby")
	}
	poller.Activate()
	if scope.readEarly(t.Context()); reads() == 0 {
		t.Error("the samples of the databases that are known are not read")
	}
	if scope.readEarly(t.Context()); reads() > 0 {
		t.Error("samples are read early a second time, or of few databases")
	}
	if poller.Observe(t.Context(), targets[:1], time.Time{})[0].Err == nil || told > 0 {
		t.Error("a database is observed before the topology is complete")
	}

	if !scope.readScopeTopology(t.Context()) {
		t.Fatal("the databases could not be read")
	}
	scope.refreshMetadata(t.Context(), targets)
	scope.setReady()
	if view := scope.early.view(targets[0]); view != nil {
		t.Error("the partial topology stays in memory")
	}
	scope.readSamples(t.Context(), targets)
	for n, target := range targets {
		got := poller.Observe(t.Context(), []scaling.Target{target}, time.Time{})[0]
		if got.Err != nil || got.MetricsErr != nil || len(firstInstanceCPU(got.Observation)) != 19 || firstInstanceCPU(got.Observation)[0].Value != float64(n) {
			t.Fatalf("%s: %+v", target, got)
		}
	}
}

// TestPartialTopology_View: a cluster is known with all the members that it names, and an instance by itself.
func TestPartialTopology_View(t *testing.T) {
	added := make(chan struct{}, 1)
	p := newPartialTopology(added)
	cluster := scaling.Target{Kind: scaling.DBCluster, Identifier: "orders"}
	instance := scaling.Target{Kind: scaling.DBInstance, Identifier: "ledger"}
	p.addInstance("orders-1", &types.DBInstance{})
	expect := func(when string, target scaling.Target, known bool) {
		t.Helper()
		if (p.view(target) != nil) != known {
			t.Errorf("%s: %s is known: %t, want %t", when, target.Identifier, !known, known)
		}
	}
	expect("without its cluster", cluster, false)
	p.addCluster("orders", &types.DBCluster{DBClusterMembers: []types.DBClusterMember{
		{DBInstanceIdentifier: aws.String("orders-1")}, {DBInstanceIdentifier: aws.String("orders-2")},
	}})
	expect("with one of two members", cluster, false)
	p.addInstance("orders-2", &types.DBInstance{})
	expect("with both members", cluster, true)
	expect("before its page", instance, false)
	p.addInstance("ledger", &types.DBInstance{})
	expect("after its page", instance, true)
	if p.endPage(); len(added) != 1 {
		t.Error("a page wakes nobody")
	}
	var nobody *partialTopology
	nobody.addCluster("orders", nil)
	nobody.addInstance("ledger", nil)
	nobody.endPage()
	nobody.clear()
}
