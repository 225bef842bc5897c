// Package monitoring tests the alert rules, their runbooks, and the dashboards.
package monitoring

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// rule is an alert rule of Prometheus.
type rule struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// list lists the files that match a pattern, and fails when there are none.
func list(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s matches nothing (error: %v)", pattern, err)
	}
	return paths
}

// readYAML reads a file into a value.
func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// readRules reads all rules by file name. Each file has one group with one rule.
func readRules(t *testing.T) map[string]rule {
	t.Helper()
	out := map[string]rule{}
	for _, path := range list(t, "rules/*.yaml") {
		var file struct {
			Groups []struct {
				Name  string
				Rules []rule
			}
		}
		readYAML(t, path, &file)
		name := filepath.Base(path)
		if len(file.Groups) != 1 || len(file.Groups[0].Rules) != 1 {
			t.Fatalf("%s has not one group with one rule", path)
		}
		if want := "dbscaler-" + strings.TrimSuffix(name, ".yaml"); file.Groups[0].Name != want {
			t.Errorf("%s: the group is %q, want %q: Prometheus refuses two groups of one name in a file", path, file.Groups[0].Name, want)
		}
		out[name] = file.Groups[0].Rules[0]
	}
	return out
}

// TestRules_HaveRunbooks: each rule has a severity, texts and a runbook with the usual sections, and is listed in docs/monitoring.md.
func TestRules_HaveRunbooks(t *testing.T) {
	overview, err := os.ReadFile("../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	runbooks := map[string]bool{}
	bases := map[string]bool{}
	for file, r := range readRules(t) {
		if severity := r.Labels["severity"]; severity != "warning" && severity != "critical" {
			t.Errorf("%s: the severity is %q, want warning or critical", file, severity)
		}
		for _, annotation := range []string{"summary", "description", "runbook_url"} {
			if r.Annotations[annotation] == "" {
				t.Errorf("%s: the annotation %s is missing", file, annotation)
			}
		}
		base, found := strings.CutSuffix(r.Annotations["runbook_url"], "/"+r.Alert+".md")
		if !found {
			t.Errorf("%s: the runbook is %s, want one of the name %s.md", file, r.Annotations["runbook_url"], r.Alert)
		}
		bases[base] = true
		path := filepath.Join("../docs/runbooks", r.Alert+".md")
		runbooks[path] = true
		content, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		position := 0
		for _, heading := range []string{"# " + r.Alert + "\n", "\n## Meaning\n", "\n## Impact\n", "\n## Diagnosis\n", "\n## Mitigation\n"} {
			n := strings.Index(string(content)[position:], heading)
			if n < 0 {
				t.Errorf("%s lacks the heading %q, or has it at another place", path, strings.TrimSpace(heading))
				break
			}
			position += n
		}
		row := fmt.Sprintf("| [%s](runbooks/%s.md) | %s |", r.Alert, r.Alert, r.Labels["severity"])
		if !strings.Contains(string(overview), row) {
			t.Errorf("docs/monitoring.md lacks the row %s", row)
		}
	}
	if len(bases) != 1 {
		t.Errorf("the runbooks have the addresses %v, want one: run `make runbook-urls`", bases)
	}
	for _, path := range list(t, "../docs/runbooks/*.md") {
		if !runbooks[path] {
			t.Errorf("%s belongs to no rule", path)
		}
	}
}

// TestPrometheusRule_HasAllRules: the manifest for the Prometheus operator has the same rules.
func TestPrometheusRule_HasAllRules(t *testing.T) {
	var manifest struct {
		Kind string
		Spec struct{ Groups []struct{ Rules []rule } }
	}
	content, err := os.ReadFile("../config/prometheus/prometheus_rule.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, &manifest); err != nil {
		t.Fatal(err)
	}
	want := readRules(t)
	if manifest.Kind != "PrometheusRule" || len(manifest.Spec.Groups) != len(want) {
		t.Fatalf("the manifest is a %s with %d groups, want a PrometheusRule with %d: run `make monitoring`", manifest.Kind,
			len(manifest.Spec.Groups), len(want))
	}
	for file, r := range want {
		found := slices.ContainsFunc(manifest.Spec.Groups, func(g struct{ Rules []rule }) bool {
			return len(g.Rules) == 1 && reflect.DeepEqual(g.Rules[0], r)
		})
		if !found {
			t.Errorf("the manifest has another rule than %s: run `make monitoring`", file)
		}
	}
}

// TestRules_HaveTests: the tests of each rule say when it fires, and when it does not.
func TestRules_HaveTests(t *testing.T) {
	for file, r := range readRules(t) {
		var suite struct {
			Tests []struct {
				Name      string
				AlertRule []struct {
					Alertname string `json:"alertname"`
					Expected  []any  `json:"exp_alerts"`
				} `json:"alert_rule_test"`
			}
		}
		content, err := os.ReadFile(filepath.Join("tests", strings.TrimSuffix(file, ".yaml")+"_test.yaml"))
		if err != nil {
			t.Error(err)
			continue
		}
		if err := yaml.Unmarshal(content, &suite); err != nil {
			t.Fatal(err)
		}
		fires, quiet := 0, 0
		for _, test := range suite.Tests {
			for _, evaluation := range test.AlertRule {
				switch {
				case evaluation.Alertname != r.Alert:
					t.Errorf("%s: the test %q is about %s", file, test.Name, evaluation.Alertname)
				case len(evaluation.Expected) > 0:
					fires++
				default:
					quiet++
				}
			}
		}
		if fires == 0 || quiet == 0 {
			t.Errorf("%s: %s fires in %d evaluations and does not in %d, want both", file, r.Alert, fires, quiet)
		}
	}
}

// findPromtool returns the path of promtool, and skips the test when there is none.
func findPromtool(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"../bin/tools/promtool", "promtool"} {
		if path, err := exec.LookPath(candidate); err == nil {
			path, err = filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Skip("SKIPPED: promtool is not installed, so that the alert rules are not tested; it is part of Debian's package prometheus")
	return ""
}

// TestRules_Promtool runs the tests in folder tests, which say when each rule fires.
func TestRules_Promtool(t *testing.T) {
	promtool := findPromtool(t)
	for _, args := range [][]string{
		slices.Concat([]string{"check", "rules", "--lint=all", "--lint-fatal"}, list(t, "rules/*.yaml")),
		slices.Concat([]string{"test", "rules"}, list(t, "tests/*_test.yaml")),
	} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args[:2], " "), err, out)
		}
	}
}

// TestDashboards: identifiers are unique, panels do not overlap, and each has a query.
func TestDashboards(t *testing.T) {
	uids := map[string]bool{}
	for file, d := range readDashboards(t) {
		if uids[d.UID] || d.UID == "" || d.Title == "" {
			t.Errorf("%s: the identifier %q or title %q is missing or not unique", file, d.UID, d.Title)
		}
		uids[d.UID] = true
		ids, cells := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			if ids[p.ID] || len(p.Targets) == 0 {
				t.Errorf("%s: the panel %q has an identifier that is not unique, or no query", file, p.Title)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other, taken := cells[[2]int{x, y}]; taken {
						t.Fatalf("%s: the panels %q and %q overlap", file, other, p.Title)
					}
					cells[[2]int{x, y}] = p.Title
				}
			}
		}
	}
}
