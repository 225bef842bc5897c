package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/internal/view"
)

// statusCommand implements kubectl dbscaler status.
type statusCommand struct {
	environment
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	allNamespaces, watch bool
	timeout              time.Duration
	output               string
	metrics              metricsFlags
}

// outputWide is the output format of status with more columns.
const outputWide = "wide"

func newStatusCommand(
	kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock, e environment,
) *cobra.Command {
	s := &statusCommand{environment: e, kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "status [POLICY]",
		Short: "Show what a policy does now, what blocks it, and what happened",
		Long: `Show a policy as a tree: the instances of each pool and what each waits for, the decision and what blocks it, the steps of the
operation in progress with elapsed and usual time, foreseen demand, cost, the last operations and events. Without POLICY, show one line
for each policy of the namespace.

The CPU of instances changes each minute and is not in the status of a policy: --metrics reads it and the replica lag from AWS, with your
AWS credentials and, as the operator does, the role of the policy's AWSAccount.

With --watch, draw the tree again when something changes, until nothing is in progress or about to start. When the output is no terminal,
print a line for each change instead.

Exit codes: 0 if nothing is stalled and, with --watch, the last operation succeeded or there was none; 1 if a policy is stalled, the
operation failed, or --timeout passed; 2 for invalid input.`,
		Example: `  # What does the operator do with orders?
  kubectl dbscaler status orders -n shop

  # With the CPU and the replica lag of each instance
  kubectl dbscaler status orders -n shop --metrics

  # Wait until the operation in progress has ended, for at most an hour
  kubectl dbscaler status orders -n shop --watch --timeout 1h

  # All policies; those that are blocked, for scripts
  kubectl dbscaler status -A
  kubectl dbscaler status -A -o json |
    jq -r '.policies[] | select(.state == "Blocked") | .name'`,
		Args:              optionalPolicy,
		ValidArgsFunction: completePolicies(kube),
		RunE:              func(c *cobra.Command, args []string) error { return s.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	f.BoolVarP(&s.allNamespaces, "all-namespaces", "A", false, "Show the policies of all namespaces")
	f.BoolVarP(&s.watch, "watch", "w", false, "Show changes until nothing is in progress or about to start")
	f.DurationVar(&s.timeout, "timeout", 0, "With --watch, the longest time to wait, such as 45m; 0 waits without a limit")
	f.StringVarP(&s.output, "output", "o", outputText, "Output format: text, wide, json or yaml")
	s.metrics.addTo(f)
	mustRegister(c.RegisterFlagCompletionFunc("output", completeWords(outputText, outputWide, outputJSON, outputYAML)))
	return c
}

// StalledError says that policies make no progress until a person acts, or that an operation failed. The state was printed.
type StalledError struct{ Text string }

// Error implements error.
func (e *StalledError) Error() string { return e.Text }

// validate checks the flags and the argument.
func (s *statusCommand) validate(name string) error {
	switch {
	case name != "" && s.allNamespaces:
		return errors.New("set either the name of a policy or --all-namespaces, not both")
	case s.output != outputText && s.output != outputWide && s.output != outputJSON && s.output != outputYAML:
		return fmt.Errorf("--output is %q: it must be %s, %s, %s or %s", s.output, outputText, outputWide, outputJSON, outputYAML)
	case s.watch && (s.output == outputJSON || s.output == outputYAML):
		return fmt.Errorf("--watch shows changes as text: leave out --output %s, or --watch", s.output)
	case s.timeout < 0:
		return fmt.Errorf("--timeout is %s: it must be 0 or more", s.timeout)
	case s.timeout > 0 && !s.watch:
		return errors.New("--timeout is only valid with --watch")
	}
	return s.metrics.validate()
}

func (s *statusCommand) run(ctx context.Context, name string) error {
	if err := s.validate(name); err != nil {
		return asInputError(err)
	}
	reader, err := newPolicyReader(s.kube, s.clock, s.metrics)
	if err != nil {
		return err
	}
	selected := selection{name: name, allNamespaces: s.allNamespaces}
	if s.watch {
		return s.runWatch(ctx, reader, selected)
	}
	policies, err := reader.readViews(ctx, selected)
	if err != nil {
		return err
	}
	if err := s.write(s.streams.Out, policies, name != "", s.textOptions(newTerminal(s.streams.Out))); err != nil {
		return err
	}
	return stalledError(policies)
}

// textOptions are how text is written to an output.
func (s *statusCommand) textOptions(t terminal) view.Options {
	return view.Options{Width: t.width, Color: t.isTerminal && !s.withoutColor, Wide: s.output == outputWide}
}

// write prints policies in the format of the flags. A policy that was named is printed as a tree.
func (s *statusCommand) write(w io.Writer, policies []view.Policy, named bool, o view.Options) error {
	switch {
	case s.output == outputJSON || s.output == outputYAML:
		return writeDocument(w, s.output, struct {
			Policies []view.Policy `json:"policies"`
		}{policies})
	case named:
		for n := range policies {
			if err := view.WriteTree(w, policies[n], o); err != nil {
				return err
			}
		}
		return nil
	}
	return view.WriteTable(w, policies, o)
}

// writeDocument prints a value as JSON or YAML, by its JSON names.
func writeDocument(w io.Writer, format string, value any) error {
	var text []byte
	var err error
	if format == outputYAML {
		text, err = yaml.Marshal(value)
	} else {
		text, err = json.MarshalIndent(value, "", "  ")
		text = append(text, '\n')
	}
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return err
}

// stalledError names the policies that are stalled; nil when none is.
func stalledError(policies []view.Policy) error {
	var names []string
	for n := range policies {
		if policies[n].State == view.StateStalled {
			names = append(names, policies[n].Namespace+"/"+policies[n].Name)
		}
	}
	const shown = 3
	switch {
	case len(names) == 0:
		return nil
	case len(names) > shown:
		return &StalledError{fmt.Sprintf("%d policies are stalled, such as %s: kubectl dbscaler explain says what to do", len(names),
			strings.Join(names[:shown], ", "))}
	}
	return &StalledError{fmt.Sprintf("stalled until a person acts: %s. kubectl dbscaler explain says what to do", strings.Join(names, ", "))}
}
