// Command chart generates the parts of the Helm charts that have a source elsewhere: the CRDs and the rules of roles from config, the alert
// rules and dashboards from monitoring, and the table of values in README.md from the comments of values.yaml. Templates read the sources
// as files, so that they are copied as they are. `make generate` runs it.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// charts is the folder of the charts.
const charts = "charts"

// roles are the files of config/rbac whose rules the chart has, and the admission policy whose spec it has.
var roles = []string{
	"role.yaml", "leader_election_role.yaml", "metrics_auth_role.yaml", "metrics_reader_role.yaml", "dbscalingpolicy_editor_role.yaml",
	"dbscalingpolicy_viewer_role.yaml", "dbscalingpolicy_on_call_role.yaml", "awsaccount_editor_role.yaml", "awsaccount_viewer_role.yaml",
	"manual_control_guard.yaml",
}

func main() {
	if err := generate("."); err != nil {
		fmt.Fprintf(os.Stderr, "chart: %v\n", err)
		os.Exit(1)
	}
}

// generate writes the generated files of both charts below root, the folder of the repository.
func generate(root string) error {
	crds, errCRDs := list(root, "config/crd/bases/*.yaml")
	rules, errRules := list(root, "monitoring/rules/*.yaml")
	dashboards, errDashboards := list(root, "monitoring/dashboards/*.json")
	if err := errors.Join(errCRDs, errRules, errDashboards); err != nil {
		return err
	}
	var rbac []string
	for _, role := range roles {
		rbac = append(rbac, filepath.Join(root, "config", "rbac", role))
	}
	operator, definitions := filepath.Join(root, charts, "dbscaler"), filepath.Join(root, charts, "dbscaler-crds")
	return errors.Join(
		replaceFolder(filepath.Join(operator, "files", "crds"), crds),
		replaceFolder(filepath.Join(definitions, "files", "crds"), crds),
		replaceFolder(filepath.Join(operator, "files", "rbac"), rbac),
		replaceFolder(filepath.Join(operator, "files", "rules"), rules),
		replaceFolder(filepath.Join(operator, "files", "dashboards"), dashboards),
		writeTable(operator),
		writeTable(definitions),
	)
}

// list lists the files below root that match a pattern. None is an error.
func list(root, pattern string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("no file is %s: run this in the folder of the repository, after `make manifests`", pattern)
	}
	return paths, err
}

// replaceFolder makes folder contain copies of the sources and nothing else.
func replaceFolder(folder string, sources []string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(source)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// The lines of README.md between which the table of values is.
const tableBegin, tableEnd = "<!-- values: generated from values.yaml by `make generate` -->\n", "<!-- end of values -->\n"

// writeTable replaces the table of values in the README.md of a chart. A value without a comment is an error.
func writeTable(chart string) error {
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return err
	}
	values, err := parseValues(text)
	if err != nil {
		return fmt.Errorf("%s/values.yaml: %w", chart, err)
	}
	path := filepath.Join(chart, "README.md")
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, hasBegin := strings.Cut(string(page), tableBegin)
	_, after, hasEnd := strings.Cut(rest, tableEnd)
	if !hasBegin || !hasEnd {
		return &fs.PathError{Op: "writing the values", Path: path, Err: errors.New("the lines that delimit the table are missing")}
	}
	return os.WriteFile(path, []byte(before+tableBegin+"\n"+table(values)+"\n"+tableEnd+after), 0o644)
}
