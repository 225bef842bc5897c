package awsx

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// withTopology gives the cluster orders parameter groups, custom endpoints and a global database.
func withTopology(scenario model.Scenario) model.Scenario {
	scenario.ParameterGroups = []model.ParameterGroup{
		{Name: "tuned", Region: "eu-west-1", Parameters: map[string]string{"max_connections": "800", "work_mem": "65536"}},
		{Name: "tuned-cluster", Region: "eu-west-1", Cluster: true, Parameters: map[string]string{
			"max_connections": "3000", "shared_buffers": "{DBInstanceClassMemory/16384}", "apg_ccm_enabled": "1",
		}},
	}
	for n := range scenario.Databases {
		if d := &scenario.Databases[n]; d.Identifier == "orders" {
			d.ParameterGroup, d.ClusterParameterGroup, d.GlobalCluster = "tuned", "tuned-cluster", "orders-global"
			d.CustomEndpoints = []model.CustomEndpoint{
				{Identifier: "reports", Type: "READER", StaticMembers: []string{d.Instances[1].Identifier}},
				{Identifier: "analytics", ExcludedMembers: []string{d.Instances[0].Identifier}},
			}
		}
	}
	return scenario
}

// TestObserve_TopologyMetadata reads parameters, custom endpoints and the global role through the SDK.
func TestObserve_TopologyMetadata(t *testing.T) {
	s := simulate(t, withTopology(loadScenario(t, "all-kinds")), shippedIAMPolicy(t))
	o := s.observe(t, ordersCluster)
	writer, reader := o.Instances[0], o.Instances[1]
	wantEndpoints := []scaling.CustomEndpoint{
		{Identifier: "analytics", ExcludedMembers: []string{writer.Identifier}}, {Identifier: "reports", StaticMembers: []string{reader.Identifier}},
	}
	if !reflect.DeepEqual(o.CustomEndpoints, wantEndpoints) || o.CustomEndpointsUnknown != "" {
		t.Errorf("the custom endpoints are %+v (%s), want %+v", o.CustomEndpoints, o.CustomEndpointsUnknown, wantEndpoints)
	}
	// The DB parameter group takes precedence, and what the operator does not use is left out.
	wantParameters := map[string]string{"max_connections": "800", "shared_buffers": "{DBInstanceClassMemory/16384}", "apg_ccm_enabled": "1"}
	if !reflect.DeepEqual(reader.Parameters, scaling.Parameters{Values: wantParameters}) || !reflect.DeepEqual(reader.ParameterGroups, []string{"tuned"}) {
		t.Errorf("the parameters of %v are %+v, want %v", reader.ParameterGroups, reader.Parameters, wantParameters)
	}
	if o.GlobalCluster != "orders-global" || o.GlobalSecondary || !strings.HasPrefix(o.ResourceID, "cluster-") || !strings.HasPrefix(writer.ResourceID, "db-") {
		t.Errorf("global cluster %q, secondary %t, resource IDs %q and %q", o.GlobalCluster, o.GlobalSecondary, o.ResourceID, writer.ResourceID)
	}
	if o.BlueGreen != nil || o.BlueGreenUnknown != "" {
		t.Errorf("blue/green deployment %+v, %q", o.BlueGreen, o.BlueGreenUnknown)
	}
	if s.CountCalls("DescribeDBParameters") != 1 || s.CountCalls("DescribeDBClusterParameters") != 1 || s.CountCalls("DescribeDBClusterEndpoints") != 1 {
		t.Error("a group or the endpoints were read more than once")
	}
	for range 60 { // an hour
		s.clock.Step(time.Minute)
		s.observe(t, ordersCluster)
	}
	if n := s.CountCalls("DescribeDBParameters"); n != 1 {
		t.Errorf("read the parameters %d times in an hour, want 1", n)
	}
	if n := s.CountCalls("DescribeDBClusterEndpoints"); n < 12 || n > 16 {
		t.Errorf("read the endpoints %d times in an hour, want one in about five minutes", n)
	}
}

// TestObserve_NoTopologyRequestsWithoutNeed: clusters without custom endpoints and with the groups of AWS need neither request.
func TestObserve_NoTopologyRequestsWithoutNeed(t *testing.T) {
	s := simulateAllKinds(t)
	s.observe(t, ordersCluster)
	for _, operation := range []string{"DescribeDBParameters", "DescribeDBClusterParameters", "DescribeDBClusterEndpoints"} {
		if n := s.CountCalls(operation); n != 0 {
			t.Errorf("made %d requests of %s", n, operation)
		}
	}
}

// TestObserve_UnreadableTopologyMetadata: what cannot be read is unknown, with the permission to grant, and the rest is read.
func TestObserve_UnreadableTopologyMetadata(t *testing.T) {
	for _, operation := range []string{"DescribeDBParameters", "DescribeDBClusterParameters", "DescribeDBClusterEndpoints", "DescribeBlueGreenDeployments"} {
		s := simulate(t, withTopology(loadScenario(t, "all-kinds")), nil)
		s.InjectFault(rdssim.Fault{
			Kind: rdssim.ErrorResponse, Operation: operation, Code: "AccessDenied", Message: "no " + operation, HTTPStatus: http.StatusForbidden,
		})
		o := s.observe(t, ordersCluster)
		unknown := map[string]string{
			"DescribeDBParameters": o.Instances[0].Parameters.Unknown, "DescribeDBClusterParameters": o.Instances[0].Parameters.Unknown,
			"DescribeDBClusterEndpoints": o.CustomEndpointsUnknown, "DescribeBlueGreenDeployments": o.BlueGreenUnknown,
		}
		if !strings.Contains(unknown[operation], "grant rds:"+operation) || strings.Contains(unknown[operation], "request 0000") {
			t.Errorf("%s: %q", operation, unknown[operation])
		}
		if o.Instances[0].CPU.Count() == 0 || o.Orderable == nil {
			t.Errorf("%s: %d samples, orderable %v", operation, o.Instances[0].CPU.Count(), o.Orderable)
		}
	}
}

// TestObserve_BlueGreenDeployment: from its creation to the switchover both environments are part of the deployment. Then the names are
// those of other instances.
func TestObserve_BlueGreenDeployment(t *testing.T) {
	scenario := loadScenario(t, "all-kinds")
	switchover := model.Instant{Offset: 3 * time.Hour}
	for n := range scenario.Databases {
		if d := &scenario.Databases[n]; d.Identifier == "orders" {
			d.BlueGreen = []model.ScheduledBlueGreen{{Name: "upgrade", At: model.Instant{Offset: 30 * time.Minute}, Switchover: &switchover}}
		}
	}
	s := simulate(t, scenario, shippedIAMPolicy(t))
	before := s.observe(t, ordersCluster)
	if before.BlueGreen == nil || before.BlueGreen.Name != "upgrade" || before.BlueGreen.Role != scaling.BlueRole || before.BlueGreen.Status != "PROVISIONING" &&
		before.BlueGreen.Status != "AVAILABLE" {
		t.Fatalf("blue is part of %+v", before.BlueGreen)
	}
	green := ""
	for name := range s.client.clientForScope(euWest1).topology.clusters {
		if strings.HasPrefix(name, "orders-green-") {
			green = name
		}
	}
	if o := s.observe(t, clusterTarget(green)); o.BlueGreen == nil || o.BlueGreen.Role != scaling.GreenRole {
		t.Errorf("green is part of %+v", o.BlueGreen)
	}
	s.clock.Step(150 * time.Minute)
	after := s.observe(t, ordersCluster)
	if after.BlueGreen != nil || after.ARN != before.ARN || after.ResourceID == before.ResourceID || after.Instances[0].ResourceID == before.Instances[0].ResourceID {
		t.Errorf("after the switchover: %+v, ARN %s, resource %s, before %s", after.BlueGreen, after.ARN, after.ResourceID, before.ResourceID)
	}
	if len(after.Instances) != len(before.Instances) || after.Instances[0].Identifier != before.Instances[0].Identifier {
		t.Errorf("after the switchover the instances are %+v", after.Instances)
	}
}
