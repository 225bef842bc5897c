// Package app implements the commands of the kubectl plugin kubectl-dbscaler.
package app

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// The exit codes of the plugin after an error.
const (
	// ExitFailure is the exit code after a failure that is not about the input, for example an AWS error, and after a failed check.
	ExitFailure = 1
	// ExitInvalidInput is the exit code for invalid flags, an invalid policy or an invalid recording (InputError).
	ExitInvalidInput = 2
)

// InputError reports invalid input: flags, a policy or a recording. Its message is one line.
type InputError struct{ Err error }

// Error implements error.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// asInputError wraps an error as an InputError. It returns nil and an InputError unchanged.
func asInputError(err error) error {
	var inputErr *InputError
	if err == nil || errors.As(err, &inputErr) {
		return err
	}
	return &InputError{err}
}

// New returns the root command of the plugin. The clock gives the end of the time that --cloudwatch reads.
func New(streams genericiooptions.IOStreams, clk clock.Clock, options ...Option) *cobra.Command {
	kube, e := genericclioptions.NewConfigFlags(true), newEnvironment(options)
	root := &cobra.Command{
		Use:   "kubectl-dbscaler",
		Short: "See what the operator does with a database and why, control it by hand, check a policy, and recommend a better one",
		Long: `See what the operator does with the database of a DBScalingPolicy, and why.
In an incident, start with "status POLICY --metrics": it shows the load, the decision and what blocks it. "explain POLICY" says why, and
what would have to change. "plan POLICY" says what would be done and interrupted, "history POLICY" what was done, and "report" writes a zip
for a bug report.

Pause, override or approve the changes of a policy, and resolve an ownership conflict, by annotations. Draft the first policy of a
database, and check whether the operator can scale it. Simulate what the policy would have done under a recorded load, and recommend the
policy that would have done best. Print CloudWatch alarms for the database. Verify the ledger of decisions. Nothing in AWS is changed by
the command itself.

Exit codes: 0 after success, 1 after a failure or a failed check, 2 for invalid input (flags, policy or recording). Those of
"plan --detailed-exitcode" are in its help.`,
		Example: `  # The readers of orders are slow: what does the operator do, and why?
  kubectl dbscaler status orders -n shop --metrics
  kubectl dbscaler explain orders -n shop

  # Hold it back for two hours, and undo that
  kubectl dbscaler pause orders -n shop --for 2h --reason "index rebuild"
  kubectl dbscaler resume orders -n shop`,
		// main prints errors, in one line.
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl dbscaler"},
	}
	root.Version = buildVersion()
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		text := fmt.Sprintf("unknown command %q", args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf(": did you mean %q?", near[0])
		} else {
			text += ": kubectl dbscaler --help lists the commands"
		}
		return asInputError(errors.New(text))
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetFlagErrorFunc(flagError)
	kube.AddFlags(root.PersistentFlags())
	root.AddCommand(newManualControlCommands(kube, streams, clk)...)
	root.AddCommand(newReplayCommand(streams), newLedgerCommand(streams))
	root.AddCommand(newBacktestCommand(kube, streams, clk), newRecommendCommand(kube, streams, clk), newDoctorCommand(kube, streams, clk),
		newInitCommand(kube, streams, clk), newAlarmsCommand(kube, streams))
	root.AddCommand(newStatusCommand(kube, streams, clk, e), newExplainCommand(kube, streams, clk, e), newTopCommand(kube, streams, clk, e))
	root.AddCommand(newPlanCommand(kube, streams, clk, e), newHistoryCommand(kube, streams, clk, e), newReportCommand(kube, streams, clk))
	root.AddCommand(newDashboardCommand(kube, streams, clk))
	setUpHelp(root)
	setUpCompletion(root, kube)
	return root
}
