package awsx

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// TestObserve_NeedsEachReadPermission removes each action from the statement Read of the shipped policy: every action is
// needed, and the data that it protects becomes unknown, not empty.
func TestObserve_NeedsEachReadPermission(t *testing.T) {
	shipped, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	wantWithout := map[string]func(scaling.ObservationResult) bool{
		"": func(got scaling.ObservationResult) bool {
			o := got.Observation
			return got.Err == nil && got.MetricsErr == nil && o.Orderable != nil && len(o.Prices) > 0 && o.Instances[0].PendingMaintenance == nil &&
				!o.Instances[0].CPU.IsEmpty() && !o.Instances[0].Connections.IsEmpty() && !o.WriterCPU.IsEmpty() &&
				o.BlueGreenUnknown == "" && o.CustomEndpointsUnknown == "" && o.Instances[0].Parameters.Unknown == "" &&
				o.AutoScaling != nil && *o.AutoScaling == scaling.AutoScaling{Min: 1, Max: 5}
		},
		"rds:DescribeBlueGreenDeployments": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.Observation.BlueGreenUnknown != ""
		},
		"rds:DescribeDBClusterEndpoints": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.Observation.CustomEndpointsUnknown != ""
		},
		"rds:DescribeDBClusterParameters": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.Observation.Instances[0].Parameters.Unknown != ""
		},
		"rds:DescribeDBParameters": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.Observation.Instances[0].Parameters.Unknown != ""
		},
		// ReadEvents needs it, not Observe: see TestReadEvents_Denied.
		"rds:DescribeEvents":      func(got scaling.ObservationResult) bool { return got.Err == nil && got.MetricsErr == nil },
		"rds:DescribeDBClusters":  func(got scaling.ObservationResult) bool { return got.Err != nil },
		"rds:DescribeDBInstances": func(got scaling.ObservationResult) bool { return got.Err != nil },
		"cloudwatch:GetMetricData": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.MetricsErr != nil && got.Observation.Orderable != nil
		},
		"rds:DescribeOrderableDBInstanceOptions": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.MetricsErr == nil && got.Observation.Orderable == nil
		},
		"rds:DescribePendingMaintenanceActions": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.MetricsErr == nil && !slices.ContainsFunc(got.Observation.Instances, func(i scaling.Instance) bool {
				return !slices.Equal(i.PendingMaintenance, []scaling.PendingMaintenance{{Action: scaling.MaintenanceUnknown}})
			})
		},
		"application-autoscaling:DescribeScalableTargets": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.MetricsErr == nil && got.Observation.AutoScaling == nil && len(got.Observation.Prices) > 0
		},
		"pricing:GetProducts": func(got scaling.ObservationResult) bool {
			return got.Err == nil && got.MetricsErr == nil && got.Observation.Prices == nil && got.Observation.Orderable != nil
		},
	}
	for action, isExpected := range wantWithout {
		t.Run("without "+action, func(t *testing.T) {
			policy, err := rdssim.ParsePolicy(bytes.Replace(shipped, []byte(`"`+action+`"`), []byte(`"rds:Nothing"`), 1))
			if err != nil {
				t.Fatal(err)
			}
			s := simulate(t, withTopology(loadScenario(t, "all-kinds")), policy, func(o *Options) { o.PricingRegion = "us-east-1" })
			s.registerScalableTarget(t, "orders", 1, 5)
			if got := s.client.Observe(t.Context(), []scaling.Target{ordersCluster}, time.Time{})[0]; !isExpected(got) {
				t.Errorf("got %+v", got)
			}
		})
	}
	var document struct {
		Statement []struct {
			Sid    string
			Action json.RawMessage
		}
	}
	if err := json.Unmarshal(shipped, &document); err != nil {
		t.Fatal(err)
	}
	for _, s := range document.Statement {
		var actions []string
		if s.Sid != "Read" {
			continue
		}
		if err := json.Unmarshal(s.Action, &actions); err != nil {
			t.Fatal(err)
		}
		delete(wantWithout, "")
		if slices.Sort(actions); !slices.Equal(actions, slices.Sorted(maps.Keys(wantWithout))) {
			t.Errorf("the statement Read has the actions %v, and the test covers others", actions)
		}
		return
	}
	t.Error("the policy has no statement Read")
}
