package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/view"
)

// topCommand implements kubectl dbscaler top.
type topCommand struct {
	environment
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	allNamespaces          bool
	selector, sort, output string
	limit                  int
	metrics                metricsFlags
}

func newTopCommand(
	kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock, e environment,
) *cobra.Command {
	t := &topCommand{environment: e, kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "top",
		Short: "List databases by risk: saturated, at maximum, blocked, costliest",
		Long: `List policies by risk: emergencies that are blocked, stalled policies, saturated pools, pools for which no larger shape is allowed,
blocked scale-ups, operations that take longer than usual, policies that are not in force, little headroom, and pools at their largest
shape. Among equals the costliest is first.

HEADROOM is the time until a pool is saturated if its demand goes on rising as in the last half hour. It needs --metrics, which reads all
databases of the list from AWS with your AWS credentials. MAX says that a pool has the largest shape that the policy allows.

Exit codes: 0 after success, 1 after a failure, 2 for invalid input.`,
		Example: `  # The ten databases of all namespaces that are most at risk
  kubectl dbscaler top -A --limit 10

  # With CPU and headroom, the least headroom first
  kubectl dbscaler top -n shop --metrics --sort headroom

  # The costliest databases of a team
  kubectl dbscaler top -A -l team=payments --sort cost`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return t.run(c.Context()) },
	}
	f := c.Flags()
	f.BoolVarP(&t.allNamespaces, "all-namespaces", "A", false, "List the policies of all namespaces")
	f.StringVarP(&t.selector, "selector", "l", "", "List only policies with these labels, such as team=payments")
	f.StringVar(&t.sort, "sort", string(view.SortByRisk), "Order of the list: risk, headroom or cost")
	f.IntVar(&t.limit, "limit", 20, "Maximum number of policies to list; 0 lists all")
	f.StringVarP(&t.output, "output", "o", outputText, "Output format: text, wide, json or yaml")
	t.metrics.addTo(f)
	mustRegister(c.RegisterFlagCompletionFunc("output", completeWords(outputText, outputWide, outputJSON, outputYAML)))
	mustRegister(c.RegisterFlagCompletionFunc("sort",
		completeWords(string(view.SortByRisk), string(view.SortByHeadroom), string(view.SortByCost))))
	return c
}

// validate checks the flags.
func (t *topCommand) validate() error {
	switch order := view.SortFleet(t.sort); {
	case order != view.SortByRisk && order != view.SortByHeadroom && order != view.SortByCost:
		return fmt.Errorf("--sort is %q: it must be %s, %s or %s", t.sort, view.SortByRisk, view.SortByHeadroom, view.SortByCost)
	case order == view.SortByHeadroom && !t.metrics.enabled:
		return errors.New("--sort headroom needs --metrics, which reads the load from AWS")
	case t.limit < 0:
		return fmt.Errorf("--limit is %d: it must be 0 or more", t.limit)
	case t.output != outputText && t.output != outputWide && t.output != outputJSON && t.output != outputYAML:
		return fmt.Errorf("--output is %q: it must be %s, %s, %s or %s", t.output, outputText, outputWide, outputJSON, outputYAML)
	}
	return t.metrics.validate()
}

func (t *topCommand) run(ctx context.Context) error {
	if err := t.validate(); err != nil {
		return asInputError(err)
	}
	reader, err := newPolicyReader(t.kube, t.clock, t.metrics)
	if err != nil {
		return err
	}
	policies, err := reader.readViews(ctx, selection{allNamespaces: t.allNamespaces, labels: t.selector})
	if err != nil {
		return err
	}
	fleet := view.NewFleet(policies, view.SortFleet(t.sort))
	hidden := 0
	if t.limit > 0 && len(fleet) > t.limit {
		hidden = len(fleet) - t.limit
		fleet = fleet[:t.limit]
	}
	if t.output == outputJSON || t.output == outputYAML {
		return writeDocument(t.streams.Out, t.output, struct {
			Policies []view.Risk `json:"policies"`
		}{fleet})
	}
	screen := newTerminal(t.streams.Out)
	o := view.Options{Width: screen.width, Color: screen.isTerminal && !t.withoutColor, Wide: t.output == outputWide}
	if err := view.WriteFleet(t.streams.Out, fleet, o); err != nil {
		return err
	}
	if hidden > 0 {
		fmt.Fprintf(t.streams.Out, "and %d more: --limit 0 lists all\n", hidden)
	}
	t.reportUnmeasured(policies)
	return nil
}

// reportUnmeasured says on standard error how many databases could not be read, and why the first one could not.
func (t *topCommand) reportUnmeasured(policies []view.Policy) {
	count, first := 0, ""
	for n := range policies {
		if p := &policies[n]; p.MeasurementError != "" {
			if count++; first == "" {
				first = fmt.Sprintf("%s/%s: %s", p.Namespace, p.Name, p.MeasurementError)
			}
		}
	}
	if count > 0 {
		fmt.Fprintf(t.streams.ErrOut, "The load of %d of %d databases is not known. The first: %s\n", count, len(policies), first)
	}
}
