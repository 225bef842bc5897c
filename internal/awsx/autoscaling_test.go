package awsx

import (
	"net/http"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// register gives the number of readers of a cluster to Aurora Auto Scaling.
func (s *simulated) register(t *testing.T, cluster string, least, most int) {
	t.Helper()
	s.Do(func(w *model.World) {
		if err := w.Register("eu-west-1", cluster, model.AutoScaling{MinCapacity: least, MaxCapacity: most}); err != nil {
			t.Error(err)
		}
	})
}

// TestAutoScaling: a registered cluster is known as one, for as long as it is and for all who share its scope.
func TestAutoScaling(t *testing.T) {
	s := simulate(t)
	s.register(t, "orders", 1, 5)
	if o := s.see(t, orders); o.AutoScaling == nil || *o.AutoScaling != (scaling.AutoScaling{Min: 1, Max: 5}) {
		t.Errorf("it is %+v", o.AutoScaling)
	}
	ledger := scaling.Target{Scope: ireland, Kind: scaling.DBInstance, Identifier: "ledger"}
	if a, b := s.see(t, cluster("alone")).AutoScaling, s.see(t, ledger).AutoScaling; a != nil || b != nil {
		t.Errorf("of others it is %+v and %+v", a, b)
	}
	if n := s.CountCalls("DescribeScalableTargets"); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
	s.Do(func(w *model.World) { w.Deregister("eu-west-1", "orders") })
	s.clock.Step(autoScalingEvery + time.Second)
	if o := s.see(t, orders); o.AutoScaling != nil {
		t.Errorf("deregistered, it is %+v", o.AutoScaling)
	}
}

// TestNobodyAsksAboutClustersWithoutOne: plain instances have no readers to count.
func TestNobodyAsksAboutClustersWithoutOne(t *testing.T) {
	s := simulate(t)
	s.see(t, scaling.Target{Scope: ireland, Kind: scaling.DBInstance, Identifier: "ledger"})
	if n := s.CountCalls("DescribeScalableTargets"); n != 0 {
		t.Errorf("it was asked for %d times", n)
	}
}

// TestAutoScalingThatCannotBeRead: it is unknown, asked for again after a while, and nothing else suffers; what was known
// stands.
func TestAutoScalingThatCannotBeRead(t *testing.T) {
	s := simulate(t)
	s.register(t, "orders", 1, 5)
	denied := rdssim.Fault{Kind: rdssim.Answer, Operation: "DescribeScalableTargets", Code: "AccessDenied", HTTPStatus: http.StatusForbidden}
	s.Inject(denied)
	for range 12 {
		if o := s.see(t, orders); o.AutoScaling != nil || o.Orderable == nil || len(cpu(o)) == 0 {
			t.Fatalf("it is %+v; orderable %d, samples %d", o.AutoScaling, len(o.Orderable), len(cpu(o)))
		}
		s.clock.Step(61 * time.Second)
	}
	if n := s.CountCalls("DescribeScalableTargets"); n != 2 {
		t.Errorf("it was asked for %d times in 12 minutes", n)
	}
	s.Heal()
	s.clock.Step(autoScalingErrorEvery)
	if s.see(t, orders).AutoScaling == nil {
		t.Error("it can be read again, and is not known")
	}
	s.Inject(denied)
	s.clock.Step(autoScalingEvery + time.Second)
	if s.see(t, orders).AutoScaling == nil {
		t.Error("what was known is forgotten, and two set the number of readers")
	}
}
