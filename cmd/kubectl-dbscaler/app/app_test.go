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

// oneDayCSV is a recording of a day: 60 % but for three hours of 95 %.
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

// runPlugin runs the plugin in a folder that has the files.
func runPlugin(t *testing.T, files map[string]string, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(folder)
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
		t.Fatalf("%v, and on stderr %q", err, errOut)
	}
	lines := strings.Split(out, "\n")
	if !strings.Contains(lines[0], "OVERLOADED") || !strings.HasPrefix(strings.TrimSpace(lines[1]), "dbscaler ") || !strings.Contains(out, "Oracle") ||
		!strings.Contains(out, "Aurora Auto Scaling (H=3)") || !strings.Contains(out, "simulated") {
		t.Errorf("the table is\n%s", out)
	}
	page, err := os.ReadFile("report.html")
	if err != nil || !bytes.Contains(page, []byte("Backtest of shop/orders")) || !bytes.Contains(page, []byte("cpu.csv")) {
		t.Errorf("the page has %d bytes, %v", len(page), err)
	}
	again, _, err := runPlugin(t, files, "", "backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.xlarge", "--against", "all",
		"--html", "report.html")
	if err != nil || again != out {
		t.Errorf("the same again gives\n%s%v", again, err)
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

// A policy of another pool is played on it.
func TestBacktest_WriterPool(t *testing.T) {
	policy := strings.ReplaceAll(policyYAML, "readers: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge], maxReplicas: 4}",
		"writer: {instanceClasses: [db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge]}")
	for name, args := range map[string][]string{
		"a cluster": nil, "alone": {"--readers", "0"},
		"an instance": {"--multi-az"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "an instance" {
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

// oneWeekCSV is a recording of a week of such days.
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

// What is recommended is a policy that the API server and the operator take, with what there is to say about it in comments.
func TestRecommend_PrintsValidPolicy(t *testing.T) {
	args := []string{"recommend", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.xlarge"}
	labelled := strings.Replace(policyYAML, "namespace: shop", `namespace: shop, labels: {team: shop}, annotations: {
  kubectl.kubernetes.io/last-applied-configuration: what, argocd.argoproj.io/sync-wave: "1"}`, 1)
	out, errOut, err := runPlugin(t, map[string]string{"policy.yaml": labelled, "cpu.csv": oneWeekCSV()}, "", args...)
	if err != nil || errOut != "" {
		t.Fatalf("%v, %s", err, errOut)
	}
	if strings.Contains(out, "last-applied") {
		t.Errorf("what kubectl keeps for itself is in\n%s", out)
	}
	for _, want := range []string{"    team: shop\n", "argocd.argoproj.io/sync-wave: \"1\"", "# Found among", "simulated", "# this policy:", "#   judged: ", "# the one it began with:", "# runner-up 1", "# It keeps to the limits"} {
		if !strings.Contains(out, want) {
			t.Errorf("nothing says %q:\n%s", want, out)
		}
	}
	again, _, err := runPlugin(t, map[string]string{"policy.yaml": out, "cpu.csv": oneWeekCSV()}, "", append(append([]string{"backtest"}, args[1:]...), "-o", "json")...)
	if err != nil || !strings.Contains(again, "shop/orders") {
		t.Errorf("it is no policy: %v\n%s", err, out)
	}
	for want, args := range map[string][]string{
		"lacks db.r6g.large, db.r6g.xlarge, db.r6g.2xlarge": append(args, "--max-monthly-cost", "100"), "below 0": append(args, "--max-disruptions", "-1"), "not an amount": append(args, "--max-monthly-cost", "much"),
	} {
		_, _, err := runPlugin(t, map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneWeekCSV()}, "", args...)
		var wrong *InputError
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, _, err = runPlugin(t, map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneDayCSV()}, "", args...)
	if err == nil || !strings.Contains(err.Error(), "four days") {
		t.Errorf("a day: %v", err)
	}
}

// What cannot be used gets one line that says what and where, and the exit code 2.
func TestPlugin_RejectsInvalidInput(t *testing.T) {
	good := map[string]string{"policy.yaml": policyYAML, "cpu.csv": oneDayCSV()}
	bad := func(text string) map[string]string {
		return map[string]string{"policy.yaml": policyYAML, "cpu.csv": text}
	}
	usual := []string{"backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.large"}
	rows := func(rows ...string) map[string]string {
		return bad("timestamp,value\n" + strings.Join(rows, "\n") + "\n")
	}
	const a, b, c = "2024-03-04 00:00:00,10", "2024-03-04 00:05:00,11", "2024-03-04 00:10:00,12"
	for _, test := range []struct {
		name  string
		files map[string]string
		args  []string
		want  string
	}{
		{"unsorted", rows(a, c, b), usual, "cpu.csv:4: "},
		{"duplicate timestamps", rows(a, b, b), usual, "cpu.csv:4: "},
		{"no header", bad(a + "\n" + b + "\n"), usual, "cpu.csv:1: "},
		{"mixed intervals", rows(a, b, c, "2024-03-04 00:12:00,12"), usual, "cpu.csv:5: mixed intervals"},
		{"NaN", rows(a, "2024-03-04 00:05:00,NaN", c), usual, "cpu.csv:3: "},
		{"percent above 100", rows(a, "2024-03-04 00:05:00,101", c), usual, "cpu.csv:3: "},
		{"empty file", bad(""), usual, "cpu.csv: "},
		{"a class nobody knows", good, []string{"backtest", "-f", "policy.yaml", "--metrics", "cpu.csv", "--class", "db.r6g.lage"}, `did you mean "db.r6g.large"`},
		{"no unit", good, usual[:5], "--class"},
		{"no such file", good, []string{"backtest", "-f", "policy.yaml", "--metrics", "no.csv", "--class", "db.r6g.large"}, "no.csv"},
		{"no recording", good, usual[:3], "--metrics is missing"},
		{"no policy", good, []string{"backtest", "--metrics", "cpu.csv"}, "--filename"},
		{"a policy twice", good, append([]string{"backtest", "orders"}, usual[1:]...), "not both"},
		{"not a policy", map[string]string{"policy.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "cpu.csv": oneDayCSV()}, usual, "there is no DBScalingPolicy"},
		{"a broken policy", map[string]string{"policy.yaml": "a: [", "cpu.csv": oneDayCSV()}, usual, "policy.yaml"},
		{"a field nobody knows", map[string]string{"policy.yaml": policyYAML + "  colour: red\n", "cpu.csv": oneDayCSV()}, usual, "spec.colour"},
		{"a policy that the API server refuses", map[string]string{"policy.yaml": policyYAML + "  cpu: {targetPercent: 90}\n", "cpu.csv": oneDayCSV()}, usual, "targetPercent"},
		{"a ladder out of order", map[string]string{"policy.yaml": strings.ReplaceAll(policyYAML, "[db.r6g.large, db.r6g.xlarge", "[db.r6g.xlarge, db.r6g.large"),
			"cpu.csv": oneDayCSV()}, usual, "smallest first"},
		{"a class that the catalogue does not know in the policy", map[string]string{"policy.yaml": strings.ReplaceAll(policyYAML, "db.r6g.2xlarge", "db.r99.2xlarge"),
			"cpu.csv": oneDayCSV()}, usual, "db.r99.2xlarge"},
		{"nothing of that name", good, append(usual, "--against", "everything"), `"everything"`},
		{"no such output", good, append(usual, "-o", "xml"), "xml"},
		{"no such pool", good, append(usual, "--pool", "master"), "master"},
		{"a pool that is not scaled", good, append(usual, "--pool", "writer"), "spec.writer"},
		{"no such flag", good, append(usual, "--colour"), "unknown flag"},
		{"too many names", good, []string{"backtest", "a", "b"}, "accepts at most 1 arg"},
		{"no instances", good, append(usual, "--count", "0"), "--count is 0: it must be 1 to 15"},
		{"too many readers", good, append(usual, "--start-count", "16"), "--start-count is 16"},
		{"a scale of nothing", good, append(usual[:5:5], "--scale", "-1"), "--scale is -1: it must be more than 0"},
		{"a class that AWS knows", good, append(usual[:3:3], "--cloudwatch", "2h", "--class", "db.r6g.large"), "--class goes with --metrics"},
		{"a time in the future", good, append(usual[:3:3], "--cloudwatch", "-2h"), "--cloudwatch is -2h"},
		{"a command nobody knows", good, []string{"backtes"}, `did you mean "backtest"?`},
		{"a long file that is something else", map[string]string{"policy.yaml": "a: " + strings.Repeat("x", 300), "cpu.csv": oneDayCSV()}, usual,
			"Object 'Kind' is missing"},
		{"a page that cannot be written", good, append(usual, "--html", "no/report.html"), "no/report.html"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out, _, err := runPlugin(t, test.files, "", test.args...)
			var wrong *InputError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 || out != "" {
				t.Errorf("got %v and\n%s\nwant %s", err, out, test.want)
			}
		})
	}
}
