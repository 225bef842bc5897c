// Package telemetry holds the operator's own Prometheus metrics. Those of AWS calls are in the AWS edge.
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

// Metrics are the operator's metrics.
type Metrics struct {
	utilization         *prometheus.GaugeVec
	demand              *prometheus.GaugeVec
	capacity            *prometheus.GaugeVec
	ready               *prometheus.GaugeVec
	operationInProgress *prometheus.GaugeVec
	operationsStarted   *prometheus.CounterVec
	operationsCompleted *prometheus.CounterVec
	scalingBlocked      *prometheus.CounterVec
}

// New creates the metrics and registers them. The error says which one was there already.
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
			"Mean CPU demand of a pool over the scale-up window in percent of its vCPUs: above 100 where DBLoadCPU shows more. "+
				"Absent while samples are missing.", labelPool),
		demand: gauge("pool", "cpu_demand_vcpus",
			"Peak CPU demand of a pool over the scale-up window, in vCPUs. Absent while samples are missing.", labelPool),
		capacity: gauge("pool", "capacity_vcpus", "vCPUs of the instances of a pool.", labelPool),
		ready:    gauge("policy", "ready", "1 when the policy's Ready condition is True, otherwise 0."),
		operationInProgress: gauge("policy", "operation_in_progress",
			"1 while an operation is under way, otherwise 0."),
		operationsStarted:   counter("policy", "operations_started_total", "Operations that were begun, by why.", labelPool, labelDirection, labelReason),
		operationsCompleted: counter("policy", "operations_total", "Operations that ended.", labelPool, labelDirection, labelOutcome),
		scalingBlocked: counter("policy", "held_back_total",
			"How often the load began to call for a change that was held back, by the guard or reason that held it.", labelReason),
	}
	for _, c := range m.collectors() {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// SetPoolLoads publishes what a policy's pools carry. What is not known is absent: a pool that is not among the loads, a
// capacity of zero (no instance, or a class that the catalogue does not have), a load that is not fresh.
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

// SetPolicyState publishes whether a policy is in force and whether an operation is under way.
func (m *Metrics) SetPolicyState(namespace, name string, ready, operating bool) {
	m.ready.WithLabelValues(namespace, name).Set(boolToFloat(ready))
	m.operationInProgress.WithLabelValues(namespace, name).Set(boolToFloat(operating))
}

// CountOperationStarted counts an operation that is begun, by why.
func (m *Metrics) CountOperationStarted(namespace, name string, op scaling.Operation, reason string) {
	m.operationsStarted.WithLabelValues(namespace, name, string(op.Pool), string(op.Direction), reason).Inc()
}

// CountOperationCompleted counts an operation.
func (m *Metrics) CountOperationCompleted(namespace, name string, op scaling.Operation, outcome string) {
	m.operationsCompleted.WithLabelValues(namespace, name, string(op.Pool), string(op.Direction), outcome).Inc()
}

// CountScalingBlocked counts a change that the load has begun to call for and that something holds back.
func (m *Metrics) CountScalingBlocked(namespace, name, reason string) {
	m.scalingBlocked.WithLabelValues(namespace, name, reason).Inc()
}

// DeletePolicy deletes every series of a policy that is gone.
func (m *Metrics) DeletePolicy(namespace, name string) {
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
	}
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
