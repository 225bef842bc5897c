package notify

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// The labels of the metrics.
const (
	labelSink   = "sink"
	labelReason = "reason"
)

// The values of labelReason.
const (
	// reasonExpired: the event became older than MaxAge.
	reasonExpired = "Expired"
	// reasonRefused: the receiver will never accept the event.
	reasonRefused = "Refused"
	// reasonStatusFull: the status of the policy had MaxPending newer events.
	reasonStatusFull = "StatusFull"
)

// senderMetrics are the metrics of a Sender.
type senderMetrics struct {
	sent, dropped, deferred *prometheus.CounterVec
}

// newSenderMetrics registers the metrics of a Sender. Counters start at 0, so that an increase from the first event on is seen.
func newSenderMetrics(s *Sender, registerer prometheus.Registerer) (*senderMetrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{labelSink}, labels...))
	}
	m := &senderMetrics{
		sent: counter("dbscaler_notifications_sent_total", "Notifications that a receiver has accepted."),
		dropped: counter("dbscaler_notifications_dropped_total",
			"Notifications that a receiver will never get: Expired after a day, Refused by it, or StatusFull, when a policy had 16 newer ones.",
			labelReason),
		deferred: counter("dbscaler_notifications_deferred_total",
			"Times that a notification found the queue of a receiver full. It is offered again at the next reconcile of its policy."),
	}
	errs := []error{registerer.Register(m.sent), registerer.Register(m.dropped), registerer.Register(m.deferred),
		registerer.Register(oldestAge{s})}
	for _, q := range s.queues {
		name := q.sink.Name()
		m.sent.WithLabelValues(name)
		m.deferred.WithLabelValues(name)
		for _, reason := range []string{reasonExpired, reasonRefused, reasonStatusFull} {
			m.dropped.WithLabelValues(name, reason)
		}
	}
	return m, errors.Join(errs...)
}

// oldestAge publishes the age of the oldest event of each queue.
type oldestAge struct{ sender *Sender }

var oldestAgeDesc = prometheus.NewDesc("dbscaler_notifications_oldest_age_seconds",
	"Age of the oldest notification that waits for a receiver; 0 when none does.", []string{labelSink}, nil)

// Describe implements prometheus.Collector.
func (oldestAge) Describe(descs chan<- *prometheus.Desc) { descs <- oldestAgeDesc }

// Collect implements prometheus.Collector.
func (o oldestAge) Collect(metrics chan<- prometheus.Metric) {
	for _, q := range o.sender.queues {
		metrics <- prometheus.MustNewConstMetric(oldestAgeDesc, prometheus.GaugeValue, o.sender.oldestAge(q).Seconds(), q.sink.Name())
	}
}
