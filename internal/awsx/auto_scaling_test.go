package awsx

import (
	"net/http"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// registerScalableTarget lets Aurora Auto Scaling manage the number of readers of a cluster.
func (s *simulatedAWS) registerScalableTarget(t *testing.T, cluster string, minReaders, maxReaders int) {
	t.Helper()
	s.WithWorld(func(w *model.World) {
		if err := w.RegisterScalableTarget("eu-west-1", cluster, model.AutoScaling{MinCapacity: minReaders, MaxCapacity: maxReaders}); err != nil {
			t.Error(err)
		}
	})
}

// TestClient_ReportsAutoScalingLimits: a registered cluster is known as one, for as long as it is and for all who share its scope.
func TestClient_ReportsAutoScalingLimits(t *testing.T) {
	s := simulateAllKinds(t)
	s.registerScalableTarget(t, "orders", 1, 5)
	if o := s.observe(t, ordersCluster); o.AutoScaling == nil || *o.AutoScaling != (scaling.AutoScaling{Min: 1, Max: 5}) {
		t.Errorf("registered with 1 to 5 readers: AutoScaling is %+v", o.AutoScaling)
	}
	ledger := scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}
	if a, b := s.observe(t, clusterTarget("alone")).AutoScaling, s.observe(t, ledger).AutoScaling; a != nil || b != nil {
		t.Errorf("targets that are not registered: AutoScaling is %+v and %+v, want nil", a, b)
	}
	if n := s.CountCalls("DescribeScalableTargets"); n != 1 {
		t.Errorf("made %d requests", n)
	}
	s.WithWorld(func(w *model.World) { w.DeregisterScalableTarget("eu-west-1", "orders") })
	s.clock.Step(autoScalingInterval + time.Second)
	if o := s.observe(t, ordersCluster); o.AutoScaling != nil {
		t.Errorf("deregistered: AutoScaling is %+v, want nil", o.AutoScaling)
	}
}

// TestClient_ReadsNoAutoScalingLimitsWithoutClusters: plain instances have no readers to count.
func TestClient_ReadsNoAutoScalingLimitsWithoutClusters(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"})
	if n := s.CountCalls("DescribeScalableTargets"); n != 0 {
		t.Errorf("made %d requests", n)
	}
}

// TestClient_KeepsAutoScalingLimitsAfterReadErrors: limits that could never be read are unknown and do not affect other data;
// limits from an earlier read stay in force.
func TestClient_KeepsAutoScalingLimitsAfterReadErrors(t *testing.T) {
	s := simulateAllKinds(t)
	s.registerScalableTarget(t, "orders", 1, 5)
	denied := rdssim.Fault{Kind: rdssim.ErrorResponse, Operation: "DescribeScalableTargets", Code: "AccessDenied", HTTPStatus: http.StatusForbidden}
	s.InjectFault(denied)
	for range 12 {
		if o := s.observe(t, ordersCluster); o.AutoScaling != nil || o.Orderable == nil || len(firstInstanceCPU(o)) == 0 {
			t.Fatalf("AutoScaling is %+v, want nil; %d orderable classes, %d samples", o.AutoScaling, len(o.Orderable), len(firstInstanceCPU(o)))
		}
		s.clock.Step(61 * time.Second)
	}
	if n := s.CountCalls("DescribeScalableTargets"); n != 2 {
		t.Errorf("made %d requests in 12 minutes, want 2", n)
	}
	s.ClearFaults()
	s.clock.Step(autoScalingRetryInterval)
	if s.observe(t, ordersCluster).AutoScaling == nil {
		t.Error("AutoScaling is nil although it can be read again")
	}
	s.InjectFault(denied)
	s.clock.Step(autoScalingInterval + time.Second)
	if s.observe(t, ordersCluster).AutoScaling == nil {
		t.Error("AutoScaling is nil after a read error: the previous limits must stay in force")
	}
}
