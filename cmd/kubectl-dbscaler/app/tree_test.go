package app

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// newTree returns the root command and what it prints.
func newTree(t *testing.T) (*cobra.Command, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	return New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, clock.RealClock{}, WithoutColor()), &out
}

// pathOf returns the arguments that select a command.
func pathOf(c *cobra.Command) []string {
	if !c.HasParent() {
		return nil
	}
	return append(pathOf(c.Parent()), c.Name())
}

// TestTree_Help: the help of each command has an example and a group, fits a terminal of 80 columns, and has no colours.
func TestTree_Help(t *testing.T) {
	root, _ := newTree(t)
	for _, c := range allCommands(root) {
		t.Run(strings.Join(append([]string{"kubectl-dbscaler"}, pathOf(c)...), " "), func(t *testing.T) {
			if c.Runnable() && !c.HasExample() {
				t.Error("the command has no example")
			}
			if c.Parent() == root && c.GroupID == "" {
				t.Error("the command is in no group of the help: setUpHelp lists them")
			}
			fresh, out := newTree(t)
			fresh.SetArgs(append(pathOf(c), "--help"))
			if err := fresh.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			for line := range strings.SplitSeq(out.String(), "\n") {
				isOneWord := len(strings.Fields(line)) == 1 // an address, which cannot be wrapped
				if width := utf8.RuneCountInString(line); width > outputWidth && !isOneWord {
					t.Errorf("a line has %d columns:\n%s", width, line)
				}
			}
			if strings.Contains(out.String(), "\x1b") {
				t.Errorf("the help has colours:\n%s", out.String())
			}
			if text := out.String(); c.Runnable() && c.HasParent() && !strings.Contains(text, "Usage:\n  kubectl dbscaler "+strings.Join(pathOf(c), " ")) {
				t.Errorf("the help lacks the usage:\n%s", text)
			}
		})
	}
}

// escapeFiles are the files that write escape sequences: none of them is a colour. The colours are those of internal/view, which
// environment.withoutColor switches off.
var escapeFiles = []string{"manual_control.go", "progress.go", "status_terminal.go"}

// TestTree_Colors: no command has colours of its own, which would not honour NO_COLOR.
func TestTree_Colors(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("got %d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		hasEscape := bytes.Contains(text, []byte(`\x1b`)) || bytes.Contains(text, []byte(`\033`)) || bytes.Contains(text, []byte(`\u001b`))
		if !strings.HasSuffix(file, "_test.go") && hasEscape && !slices.Contains(escapeFiles, file) {
			t.Errorf("%s writes escape sequences: use the colours of internal/view with environment.withoutColor", file)
		}
	}
}

// runCompletion runs the completion of the shell, and returns the values and the directive.
func runCompletion(t *testing.T, args ...string) ([]string, string) {
	t.Helper()
	root, out := newTree(t)
	var stdout bytes.Buffer
	root.SetOut(&stdout)
	root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, args...))
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	directive := lines[len(lines)-1]
	var values []string
	for _, line := range lines[:len(lines)-1] {
		value, _, _ := strings.Cut(line, "\t")
		values = append(values, value)
	}
	return values, directive
}

// fixedFlags are flags with fixed values whose usage does not list them in the form of fixedValues.
var fixedFlags = map[string][]string{
	"dry-run": {"none", "client", "server"}, "pool": {"readers", "writer"}, "pricing-region": {"us-east-1", "eu-central-1", "ap-south-1"},
	"against": {"all", "static-peak", "oracle"},
}

// TestTree_FlagValuesAreCompleted: each flag that takes one of some values completes them, and each other one no files by accident.
func TestTree_FlagValuesAreCompleted(t *testing.T) {
	root, _ := newTree(t)
	checked := 0
	for _, c := range allCommands(root) {
		flags := c.LocalNonPersistentFlags()
		if !c.HasParent() {
			flags = c.PersistentFlags()
		}
		flags.VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() == "bool" || f.Name == "help" || f.Name == "version" {
				return
			}
			if _, exists := c.GetFlagCompletionFunc(f.Name); !exists {
				t.Errorf("%s: --%s has no completion", c.CommandPath(), f.Name)
				return
			}
			want := fixedFlags[f.Name]
			if want == nil {
				want = fixedValues(f.Usage)
			}
			if want == nil || !c.HasParent() {
				return
			}
			checked++
			values, directive := runCompletion(t, append(pathOf(c), "--"+f.Name+"=")...)
			for _, value := range want {
				if !slices.Contains(values, value) {
					t.Errorf("%s --%s completes %q, which lacks %s", c.CommandPath(), f.Name, values, value)
				}
			}
			if directive != ":4" { // no files
				t.Errorf("%s --%s has the directive %s", c.CommandPath(), f.Name, directive)
			}
		})
	}
	if checked < 15 {
		t.Errorf("only %d flags with fixed values were found", checked)
	}
}

func TestFixedValues(t *testing.T) {
	for usage, want := range map[string][]string{
		"Output format: text or json":                       {"text", "json"},
		"Order of the list: risk, headroom or cost":         {"risk", "headroom", "cost"},
		"Pool of the recording: readers or writer (hint)":   {"readers", "writer"},
		"Output format: a, b-c, d":                          {"a", "b-c", "d"},
		"Role to assume":                                    nil,
		"Time: in RFC 3339, or how long ago, such as 45m":   nil,
		"Label filter, such as team=payments":               nil,
		"Baselines (bounds: all): all, or any of x, y":      nil,
		"Address of the runbooks: https://example.com or x": nil,
	} {
		if got := fixedValues(usage); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", usage, got, want)
		}
	}
}

// TestTree_CompletesClusterAndClasses: names are completed from a real API server, and instance classes from the catalog.
func TestTree_CompletesClusterAndClasses(t *testing.T) {
	namespace, c := env.NewNamespace(t)
	policy := &v1alpha1.DBScalingPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "orders"},
		Spec: v1alpha1.DBScalingPolicySpec{
			TargetRef: v1alpha1.TargetRef{Kind: v1alpha1.TargetKindDBCluster, Identifier: "orders", Region: "eu-west-1"},
			Writer:    &v1alpha1.Writer{InstanceClasses: []v1alpha1.InstanceClass{"db.r6g.large"}},
		},
	}
	if err := c.Create(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	cluster := []string{"--kubeconfig", env.Kubeconfig(t), "-n", namespace}
	root, _ := newTree(t)
	takers := 0
	for _, command := range allCommands(root) {
		if !takesPolicy(command) {
			continue
		}
		takers++
		if values, _ := runCompletion(t, slices.Concat(pathOf(command), cluster, []string{""})...); !slices.Contains(values, "orders") {
			t.Errorf("%s completes %q, want the policy", command.CommandPath(), values)
		}
	}
	if takers < 9 {
		t.Errorf("only %d commands take a policy", takers)
	}
	if values, _ := runCompletion(t, "status", "--kubeconfig", env.Kubeconfig(t), "-n", namespace[:4]); !slices.Contains(values, namespace) {
		t.Errorf("the namespaces are %q", values)
	}
	values, _ := runCompletion(t, "status", "--kubeconfig", env.Kubeconfig(t), "--context", "")
	if len(values) != 1 {
		t.Errorf("the contexts are %q", values)
	}
	values, directive := runCompletion(t, "recommend", "--class", "db.r6g.")
	if !slices.Contains(values, "db.r6g.2xlarge") || slices.Contains(values, "db.r5.large") || directive != ":4" {
		t.Errorf("the classes are %q, %s", values, directive)
	}
	if values, _ := runCompletion(t, "backtest", "--against", "oracle,static"); !slices.Contains(values, "oracle,static-peak") {
		t.Errorf("the baselines are %q", values)
	}
	if values, directive := runCompletion(t, "backtest", "--filename", ""); !slices.Contains(values, "yaml") || directive != ":8" {
		t.Errorf("the files are %q, %s", values, directive)
	}
}
