package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/view"
)

// explainCommand implements kubectl dbscaler explain.
type explainCommand struct {
	environment
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	ledgerFile, at, output string
	metrics                metricsFlags
}

func newExplainCommand(
	kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock, e environment,
) *cobra.Command {
	x := &explainCommand{environment: e, kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "explain POLICY",
		Short: "Say why the operator acted or did not, and what would change that",
		Long: `Explain the latest decision about a policy: the demand, each candidate with its predicted CPU, price and why it lost, each guard in
order with its verdict, and what would have to change for the operator to act.

There are three sources, from the least to the most complete:
- the status of the policy, the default: the figures at the time of the decision, the best candidates, and the guards that block it
- AWS, with --metrics: reads the database with your AWS credentials, and decides again as the operator does, changing nothing
- a ledger, with --ledger: a file of decisions that the operator wrote with --ledger-file. --at selects the decision in force at a time

Exit codes: 0 after success, 1 after a failure, 2 for invalid input.`,
		Example: `  # Why does nothing happen?
  kubectl dbscaler explain orders -n shop

  # With the samples, all candidates and all guards, from what AWS shows now
  kubectl dbscaler explain orders -n shop --metrics

  # Why was it scaled up last night? From the ledger of the operator
  kubectl dbscaler explain orders -n shop --ledger ledger.jsonl \
    --at 2026-02-05T03:16:00Z
  kubectl dbscaler explain orders -n shop --ledger ledger.jsonl --at 45m`,
		Args:              exactlyOnePolicy,
		ValidArgsFunction: completePolicies(kube),
		RunE:              func(c *cobra.Command, args []string) error { return x.run(c.Context(), args[0]) },
	}
	f := c.Flags()
	f.StringVar(&x.ledgerFile, "ledger", "", "Explain a decision of this ledger file instead; - reads standard input")
	f.StringVar(&x.at, "at", "", "With --ledger, the time whose decision to explain: in RFC 3339, or how long ago, such as 45m")
	f.StringVarP(&x.output, "output", "o", outputText, "Output format: text, wide, json or yaml")
	x.metrics.addTo(f)
	mustRegister(c.RegisterFlagCompletionFunc("output", completeWords(outputText, outputWide, outputJSON, outputYAML)))
	return c
}

// validate checks the flags, and returns the time of --at; zero without it.
func (x *explainCommand) validate() (time.Time, error) {
	switch {
	case x.output != outputText && x.output != outputWide && x.output != outputJSON && x.output != outputYAML:
		return time.Time{}, fmt.Errorf("--output is %q: it must be %s, %s, %s or %s", x.output, outputText, outputWide, outputJSON, outputYAML)
	case x.ledgerFile != "" && x.metrics.enabled:
		return time.Time{}, errors.New("set either --ledger or --metrics, not both")
	case x.at != "" && x.ledgerFile == "":
		return time.Time{}, errors.New("--at is only valid with --ledger: only a ledger has the decisions of the past")
	}
	if err := x.metrics.validate(); err != nil || x.at == "" {
		return time.Time{}, err
	}
	if ago, err := time.ParseDuration(x.at); err == nil && ago >= 0 {
		return x.clock.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, x.at)
	if err != nil {
		return time.Time{}, fmt.Errorf("--at is %q: it must be a time such as 2026-02-05T03:16:00Z, or how long ago, such as 45m", x.at)
	}
	return at, nil
}

func (x *explainCommand) run(ctx context.Context, name string) error {
	at, err := x.validate()
	if err != nil {
		return asInputError(err)
	}
	explanation, err := x.explain(ctx, name, at)
	if err != nil {
		return err
	}
	if x.output == outputJSON || x.output == outputYAML {
		return writeDocument(x.streams.Out, x.output, explanation)
	}
	t := newTerminal(x.streams.Out)
	return view.WriteExplanation(x.streams.Out, explanation, view.Options{
		Width: t.width, Color: t.isTerminal && !x.withoutColor, Wide: x.output == outputWide,
	})
}

// explain makes the explanation from the source that the flags name.
func (x *explainCommand) explain(ctx context.Context, name string, at time.Time) (view.Explanation, error) {
	if x.ledgerFile != "" {
		return x.explainLedger(name, at)
	}
	reader, err := newPolicyReader(x.kube, x.clock, x.metrics)
	if err != nil {
		return view.Explanation{}, err
	}
	policies, _, err := reader.list(ctx, selection{name: name})
	if err != nil {
		return view.Explanation{}, err
	}
	object := &policies[0]
	status := view.ExplainStatus(view.NewPolicy(view.Input{Object: object, Now: x.clock.Now()}))
	if reader.measurer == nil {
		return status, nil
	}
	policy, observation, problem := reader.measurer.decisionInputs(ctx, object)
	if problem != "" {
		status.Unknown = append([]string{"AWS could not be read, so that this is only the status: " + problem}, status.Unknown...)
		return status, nil
	}
	explanation := view.ExplainInputs(ledger.Inputs{
		Policy: policy, Observation: observation, Operation: convert.Operation(object.Status.Operation), Now: x.clock.Now(),
	}, "AWS and the status, read now with your credentials")
	explanation.Unknown = append(explanation.Unknown, "The guard FleetSlot: it depends on the operations of other policies and on "+
		"--max-disruptive-operations of the operator")
	if condition := status.ToAct; len(explanation.ToAct) == 0 {
		explanation.ToAct = condition
	}
	return explanation, nil
}

// explainLedger explains a decision of a ledger file.
func (x *explainCommand) explainLedger(name string, at time.Time) (view.Explanation, error) {
	if !strings.Contains(name, "/") {
		namespace, _, err := x.kube.ToRawKubeConfigLoader().Namespace()
		if err != nil {
			return view.Explanation{}, asInputError(shortenError(err))
		}
		name = namespace + "/" + name
	}
	in := x.streams.In
	from := "standard input"
	if x.ledgerFile != "-" {
		file, err := os.Open(x.ledgerFile)
		if err != nil {
			return view.Explanation{}, asInputError(fmt.Errorf("--ledger: %w", err))
		}
		defer func() { _ = file.Close() }() // nothing was written
		in, from = file, x.ledgerFile
	}
	explanation, err := view.ExplainLedger(in, from, name, at)
	return explanation, asInputError(err)
}
