package main

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// TestRetryScrape: a process without CPU time does not end the run, and one that is gone does.
func TestRetryScrape(t *testing.T) {
	l := &loadTest{out: io.Discard}
	calls, failures := 0, 1
	read := func() (metricsSnapshot, error) {
		calls++
		if calls <= failures {
			return metricsSnapshot{}, context.DeadlineExceeded
		}
		return metricsSnapshot{}, nil
	}
	if _, err := l.retryScrape(t.Context(), "the leader", read); err != nil || calls != 2 || l.failedScrapes.Load() != 1 {
		t.Errorf("after one failure: error %v after %d reads, %d counted", err, calls, l.failedScrapes.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls, failures = 0, 100
	if _, err := l.retryScrape(ctx, "the leader", read); !errors.Is(err, context.DeadlineExceeded) || calls != 1 {
		t.Errorf("when the run has ended: error %v after %d reads, want one read", err, calls)
	}
}

// TestCountEvaluated: the number of evaluated policies is served by itself, and as part of all metrics.
func TestCountEvaluated(t *testing.T) {
	before := metrics.Registry
	metrics.Registry = prometheus.NewRegistry()
	defer func() { metrics.Registry = before }()
	handler := countEvaluated()
	evaluated := prometheus.NewGauge(prometheus.GaugeOpts{Name: evaluatedMetric, Help: "Evaluated policies."})
	other := prometheus.NewGauge(prometheus.GaugeOpts{Name: "other", Help: "Another metric."})
	metrics.Registry.MustRegister(evaluated, other)
	evaluated.Set(3)

	server := httptest.NewServer(handler)
	defer server.Close()
	s, err := scrape(t.Context(), server.Client(), server.URL)
	if err != nil || len(s.families) != 1 || s.sum(evaluatedMetric, nil) != 3 {
		t.Errorf("got %v, %v, want 3 evaluated policies and nothing else", s.families, err)
	}
	all, err := metrics.Registry.Gather()
	if err != nil || len(all) != 2 {
		t.Errorf("all metrics are %v, %v, want both", all, err)
	}
	if err := metrics.Registry.Register(other); err == nil {
		t.Error("a metric can be registered twice")
	}
}
