package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// series lists the published series as "name{labels} value".
func series(t *testing.T, registry *prometheus.Registry) []string {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			if len(m.GetLabel()) == 0 {
				continue // those of all policies together; see TestMetrics_CountEvaluation
			}
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			out = append(out, fmt.Sprintf("%s{%s} %v", f.GetName(), strings.Join(labels, ","), value))
		}
	}
	slices.Sort(out)
	return out
}

func newMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	m, err := New(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

func assertSeries(t *testing.T, registry *prometheus.Registry, lines ...string) {
	t.Helper()
	if got := series(t, registry); !slices.Equal(got, lines) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func readersLoad(edit func(*scaling.Load)) []scaling.Load {
	l := scaling.Load{Pool: scaling.Readers, Fresh: true, UtilizationPercent: 62.5, Demand: 5.5, Capacity: 8}
	edit(&l)
	return []scaling.Load{l}
}

func TestMetrics_SetPoolLoads(t *testing.T) {
	m, registry := newMetrics(t)
	all := []string{
		"dbscaler_pool_capacity_vcpus{name=engine,namespace=platform,pool=Readers} 8",
		"dbscaler_pool_cpu_demand_vcpus{name=engine,namespace=platform,pool=Readers} 5.5",
		"dbscaler_pool_cpu_utilization_percent{name=engine,namespace=platform,pool=Readers} 62.5",
	}
	assertSeries(t, registry)
	for _, test := range []struct {
		name  string
		loads []scaling.Load
		want  []string
	}{
		{"fresh load: all series", readersLoad(func(*scaling.Load) {}), all},
		{"stale load: only capacity", readersLoad(func(l *scaling.Load) { l.Fresh = false }), all[:1]},
		{"idle pool: zero, not absent", readersLoad(func(l *scaling.Load) { l.UtilizationPercent, l.Demand = 0, 0 }), []string{
			all[0],
			"dbscaler_pool_cpu_demand_vcpus{name=engine,namespace=platform,pool=Readers} 0",
			"dbscaler_pool_cpu_utilization_percent{name=engine,namespace=platform,pool=Readers} 0",
		}},
		{"unknown capacity: absent, not zero", readersLoad(func(l *scaling.Load) { l.Fresh, l.Capacity = false, 0 }), nil},
		{"fresh load again: all series", readersLoad(func(*scaling.Load) {}), all},
		{"no observation: no series", nil, nil},
		{"both pools: series of each", append(readersLoad(func(*scaling.Load) {}), scaling.Load{Pool: scaling.Writer, Capacity: 2}), []string{
			all[0], "dbscaler_pool_capacity_vcpus{name=engine,namespace=platform,pool=Writer} 2", all[1], all[2],
		}},
		{"readers no longer scaled: only the writer", []scaling.Load{{Pool: scaling.Writer, Capacity: 2}}, []string{
			"dbscaler_pool_capacity_vcpus{name=engine,namespace=platform,pool=Writer} 2",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m.SetPoolLoads("platform", "engine", test.loads)
			assertSeries(t, registry, test.want...)
		})
	}
}

func TestMetrics_StateAndCounters(t *testing.T) {
	m, registry := newMetrics(t)
	op := scaling.Operation{Pool: scaling.Writer, Direction: scaling.Up}
	m.SetPolicyState("platform", "engine", true, false)
	m.CountOperationCompleted("platform", "engine", op, "Failed")
	m.CountOperationCompleted("platform", "engine", op, "Succeeded")
	m.CountOperationCompleted("platform", "engine", op, "Succeeded")
	m.CountScalingBlocked("platform", "engine", "Cooldown")
	assertSeries(t, registry,
		"dbscaler_policy_operation_in_progress{name=engine,namespace=platform} 0",
		"dbscaler_policy_operations_completed_total{direction=Up,name=engine,namespace=platform,outcome=Failed,pool=Writer} 1",
		"dbscaler_policy_operations_completed_total{direction=Up,name=engine,namespace=platform,outcome=Succeeded,pool=Writer} 2",
		"dbscaler_policy_ready{name=engine,namespace=platform} 1",
		"dbscaler_policy_scaling_blocked_total{name=engine,namespace=platform,reason=Cooldown} 1")
	m.SetPolicyState("platform", "engine", false, true)
	got := strings.Join(series(t, registry), "\n")
	for _, line := range []string{"operation_in_progress{name=engine,namespace=platform} 1", "ready{name=engine,namespace=platform} 0"} {
		if !strings.Contains(got, line) {
			t.Errorf("the series lack %s:\n%s", line, got)
		}
	}
}

func TestMetrics_DeletePolicyRemovesAllItsSeries(t *testing.T) {
	m, registry := newMetrics(t)
	publish := func(namespace, name string) {
		m.SetPoolLoads(namespace, name, append(readersLoad(func(*scaling.Load) {}), scaling.Load{Pool: scaling.Writer, Fresh: true, Capacity: 2}))
		m.SetPolicyState(namespace, name, true, true)
		m.SetPolicyStatus(namespace, name, newState(func(s *PolicyState) { s.Limit = "Cooldown" }))
		for _, reason := range []string{"Cooldown", "DisruptionWindow"} {
			m.CountScalingBlocked(namespace, name, reason)
		}
		m.CountOperationCompleted(namespace, name, scaling.Operation{Pool: scaling.Readers, Direction: scaling.Up}, "Succeeded")
		m.CountOperationCompleted(namespace, name, scaling.Operation{Pool: scaling.Writer, Direction: scaling.Down}, "Failed")
	}
	publish("platform", "other")
	publish("billing", "engine")
	others := series(t, registry)
	publish("platform", "engine")
	if got := len(series(t, registry)); got != len(others)*3/2 {
		t.Fatalf("three policies have %d series and two have %d, want the ratio 3:2", got, len(others))
	}
	m.DeletePolicy("platform", "engine")
	assertSeries(t, registry, others...)
	m.DeletePolicy("platform", "engine") // deleting again has no effect
	assertSeries(t, registry, others...)
}

func TestNew_FailsWhenRegisteredTwice(t *testing.T) {
	_, registry := newMetrics(t)
	if m, err := New(registry); err == nil {
		t.Errorf("got %v and no error, want an error", m)
	}
}
