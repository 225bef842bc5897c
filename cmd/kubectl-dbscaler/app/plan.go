package app

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
	"github.com/dbscaler/dbscaler/internal/scaling"
	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/view"
)

// planCommand implements kubectl dbscaler plan.
type planCommand struct {
	environment
	kube    *genericclioptions.ConfigFlags
	streams genericiooptions.IOStreams
	clock   clock.Clock

	readers, writer, output string
	detailedExitCode        bool
	metrics                 metricsFlags
}

// detailedExitCode is the name of the flag.
const detailedExitCode = "detailed-exitcode"

func newPlanCommand(
	kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock, e environment,
) *cobra.Command {
	p := &planCommand{environment: e, kube: kube, streams: streams, clock: clk}
	c := &cobra.Command{
		Use:   "plan POLICY [--readers NxCLASS] [--writer CLASS]",
		Short: "Say what would be done: steps, minutes, interruptions, guards",
		Long: `Say what the operator would do, and change nothing: the steps as the operator
plans them, how long they take, what restarts or fails over, the price before
and after, and the verdict of each guard with what lifts it.

Without a shape, the plan is what the operator wants now: the rest of the
operation in progress, or the decision. With --readers or --writer, the plan is
what "kubectl dbscaler override" with that shape would lead to.

The plan is made from the status of the policy, which needs no AWS credentials.
What the status lacks is listed as not known, and never assumed. --metrics reads
the database with your AWS credentials, and plans exactly.

Exit codes: 0 after success, 1 after a failure, 2 for invalid input.
With --detailed-exitcode, as terraform plan has it:
  0  nothing would change
  1  a failure: it is not known whether something would change
  2  something would change: the plan has steps, also if a guard blocks it now
  3  invalid input, which is 2 without the flag`,
		Example: `  # What does the operator want, and what will it interrupt?
  kubectl dbscaler plan orders -n shop

  # What would three larger readers take and cost? Exactly, from AWS
  kubectl dbscaler plan orders -n shop --readers 3xdb.r6g.xlarge --metrics

  # In a script: go on only if nothing is about to change
  kubectl dbscaler plan orders -n shop --detailed-exitcode >plan.txt
  case $? in
    0) echo "calm" ;;
    2) echo "a change is planned"; cat plan.txt ;;
    *) exit 1 ;;
  esac

  # Only what blocks it, for scripts
  kubectl dbscaler plan orders --writer db.r6g.2xlarge -o json |
    jq -r '.changes[].guards[] | select(.verdict == "Blocked") | .guard'`,
		Args:              requirePolicy,
		ValidArgsFunction: completePolicies(kube),
		RunE:              func(c *cobra.Command, args []string) error { return p.run(c.Context(), args[0]) },
	}
	f := c.Flags()
	f.StringVar(&p.readers, "readers", "", "Plan for this number and class of readers, such as 3xdb.r6g.xlarge")
	f.StringVar(&p.writer, "writer", "", "Plan for this class of the writer, such as db.r6g.2xlarge")
	f.BoolVar(&p.detailedExitCode, detailedExitCode, false, "Exit with 2 when something would change, and with 3 for invalid input")
	f.StringVarP(&p.output, "output", "o", outputText, "Output format: text, wide, json or yaml")
	p.metrics.addTo(f)
	shapes := &manualControl{kube: kube}
	complete(c, "readers", shapes.completeReaders)
	complete(c, "writer", shapes.completeWriter)
	mustRegister(c.RegisterFlagCompletionFunc("output", completeWords(outputText, outputWide, outputJSON, outputYAML)))
	return c
}

func (p *planCommand) validate() error {
	switch p.output {
	case outputText, outputWide, outputJSON, outputYAML:
		return p.metrics.validate()
	}
	return fmt.Errorf("--output is %q: it must be %s, %s, %s or %s", p.output, outputText, outputWide, outputJSON, outputYAML)
}

func (p *planCommand) run(ctx context.Context, name string) error {
	if err := p.validate(); err != nil {
		return asInputError(err)
	}
	reader, err := newPolicyReader(p.kube, p.clock, p.metrics)
	if err != nil {
		return err
	}
	policies, _, err := reader.list(ctx, selection{name: strings.TrimPrefix(name, "dbsp/")})
	if err != nil {
		return err
	}
	in := view.PlanInput{Input: view.Input{Object: &policies[0], Now: p.clock.Now()}}
	if err := p.addShapes(&in); err != nil {
		return asInputError(err)
	}
	if err := addLiveInputs(ctx, reader, &in); err != nil {
		return err
	}
	plan, err := view.NewPlan(in)
	if err != nil {
		return err
	}
	if err := p.write(plan); err != nil {
		return err
	}
	if p.detailedExitCode && plan.WouldChange {
		return &WouldChangeError{}
	}
	return nil
}

// addShapes adds the shapes of the flags. They may be outside of the limits of the policy: the plan says so.
func (p *planCommand) addShapes(in *view.PlanInput) error {
	if p.readers == "" && p.writer == "" {
		return nil
	}
	object := in.Object.DeepCopy()
	if object.Spec.Mode == v1alpha1.ModeRecommend {
		object.Spec.Mode = v1alpha1.ModeEnforce // the guard RecommendMode says it in the plan
	}
	readers, err := (&overrideCommand{readers: p.readers, writer: p.writer, exceeded: true}).check(object)
	if err != nil {
		return err
	}
	if p.readers != "" {
		in.Readers = &readers
	}
	if p.writer != "" {
		in.Writer = &scaling.Shape{InstanceClass: p.writer, Count: 1}
	}
	return nil
}

// addLiveInputs adds the database as AWS shows it, with --metrics. The error says why it is not known.
func addLiveInputs(ctx context.Context, reader *policyReader, in *view.PlanInput) error {
	if reader.measurer == nil {
		return nil
	}
	policy, observation, problem := reader.measurer.decisionInputs(ctx, in.Object)
	if problem != "" {
		return fmt.Errorf("the database could not be read from AWS, so that there is no exact plan: %s. To plan from the status, leave out "+
			"--metrics", problem)
	}
	in.Live = &ledger.Inputs{Policy: policy, Observation: observation, Operation: convert.Operation(in.Object.Status.Operation), Now: in.Now}
	return nil
}

// write prints a plan in the format of the flags.
func (p *planCommand) write(plan view.Plan) error {
	if p.output == outputJSON || p.output == outputYAML {
		return writeDocument(p.streams.Out, p.output, plan)
	}
	t := newTerminal(p.streams.Out)
	return view.WritePlan(p.streams.Out, plan, view.Options{
		Width: t.width, Color: t.isTerminal && !p.withoutColor, Wide: p.output == outputWide,
	})
}
