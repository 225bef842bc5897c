package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	controllermetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/decide"
	"github.com/dbscaler/dbscaler/internal/scaling/guard"
	"github.com/dbscaler/dbscaler/internal/telemetry"
)

// expression is a PromQL expression of a rule or of a dashboard, and the labels that its texts show.
type expression struct {
	place, text string
	shownLabels []string
}

// parsedExpression is what hack/promql prints about an expression.
type parsedExpression struct {
	Error     string
	Selectors []struct {
		Metric   string
		Matchers []struct{ Label, Operator, Value string }
	}
	Labels, CreatedLabels []string
}

// exporterMetrics are those of CloudWatch exporters. cloudwatch_exporter has the label dbinstance_identifier, and
// yet-another-cloudwatch-exporter dimension_DBInstanceIdentifier.
var exporterMetrics = map[string][]string{
	"aws_rds_cpuutilization_average": {"account_id", "region", "dbinstance_identifier", "dimension_DBInstanceIdentifier"},
}

// targetLabels are those that Prometheus adds to each series that it scrapes.
var targetLabels = []string{"instance", "job", "pod"}

// recordingRegistry records which collectors are histograms: descriptions do not say so.
type recordingRegistry struct {
	*prometheus.Registry
	histograms []prometheus.Collector
}

// Register implements prometheus.Registerer.
func (r *recordingRegistry) Register(c prometheus.Collector) error {
	switch c.(type) {
	case *prometheus.HistogramVec, prometheus.Histogram:
		r.histograms = append(r.histograms, c)
	}
	return r.Registry.Register(c)
}

// describe returns the labels of the metrics of a collector, by name.
func describe(t *testing.T, c prometheus.Collector) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	descs := make(chan *prometheus.Desc)
	go func() {
		c.Describe(descs)
		close(descs)
	}()
	for d := range descs {
		name, labels := parseDesc(t, d)
		out[name] = labels
	}
	return out
}

// exportedMetrics returns the labels of each metric that the operator exports, by the name in PromQL.
func exportedMetrics(t *testing.T) map[string][]string {
	t.Helper()
	registry := &recordingRegistry{Registry: prometheus.NewRegistry()}
	if _, err := telemetry.New(registry); err != nil {
		t.Fatal(err)
	}
	_, err := awsx.New(t.Context(), awsx.Options{
		Endpoint: "http://127.0.0.1:1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Clock: clock.RealClock{},
		Registerer: registry, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := notify.NewSinkFunc("http", nil)
	if _, err := notify.NewSender([]notify.Sink{sink}, clock.RealClock{}, registry, logr.Discard()); err != nil {
		t.Fatal(err)
	}
	ofControllerRuntime, ok := controllermetrics.Registry.(prometheus.Collector)
	if !ok {
		t.Fatal("the registry of controller-runtime is no collector")
	}
	out := maps.Clone(exporterMetrics)
	maps.Copy(out, describe(t, registry))
	maps.Copy(out, describe(t, ofControllerRuntime))
	for _, h := range registry.histograms {
		for name, labels := range describe(t, h) {
			out[name+"_bucket"] = append(slices.Clone(labels), "le")
			out[name+"_count"], out[name+"_sum"] = labels, labels
			delete(out, name)
		}
	}
	return out
}

var descPattern = regexp.MustCompile(`^Desc\{fqName: "([^"]+)",.*variableLabels: \{([^}]*)\}\}$`)

func parseDesc(t *testing.T, d *prometheus.Desc) (string, []string) {
	t.Helper()
	match := descPattern.FindStringSubmatch(d.String())
	if match == nil {
		t.Fatalf("%s does not match %s", d, descPattern)
	}
	return match[1], strings.FieldsFunc(match[2], func(r rune) bool { return r == ',' || r == ' ' })
}

// parseExpressions parses expressions with Prometheus's parser, which has a module of its own.
func parseExpressions(t *testing.T, expressions []expression) []parsedExpression {
	t.Helper()
	texts := make([]string, 0, len(expressions))
	for _, e := range expressions {
		texts = append(texts, e.text)
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "go", "run", "-C", "../hack/promql", ".")
	var stderr bytes.Buffer
	command.Stdin, command.Stderr = bytes.NewReader(input), &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go run -C ../hack/promql .: %v\n%s", err, stderr.String())
	}
	var parsed []parsedExpression
	if err := json.Unmarshal(out, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed
}

// findProblems lists what is wrong with the expressions: syntax, metrics that nobody exports, labels that these metrics do not have, and
// values that these labels never have.
func findProblems(t *testing.T, expressions []expression) []string {
	t.Helper()
	exported := exportedMetrics(t)
	var problems []string
	for n, parsed := range parseExpressions(t, expressions) {
		report := func(format string, args ...any) {
			problems = append(problems, fmt.Sprintf("%s: %s\n%s", expressions[n].place, fmt.Sprintf(format, args...), expressions[n].text))
		}
		if parsed.Error != "" {
			report("%s", parsed.Error)
			continue
		}
		known := append(slices.Clone(targetLabels), parsed.CreatedLabels...)
		for _, s := range parsed.Selectors {
			labels, found := exported[s.Metric]
			if !found {
				report("nobody exports %s", s.Metric)
			}
			known = append(known, labels...)
			for _, m := range s.Matchers {
				if !slices.Contains(labels, m.Label) {
					report("%s has no label %s, only %v", s.Metric, m.Label, labels)
				}
				for _, value := range alternatives(m.Operator, m.Value) {
					if !isPossible(m.Label, value) {
						report("the label %s never has the value %q", m.Label, value)
					}
				}
			}
		}
		for _, label := range slices.Concat(parsed.Labels, expressions[n].shownLabels) {
			if !slices.Contains(known, label) {
				report("no metric of the expression has the label %s", label)
			}
		}
	}
	return problems
}

var wordsPattern = regexp.MustCompile(`^\w+(\|\w+)*$`)

// alternatives lists the values that a matcher names; none for other regular expressions than a list of words.
func alternatives(operator, value string) []string {
	switch {
	case strings.HasPrefix(value, "$") || value == "":
		return nil
	case operator == "=" || operator == "!=":
		return []string{value}
	case wordsPattern.MatchString(value):
		return strings.Split(value, "|")
	default:
		return nil
	}
}

// isPossible reports whether a label of the operator's metrics can have a value; true for labels whose values are open.
func isPossible(label, value string) bool {
	switch label {
	case "reason":
		return slices.Contains(guard.Names(), value) || decide.IsScalingLimit(scaling.Reason(value)) ||
			value == v1alpha1.ReasonOperationImpossible
	case "type":
		return slices.Contains([]string{
			v1alpha1.ConditionReady, v1alpha1.ConditionAccepted, v1alpha1.ConditionTargetFound, v1alpha1.ConditionAuthorized,
			v1alpha1.ConditionMetricsAvailable, v1alpha1.ConditionScalingLimited, v1alpha1.ConditionPaused, v1alpha1.ConditionOverridden,
			v1alpha1.ConditionOwnershipConflict, v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled,
		}, value)
	case "status":
		return slices.Contains([]string{"True", "False", "Unknown"}, value)
	case "outcome":
		return slices.Contains([]string{string(v1alpha1.OutcomeSucceeded), string(v1alpha1.OutcomeFailed)}, value)
	case "pool":
		return slices.Contains([]string{string(scaling.Writer), string(scaling.Readers)}, value)
	default:
		return true
	}
}

// dashboard is what the test reads of a Grafana dashboard.
type dashboard struct {
	UID, Title string
	Panels     []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, LegendFormat string }
	}
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
}

// readDashboards reads all dashboards by file name.
func readDashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	out := map[string]dashboard{}
	for _, path := range list(t, "dashboards/*.json") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		if err := json.Unmarshal(content, &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out[filepath.Base(path)] = d
	}
	return out
}

var (
	legendPattern      = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)
	labelsPattern      = regexp.MustCompile(`\$labels\.(\w+)`)
	labelValuesPattern = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
)

// submatches lists the first group of all matches.
func submatches(pattern *regexp.Regexp, text string) []string {
	var out []string
	for _, match := range pattern.FindAllStringSubmatch(text, -1) {
		out = append(out, match[1])
	}
	return out
}

var metricRowPattern = regexp.MustCompile("(?m)^\\| `(dbscaler_\\w+)` \\| .* \\| `([^`]+)` \\|$")

// documentedMetrics returns the example of each metric in docs/status.md.
func documentedMetrics(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile("../docs/status.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, match := range metricRowPattern.FindAllStringSubmatch(string(content), -1) {
		out[match[1]] = match[2]
	}
	return out
}

// TestMetrics_AreDocumented: docs/status.md has a row with an example for each metric that the operator exports itself, and for no other.
func TestMetrics_AreDocumented(t *testing.T) {
	documented := documentedMetrics(t)
	exported := map[string]bool{}
	for metric := range exportedMetrics(t) {
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_count"), "_sum")
		if strings.HasPrefix(metric, "dbscaler_") {
			exported[base] = true
		}
	}
	for metric := range exported {
		if example := documented[metric]; !strings.Contains(example, metric) {
			t.Errorf("docs/status.md has no row with an example for %s", metric)
		}
	}
	for metric := range documented {
		if !exported[metric] {
			t.Errorf("docs/status.md describes %s, which nobody exports", metric)
		}
	}
}

// listExpressions lists the expressions of all rules, dashboards and examples.
func listExpressions(t *testing.T) []expression {
	t.Helper()
	var out []expression
	for file, r := range readRules(t) {
		out = append(out, expression{"rules/" + file, r.Expr, submatches(labelsPattern, fmt.Sprint(r.Annotations))})
	}
	for file, d := range readDashboards(t) {
		for _, p := range d.Panels {
			for _, target := range p.Targets {
				out = append(out, expression{
					fmt.Sprintf("dashboards/%s, panel %q", file, p.Title), target.Expr, submatches(legendPattern, target.LegendFormat),
				})
			}
		}
		for _, v := range d.Templating.List {
			if v.Type != "query" {
				continue
			}
			match := labelValuesPattern.FindStringSubmatch(v.Definition)
			if match == nil {
				t.Fatalf("dashboards/%s: the variable %s is not of the form %s", file, v.Name, labelValuesPattern)
			}
			out = append(out, expression{fmt.Sprintf("dashboards/%s, variable %s", file, v.Name), match[1], match[2:]})
		}
	}
	for metric, example := range documentedMetrics(t) {
		out = append(out, expression{"docs/status.md, " + metric, example, nil})
	}
	return out
}

// TestExpressions_UseExportedMetrics: each expression is valid, and each metric, label and value in it exists.
func TestExpressions_UseExportedMetrics(t *testing.T) {
	expressions := listExpressions(t)
	const minExpressions = 60
	if len(expressions) < minExpressions {
		t.Fatalf("%d expressions were found, want at least %d", len(expressions), minExpressions)
	}
	for _, problem := range findProblems(t, expressions) {
		t.Error(problem)
	}
}

// TestFindProblems: the test above detects what it should.
func TestFindProblems(t *testing.T) {
	tests := []struct{ expression, want string }{
		{`sum(dbscaler_pool_capacity_vcpus{pool="Readers"})`, ""},
		{`sum by (pod) (rate(dbscaler_policy_evaluation_interval_seconds_count[5m]))`, ""},
		{`max by (name) (leader_election_master_status)`, ""},
		{`sum(dbscaler_pool_capacity_vcpu)`, "nobody exports dbscaler_pool_capacity_vcpu"},
		{`dbscaler_policy_evaluation_interval_seconds`, "nobody exports"},
		{`dbscaler_pool_capacity_vcpus_count`, "nobody exports"},
		{`sum by (pools) (dbscaler_pool_capacity_vcpus)`, "no metric of the expression has the label pools"},
		{`dbscaler_policy_ready{pool="Readers"}`, "has no label pool"},
		{`dbscaler_pool_capacity_vcpus{pool="Reader"}`, `never has the value "Reader"`},
		{`dbscaler_policy_scaling_limited{reason!~"AtMaximum|AtTheMaximum"}`, `never has the value "AtTheMaximum"`},
		{`dbscaler_policy_condition{type="Authorised"}`, `never has the value "Authorised"`},
		{`dbscaler_policy_ready == on (policy) dbscaler_policy_ready`, "has the label policy"},
		{`sum(dbscaler_policy_ready`, "parse error"},
	}
	expressions := make([]expression, 0, len(tests)+1)
	for n, test := range tests {
		expressions = append(expressions, expression{place: fmt.Sprintf("test %d", n), text: test.expression})
	}
	problems := findProblems(t, append(expressions, expression{"legend", "dbscaler_policy_ready", []string{"pool"}}))
	found := func(place string) string {
		n := slices.IndexFunc(problems, func(problem string) bool { return strings.HasPrefix(problem, place+": ") })
		if n < 0 {
			return ""
		}
		return problems[n]
	}
	for n, test := range tests {
		got := found(fmt.Sprintf("test %d", n))
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: got the problem %q, want %q", test.expression, got, test.want)
		}
	}
	if got := found("legend"); !strings.Contains(got, "has the label pool") {
		t.Errorf("a legend with an unknown label: got the problem %q", got)
	}
}
