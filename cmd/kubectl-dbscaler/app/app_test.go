package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

const policyYAML = `
apiVersion: scaling.dbscaler.io/v1alpha1
kind: DBScalingPolicy
metadata: {name: orders, namespace: shop}
spec:
  targetRef: {kind: DBCluster, identifier: orders, region: eu-west-1}
  readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], maxReplicas: 4}
`

// oneDayCSV returns a recording of one day: 45 percent CPU, and 88 percent for three hours.
func oneDayCSV() string {
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	for n := range 24 * 12 {
		value := 45
		if n >= 120 && n < 156 {
			value = 88
		}
		fmt.Fprintf(&b, "%s,%d\n", time.Date(2024, 3, 4, 0, 5*n, 0, 0, time.UTC).Format(time.DateTime), value)
	}
	return b.String()
}

// runPlugin runs the plugin in a directory with the given files.
func runPlugin(t *testing.T, files map[string]string, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var stdout, stderr bytes.Buffer
	c := New(genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &stdout, ErrOut: &stderr}, clock.RealClock{})
	c.SetArgs(args)
	err = c.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

func TestBacktest_PrintsTableAndHTML(t *testing.T) {
	files := map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneDayCSV()}
	out, errOut, err := runPlugin(t, files, "", "backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.xlarge",
		"--against", "all", "--html", "report.html")
	if err != nil || errOut != "" {
		t.Fatalf("got error %v, and on stderr %q", err, errOut)
	}
	lines := strings.Split(out, "\n")
	if !strings.Contains(lines[0], "OVERLOADED") || !strings.HasPrefix(strings.TrimSpace(lines[1]), "dbscaler ") || !strings.Contains(out, "Oracle") ||
		!strings.Contains(out, "Aurora Auto Scaling (H=3)") || !strings.Contains(out, "simulated") {
		t.Errorf("the table is\n%s", out)
	}
	page, err := os.ReadFile("report.html")
	if err != nil || !bytes.Contains(page, []byte("Backtest of shop/orders")) || !bytes.Contains(page, []byte("cpu.csv")) {
		t.Errorf("the HTML report has %d bytes, error %v", len(page), err)
	}
	again, _, err := runPlugin(t, files, "", "backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.xlarge", "--against", "all",
		"--html", "report.html")
	if err != nil || again != out {
		t.Errorf("a second run gives a different table\n%s%v", again, err)
	}
}

func TestBacktest_PrintsJSON(t *testing.T) {
	out, _, err := runPlugin(t, map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneDayCSV()}, "", "backtest", "-f", "policy.yaml", "--metrics", "cpu.csv",
		"--class", "db.r6g.xlarge", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var s backtestSummary
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	if s.Policy != "shop/orders" || !s.Simulated || len(s.Runs) != 3 || s.Runs[0].ID != "dbscaler" || s.Runs[0].Changes < 1 || s.Runs[2].ID != "oracle" ||
		s.Runs[2].OverloadedMinutes != 0 || s.End != "2024-03-05T00:00:00Z" {
		t.Errorf("got %s", out)
	}
}

// TestBacktest_WriterPool simulates a policy that scales the writer.
func TestBacktest_WriterPool(t *testing.T) {
	policy := strings.ReplaceAll(policyYAML, "readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], maxReplicas: 4}",
		"writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}")
	for name, args := range map[string][]string{
		"cluster with a reader": nil, "cluster without readers": {"--readers", "0"},
		"Multi-AZ instance": {"--multi-az"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "Multi-AZ instance" {
				policy = strings.ReplaceAll(policy, "DBCluster", "DBInstance")
			}
			out, _, err := runPlugin(t, map[string]string{"policy.yaml": policy, "cpu.csv": oneDayCSV()}, "", append([]string{"backtest", "-f", "policy.yaml",
				"--metrics", "cpu.csv", "--class", "db.r6g.xlarge", "--against", "all"}, args...)...)
			if err != nil || strings.Contains(out, "Aurora Auto Scaling") || !strings.Contains(out, "Atlas") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// oneWeekCSV returns a recording of seven days like oneDayCSV.
func oneWeekCSV() string {
	rows := strings.Split(strings.TrimSpace(oneDayCSV()), "\n")
	text := rows[0] + "\n"
	for d := range 7 {
		for _, row := range rows[1:] {
			text += strings.Replace(row, "2024-03-04", fmt.Sprintf("2024-03-%02d", 4+d), 1) + "\n"
		}
	}
	return text
}

// TestRecommend_PrintsValidPolicy checks the comments of the printed policy, and that backtest accepts it.
func TestRecommend_PrintsValidPolicy(t *testing.T) {
	args := []string{"recommend", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.xlarge"}
	labelled := strings.Replace(policyYAML, "namespace: shop", `namespace: shop, labels: {team: shop}, annotations: {
  kubectl.kubernetes.io/last-applied-configuration: what, argocd.argoproj.io/sync-wave: "1"}`, 1)
	out, errOut, err := runPlugin(t, map[string]string{"policy.yaml": labelled, "cpu.csv": oneWeekCSV()}, "", args...)
	if err != nil || errOut != "" {
		t.Fatalf("%v, %s", err, errOut)
	}
	if strings.Contains(out, "last-applied") {
		t.Errorf("the annotation of kubectl apply is in\n%s", out)
	}
	for _, want := range []string{"    team: shop\n", "argocd.argoproj.io/sync-wave: \"1\"", "# Found among", "simulated", "# this policy:", "#   validation: ", "# original policy:", "# runner-up 1",
		"# This policy meets the limits"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	again, _, err := runPlugin(t, map[string]string{"policy.yaml": out, "cpu.csv": oneWeekCSV()}, "", append(append([]string{"backtest"}, args[1:]...), "-o", "json")...)
	if err != nil || !strings.Contains(again, "shop/orders") {
		t.Errorf("backtest rejects the recommended policy: %v\n%s", err, out)
	}
	for want, args := range map[string][]string{
		"add db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge": append(args, "--max-monthly-cost", "100"),
		"must be 0 or more": append(args, "--max-disruptions", "-1"), "not an amount": append(args, "--max-monthly-cost", "much"),
	} {
		_, _, err := runPlugin(t, map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneWeekCSV()}, "", args...)
		var inputErr *InputError
		if !errors.As(err, &inputErr) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, _, err = runPlugin(t, map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneDayCSV()}, "", args...)
	if err == nil || !strings.Contains(err.Error(), "four days") {
		t.Errorf("a recording of one day: got %v, want an error with four days", err)
	}
}

// TestPlugin_RejectsInvalidInput checks that invalid input causes an InputError of one line that says what is invalid and where.
func TestPlugin_RejectsInvalidInput(t *testing.T) {
	valid := map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneDayCSV()}
	withRecording := func(text string) map[string]string {
		return map[string]string{"policy.yaml": policyYAML, "cpu.csv": text}
	}
	defaultArgs := []string{"backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.large"}
	rows := func(rows ...string) map[string]string {
		return withRecording("timestamp,value\n" + strings.Join(rows, "\n") + "\n")
	}
	const a, b, c = "2024-03-04 00:00:00,10", "2024-03-04 00:05:00,11", "2024-03-04 00:10:00,12"
	for _, test := range []struct {
		name  string
		files map[string]string
		args  []string
		want  string
	}{
		{"unsorted timestamps", rows(a, c, b), defaultArgs, "cpu.csv:4: "},
		{"duplicate timestamps", rows(a, b, b), defaultArgs, "cpu.csv:4: "},
		{"missing header", withRecording(a + "\n" + b + "\n"), defaultArgs, "cpu.csv:1: "},
		{"mixed intervals", rows(a, b, c, "2024-03-04 00:12:00,12"), defaultArgs, "cpu.csv:5: mixed intervals"},
		{"NaN value", rows(a, "2024-03-04 00:05:00,NaN", c), defaultArgs, "cpu.csv:3: "},
		{"percent above 100", rows(a, "2024-03-04 00:05:00,101", c), defaultArgs, "cpu.csv:3: "},
		{"empty file", withRecording(""), defaultArgs, "cpu.csv: "},
		{"unknown instance class", valid, []string{"backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.lage"}, `did you mean "db.r6g.large"`},
		{"missing unit", valid, defaultArgs[:5], "--class"},
		{"missing file", valid, []string{"backtest", "-f", "policy.yaml", "--metrics", "no.csv", "--class", "db.r6g.large"}, "no.csv"},
		{"missing recording", valid, defaultArgs[:3], "set --metrics"},
		{"missing policy", valid, []string{"backtest", "--metrics", "cpu.csv"}, "--filename"},
		{"policy by name and by file", valid, append([]string{"backtest", "orders"}, defaultArgs[1:]...), "not both"},
		{"manifest of another kind", map[string]string{"policy.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "cpu.csv": oneDayCSV()}, defaultArgs, "no DBScalingPolicy found"},
		{"invalid YAML", map[string]string{"policy.yaml": "a: [", "cpu.csv": oneDayCSV()}, defaultArgs, "policy.yaml"},
		{"unknown field", map[string]string{"policy.yaml": policyYAML + "  colour: red\n", "cpu.csv": oneDayCSV()}, defaultArgs, "spec.colour"},
		{"policy rejected by validation", map[string]string{"policy.yaml": policyYAML + "  cpu: {targetPercent: 90}\n", "cpu.csv": oneDayCSV()}, defaultArgs, "targetPercent"},
		{"instance classes out of order", map[string]string{"policy.yaml": strings.ReplaceAll(policyYAML, "[db.r6g.large, db.r6g.xlarge", "[db.r6g.xlarge, db.r6g.large"),
			"cpu.csv": oneDayCSV()}, defaultArgs, "smallest first"},
		{"unknown instance class in the policy", map[string]string{"policy.yaml": strings.ReplaceAll(policyYAML, "db.r6g.2xlarge", "db.r99.2xlarge"),
			"cpu.csv": oneDayCSV()}, defaultArgs, "db.r99.2xlarge"},
		{"unknown baseline", valid, append(defaultArgs, "--against", "everything"), `"everything"`},
		{"unknown output format", valid, append(defaultArgs, "-o", "xml"), "xml"},
		{"unknown pool", valid, append(defaultArgs, "--pool", "master"), "master"},
		{"pool not scaled by the policy", valid, append(defaultArgs, "--pool", "writer"), "spec.writer"},
		{"unknown flag", valid, append(defaultArgs, "--colour"), "unknown flag"},
		{"too many arguments", valid, []string{"backtest", "a", "b"}, "2 policies are named: name one"},
		{"zero instances", valid, append(defaultArgs, "--count", "0"), "--count is 0: it must be 1 to 15"},
		{"too many readers", valid, append(defaultArgs, "--start-count", "16"), "--start-count is 16"},
		{"negative scale", valid, append(defaultArgs[:5:5], "--scale", "-1"), "--scale is -1: it must be more than 0"},
		{"class with --cloudwatch", valid, append(defaultArgs[:3:3], "--cloudwatch", "2h", "--class", "db.r6g.large"), "--class is only valid with --metrics"},
		{"negative --cloudwatch", valid, append(defaultArgs[:3:3], "--cloudwatch", "-2h"), "--cloudwatch is -2h"},
		{"unknown command", valid, []string{"backtes"}, `did you mean "backtest"?`},
		{"long file that is not a manifest", map[string]string{"policy.yaml": "a: " + strings.Repeat("x", 300), "cpu.csv": oneDayCSV()}, defaultArgs,
			"Object 'Kind' is missing"},
		{"HTML report that cannot be written", valid, append(defaultArgs, "--html", "no/report.html"), "no/report.html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, err := runPlugin(t, test.files, "", test.args...)
			var inputErr *InputError
			if !errors.As(err, &inputErr) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 || out != "" {
				t.Errorf("got %v and\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}
