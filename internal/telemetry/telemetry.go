// Package telemetry holds the Prometheus metrics of the operator. Package internal/awsx holds the metrics of AWS calls.
package telemetry

import (
	"slices"

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
	utilization         *prometheus.GaugeVec
	demand              *prometheus.GaugeVec
	capacity            *prometheus.GaugeVec
	ready               *prometheus.GaugeVec
	operationInProgress *prometheus.GaugeVec
	operationsStarted   *prometheus.CounterVec
	operationsCompleted *prometheus.CounterVec
	scalingBlocked      *prometheus.CounterVec
	evaluations         *evaluations
	states              *policyStates
}

// New creates and registers the metrics. It fails when one of them is already registered.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	gauge := func(subsystem, name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "dbscaler", Subsystem: subsystem, Name: name, Help: help,
		}, append([]string{labelNamespace, labelName}, labels...))
	}
	counter := func(subsystem, name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "dbscaler", Subsystem: subsystem, Name: name, Help: help,
		}, append([]string{labelNamespace, labelName}, labels...))
	}
	m := &Metrics{
		utilization: gauge("pool", "cpu_utilization_percent",
			"Mean CPU demand of a pool over the scale-up window in percent of its vCPUs. Above 100 when DBLoadCPU shows more. "+
				"Absent while samples are missing.", labelPool),
		demand: gauge("pool", "cpu_demand_vcpus",
			"Peak CPU demand of a pool over the scale-up window, in vCPUs. Absent while samples are missing.", labelPool),
		capacity: gauge("pool", "capacity_vcpus", "Total vCPUs of the instances of a pool.", labelPool),
		ready:    gauge("policy", "ready", "1 when the policy's Ready condition is True, otherwise 0."),
		operationInProgress: gauge("policy", "operation_in_progress",
			"1 while an operation is in progress, otherwise 0."),
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

// SetPoolLoads publishes the load and capacity of the pools of a policy. It deletes the series of unknown values: of a pool that
// is not among the loads, of a zero capacity (no instance, or a class that the catalog does not contain), and of a stale load.
func (m *Metrics) SetPoolLoads(namespace, name string, loads []scaling.Load) {
	for _, pool := range []scaling.Pool{scaling.Writer, scaling.Readers} {
		l := scaling.Load{}
		if n := slices.IndexFunc(loads, func(l scaling.Load) bool { return l.Pool == pool }); n >= 0 {
			l = loads[n]
		}
		labels := prometheus.Labels{labelNamespace: namespace, labelName: name, labelPool: string(pool)}
		setOrDelete(m.capacity, labels, l.Capacity, l.Capacity > 0)
		setOrDelete(m.utilization, labels, l.UtilizationPercent, l.Fresh)
		setOrDelete(m.demand, labels, l.Demand, l.Fresh)
	}
}

func setOrDelete(gauge *prometheus.GaugeVec, labels prometheus.Labels, value float64, known bool) {
	if known {
		gauge.With(labels).Set(value)
	} else {
		gauge.Delete(labels)
	}
}

// SetPolicyState publishes whether a policy is in force and whether an operation is in progress.
func (m *Metrics) SetPolicyState(namespace, name string, ready, operating bool) {
	m.ready.WithLabelValues(namespace, name).Set(boolToFloat(ready))
	m.operationInProgress.WithLabelValues(namespace, name).Set(boolToFloat(operating))
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
		switch v := c.(type) {
		case *prometheus.GaugeVec:
			v.DeletePartialMatch(labels)
		case *prometheus.CounterVec:
			v.DeletePartialMatch(labels)
		}
	}
}

func (m *Metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		m.utilization, m.demand, m.capacity, m.ready, m.operationInProgress, m.operationsStarted, m.operationsCompleted, m.scalingBlocked,
		m.evaluations.count, m.evaluations.interval, m.states,
	}
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
