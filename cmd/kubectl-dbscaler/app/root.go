// Package app is the commands of the plugin kubectl-dbscaler.
package app

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
)

// ExitInvalidInput is the exit code of a command that was given something it cannot use: flags, a policy or a recording.
const ExitInvalidInput = 2

// InputError says that what was given cannot be used, and why, in one line.
type InputError struct{ Err error }

// Error implements error.
func (e *InputError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *InputError) Unwrap() error { return e.Err }

// asInputError marks an error as being about what was given.
func asInputError(err error) error {
	var already *InputError
	if err == nil || errors.As(err, &already) {
		return err
	}
	return &InputError{err}
}

// New makes the plugin's root command. The clock says what is so far back in CloudWatch.
func New(streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	kube := genericclioptions.NewConfigFlags(true)
	root := &cobra.Command{
		Use:   "kubectl-dbscaler",
		Short: "See what dbscaler would have done, and find the policy that would have done best",
		// Errors are shown by main, in one line.
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Annotations:       map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl dbscaler"},
	}
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		text := fmt.Sprintf("there is no command %q", args[0])
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf(": did you mean %q?", near[0])
		}
		return asInputError(errors.New(text))
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return asInputError(err) })
	kube.AddFlags(root.PersistentFlags())
	root.AddCommand(newBacktestCommand(kube, streams, clk), newRecommendCommand(kube, streams, clk))
	return root
}

// validateArgs lets cobra check arguments, and marks what it finds as being about the input.
func validateArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error { return asInputError(check(c, args)) }
}
