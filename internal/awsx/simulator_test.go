package awsx

import (
	"net/http/httptest"
	"os"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// simulatedAWS is AWS with one database of each kind, and an Edge on it.
type simulatedAWS struct {
	*rdssim.Server
	clock  *clocktesting.FakeClock
	client *Client
}

func simulateAllKinds(t *testing.T, change ...func(*Options)) *simulatedAWS {
	t.Helper()
	return simulateScenario(t, "all-kinds", nil, change...)
}

// simulateScenario is AWS with the databases of a scenario, an hour after it began. A policy says what the Edge may do.
func simulateScenario(t *testing.T, name string, policy *rdssim.Policy, change ...func(*Options)) *simulatedAWS {
	t.Helper()
	scenario, err := model.LoadScenario("../../hack/rdssim/scenarios/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	world, err := model.New(scenario)
	if err != nil {
		t.Fatal(err)
	}
	s := &simulatedAWS{clock: clocktesting.NewFakeClock(scenario.Start.Time)}
	s.Server = rdssim.New(rdssim.Options{World: world, Clock: s.clock, Policy: policy})
	server := httptest.NewServer(s.Server)
	t.Cleanup(server.Close)
	s.client = newTestClient(t, server.URL, append(change, func(o *Options) { o.Clock = s.clock })...)
	s.clock.Step(time.Hour)
	return s
}

// shippedIAMPolicy is the IAM policy that the operator's role is given.
func shippedIAMPolicy(t *testing.T) *rdssim.Policy {
	t.Helper()
	document, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// observe observes a target anew.
func (s *simulatedAWS) observe(t *testing.T, target scaling.Target) scaling.Observation {
	t.Helper()
	return mustObserve(t, s.client, target, s.clock.Now())
}

// waitFor lets time pass until an observation is as wanted.
func (s *simulatedAWS) waitFor(t *testing.T, what string, done func(scaling.Observation) bool) scaling.Observation {
	t.Helper()
	for range 4 * 60 {
		if o := s.observe(t, ordersCluster); done(o) {
			return o
		}
		s.clock.Step(15 * time.Second)
	}
	t.Fatalf("after an hour %s: %+v", what, s.observe(t, ordersCluster))
	return scaling.Observation{}
}

// execute carries out a call on the cluster orders.
func (s *simulatedAWS) execute(t *testing.T, call scaling.Call) {
	t.Helper()
	if err := s.client.Execute(t.Context(), ordersCluster, call); err != nil {
		t.Fatal(err)
	}
}

func TestSimulator_ObservesAllKinds(t *testing.T) {
	s := simulateAllKinds(t)
	tests := []struct {
		target scaling.Target
		engine string
		shapes map[scaling.Pool]scaling.Shape
		multi  bool
	}{
		{ordersCluster, "aurora-postgresql", map[scaling.Pool]scaling.Shape{
			scaling.Writer:  {InstanceClass: "db.r6g.xlarge", Count: 1},
			scaling.Readers: {InstanceClass: "db.r6g.large", Count: 2},
		}, false},
		{clusterTarget("alone"), "aurora-mysql", map[scaling.Pool]scaling.Shape{scaling.Writer: {InstanceClass: "db.r6g.large", Count: 1}}, false},
		{scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "ledger"}, "postgres",
			map[scaling.Pool]scaling.Shape{scaling.Writer: {InstanceClass: "db.m6g.large", Count: 1}}, false},
		{scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "billing"}, "mysql",
			map[scaling.Pool]scaling.Shape{scaling.Writer: {InstanceClass: "db.m6g.large", Count: 1}}, true},
		{scaling.Target{Scope: scaling.Scope{Region: "eu-central-1"}, Kind: scaling.DBInstance, Identifier: "elsewhere"}, "postgres",
			map[scaling.Pool]scaling.Shape{scaling.Writer: {InstanceClass: "db.m6g.large", Count: 1}}, false},
	}
	for _, test := range tests {
		o := s.observe(t, test.target)
		if !o.Found || o.Unsupported != "" || o.Engine != test.engine || o.MultiAZ != test.multi || o.Status != scaling.StatusAvailable {
			t.Errorf("%s: %+v", test.target, o)
		}
		for pool, want := range test.shapes {
			if got := o.Shape(pool); got != want {
				t.Errorf("%s: the %s are %s, want %s", test.target, pool, got, want)
			}
		}
		for _, i := range o.Instances {
			if n := len(i.CPU); n < 50 || n > 60 || s.clock.Now().Sub(i.CPU[n-1].Time) > scaling.MaxSampleAge {
				t.Errorf("%s of %s: %d samples", i.Identifier, test.target, n)
			}
			if aurora := test.target.Kind == scaling.DBCluster; (i.ReplicaLag != nil) != (aurora && !i.Writer) {
				t.Errorf("%s of %s: lag %v", i.Identifier, test.target, i.ReplicaLag)
			}
			if i.ARN == "" || i.CreatedAt.IsZero() || i.AvailabilityZone == "" {
				t.Errorf("%s of %s: %+v", i.Identifier, test.target, i)
			}
		}
	}
	if o := s.observe(t, scaling.Target{Scope: euWest1, Kind: scaling.DBInstance, Identifier: "orders-2"}); o.Unsupported == "" {
		t.Error("a member of a cluster is scaled by itself")
	}
	if o := s.observe(t, clusterTarget("nobody")); o.Found {
		t.Error("a cluster is found that is not there")
	}
}

func TestSimulator_ExecutesReaderLifecycle(t *testing.T) {
	s := simulateAllKinds(t)
	s.execute(t, scaling.Call{
		Action: scaling.CreateReader, Instance: "orders-new", InstanceClass: "db.r6g.xlarge", PromotionTier: 15,
		Tags: map[string]string{scaling.TagCreatedBy: scaling.TagCreatedByValue, scaling.TagSurge: "op-1"},
	})
	o := s.observe(t, ordersCluster)
	i, found := o.Instance("orders-new")
	if !found || i.IsAvailable() || i.CPU != nil || !i.CreatedByOperator() || i.SurgeOperation() != "op-1" || i.PromotionTier != 15 {
		t.Fatalf("the new reader is %+v", i)
	}
	if !scaling.IsOptedIn(i.Tags, "platform") {
		t.Errorf("the new reader lacks the opt-in tag: %v", i.Tags)
	}
	o = s.waitFor(t, "the new reader is not in service", func(o scaling.Observation) bool {
		i, _ := o.Instance("orders-new")
		return i.IsAvailable() && i.ReplicaLag != nil && len(i.CPU) > 0
	})
	if i, _ = o.Instance("orders-new"); i.CPU[0].Time.Before(i.CreatedAt) {
		t.Errorf("the reader was created at %s and has a sample of %s", i.CreatedAt, i.CPU[0].Time)
	}

	s.execute(t, scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "orders-new", PromotionTier: 0})
	s.waitFor(t, "the tier is not set", func(o scaling.Observation) bool {
		i, _ := o.Instance("orders-new")
		return i.PromotionTier == 0 && i.IsAvailable()
	})
	s.execute(t, scaling.Call{Action: scaling.Failover, Instance: "orders-new"})
	s.waitFor(t, "nobody has taken over", func(o scaling.Observation) bool {
		return o.Status == scaling.StatusAvailable && o.Instances[0].Identifier == "orders-new" && o.Instances[0].Writer
	})
	// It is the writer now: whatever its tags say, it is not deleted.
	err := s.client.Execute(t.Context(), ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-new"})
	expectCause(t, err, scaling.ErrInvalid)

	s.waitFor(t, "the cluster is not at rest", isIdle)
	s.execute(t, scaling.Call{Action: scaling.Failover, Instance: "orders-1"})
	s.waitFor(t, "nobody has taken over", func(o scaling.Observation) bool {
		return o.Instances[0].Identifier == "orders-1" && isIdle(o)
	})
	s.execute(t, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-new"})
	s.waitFor(t, "the reader is not gone", func(o scaling.Observation) bool {
		_, found := o.Instance("orders-new")
		return !found
	})
	err = s.client.Execute(t.Context(), ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-2"})
	expectCause(t, err, scaling.ErrInvalid)
	if _, found := s.observe(t, ordersCluster).Instance("orders-2"); !found {
		t.Error("a reader is gone that dbscaler did not create")
	}
}

// isIdle says that every member is available and nothing is pending.
func isIdle(o scaling.Observation) bool {
	for _, i := range o.Instances {
		if !i.IsAvailable() || i.PendingClass != "" {
			return false
		}
	}
	return o.Status == scaling.StatusAvailable
}

func TestSimulator_LostResponseIsUnavailable(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, ordersCluster)
	s.InjectFault(rdssim.Fault{Kind: rdssim.LostResponse, Operation: "ModifyDBInstance", Times: 1})
	resize := scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "orders-2", InstanceClass: "db.r6g.xlarge"}
	expectCause(t, s.client.Execute(t.Context(), ordersCluster, resize), scaling.ErrUnavailable)

	// Looking again shows that it was carried out all the same.
	if i, _ := s.observe(t, ordersCluster).Instance("orders-2"); i.PendingClass != "db.r6g.xlarge" && i.Class != "db.r6g.xlarge" {
		t.Fatalf("there is no trace of the change: %+v", i)
	}
	o := s.waitFor(t, "the reader is not resized", func(o scaling.Observation) bool {
		i, _ := o.Instance("orders-2")
		return i.Class == "db.r6g.xlarge" && i.PendingClass == "" && i.IsAvailable()
	})
	// While its host was replaced there were no samples, and none were made up.
	i, _ := o.Instance("orders-2")
	other, _ := o.Instance("orders-3")
	if len(i.CPU) >= len(other.CPU) {
		t.Errorf("a restarted reader has %d samples, another one %d", len(i.CPU), len(other.CPU))
	}
}

func TestSimulator_FaultsAreClassified(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, ordersCluster)
	resize := scaling.Call{Action: scaling.ModifyInstanceClass, Instance: "orders-2", InstanceClass: "db.r6g.2xlarge"}
	tests := []struct {
		fault rdssim.Fault
		want  error
	}{
		{rdssim.Fault{Kind: rdssim.Throttle}, scaling.ErrThrottled},
		{rdssim.Fault{Kind: rdssim.ServerError}, scaling.ErrUnavailable},
		{rdssim.Fault{Kind: rdssim.Unavailable}, scaling.ErrUnavailable},
		{rdssim.Fault{Kind: rdssim.LostRequest}, scaling.ErrUnavailable},
		{rdssim.Fault{
			Kind: rdssim.ErrorResponse, Code: "InsufficientDBInstanceCapacity", Message: "There are no instances.", HTTPStatus: 400,
		}, scaling.ErrNoCapacity},
	}
	for _, test := range tests {
		t.Run(string(test.fault.Kind), func(t *testing.T) {
			test.fault.Operation = "ModifyDBInstance"
			s.InjectFault(test.fault)
			defer s.ClearFaults()
			expectCause(t, s.client.Execute(t.Context(), ordersCluster, resize), test.want)
			if i, _ := s.observe(t, ordersCluster).Instance("orders-2"); i.PendingClass != "" || i.Class != "db.r6g.large" {
				t.Errorf("something was changed: %+v", i)
			}
			s.clock.Step(10 * time.Second) // a turn for the next
		})
	}
}

func TestSimulator_MetricGapIsNotFilled(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, ordersCluster)
	s.InjectFault(rdssim.Fault{Kind: rdssim.MetricGap, Instance: "orders-2"})
	// fresh says whether an instance has a sample that is new enough to decide on.
	fresh := func(o scaling.Observation, name string) bool {
		i, _ := o.Instance(name)
		return s.clock.Now().Sub(i.CPU[len(i.CPU)-1].Time) <= scaling.MaxSampleAge
	}
	for range 8 {
		s.clock.Step(time.Minute)
		s.observe(t, ordersCluster)
	}
	if o := s.observe(t, ordersCluster); fresh(o, "orders-2") || !fresh(o, "orders-3") {
		t.Error("the gap was filled, or it is another instance's too")
	}
	// What was only late is read when it is there.
	s.ClearFaults()
	s.clock.Step(time.Minute)
	o := s.observe(t, ordersCluster)
	late, _ := o.Instance("orders-2")
	other, _ := o.Instance("orders-3")
	if !fresh(o, "orders-2") || len(late.CPU) != len(other.CPU) {
		t.Errorf("%d of %d samples after the gap", len(late.CPU), len(other.CPU))
	}
}
