package controllers

import (
	"testing"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// With a threshold of 75 %, a pool of 10 vCPUs is near it from 6 vCPUs on.
func TestPriority(t *testing.T) {
	quiet := scaling.Load{Fresh: true, UsableCapacity: 10, Demand: 5.9}
	near, trend, seasonal, unknown, emergency := quiet, quiet, quiet, quiet, quiet
	near.Demand, trend.TrendDemand, seasonal.SeasonalDemand, unknown.Fresh, emergency.Emergency = 6, 6, 6, false, true
	for _, test := range []struct {
		name      string
		load      scaling.Load
		isScaled  bool
		operation *v1alpha1.OperationStatus
		want      int
	}{
		{"quiet", quiet, true, nil, priorityQuiet},
		{"near the threshold", near, true, nil, priorityNearThreshold},
		{"near it by the trend", trend, true, nil, priorityNearThreshold},
		{"near it by earlier days", seasonal, true, nil, priorityNearThreshold},
		{"the load is not known", unknown, true, nil, priorityNearThreshold},
		{"the policy does not scale the pool", emergency, false, nil, priorityQuiet},
		{"an emergency", emergency, true, nil, priorityEmergency},
		{"an operation in progress", quiet, true, &v1alpha1.OperationStatus{}, priorityOperation},
	} {
		s := &reconcileScope{
			object:      &v1alpha1.DBScalingPolicy{Status: v1alpha1.DBScalingPolicyStatus{Operation: test.operation}},
			policy:      scaling.Policy{CPU: scaling.CPU{ScaleUp: 75}},
			assessments: []scaling.PoolAssessment{{Load: test.load, Scaled: test.isScaled}},
		}
		if got := s.priority(); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}
