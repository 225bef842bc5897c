package controllers

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// scrapes are the values of all series that Prometheus would have scraped, minute by minute.
type scrapes struct {
	h       *harness
	start   time.Time
	minutes []map[string]float64
}

// newScrapes starts with the first minute of the scenario.
func newScrapes(h *harness) *scrapes { return &scrapes{h: h, start: h.clock.Now()} }

// add scrapes the operator, if it runs, and a CloudWatch exporter. A minute that is scraped again keeps the last values; a minute that was
// left out has those of the one before.
func (s *scrapes) add(withOperator bool) {
	s.h.t.Helper()
	minute := int(s.h.clock.Since(s.start) / time.Minute)
	for len(s.minutes) <= minute {
		values := map[string]float64{}
		if n := len(s.minutes); n > 0 {
			values = s.minutes[n-1]
		}
		s.minutes = append(s.minutes, values)
	}
	s.minutes[minute] = map[string]float64{}
	if withOperator {
		s.addOperator(s.minutes[minute])
	}
	s.addCloudWatch(s.minutes[minute])
}

// addOperator adds the gauges and counters of the operator. Times count from the start, as those of promtool do.
func (s *scrapes) addOperator(values map[string]float64) {
	s.h.t.Helper()
	families, err := s.h.registry.Gather()
	if err != nil {
		s.h.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetType() == dto.MetricType_HISTOGRAM {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := make([]string, 0, len(m.GetLabel()))
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue()
			if strings.HasSuffix(f.GetName(), "_timestamp_seconds") {
				value -= float64(s.start.Unix())
			}
			values[f.GetName()+"{"+strings.Join(labels, ", ")+"}"] = value
		}
	}
}

// addCloudWatch adds the newest CPUUtilization of each instance, as yet-another-cloudwatch-exporter exports it.
func (s *scrapes) addCloudWatch(values map[string]float64) {
	const region = "eu-west-1"
	s.h.aws.WithWorld(func(w *model.World) {
		for _, i := range w.Instances(region) {
			samples := w.MetricSamples(region, map[string]string{"DBInstanceIdentifier": i.Identifier}, "CPUUtilization",
				s.h.clock.Now().Add(-5*time.Minute), s.h.clock.Now())
			if len(samples) > 0 {
				values[fmt.Sprintf("aws_rds_cpuutilization_average{account_id=%q, region=%q, dimension_DBInstanceIdentifier=%q}", "123456789012",
					region, i.Identifier)] = samples[len(samples)-1].Value
			}
		}
	})
}

// promqlTest is one promql_expr_test of promtool.
type promqlTest struct {
	Expr     string         `json:"expr"`
	At       string         `json:"eval_time"`
	Expected []promqlSample `json:"exp_samples"`
}

type promqlSample struct {
	Labels string  `json:"labels"`
	Value  float64 `json:"value"`
}

// testRules loads all alert rules with the scrapes into promtool and evaluates expressions.
func (s *scrapes) testRules(t *testing.T, promtool string, tests ...promqlTest) {
	t.Helper()
	rules, err := filepath.Glob("../monitoring/rules/*.yaml")
	if err != nil || len(rules) == 0 {
		t.Fatalf("no rules were found (error: %v)", err)
	}
	for n := range rules {
		if rules[n], err = filepath.Abs(rules[n]); err != nil {
			t.Fatal(err)
		}
	}
	names := map[string]bool{}
	for _, values := range s.minutes {
		for name := range values {
			names[name] = true
		}
	}
	var series []map[string]string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		points, before := make([]string, 0, len(s.minutes)), false
		for _, values := range s.minutes {
			value, found := values[name]
			switch {
			case found:
				points = append(points, strconv.FormatFloat(value, 'f', -1, 64))
			case before:
				points = append(points, "stale")
			default:
				points = append(points, "_")
			}
			before = found
		}
		series = append(series, map[string]string{"series": name, "values": strings.Join(points, " ")})
	}
	content, err := yaml.Marshal(map[string]any{
		"rule_files": rules, "evaluation_interval": "1m",
		"tests": []any{map[string]any{"interval": "1m", "input_series": series, "promql_expr_test": tests}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "morning.yaml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "test", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// TestAlerts_PostMortemDay plays 5 February 2024 against the alert rules: without the operator the load alarm of CAPA-1 fires before 09:00,
// an hour before the reader saturates; with the operator no alert fires.
func TestAlerts_PostMortemDay(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("../bin/tools/promtool")
	if err != nil {
		promtool, err = exec.LookPath("promtool")
	}
	if err != nil {
		t.Skip("SKIPPED: promtool is not installed, so that the alert rules are not tested; it is part of Debian's package prometheus")
	}
	if promtool, err = filepath.Abs(promtool); err != nil {
		t.Fatal(err)
	}
	day, sample := readPostMortem(t)
	const length = 9 * time.Hour // from 03:00
	fired := func(alerts, since string) string {
		return fmt.Sprintf(`max by (alertname, dbinstance_identifier) (max_over_time(ALERTS{alertname=~%q, alertstate="firing"}[%s]))`, alerts, since)
	}
	t.Run("without the operator", func(t *testing.T) {
		h := newHarness(t, day)
		s := newScrapes(h)
		for end := h.clock.Now().Add(length); h.clock.Now().Before(end); h.clock.Step(time.Minute) {
			s.add(false)
		}
		busy := promqlSample{`{alertname="DBScalerUnmanagedLoadHigh", dbinstance_identifier="clinical-engine-2"}`, 1}
		overloaded := promqlSample{`{alertname="DBScalerUnmanagedOverloaded", dbinstance_identifier="clinical-engine-2"}`, 1}
		s.testRules(t, promtool,
			promqlTest{fired("DBScalerUnmanaged.*", "5h"), "5h", []promqlSample{}},
			promqlTest{fired("DBScalerUnmanaged.*", "6h"), "6h", []promqlSample{busy}},
			promqlTest{fired("DBScalerUnmanaged.*", "7h45m"), "7h45m", []promqlSample{busy, overloaded}},
		)
	})
	t.Run("with a policy in mode Recommend", func(t *testing.T) {
		h := newHarness(t, day)
		h.applyPolicy(strings.Replace(sample, "mode: Enforce", "mode: Recommend", 1))
		s := newScrapes(h)
		h.runFor("clinical-engine", 6*time.Hour, func(*v1alpha1.DBScalingPolicy) bool {
			s.add(true)
			return false
		})
		// The policy is in force, so that its own alerts take the place of those of CloudWatch. Nobody follows the recommendation.
		s.testRules(t, promtool, promqlTest{fired(".*", "6h"), "5h59m", []promqlSample{
			{`{alertname="DBScalerLoadHigh"}`, 1}, {`{alertname="DBScalerScalingBlocked"}`, 1},
		}})
	})
	t.Run("with the operator", func(t *testing.T) {
		h := newHarness(t, day)
		h.applyPolicy(sample)
		s := newScrapes(h)
		operations := 0
		h.runFor("clinical-engine", length, func(p *v1alpha1.DBScalingPolicy) bool {
			s.add(true)
			operations = len(p.Status.History)
			return false
		})
		if operations == 0 {
			t.Error("the operator did nothing, so that the silence of the alerts shows nothing")
		}
		s.testRules(t, promtool,
			promqlTest{fired(".*", "9h"), "8h59m", []promqlSample{}},
			// The series were there, so that the silence means something.
			promqlTest{"max(max_over_time(dbscaler_policy_operation_in_progress[9h]))", "8h59m", []promqlSample{{"{}", 1}}},
			promqlTest{"max(max_over_time(dbscaler_pool_cpu_utilization_percent[9h])) > bool 50", "8h59m", []promqlSample{{"{}", 1}}},
			promqlTest{`count(dbscaler_pool_instance_info{dbinstance_identifier=~"clinical-engine-(1|2)"})`, "8h59m", []promqlSample{{"{}", 2}}},
		)
	})
}
