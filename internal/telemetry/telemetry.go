// Package telemetry holds the Prometheus metrics of the operator. Package internal/awsx holds the metrics of AWS calls.
package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The labels of all metrics.
const (
	labelNamespace = "namespace"
	labelName      = "name"
	labelPool      = "pool"
	labelDirection = "direction"
	labelOutcome   = "outcome"
	labelReason    = "reason"
)

// Metrics are the metrics of the operator.
type Metrics struct {
	operationsStarted   *prometheus.CounterVec
	operationsCompleted *prometheus.CounterVec
	scalingBlocked      *prometheus.CounterVec
	evaluations         *evaluations
	states              *policyStates
}

// New creates and registers the metrics. It fails when one of them is already registered.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	counter := func(subsystem, name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "dbscaler", Subsystem: subsystem, Name: name, Help: help,
		}, append([]string{labelNamespace, labelName}, labels...))
	}
	m := &Metrics{
		operationsStarted: counter("policy", "operations_started_total", "Operations started, by the reason of the decision.",
			labelPool, labelDirection, labelReason),
		operationsCompleted: counter("policy", "operations_completed_total", "Operations completed, by outcome.",
			labelPool, labelDirection, labelOutcome),
		scalingBlocked: counter("policy", "scaling_blocked_total",
			"Required changes that became blocked, by the guard or reason that blocks them.", labelReason),
		evaluations: newEvaluations(),
		states:      newPolicyStates(),
	}
	for _, c := range m.collectors() {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// CountOperationStarted counts a started operation by the reason of its decision.
func (m *Metrics) CountOperationStarted(namespace, name string, op scaling.Operation, reason string) {
	m.operationsStarted.WithLabelValues(namespace, name, string(op.Pool), string(op.Direction), reason).Inc()
}

// CountOperationCompleted counts a completed operation by its outcome.
func (m *Metrics) CountOperationCompleted(namespace, name string, op scaling.Operation, outcome string) {
	m.operationsCompleted.WithLabelValues(namespace, name, string(op.Pool), string(op.Direction), outcome).Inc()
}

// CountScalingBlocked counts a required change when a guard or reason starts to block it.
func (m *Metrics) CountScalingBlocked(namespace, name, reason string) {
	m.scalingBlocked.WithLabelValues(namespace, name, reason).Inc()
}

// DeletePolicy deletes all series of a deleted policy.
func (m *Metrics) DeletePolicy(namespace, name string) {
	m.evaluations.forget(namespace, name)
	m.states.forget(namespace, name)
	labels := prometheus.Labels{labelNamespace: namespace, labelName: name}
	for _, c := range m.collectors() {
		if v, isVector := c.(*prometheus.CounterVec); isVector {
			v.DeletePartialMatch(labels)
		}
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.operationsStarted, m.operationsCompleted, m.scalingBlocked, m.evaluations.count, m.evaluations.interval, m.states,
	}
}
