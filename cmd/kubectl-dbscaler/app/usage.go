package app

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// Option changes what the plugin takes from its environment.
type Option func(*environment)

// environment is what the plugin takes from its environment.
type environment struct {
	withoutColor bool
}

// WithoutColor writes no colours, as the variable NO_COLOR requests (no-color.org).
func WithoutColor() Option { return func(e *environment) { e.withoutColor = true } }

func newEnvironment(options []Option) environment {
	var e environment
	for _, apply := range options {
		apply(&e)
	}
	return e
}

// The groups of commands in the help.
const groupOperate, groupControl, groupPrepare = "operate", "control", "prepare"

// setUpHelp gives the commands groups, and the help of each command one line in place of the flags of kubectl, which would bury its own. It
// breaks the help at outputWidth.
func setUpHelp(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: groupOperate, Title: "See what the operator does, and why:"},
		&cobra.Group{ID: groupControl, Title: "Control a policy by hand:"},
		&cobra.Group{ID: groupPrepare, Title: "Check and improve a policy:"},
	)
	for _, c := range root.Commands() {
		switch c.Name() {
		case "status", "explain", "plan", "history", "top", "dashboard", "report", "replay", "ledger":
			c.GroupID = groupOperate
		case "pause", "resume", "override", "approve", "resolve":
			c.GroupID = groupControl
		case "init", "doctor", "backtest", "recommend", "alarms":
			c.GroupID = groupPrepare
		}
	}
	wrapLongTexts(root)
	const kubectlFlags = "The flags of kubectl, such as --namespace and --context, are accepted too:\nkubectl options lists them."
	before, rest, found := strings.Cut(root.UsageTemplate(), "{{if .HasAvailableInheritedFlags}}")
	if !found {
		return // another version of cobra: its own help is complete, only longer
	}
	_, after, _ := strings.Cut(rest, "{{end}}")
	// The flags of kubectl are the own flags of the root.
	before = strings.Replace(before, "{{if .HasAvailableLocalFlags}}", "{{if and .HasParent .HasAvailableLocalFlags}}", 1)
	before = strings.Replace(before, "{{.UseLine}}", "{{index .Annotations \""+usageLineAnnotation+"\"}}", 1)
	before = strings.ReplaceAll(before, "{{.Short}}", "{{with index .Annotations \""+shortTextAnnotation+"\"}}{{.}}{{else}}{{.Short}}{{end}}")
	before = strings.Replace(before, ".LocalFlags.FlagUsages ", fmt.Sprintf(".LocalFlags.FlagUsagesWrapped %d ", outputWidth), 1)
	after = strings.Replace(after, `Use "{{.CommandPath}} [command] --help" for more information about a command.`,
		"{{.CommandPath}} COMMAND --help has more about a command.", 1)
	root.SetUsageTemplate(before + "\n\n" + kubectlFlags + after)
	wrapOneLiners(root)
}

// wrapLongTexts breaks the descriptions of a command and of those below it at outputWidth.
func wrapLongTexts(c *cobra.Command) {
	c.Long = wrapParagraphs(c.Long)
	for _, child := range c.Commands() {
		wrapLongTexts(child)
	}
}

// wrapParagraphs breaks paragraphs and the items of lists, which begin with a hyphen, at outputWidth. Lines that are indented stay as they
// are.
func wrapParagraphs(text string) string {
	var b strings.Builder
	var words []string
	flush := func() {
		if len(words) == 0 {
			return
		}
		indent := ""
		if words[0] == "-" {
			indent = "  "
		}
		writeWrapped(&b, indent, strings.Join(words, " "))
		words = nil
	}
	for _, line := range strings.Split(text, "\n") {
		isVerbatim := line == "" || strings.HasPrefix(line, " ")
		if isVerbatim || strings.HasPrefix(line, "- ") {
			flush()
		}
		if isVerbatim {
			b.WriteString(line + "\n")
			continue
		}
		words = append(words, strings.Fields(line)...)
	}
	flush()
	return strings.TrimSuffix(b.String(), "\n")
}
