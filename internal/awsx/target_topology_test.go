package awsx

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// countDescribes returns the requests for clusters and instances since the last ResetCalls: of the whole account, and with a filter.
func (s *simulatedAWS) countDescribes() (all, filtered int) {
	for _, c := range s.Calls() {
		switch {
		case c.Operation != "DescribeDBClusters" && c.Operation != "DescribeDBInstances":
		case c.Parameters["Filters.Filter.1.Name"] != "":
			filtered++
		default:
			all++
		}
	}
	return all, filtered
}

// TestObserve_OperationDoesNotReadWholeAccount: while operations are in progress, their targets are read together every 15 seconds, and
// the account of 1,000 instances once a minute as before.
func TestObserve_OperationDoesNotReadWholeAccount(t *testing.T) {
	c, targets := newFakeFleet(t, 500) // 1,000 instances
	client := c.newClient(t)
	mustObserve(t, client, targets[0], time.Time{})
	mustObserve(t, client, targets[1], time.Time{})
	c.expectCalls(t, map[string]int{"DescribeDBClusters": 1, "DescribeDBInstances": 10, "GetMetricData": 2})
	const minutes = 20
	for range 4 * minutes {
		c.clock.Step(15 * time.Second)
		now := c.clock.Now()
		for _, target := range targets[:2] { // each policy observes its own target
			if o := mustObserve(t, client, target, now); !o.ObservedAt.Equal(now) || !o.Found || len(o.Instances) != 2 {
				t.Fatalf("at %s: observed at %s: %+v", now, o.ObservedAt, o)
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for operation, limit := range map[string]int{
		"DescribeDBClusters": minutes, "DescribeDBInstances": 10 * minutes,
		// In three of four intervals one request of each kind for both targets, and two in the first one.
		"DescribeDBClusters/filtered": 3*minutes + 1, "DescribeDBInstances/filtered": 3*minutes + 1,
	} {
		if got := c.callCounts[operation]; got > limit || got < limit/2 {
			t.Errorf("%d requests %s in %d minutes, want at most %d", got, operation, minutes, limit)
		}
	}
}

// TestObserve_TargetTopologyIsComplete: what is read of a target alone is the same as what is read of it with the whole account.
func TestObserve_TargetTopologyIsComplete(t *testing.T) {
	s := simulateAllKinds(t)
	add := func(target scaling.Target, name, class string) {
		t.Helper()
		err := s.client.Execute(t.Context(), target, scaling.Call{
			Action: scaling.CreateReader, Instance: name, InstanceClass: class, PromotionTier: 15,
			Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	targets := []scaling.Target{ordersCluster, ledgerInstance, clusterTarget("missing")}
	expectSame := func(when string, members map[string]int) {
		t.Helper()
		s.ResetCalls()
		for _, target := range targets {
			s.clock.Step(time.Second)
			alone := s.observe(t, target)
			whole := mustObserve(t, newTestClient(t, *s.client.factory.endpoint, func(o *Options) { o.Clock = s.clock }), target, time.Time{})
			if len(alone.Instances) != len(whole.Instances) || len(alone.Instances) != members[target.Identifier] || alone.Found != whole.Found {
				t.Errorf("%s, %s: %d instances alone, %d with the account, want %d", when, target.Identifier, len(alone.Instances),
					len(whole.Instances), members[target.Identifier])
				continue
			}
			for n := range alone.Instances {
				a, b := alone.Instances[n], whole.Instances[n]
				if a.Identifier != b.Identifier || a.Class != b.Class || a.Status != b.Status || a.Writer != b.Writer {
					t.Errorf("%s, %s: %+v alone, %+v with the account", when, target.Identifier, a, b)
				}
			}
		}
		if _, filtered := s.countDescribes(); filtered == 0 {
			t.Errorf("%s: nothing was read with a filter", when)
		}
	}
	s.observe(t, ordersCluster)
	expectSame("at first", map[string]int{"orders": 3, "ledger": 1})
	add(ordersCluster, "orders-dbscaler-1-1", "db.r6g.large")
	add(ledgerInstance, "ledger-dbscaler-1-1", "db.m6g.large")
	expectSame("with new readers", map[string]int{"orders": 4, "ledger": 2})
	s.clock.Step(50 * time.Minute)
	s.observe(t, ordersCluster)
	for target, name := range map[scaling.Target]string{ordersCluster: "orders-dbscaler-1-1", ledgerInstance: "ledger-dbscaler-1-1"} {
		if err := s.client.Execute(t.Context(), target, scaling.Call{Action: scaling.DeleteReader, Instance: name}); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.Step(20 * time.Minute)
	s.observe(t, ordersCluster)
	expectSame("without them", map[string]int{"orders": 3, "ledger": 1})
}

// TestObserve_TargetReadFails: an error of a read of one target is reported, and is not served for another.
func TestObserve_TargetReadFails(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, ordersCluster)
	s.observe(t, clusterTarget("alone"))
	s.InjectFault(rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "DescribeDBClusters", Code: "AccessDenied", Message: "nope", HTTPStatus: 403})
	s.clock.Step(15 * time.Second)
	got := s.client.Observe(t.Context(), []scaling.Target{ordersCluster}, s.clock.Now())[0]
	expectCause(t, got.Err, scaling.ErrDenied)
	if o := mustObserve(t, s.client, clusterTarget("alone"), time.Time{}); !o.Found {
		t.Error("a target that need not be fresh is not served from memory")
	}
	s.ClearFaults()
	s.clock.Step(maxErrorAge + time.Second)
	s.observe(t, ordersCluster)
}

// TestIdentifiersOf_Limit: more values than a filter takes are not asked for.
func TestIdentifiersOf_Limit(t *testing.T) {
	var targets []scaling.Target
	for n := range maxFilterValues {
		targets = append(targets, clusterTarget(fmt.Sprint("c", n)), scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: fmt.Sprint("i", n)})
	}
	unknown := func(scaling.Target) *topology { return nil }
	if !identifiersOf(targets, unknown).fitsFilters() {
		t.Errorf("%d of each do not fit", maxFilterValues)
	}
	if identifiersOf(slices.Concat(targets, []scaling.Target{clusterTarget("more")}), unknown).fitsFilters() {
		t.Errorf("%d clusters fit", maxFilterValues+1)
	}
}
