package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// TestHelp: the help of each command has an example and its own flags, and only names those of kubectl.
func TestHelp(t *testing.T) {
	help := func(args ...string) string {
		var out bytes.Buffer
		root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, clock.RealClock{})
		root.SetArgs(append(args, "--help"))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}}, clock.RealClock{})
	for _, c := range append([]*cobra.Command{root}, root.Commands()...) {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		var args []string
		if c.HasParent() {
			args = []string{c.Name()}
		}
		text := help(args...)
		if !strings.Contains(text, "Examples:\n") || strings.Contains(text, "--as-uid") || !strings.Contains(text, "kubectl options lists them") {
			t.Errorf("the help of %s lacks an example, or lists the flags of kubectl:\n%s", c.Name(), text)
		}
	}
	if text := help("status"); !strings.Contains(text, "--watch") || !strings.Contains(text, "Exit codes: 0 ") {
		t.Errorf("the help of status is\n%s", text)
	}
	expectInOrder(t, help(), "start with \"status POLICY --metrics\"", "See what the operator does, and why:", "explain ", "status ", "top ", "Check and improve")
}
