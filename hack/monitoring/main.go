// Command monitoring generates config/prometheus/prometheus_rule.yaml, for the Prometheus operator, from the alert rules in
// monitoring/rules. With --runbooks it first writes another address of the runbooks into the rules and their tests.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

const header = `# Generated from monitoring/rules by ` + "`make monitoring`" + `: change the rules there.
`

func main() {
	runbooks := flag.String("runbooks", "", "address of the runbooks, without the name of the alert; empty keeps the present one")
	flag.Parse()
	if err := run(*runbooks); err != nil {
		fmt.Fprintln(os.Stderr, "monitoring:", err)
		os.Exit(1)
	}
}

func run(runbooks string) error {
	if runbooks != "" {
		if err := setRunbooks(strings.TrimSuffix(runbooks, "/")); err != nil {
			return err
		}
	}
	paths, err := filepath.Glob("monitoring/rules/*.yaml")
	if err != nil {
		return err
	}
	if len(paths) == 0 {
		return errors.New("monitoring/rules has no rules: run this in the root of the repository")
	}
	groups := []any{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var file struct {
			Groups []any `json:"groups"`
		}
		if err := yaml.UnmarshalStrict(content, &file); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		groups = append(groups, file.Groups...)
	}
	out, err := yaml.Marshal(map[string]any{
		"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
		"metadata": map[string]any{"name": "dbscaler", "labels": map[string]string{"app.kubernetes.io/name": "dbscaler"}},
		"spec":     map[string]any{"groups": groups},
	})
	if err != nil {
		return err
	}
	return os.WriteFile("config/prometheus/prometheus_rule.yaml", append([]byte(header), out...), 0o644)
}

var runbookPattern = regexp.MustCompile(`(runbook_url: '?)\S+/(\w+\.md)`)

// setRunbooks writes the address of the runbooks into the rules and their tests.
func setRunbooks(address string) error {
	for _, pattern := range []string{"monitoring/rules/*.yaml", "monitoring/tests/*_test.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, path := range paths {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			changed := runbookPattern.ReplaceAllString(string(content), "${1}"+strings.ReplaceAll(address, "$", "$$")+"/${2}")
			if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
