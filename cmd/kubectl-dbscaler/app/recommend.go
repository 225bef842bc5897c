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
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/backtest/search"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// recommendCommand is kubectl dbscaler recommend.
type recommendCommand struct {
	playing
	overloaded  float64
	disruptions float64
	monthly     string
}

func newRecommend(kube *genericclioptions.ConfigFlags, streams genericiooptions.IOStreams, clk clock.Clock) *cobra.Command {
	r := &recommendCommand{playing: playing{kube: kube, streams: streams, clock: clk}}
	c := &cobra.Command{
		Use:   "recommend (NAME | -f policy.yaml) --metrics FILE",
		Short: "Find the policy that would have done best under a recorded load",
		Long: `Play many variations of a policy under a recorded load: parts of its ladder, numbers of readers within its limits, thresholds
and windows. Print the cheapest that keeps to the limits as YAML to commit, with what it would cost and save. It is fitted on the first
70 % of the recording and judged on the rest, which it has not seen. Nothing in AWS or in the cluster is changed. Every figure about a
database is simulated.`,
		Example: `  # The ladder and the numbers of the policy are the widest that may be tried
  kubectl dbscaler recommend -f policy.yaml --metrics cpu.csv --class db.r6g.large --count 2 > better.yaml`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return r.run(c.Context(), strings.Join(args, "")) },
	}
	f := c.Flags()
	r.flags(f)
	f.Float64Var(&r.overloaded, "max-overloaded-minutes", 5, "Overloaded minutes a week that are allowed")
	f.Float64Var(&r.disruptions, "max-disruptions", 2, "Restarts of instances in service and failovers a week that are allowed")
	f.StringVar(&r.monthly, "max-monthly-cost", "",
		"US dollars a month (730 h) that are allowed; needs the prices of all classes in spec.prices")
	return c
}

func (r *recommendCommand) run(ctx context.Context, name string) error {
	limits := search.Limits{OverloadedPerWeek: r.overloaded, DisruptionsPerWeek: r.disruptions}
	if !(r.overloaded >= 0) || !(r.disruptions >= 0) { // nor no number
		return input(errors.New("--max-overloaded-minutes and --max-disruptions cannot be below 0"))
	}
	object, setup, err := r.read(ctx, name)
	if err != nil {
		return err
	}
	if r.monthly != "" {
		if limits.PerMonth, err = scaling.ParseUSD(r.monthly); err != nil {
			return input(fmt.Errorf("--max-monthly-cost: %w", err))
		}
		if without := setup.Unpriced(); len(without) > 0 {
			return input(fmt.Errorf("--max-monthly-cost needs prices, and spec.prices lacks %s", strings.Join(without, ", ")))
		}
	}
	steps := newProgress(r.streams.ErrOut)
	result, err := search.Search(ctx, setup, limits, steps.tried)
	steps.end()
	if err != nil {
		return ended(err)
	}
	return write(r.streams.Out, object, result, limits)
}

// write prints the best policy, with what there is to say about it as comments.
func write(w io.Writer, object *v1alpha1.DBScalingPolicy, r search.Result, limits search.Limits) error {
	best := r.Best[0]
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "# "+format+"\n", args...) }
	line("Found among %d policies with kubectl dbscaler recommend. Every figure about a database is simulated.", r.Tried)
	line("Fitted on the recording up to %s and judged on what comes after, which it has not seen.", r.Split.UTC().Format(time.DateTime))
	line("Limits: %g overloaded minutes and %g disruptions a week%s.", limits.OverloadedPerWeek, limits.DisruptionsPerWeek, perMonth(limits))
	line("")
	describe(line, "this policy", best)
	describe(line, "the one it began with", r.Base)
	line("")
	line("%s", verdict(r))
	if len(best.Changed) == 0 {
		line("Nothing is changed.")
	}
	for _, text := range best.Changed {
		line("Changed: %s", text)
	}
	for n, other := range r.Best[1:] {
		line("")
		what := strings.Join(other.Changed, "; ")
		describe(line, fmt.Sprintf("runner-up %d (%s)", n+1, cmp.Or(what, "the one it began with")), other)
	}
	text, err := yaml.Marshal(manifestOf(object, best.Policy))
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String()+string(text))
	return err
}

func perMonth(l search.Limits) string {
	if l.PerMonth == 0 {
		return ""
	}
	return fmt.Sprintf(", %s a month", l.PerMonth)
}

// describe says how a policy did.
func describe(line func(string, ...any), name string, f search.Found) {
	line("%s:", name)
	line("  fitted: %s", report.InWords(f.Fitted))
	line("  judged: %s", report.InWords(f.Judged))
}

// verdict says how sure the result is.
func verdict(r search.Result) string {
	best := r.Best[0]
	saved := ""
	if ratio := best.Judged.Over(r.Base.Judged); ratio > 0 && len(best.Changed) > 0 {
		saved = fmt.Sprintf(" There it costs %.0f%% of what the policy costs that it began with.", 100*ratio)
	}
	switch {
	case !best.Keeps:
		saved = strings.Replace(saved, "There", "On what it has not seen", 1)
		return "No policy that was tried keeps to the limits, even where it was fitted: this is the nearest. Allow a wider ladder, or more." +
			saved
	case !best.KeepsJudged:
		text := "It keeps to the limits where it was fitted, and not on what it has not seen: do not count on it."
		if r.Base.KeepsJudged {
			text += " The policy that it began with keeps to them there: stay with that."
		}
		return text + saved
	}
	return "It keeps to the limits, also on what it has not seen." + saved
}

// manifestOf is the policy as it was given with what was found.
func manifestOf(object *v1alpha1.DBScalingPolicy, p scaling.Policy) map[string]any {
	spec := object.DeepCopy().Spec
	spec.CPU = v1alpha1.CPU{
		TargetPercent: int32(p.CPU.Target), ScaleUpPercent: int32(p.CPU.ScaleUp), ScaleDownPercent: int32(p.CPU.ScaleDown),
	}
	spec.Behavior.ScaleUp.WindowSeconds = int32(p.ScaleUp.Window / time.Second)
	spec.Behavior.ScaleDown.WindowSeconds = int32(p.ScaleDown.Window / time.Second)
	spec.Behavior.ScaleDown.ClassWindowSeconds = ptr.To(int32(p.ClassWindow / time.Second))
	if p.Readers != nil {
		spec.Readers.InstanceClasses = classes(p.Readers.InstanceClasses)
		spec.Readers.MinReplicas, spec.Readers.MaxReplicas = int32(p.Readers.Min), int32(p.Readers.Max)
	}
	if p.Writer != nil {
		spec.Writer.InstanceClasses = classes(p.Writer.InstanceClasses)
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

func classes(in []string) []v1alpha1.InstanceClass {
	out := make([]v1alpha1.InstanceClass, len(in))
	for n, class := range in {
		out[n] = v1alpha1.InstanceClass(class)
	}
	return out
}
