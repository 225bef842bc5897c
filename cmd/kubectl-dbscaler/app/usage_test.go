package app

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// TestHelp: the help of each command has an example and its own flags, only names those of kubectl, and fits into 80 columns; only commands
// to copy may be longer.
func TestHelp(t *testing.T) {
	newRoot := func(out *bytes.Buffer) *cobra.Command {
		return New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: out}, clock.RealClock{})
	}
	help := func(args ...string) string {
		var out bytes.Buffer
		root := newRoot(&out)
		root.SetArgs(append(args, "--help"))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	var check func(c *cobra.Command, args []string)
	check = func(c *cobra.Command, args []string) {
		if c.Hidden || c.Name() == "help" {
			return
		}
		text := help(args...)
		if !strings.Contains(text, "Examples:\n") || strings.Contains(text, "--as-uid") || !strings.Contains(text, "kubectl options lists them") {
			t.Errorf("the help of %s lacks an example, or lists the flags of kubectl:\n%s", c.Name(), text)
		}
		for line := range strings.Lines(text) {
			isCommand, isOneWord := strings.HasPrefix(line, "  kubectl ") || strings.HasPrefix(line, "  aws "), len(strings.Fields(line)) == 1
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > outputWidth && !isCommand && !isOneWord {
				t.Errorf("the help of %s has %d columns in the line %s", c.CommandPath(), n, line)
			}
		}
		for _, child := range c.Commands() {
			check(child, append(slices.Clone(args), child.Name()))
		}
	}
	check(newRoot(&bytes.Buffer{}), nil)
	if text := help("status"); !strings.Contains(text, "--watch") || !strings.Contains(text, "Exit codes: 0 ") {
		t.Errorf("the help of status is\n%s", text)
	}
	expectInOrder(t, help(), "start with \"status POLICY --metrics\"", "See what the operator does, and why:", "explain ", "status ", "top ", "Check and improve")
}

func TestWrapParagraphs(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("word ", 20))
	wrapped := strings.TrimSpace(strings.Repeat("word ", 16)) + "\nword word word word"
	for _, test := range []struct{ text, want string }{
		{"", ""}, {"short", "short"}, {long, wrapped}, {"a\nb\n\nc", "a b\n\nc"}, {long + "\n\n" + long, wrapped + "\n\n" + wrapped},
		{"list:\n- one\n  two\n- " + long, "list:\n- one\n  two\n- " + strings.TrimSpace(strings.Repeat("word ", 15)) + "\n  word word word word word"},
		{"  " + long, "  " + long},
	} {
		if got := wrapParagraphs(test.text); got != test.want {
			t.Errorf("%q: got %q, want %q", test.text, got, test.want)
		}
	}
}
