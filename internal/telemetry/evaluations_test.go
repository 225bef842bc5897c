package telemetry

import (
	"testing"
	"time"
)

func TestMetrics_CountEvaluation(t *testing.T) {
	m, registry := newMetrics(t)
	start := time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)
	m.CountEvaluation("platform", "engine", start)
	m.CountEvaluation("platform", "orders", start)
	m.CountEvaluation("platform", "engine", start.Add(70*time.Second))
	m.DeletePolicy("platform", "orders")
	m.CountEvaluation("platform", "orders", start.Add(time.Hour)) // a new policy: there is no interval

	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range families {
		metric := f.GetMetric()[0]
		switch f.GetName() {
		case "dbscaler_policies_evaluated":
			found++
			if got := metric.GetGauge().GetValue(); got != 2 {
				t.Errorf("%v policies are evaluated, want 2", got)
			}
		case "dbscaler_policy_evaluation_interval_seconds":
			found++
			if h := metric.GetHistogram(); h.GetSampleCount() != 1 || h.GetSampleSum() != 70 {
				t.Errorf("there are %d intervals of %g s in total, want one of 70 s", h.GetSampleCount(), h.GetSampleSum())
			}
		}
	}
	if found != 2 {
		t.Errorf("%d of 2 metrics are exported", found)
	}
}
