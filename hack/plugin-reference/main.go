// Command plugin-reference writes the reference of the kubectl plugin from its commands, as a page in Markdown and as man pages:
//
//	plugin-reference --page docs/reference/plugin.md
//	plugin-reference --man bin/man --date 1700000000
//
// The same commands give the same bytes: nothing depends on the machine, and the date of the man pages is an argument.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/cmd/kubectl-dbscaler/app"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "plugin-reference: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("plugin-reference", flag.ContinueOnError)
	page := flags.String("page", "", "file for the page in Markdown")
	man := flags.String("man", "", "folder for the man pages")
	date := flags.Int64("date", 0, "date of the man pages in seconds since 1970, for example that of the commit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *page == "" && *man == "" {
		return fmt.Errorf("set --page, --man or both, and no argument")
	}
	if *page != "" {
		if err := os.MkdirAll(filepath.Dir(*page), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(*page, []byte(renderPage(newRoot())), 0o644); err != nil {
			return err
		}
	}
	if *man != "" {
		return writeManPages(newRoot(), *man, time.Unix(*date, 0).UTC())
	}
	return nil
}

// newRoot returns the commands of the plugin, without what depends on the machine.
func newRoot() *cobra.Command {
	root := app.New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: io.Discard, ErrOut: io.Discard}, clock.RealClock{},
		app.WithoutColor())
	if cache := root.PersistentFlags().Lookup("cache-dir"); cache != nil {
		cache.DefValue = "$HOME/.kube/cache"
	}
	return root
}

// visibleCommands lists the commands that help shows, below a command, with their own ones behind each.
func visibleCommands(c *cobra.Command) []*cobra.Command {
	var out []*cobra.Command
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() && !child.IsAdditionalHelpTopicCommand() {
			out = append(append(out, child), visibleCommands(child)...)
		}
	}
	return out
}

// setInheritedFlagsHidden hides the flags of kubectl, which every command has, or shows them.
func setInheritedFlagsHidden(root *cobra.Command, hidden bool) {
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Hidden = hidden })
}
