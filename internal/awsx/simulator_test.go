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

// simulatedAWS is the simulator of AWS and a Client that calls it.
type simulatedAWS struct {
	*rdssim.Server
	clock  *clocktesting.FakeClock
	client *Client
}

func simulateAllKinds(t *testing.T, change ...func(*Options)) *simulatedAWS {
	t.Helper()
	return simulateScenario(t, "all-kinds", nil, change...)
}

// simulateScenario returns the simulator with the databases of a scenario, one hour after its start. An IAM policy, if there
// is one, limits what the Client may do.
func simulateScenario(t *testing.T, name string, policy *rdssim.Policy, change ...func(*Options)) *simulatedAWS {
	t.Helper()
	return simulate(t, loadScenario(t, name), policy, change...)
}

// loadScenario reads a scenario of hack/rdssim.
func loadScenario(t *testing.T, name string) model.Scenario {
	t.Helper()
	scenario, err := model.LoadScenario("../../hack/rdssim/scenarios/" + name + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return scenario
}

// simulate returns the simulator with the databases of a scenario, one hour after its start.
func simulate(t *testing.T, scenario model.Scenario, policy *rdssim.Policy, change ...func(*Options)) *simulatedAWS {
	t.Helper()
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

// shippedIAMPolicy reads the IAM policy for the role of the operator.
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

// observe reads a target past the cache.
func (s *simulatedAWS) observe(t *testing.T, target scaling.Target) scaling.Observation {
	t.Helper()
	return mustObserve(t, s.client, target, s.clock.Now())
}

// waitFor advances the clock until an observation satisfies done. It fails with the message after an hour.
func (s *simulatedAWS) waitFor(t *testing.T, message string, done func(scaling.Observation) bool) scaling.Observation {
	t.Helper()
	for range 4 * 60 {
		if o := s.observe(t, ordersCluster); done(o) {
			return o
		}
		s.clock.Step(15 * time.Second)
	}
	t.Fatalf("after an hour, %s: %+v", message, s.observe(t, ordersCluster))
	return scaling.Observation{}
}

// execute executes a call on the cluster orders.
func (s *simulatedAWS) execute(t *testing.T, call scaling.Call) {
	t.Helper()
	if err := s.client.Execute(t.Context(), ordersCluster, call); err != nil {
		t.Fatal(err)
	}
}

func TestSimulator_ObservesAllKinds(t *testing.T) {
	s := simulateAllKinds(t)
	tests := []struct {
		target  scaling.Target
		engine  string
		shapes  map[scaling.Pool]scaling.Shape
		multiAZ bool
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
		if !o.Found || o.Unsupported != "" || o.Engine != test.engine || o.MultiAZ != test.multiAZ || o.Status != scaling.StatusAvailable {
			t.Errorf("%s: %+v", test.target, o)
		}
		for pool, want := range test.shapes {
			if got := o.Shape(pool); got != want {
				t.Errorf("%s: the shape of the pool %s is %s, want %s", test.target, pool, got, want)
			}
		}
		for _, i := range o.Instances {
			newest, _ := i.CPU.NewestSample()
			if n := i.CPU.Count(); n < 50 || n > 60 || s.clock.Now().Sub(newest.Time) > scaling.MaxSampleAge {
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
		t.Error("a member of a cluster is supported as a target")
	}
	if o := s.observe(t, clusterTarget("missing")); o.Found {
		t.Error("a missing cluster is found")
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
	if !found || i.IsAvailable() || !i.CPU.IsEmpty() || !i.CreatedByOperator() || i.SurgeOperation() != "op-1" || i.PromotionTier != 15 {
		t.Fatalf("the new reader is %+v", i)
	}
	if !scaling.IsOptedIn(i.Tags, "platform", "") {
		t.Errorf("the new reader lacks the opt-in tag: %v", i.Tags)
	}
	o = s.waitFor(t, "the new reader is not in service", func(o scaling.Observation) bool {
		i, _ := o.Instance("orders-new")
		return i.IsAvailable() && i.ReplicaLag != nil && i.CPU.Count() > 0
	})
	if i, _ = o.Instance("orders-new"); i.CPU.Start().Before(i.CreatedAt) {
		t.Errorf("the reader was created at %s and has a sample of %s", i.CreatedAt, i.CPU.Start())
	}

	s.execute(t, scaling.Call{Action: scaling.ModifyPromotionTier, Instance: "orders-new", PromotionTier: 0})
	s.waitFor(t, "the tier is not set", func(o scaling.Observation) bool {
		i, _ := o.Instance("orders-new")
		return i.PromotionTier == 0 && i.IsAvailable()
	})
	s.execute(t, scaling.Call{Action: scaling.Failover, Instance: "orders-new"})
	s.waitFor(t, "the failover has not completed", func(o scaling.Observation) bool {
		return o.Status == scaling.StatusAvailable && o.Instances[0].Identifier == "orders-new" && o.Instances[0].Writer
	})
	// The new writer is not deleted, although dbscaler created it.
	err := s.client.Execute(t.Context(), ordersCluster, scaling.Call{Action: scaling.DeleteReader, Instance: "orders-new"})
	expectCause(t, err, scaling.ErrInvalid)

	s.waitFor(t, "the cluster is not idle", isIdle)
	s.execute(t, scaling.Call{Action: scaling.Failover, Instance: "orders-1"})
	s.waitFor(t, "the failover has not completed", func(o scaling.Observation) bool {
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
		t.Error("a reader that dbscaler did not create was deleted")
	}
}

// isIdle reports whether every member is available and no class change is pending.
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

	// The change was made although the response was lost.
	if i, _ := s.observe(t, ordersCluster).Instance("orders-2"); i.PendingClass != "db.r6g.xlarge" && i.Class != "db.r6g.xlarge" {
		t.Fatalf("the change was not made: %+v", i)
	}
	o := s.waitFor(t, "the reader is not resized", func(o scaling.Observation) bool {
		i, _ := o.Instance("orders-2")
		return i.Class == "db.r6g.xlarge" && i.PendingClass == "" && i.IsAvailable()
	})
	// There are no samples from the time while its host was replaced.
	i, _ := o.Instance("orders-2")
	other, _ := o.Instance("orders-3")
	if i.CPU.Count() >= other.CPU.Count() {
		t.Errorf("the restarted reader has %d samples, want fewer than the %d of another reader", i.CPU.Count(), other.CPU.Count())
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
				t.Errorf("the instance was changed: %+v", i)
			}
			s.clock.Step(10 * time.Second) // for the rate limit
		})
	}
}

func TestSimulator_MetricGapIsNotFilled(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, ordersCluster)
	s.InjectFault(rdssim.Fault{Kind: rdssim.MetricGap, Instance: "orders-2"})
	// hasFreshSample reports whether the newest sample of an instance is within MaxSampleAge.
	hasFreshSample := func(o scaling.Observation, name string) bool {
		i, _ := o.Instance(name)
		newest, known := i.CPU.NewestSample()
		return known && s.clock.Now().Sub(newest.Time) <= scaling.MaxSampleAge
	}
	for range 8 {
		s.clock.Step(time.Minute)
		s.observe(t, ordersCluster)
	}
	if o := s.observe(t, ordersCluster); hasFreshSample(o, "orders-2") || !hasFreshSample(o, "orders-3") {
		t.Error("the gap was filled, or affects another instance")
	}
	// Late samples are read once they are published.
	s.ClearFaults()
	s.clock.Step(time.Minute)
	o := s.observe(t, ordersCluster)
	late, _ := o.Instance("orders-2")
	other, _ := o.Instance("orders-3")
	if !hasFreshSample(o, "orders-2") || late.CPU.Count() != other.CPU.Count() {
		t.Errorf("%d of %d samples after the end of the gap", late.CPU.Count(), other.CPU.Count())
	}
}
