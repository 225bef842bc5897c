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

// recommendCommand implements kubectl dbscaler recommend.
type recommendCommand struct {
	simulationInput
	maxOverloadedMinutes float64
	maxDisruptions       float64
	maxMonthlyCost       string
}

func newRecommendCommand(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	r := &recommendCommand{simulationInput: simulationInput{kube: kube, streams: streams, clock: clk}}
	c := &cobra.Command{
		Use:   "recommend (NAME | -f policy.yaml) (--metrics FILE | --cloudwatch DURATION)",
		Short: "Find the policy that would have done best under a recorded load",
		Long: `Simulate many variants of a policy under a recorded load: subsets of its instance classes, numbers of readers within its limits,
thresholds and windows. Print the cheapest variant that meets the limits as YAML to commit, with its cost and savings. If none meets
them, print the closest one with a comment that says so, and exit with 0. The variants are
selected on the first 70 % of the recording (training) and checked on the rest (validation). Nothing in AWS or in the cluster is
changed. Every figure about a database is simulated.`,
		Example: `  # The instance classes and reader limits of the policy bound the variants
  kubectl dbscaler recommend -f policy.yaml --metrics cpu.csv \
    --class db.r6g.large --count 2 > better.yaml`,
		Args: optionalPolicy,
		RunE: func(c *cobra.Command, args []string) error { return r.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	r.addFlags(f)
	f.Float64Var(&r.maxOverloadedMinutes, "max-overloaded-minutes", 5, "Maximum overloaded minutes per week")
	f.Float64Var(&r.maxDisruptions, "max-disruptions", 2, "Maximum disruptions per week: restarts of instances in service, and failovers")
	f.StringVar(&r.maxMonthlyCost, "max-monthly-cost", "",
		"Maximum cost in US dollars per month (730 h); requires the prices of all classes in spec.prices")
	return c
}

func (r *recommendCommand) run(ctx context.Context, name string) error {
	limits := recommend.Limits{MaxOverloadedMinutesPerWeek: r.maxOverloadedMinutes, MaxDisruptionsPerWeek: r.maxDisruptions}
	if !(r.maxOverloadedMinutes >= 0) || !(r.maxDisruptions >= 0) { // also false for NaN
		return asInputError(errors.New("--max-overloaded-minutes and --max-disruptions must be 0 or more"))
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
			return asInputError(fmt.Errorf("--max-monthly-cost requires a price for each class: add %s to spec.prices", strings.Join(without, ", ")))
		}
	}
	progress := newProgress(r.streams.ErrOut)
	result, err := recommend.Search(ctx, setup, limits, progress.policiesEvaluated)
	progress.clear()
	if err != nil {
		return runError(err)
	}
	return writeRecommendation(r.streams.Out, object, result, limits)
}

// writeRecommendation prints the best policy as YAML, after comments with its scores and those of the other candidates.
func writeRecommendation(w io.Writer, object *v1alpha1.DBScalingPolicy, r recommend.Result, limits recommend.Limits) error {
	best := r.Best[0]
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "# "+format+"\n", args...) }
	line("Found among %d policies with kubectl dbscaler recommend. Every figure about a database is simulated.", r.EvaluatedPolicies)
	line("Training: the recording up to %s. Validation: the rest, which was not used to select the policy.",
		r.SplitAt.UTC().Format(time.DateTime))
	line("Limits: %g overloaded minutes and %g disruptions per week%s.",
		limits.MaxOverloadedMinutesPerWeek, limits.MaxDisruptionsPerWeek, formatMonthlyLimit(limits))
	line("")
	writeScores(line, "this policy", best)
	writeScores(line, "original policy", r.Base)
	line("")
	line("%s", summarizeOutcome(r))
	if len(best.Changes) == 0 {
		line("The original policy is unchanged.")
	}
	for _, text := range best.Changes {
		line("Changed: %s", text)
	}
	for n, other := range r.Best[1:] {
		line("")
		changes := strings.Join(other.Changes, "; ")
		writeScores(line, fmt.Sprintf("runner-up %d (%s)", n+1, cmp.Or(changes, "original policy")), other)
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
	return fmt.Sprintf(", %s per month", l.MaxMonthlyCost)
}

// writeScores prints the scores of a policy on both parts of the recording.
func writeScores(line func(string, ...any), name string, c recommend.Candidate) {
	line("%s:", name)
	line("  training: %s", report.FormatScore(c.TrainingScore))
	line("  validation: %s", report.FormatScore(c.ValidationScore))
}

// summarizeOutcome reports whether the best policy meets the limits, and what it costs compared with the original policy.
func summarizeOutcome(r recommend.Result) string {
	best := r.Best[0]
	cost := ""
	if ratio := best.ValidationScore.CostRatio(r.Base.ValidationScore); ratio > 0 && len(best.Changes) > 0 {
		cost = fmt.Sprintf(" In validation it costs %.0f%% of the original policy.", 100*ratio)
	}
	switch {
	case !best.MeetsLimits:
		return "No evaluated policy meets the limits, even in training: this one is the closest. Allow more instance classes or readers, " +
			"or raise the limits." + cost
	case !best.MeetsLimitsInValidation && r.Base.MeetsLimitsInValidation:
		return "This policy meets the limits in training, but not in validation: do not rely on it. The original policy meets them in " +
			"validation: keep it." + cost
	case !best.MeetsLimitsInValidation:
		return "This policy meets the limits in training, but not in validation: do not rely on it." + cost
	}
	return "This policy meets the limits in training and in validation." + cost
}

// policyManifest returns the manifest of the original policy with the recommended values.
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

func apiClasses(names []string) []v1alpha1.InstanceClass {
	classes := make([]v1alpha1.InstanceClass, len(names))
	for n, class := range names {
		classes[n] = v1alpha1.InstanceClass(class)
	}
	return classes
}
