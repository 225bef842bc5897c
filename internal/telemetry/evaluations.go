package telemetry

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// evaluations are the policies that this process has evaluated, and when.
type evaluations struct {
	count    prometheus.Gauge
	interval prometheus.Histogram

	mu   sync.Mutex
	last map[policyKey]time.Time
}

type policyKey struct{ namespace, name string }

func newEvaluations() *evaluations {
	return &evaluations{
		last: map[policyKey]time.Time{},
		count: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "dbscaler", Name: "policies_evaluated",
			Help: "Policies whose database this process has read and evaluated since it became the leader.",
		}),
		interval: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "dbscaler", Name: "policy_evaluation_interval_seconds",
			Help: "Time between two evaluations of the same policy in seconds. Policies whose database cannot be read are not evaluated.",
			// Between operations a policy is due every 60 seconds.
			Buckets:                         []float64{5, 15, 30, 55, 61, 62, 65, 70, 80, 90, 120, 180, 300, 600},
			NativeHistogramBucketFactor:     1.02,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}),
	}
}

// CountEvaluation counts an evaluation of a policy at a time.
func (m *Metrics) CountEvaluation(namespace, name string, at time.Time) {
	e, key := m.evaluations, policyKey{namespace, name}
	e.mu.Lock()
	defer e.mu.Unlock()
	if before, known := e.last[key]; known {
		e.interval.Observe(at.Sub(before).Seconds())
	}
	e.last[key] = at
	e.count.Set(float64(len(e.last)))
}

// forget removes a deleted policy.
func (e *evaluations) forget(namespace, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.last, policyKey{namespace, name})
	e.count.Set(float64(len(e.last)))
}
