package app

import (
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

// setUpHelp gives the commands groups, and the help of each command one line in place of the flags of kubectl, which would bury its own.
func setUpHelp(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: groupOperate, Title: "See what the operator does, and why:"},
		&cobra.Group{ID: groupControl, Title: "Control a policy by hand:"},
		&cobra.Group{ID: groupPrepare, Title: "Check and improve a policy:"},
	)
	for _, c := range root.Commands() {
		switch c.Name() {
		case "status", "explain", "top", "replay", "ledger":
			c.GroupID = groupOperate
		case "pause", "resume", "override", "approve", "resolve":
			c.GroupID = groupControl
		case "doctor", "backtest", "recommend", "alarms":
			c.GroupID = groupPrepare
		}
	}
	const kubectlFlags = "The flags of kubectl, such as --namespace and --context, are accepted too: kubectl options lists them."
	before, rest, found := strings.Cut(root.UsageTemplate(), "{{if .HasAvailableInheritedFlags}}")
	if !found {
		return // another version of cobra: its own help is complete, only longer
	}
	_, after, _ := strings.Cut(rest, "{{end}}")
	// The flags of kubectl are the own flags of the root.
	before = strings.Replace(before, "{{if .HasAvailableLocalFlags}}", "{{if and .HasParent .HasAvailableLocalFlags}}", 1)
	root.SetUsageTemplate(before + "\n\n" + kubectlFlags + after)
}
