package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

var stateTime = time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC)

// newState is the state of a policy that scales the readers only, without anything that is unknown.
func newState(edit func(*PolicyState)) PolicyState {
	s := PolicyState{
		Conditions: []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue}, {Type: "ScalingLimited", Status: metav1.ConditionFalse}},
		InForce:    true, AccountID: "123456789012", Region: "eu-west-1",
		HourlyCost: 3 * scaling.Dollar / 2, HourlyCostKnown: true, HourlyBudget: 4 * scaling.Dollar,
		Instances: []scaling.Instance{{Identifier: "orders-1", Writer: true}, {Identifier: "orders-2"}, {Identifier: "orders-3"}},
		Readers: PoolState{
			Scaled: true, ThresholdPercent: 75, DesiredVCPUs: 8, MaximumVCPUs: 64,
			Load: &scaling.Load{
				Pool: scaling.Readers, Fresh: true, NewestSampleAt: stateTime, UtilizationPercent: 60, Capacity: 4, UsableCapacity: 4,
				TrendDemand: 3, SeasonalDemand: 5,
			},
		},
	}
	if edit != nil {
		edit(&s)
	}
	return s
}

// expandSeries adds the labels of the policy.
func expandSeries(short []string) []string {
	out := make([]string, 0, len(short))
	for _, line := range short {
		labels := "name=engine,namespace=platform"
		name, rest, _ := strings.Cut(line, "{")
		before, after, found := strings.Cut(rest, "*")
		if !found {
			panic(line)
		}
		out = append(out, "dbscaler_"+name+"{"+before+labels+after)
	}
	slices.Sort(out)
	return out
}

var fullState = []string{
	"policy_condition{*,status=False,type=ScalingLimited} 1",
	"policy_condition{*,status=True,type=Ready} 1",
	"policy_hourly_budget_left_usd{*} 2.5",
	"policy_hourly_cost_usd{*} 1.5",
	"pool_cpu_predicted_demand_vcpus{*,pool=Readers} 5",
	"pool_cpu_scale_up_threshold_percent{*,pool=Readers} 75",
	"pool_desired_vcpus{*,pool=Readers} 8",
	"pool_instance_info{account_id=123456789012,dbinstance_identifier=orders-2,*,pool=Readers,region=eu-west-1} 1",
	"pool_instance_info{account_id=123456789012,dbinstance_identifier=orders-3,*,pool=Readers,region=eu-west-1} 1",
	"pool_maximum_vcpus{*,pool=Readers} 64",
	"pool_newest_sample_timestamp_seconds{*,pool=Readers} 1.7702856e+09",
	"pool_overload_seconds_total{*,pool=Readers} 0",
}

// changeSeries returns the lines without those that begin with one of the prefixes, and with others.
func changeSeries(lines, without []string, with ...string) []string {
	out := slices.DeleteFunc(slices.Clone(lines), func(line string) bool {
		return slices.ContainsFunc(without, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
	})
	return append(out, with...)
}

func TestMetrics_SetPolicyStatus(t *testing.T) {
	m, registry := newMetrics(t)
	overload := "pool_overload_seconds_total{*,pool=Readers} 0"
	for _, test := range []struct {
		name string
		edit func(*PolicyState)
		want []string
	}{
		{"everything known: all series", nil, fullState},
		{"other status: the series of the one before is gone", func(s *PolicyState) { s.Conditions[0].Status = metav1.ConditionFalse },
			changeSeries(fullState, []string{"policy_condition{*,status=True,type=Ready}"}, "policy_condition{*,status=False,type=Ready} 1")},
		{"limited: the reason", func(s *PolicyState) { s.Limit = "Cooldown" },
			changeSeries(fullState, nil, "policy_scaling_limited{*,reason=Cooldown} 1")},
		{"other limit: only its reason", func(s *PolicyState) { s.Limit = "AtMaximum" },
			changeSeries(fullState, nil, "policy_scaling_limited{*,reason=AtMaximum} 1")},
		{"operation in progress: its times", func(s *PolicyState) {
			s.OperationStartedAt, s.OperationExpectedEnd = stateTime, stateTime.Add(time.Hour)
		}, changeSeries(fullState, nil, "policy_operation_start_timestamp_seconds{*} 1.7702856e+09",
			"policy_operation_expected_end_timestamp_seconds{*} 1.7702892e+09")},
		{"unknown price: neither cost nor budget", func(s *PolicyState) { s.HourlyCostKnown = false },
			changeSeries(fullState, []string{"policy_hourly"})},
		{"no budget: only the cost", func(s *PolicyState) { s.HourlyBudget = 0 },
			changeSeries(fullState, []string{"policy_hourly_budget"})},
		{"over budget: a negative rest", func(s *PolicyState) { s.HourlyCost = 5 * scaling.Dollar }, changeSeries(fullState,
			[]string{"policy_hourly"}, "policy_hourly_cost_usd{*} 5", "policy_hourly_budget_left_usd{*} -1")},
		{"nothing predicted: absent, not zero", func(s *PolicyState) { s.Readers.Load.TrendDemand, s.Readers.Load.SeasonalDemand = 0, 0 },
			changeSeries(fullState, []string{"pool_cpu_predicted"})},
		{"no sample: absent, not 1970", func(s *PolicyState) { s.Readers.Load.NewestSampleAt = time.Time{} },
			changeSeries(fullState, []string{"pool_newest_sample"})},
		{"unknown class: absent, not zero", func(s *PolicyState) { s.Readers.DesiredVCPUs, s.Readers.MaximumVCPUs = 0, 0 },
			changeSeries(fullState, []string{"pool_desired", "pool_maximum"})},
		{"not in force: no instances", func(s *PolicyState) { s.InForce = false }, changeSeries(fullState, []string{"pool_instance"})},
		{"another reader: its instance", func(s *PolicyState) { s.Instances[1].Identifier = "orders-9" }, changeSeries(fullState,
			[]string{"pool_instance_info{account_id=123456789012,dbinstance_identifier=orders-2"},
			"pool_instance_info{account_id=123456789012,dbinstance_identifier=orders-9,*,pool=Readers,region=eu-west-1} 1")},
		{"failover: the other instance is a reader", func(s *PolicyState) { s.Instances[0].Writer, s.Instances[2].Writer = false, true },
			changeSeries(fullState, []string{"pool_instance_info{account_id=123456789012,dbinstance_identifier=orders-3"},
				"pool_instance_info{account_id=123456789012,dbinstance_identifier=orders-1,*,pool=Readers,region=eu-west-1} 1")},
		{"database not read: only conditions and the counter", func(s *PolicyState) {
			*s = PolicyState{Conditions: s.Conditions}
		}, append(slices.Clone(fullState[:2]), overload)},
		{"everything known again: all series", nil, fullState},
	} {
		t.Run(test.name, func(t *testing.T) {
			m.SetPolicyStatus("platform", "engine", newState(test.edit))
			assertSeries(t, registry, expandSeries(test.want)...)
		})
	}
	m.DeletePolicy("platform", "engine")
	assertSeries(t, registry)
}

func TestMetrics_SetPolicyStatus_ResizedAsUnit(t *testing.T) {
	m, registry := newMetrics(t)
	m.SetPolicyStatus("platform", "engine", newState(func(s *PolicyState) {
		s.ResizedAsUnit, s.Writer, s.Readers = true, s.Readers, PoolState{}
	}))
	if got := strings.Count(strings.Join(series(t, registry), "\n"), "dbscaler_pool_instance_info"); got != 3 {
		t.Errorf("%d instances are published, want all 3 in the writer's pool", got)
	}
}

func TestMetrics_SetPolicyStatus_OverloadSeconds(t *testing.T) {
	m, registry := newMetrics(t)
	for _, test := range []struct {
		name    string
		minute  int
		percent float64
		edit    func(*scaling.Load)
		want    string
	}{
		{"first observation: nothing is known about the time before", 0, 100, nil, "0"},
		{"a minute at 95 % counts", 1, 95, nil, "60"},
		{"the same samples count once", 1, 95, nil, "60"},
		{"a minute below 95 % does not count", 2, 94.9, nil, "60"},
		{"minutes with unknown load do not count", 4, 100, func(l *scaling.Load) { l.Fresh = false }, "60"},
		{"two minutes above 100 % count", 6, 140, nil, "180"},
		{"above the usable capacity is no overload while one reader stands by", 7, 120, func(l *scaling.Load) { l.UsableCapacity = 2 }, "180"},
		{"after a gap at most five minutes count", 60, 100, nil, "480"},
	} {
		m.SetPolicyStatus("platform", "engine", newState(func(s *PolicyState) {
			s.Readers.Load.NewestSampleAt = stateTime.Add(time.Duration(test.minute) * time.Minute)
			s.Readers.Load.UtilizationPercent = test.percent
			if test.edit != nil {
				test.edit(s.Readers.Load)
			}
		}))
		want := "dbscaler_pool_overload_seconds_total{name=engine,namespace=platform,pool=Readers} " + test.want
		if !slices.Contains(series(t, registry), want) {
			t.Errorf("%s: the series lack %s:\n%s", test.name, want, strings.Join(series(t, registry), "\n"))
		}
	}
}

// TestMetrics_SetPolicyStatus_Allocations: a reconcile only stores numbers.
func TestMetrics_SetPolicyStatus_Allocations(t *testing.T) {
	m, _ := newMetrics(t)
	state := newState(nil)
	if got := testing.AllocsPerRun(100, func() { m.SetPolicyStatus("platform", "engine", state) }); got > 0 {
		t.Errorf("an unchanged policy allocates %g objects, want none", got)
	}
}

// BenchmarkGather measures a scrape of 10,000 policies, and the part of it that reconciles wait for.
func BenchmarkGather(b *testing.B) {
	registry := prometheus.NewRegistry()
	m, err := New(registry)
	if err != nil {
		b.Fatal(err)
	}
	for n := range 10_000 {
		m.SetPolicyStatus("platform", fmt.Sprintf("policy-%d", n), newState(func(s *PolicyState) {
			s.Writer = s.Readers
			s.Writer.Load.Pool = scaling.Writer
		}))
	}
	b.Run("gather", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := registry.Gather(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("locked", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.states.list()
		}
	})
}
