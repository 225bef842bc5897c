package awsx

import (
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestSimulator_MultiAZCluster uses the wire protocols of the simulator and the shipped IAM policy.
func TestSimulator_MultiAZCluster(t *testing.T) {
	s := simulateScenario(t, "multi-az-cluster", shippedIAMPolicy(t), func(o *Options) { o.PricingRegion = "us-east-1" })
	payments := clusterTarget("payments")
	o := s.observe(t, payments)
	if !o.ResizedAsUnit || o.Unsupported != "" || o.Kind != scaling.DBCluster || len(o.Instances) != 3 || !o.Instances[0].Writer || o.Prices != nil {
		t.Fatalf("got %+v", o)
	}
	if !slices.Contains(o.Orderable, "db.m6gd.xlarge") || slices.Contains(o.Orderable, "db.m6g.xlarge") {
		t.Errorf("orderable classes are %v", o.Orderable)
	}
	for _, i := range o.Instances {
		if i.CPU.Count() < 50 || i.Connections.Count() == 0 || (i.ReplicaLag != nil) == i.Writer {
			t.Errorf("%s: %d samples, lag %v", i.Identifier, i.CPU.Count(), i.ReplicaLag)
		}
	}
	change := scaling.Call{Action: scaling.ModifyClusterClass, Instance: "payments", InstanceClass: "db.m6gd.xlarge"}
	s.expectBusyWhilePending(t, payments, change)
	if err := s.client.Execute(t.Context(), payments, change); err != nil {
		t.Fatal(err)
	}
	for range 90 {
		s.clock.Step(samplePeriod)
		if o = s.observe(t, payments); isIdle(o) && o.Instances[0].Class == "db.m6gd.xlarge" {
			break
		}
	}
	for _, i := range o.Instances {
		if i.Class != "db.m6gd.xlarge" || !i.IsAvailable() {
			t.Errorf("%s has class %s and status %s, want db.m6gd.xlarge and available", i.Identifier, i.Class, i.Status)
		}
	}
	if o.Instances[0].Identifier == "payments-instance-1" {
		t.Error("the old writer is still the writer: a resize must fail over")
	}
	expectCause(t, s.client.Execute(t.Context(), payments, scaling.Call{
		Action: scaling.ModifyClusterClass, Instance: "payments", InstanceClass: "db.m6g.xlarge",
	}), scaling.ErrInvalid)
}

// TestSimulator_Serverless uses the wire protocols of the simulator and the shipped IAM policy.
func TestSimulator_Serverless(t *testing.T) {
	s := simulateScenario(t, "serverless", shippedIAMPolicy(t), func(o *Options) { o.PricingRegion = "us-east-1" })
	sessions := clusterTarget("sessions")
	o := s.observe(t, sessions)
	if !o.ResizedAsUnit || !o.Serverless || o.Unsupported != "" || o.Shape(scaling.Writer) != (scaling.Shape{InstanceClass: "16 ACU", Count: 1}) {
		t.Fatalf("got %+v", o)
	}
	if cpu, known := o.Instances[0].CPU.NewestSample(); !known || cpu.Value < 80 || cpu.Value > 95 {
		t.Errorf("the writer uses %v of its maximum capacity, want 80 to 95 percent", cpu)
	}
	if used, known := o.Instances[0].UsedCapacity.NewestSample(); !known || used.Value < 13 || used.Value > 16 || o.MinCapacity != 0.5 {
		t.Errorf("the writer uses %v ACUs of a minimum of %g, want 13 to 16 of 0.5", used, o.MinCapacity)
	}
	if price, known := scaling.ClassPrice(&scaling.Policy{}, &o, "10.5 ACU"); !known || price != scaling.Money(10.5*0.12*float64(scaling.Dollar)) {
		t.Errorf("10.5 ACUs cost %s (known: %t)", price, known)
	}
	change := func(class string) scaling.Call {
		return scaling.Call{Action: scaling.ModifyCapacity, Instance: "sessions", InstanceClass: class}
	}
	s.expectBusyWhilePending(t, sessions, change("32 ACU"))
	if err := s.client.Execute(t.Context(), sessions, change("32 ACU")); err != nil {
		t.Fatal(err)
	}
	s.clock.Step(2 * samplePeriod)
	if o = s.observe(t, sessions); !isIdle(o) || o.Instances[1].Class != "32 ACU" {
		t.Errorf("got %+v", o)
	}
	if want := []string{"DB parameter group default.aurora-postgresql is pending-reboot"}; !slices.Equal(o.Instances[1].PendingReboot, want) {
		t.Errorf("pending reboot: got %v, want %v: the range changes the default of max_connections", o.Instances[1].PendingReboot, want)
	}
	for _, class := range []string{"db.r6g.large", "32.25 ACU", "0 ACU"} { // 0 is below the minimum
		expectCause(t, s.client.Execute(t.Context(), sessions, change(class)), scaling.ErrInvalid)
	}
}

// TestSimulator_ServerlessRange: each bound changes without the other, in half steps, and AWS refuses what it does not have.
func TestSimulator_ServerlessRange(t *testing.T) {
	scenario := loadScenario(t, "serverless")
	scenario.Databases[0].EngineVersion = "16.3"
	scenario.Databases[0].Serverless = &model.ServerlessCapacity{Min: 0, Max: 10.5, SecondsUntilAutoPause: 3600}
	s := simulate(t, scenario, shippedIAMPolicy(t))
	sessions := clusterTarget("sessions")
	set := func(action scaling.Action, class string) error {
		s.clock.Step(2 * samplePeriod)
		return s.client.Execute(t.Context(), sessions, scaling.Call{Action: action, Instance: "sessions", InstanceClass: class})
	}
	expect := func(want model.ServerlessCapacity) {
		t.Helper()
		s.clock.Step(2 * samplePeriod)
		o := s.observe(t, sessions)
		var got model.ServerlessCapacity
		s.WithWorld(func(w *model.World) {
			c, err := w.Cluster("eu-west-1", "sessions")
			if err != nil {
				t.Fatal(err)
			}
			got = *c.Capacity
		})
		if got != want || o.MinCapacity != want.Min || o.Unsupported != "" {
			t.Errorf("the range is %+v, observed minimum %g (%s), want %+v", got, o.MinCapacity, o.Unsupported, want)
		}
	}
	expect(model.ServerlessCapacity{Min: 0, Max: 10.5, SecondsUntilAutoPause: 3600})
	for _, test := range []struct {
		action scaling.Action
		class  string
		want   model.ServerlessCapacity
	}{
		{scaling.ModifyCapacity, "20.5 ACU", model.ServerlessCapacity{Min: 0, Max: 20.5, SecondsUntilAutoPause: 3600}},
		{scaling.ModifyMinCapacity, "2.5 ACU", model.ServerlessCapacity{Min: 2.5, Max: 20.5}},
		{scaling.ModifyMinCapacity, "0 ACU", model.ServerlessCapacity{Min: 0, Max: 20.5, SecondsUntilAutoPause: 300}}, // the default of AWS
	} {
		if err := set(test.action, test.class); err != nil {
			t.Fatal(err)
		}
		expect(test.want)
	}
	expectCause(t, set(scaling.ModifyMinCapacity, "21 ACU"), scaling.ErrInvalid) // above the maximum
	expectCause(t, set(scaling.ModifyCapacity, "0.5 ACU"), scaling.ErrInvalid)   // refused by AWS
}

// TestSimulator_ClusterChangeNeedsTagOfMembers: IAM asks for the tag of each member when a cluster is modified.
func TestSimulator_ClusterChangeNeedsTagOfMembers(t *testing.T) {
	scenario := loadScenario(t, "serverless")
	scenario.Databases[0].Instances[1].Tags = nil
	s := simulate(t, scenario, shippedIAMPolicy(t))
	err := s.client.Execute(t.Context(), clusterTarget("sessions"), scaling.Call{
		Action: scaling.ModifyCapacity, Instance: "sessions", InstanceClass: "32 ACU",
	})
	expectCause(t, err, scaling.ErrDenied)
}

// expectBusyWhilePending checks that a change of a cluster is not requested while somebody's modification of it is pending.
func (s *simulatedAWS) expectBusyWhilePending(t *testing.T, target scaling.Target, call scaling.Call) {
	t.Helper()
	version := s.observe(t, target).EngineVersion
	pending := func(changes model.ClusterPendingChanges) {
		s.WithWorld(func(w *model.World) {
			if err := w.DeferClusterChanges(target.Scope.Region, target.Identifier, changes); err != nil {
				t.Fatal(err)
			}
		})
	}
	pending(model.ClusterPendingChanges{EngineVersion: "99.1", MasterUserPassword: "****"})
	expectCause(t, s.client.Execute(t.Context(), target, call), scaling.ErrBusy)
	s.clock.Step(10 * samplePeriod)
	o := s.observe(t, target)
	if want := []string{"EngineVersion", "MasterUserPassword"}; !slices.Equal(o.PendingModifications, want) || o.EngineVersion != version || !isIdle(o) {
		t.Errorf("pending: got %v, want %v; engine version %s, want %s", o.PendingModifications, want, o.EngineVersion, version)
	}
	pending(model.ClusterPendingChanges{})
	s.clock.Step(time.Second)
	if o := s.observe(t, target); o.PendingModifications != nil {
		t.Errorf("pending after the cancellation: %v", o.PendingModifications)
	}
}
