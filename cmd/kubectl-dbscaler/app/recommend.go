package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/backtest/recommend"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// recommendCommand is kubectl dbscaler recommend.
type recommendCommand struct {
	simulationInput
	maxOverloadedMinutes float64
	maxDisruptions       float64
	maxMonthlyCost       string
}

func newRecommendCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	r := &recommendCommand{simulationInput: simulationInput{kube: kube, streams: streams, clock: clk}}
	c := &cobra.Command{
		Use:   "recommend (NAME | -f policy.yaml) --metrics FILE",
		Short: "Find the policy that would have done best under a recorded load",
		Long: `Play many variations of a policy under a recorded load: parts of its ladder, numbers of readers within its limits, thresholds
and windows. Print the cheapest that keeps to the limits as YAML to commit, with what it would cost and save. It is fitted on the first
70 % of the recording and judged on the rest, which it has not seen. Nothing in AWS or in the cluster is changed. Every figure about a
database is simulated.`,
		Example: `  # The ladder and the numbers of the policy are the widest that may be tried
  kubectl dbscaler recommend -f policy.yaml --metrics cpu.csv --class db.r6g.large --count 2 > better.yaml`,
		Args: validateArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return r.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	r.addFlags(f)
	f.Float64Var(&r.maxOverloadedMinutes, "max-overloaded-minutes", 5, "Overloaded minutes a week that are allowed")
	f.Float64Var(&r.maxDisruptions, "max-disruptions", 2, "Restarts of instances in service and failovers a week that are allowed")
	f.StringVar(&r.maxMonthlyCost, "max-monthly-cost", "",
		"US dollars a month (730 h) that are allowed; needs the prices of all classes in spec.prices")
	return c
}

func (r *recommendCommand) run(ctx context.Context, name string) error {
	limits := recommend.Limits{MaxOverloadedMinutesPerWeek: r.maxOverloadedMinutes, MaxDisruptionsPerWeek: r.maxDisruptions}
	if !(r.maxOverloadedMinutes >= 0) || !(r.maxDisruptions >= 0) { // nor no number
		return asInputError(errors.New("--max-overloaded-minutes and --max-disruptions cannot be below 0"))
	}
	object, setup, err := r.load(ctx, name)
	if err != nil {
		return err
	}
	if r.maxMonthlyCost != "" {
		if limits.MaxMonthlyCost, err = scaling.ParseUSD(r.maxMonthlyCost); err != nil {
			return asInputError(fmt.Errorf("--max-monthly-cost: %w", err))
		}
		if without := setup.UnpricedClasses(); len(without) > 0 {
			return asInputError(fmt.Errorf("--max-monthly-cost needs prices, and spec.prices lacks %s", strings.Join(without, ", ")))
		}
	}
	steps := newProgress(r.streams.ErrOut)
	result, err := recommend.Search(ctx, setup, limits, steps.policiesEvaluated)
	steps.clear()
	if err != nil {
		return runError(err)
	}
	return writeRecommendation(r.streams.Out, object, result, limits)
}

// writeRecommendation prints the best policy, with what there is to say about it as comments.
func writeRecommendation(w io.Writer, object *v1alpha1.DBScalingPolicy, r recommend.Result, limits recommend.Limits) error {
	best := r.Best[0]
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "# "+format+"\n", args...) }
	line("Found among %d policies with kubectl dbscaler recommend. Every figure about a database is simulated.", r.EvaluatedPolicies)
	line("Fitted on the recording up to %s and judged on what comes after, which it has not seen.", r.SplitAt.UTC().Format(time.DateTime))
	line("Limits: %g overloaded minutes and %g disruptions a week%s.", limits.MaxOverloadedMinutesPerWeek, limits.MaxDisruptionsPerWeek, formatMonthlyLimit(limits))
	line("")
	writeScores(line, "this policy", best)
	writeScores(line, "the one it began with", r.Base)
	line("")
	line("%s", summarizeOutcome(r))
	if len(best.Changes) == 0 {
		line("Nothing is changed.")
	}
	for _, text := range best.Changes {
		line("Changed: %s", text)
	}
	for n, other := range r.Best[1:] {
		line("")
		what := strings.Join(other.Changes, "; ")
		writeScores(line, fmt.Sprintf("runner-up %d (%s)", n+1, cmp.Or(what, "the one it began with")), other)
	}
	text, err := yaml.Marshal(policyManifest(object, best.Policy))
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String()+string(text))
	return err
}

func formatMonthlyLimit(l recommend.Limits) string {
	if l.MaxMonthlyCost == 0 {
		return ""
	}
	return fmt.Sprintf(", %s a month", l.MaxMonthlyCost)
}

// writeScores says how a policy did.
func writeScores(line func(string, ...any), name string, f recommend.Candidate) {
	line("%s:", name)
	line("  fitted: %s", report.FormatScore(f.TrainingScore))
	line("  judged: %s", report.FormatScore(f.ValidationScore))
}

// summarizeOutcome says how sure the result is.
func summarizeOutcome(r recommend.Result) string {
	best := r.Best[0]
	saved := ""
	if ratio := best.ValidationScore.CostRatio(r.Base.ValidationScore); ratio > 0 && len(best.Changes) > 0 {
		saved = fmt.Sprintf(" There it costs %.0f%% of what the policy costs that it began with.", 100*ratio)
	}
	switch {
	case !best.MeetsLimits:
		saved = strings.Replace(saved, "There", "On what it has not seen", 1)
		return "No policy that was tried keeps to the limits, even where it was fitted: this is the nearest. Allow a wider ladder, or more." +
			saved
	case !best.MeetsLimitsInValidation:
		text := "It keeps to the limits where it was fitted, and not on what it has not seen: do not count on it."
		if r.Base.MeetsLimitsInValidation {
			text += " The policy that it began with keeps to them there: stay with that."
		}
		return text + saved
	}
	return "It keeps to the limits, also on what it has not seen." + saved
}

// policyManifest is the policy as it was given with what was found.
func policyManifest(object *v1alpha1.DBScalingPolicy, p scaling.Policy) map[string]any {
	spec := object.DeepCopy().Spec
	spec.CPU = v1alpha1.CPUThresholds{
		TargetPercent: int32(p.CPU.Target), ScaleUpPercent: int32(p.CPU.ScaleUp), ScaleDownPercent: int32(p.CPU.ScaleDown),
	}
	spec.Behavior.ScaleUp.WindowSeconds = int32(p.ScaleUp.Window / time.Second)
	spec.Behavior.ScaleDown.WindowSeconds = int32(p.ScaleDown.Window / time.Second)
	spec.Behavior.ScaleDown.ClassWindowSeconds = ptr.To(int32(p.ScaleDownClassWindow / time.Second))
	if p.Readers != nil {
		spec.Readers.InstanceClasses = apiClasses(p.Readers.InstanceClasses)
		spec.Readers.MinReplicas, spec.Readers.MaxReplicas = int32(p.Readers.Min), int32(p.Readers.Max)
	}
	if p.Writer != nil {
		spec.Writer.InstanceClasses = apiClasses(p.Writer.InstanceClasses)
	}
	metadata := map[string]any{"name": object.Name, "namespace": object.Namespace}
	if len(object.Labels) > 0 {
		metadata["labels"] = object.Labels
	}
	annotations := maps.Clone(object.Annotations)
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	if len(annotations) > 0 {
		metadata["annotations"] = annotations
	}
	return map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": "DBScalingPolicy", "metadata": metadata, "spec": spec,
	}
}

func apiClasses(in []string) []v1alpha1.InstanceClass {
	out := make([]v1alpha1.InstanceClass, len(in))
	for n, class := range in {
		out[n] = v1alpha1.InstanceClass(class)
	}
	return out
}
