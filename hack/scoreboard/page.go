package main

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// renderPage renders the scoreboard in Markdown.
func renderPage(all []loadResult, p scaling.Policy, plot string, others []thresholdResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Scoreboard

<!-- Written by make scoreboard. -->

For platform engineers who compare dbscaler with other autoscalers, and for developers who change its rules.

The scoreboard compares dbscaler with other autoscalers, each with its own published rule, and with an oracle that knows the future. Every
figure is simulated: each recorded or generated load runs against the simulator's model of Aurora. [backtest.md](backtest.md) describes the
simulation and the rules. All autoscalers start with one %s and can use the same instance classes (%s)
and one to %d readers. dbscaler runs with its default settings for every load. They were tuned on seeds 1 to 3 of the generated loads, and
not on the loads below ([0016](decisions/0016-classes-for-the-day-readers-for-the-hours.md)).

- *Overloaded*: minutes in which an instance in service was at %d %% CPU or more, or work was not served when it was requested.
- *Unserved*: that work.
- *Cost*: vCPU hours divided by the oracle's. For rules that run on another platform (†), each minute costs the size in that minute.
- *Disruptions*: restarts of instances in service, and failovers.
- †: runs on another platform, which changes a size within about a minute and without an interruption. No RDS instance can do that: a
  change takes 8 to 45 minutes. These rules show what better decisions alone could achieve; they cannot run on RDS.

`, recordedClass, strings.Join(p.Readers.InstanceClasses, ", "), p.Readers.Max, backtest.OverloadedPercent)
	b.WriteString("## All loads\n\n")
	b.WriteString(renderTotals(all))
	fmt.Fprintf(&b, "\n![Cost against overloaded minutes](%s)\n", plot)
	b.WriteString(renderThresholds(sumLoads(all), p.CPU, others))
	fmt.Fprintf(&b, "\n## Recorded loads\n\nPercentages count as recorded on one %s. twitter_volume_amzn counts posts: each post "+
		"counts as %g vCPUs.\n\n", recordedClass, vcpusPerPost)
	b.WriteString(renderRows(all, true))
	fmt.Fprintf(&b, "\n## Generated loads\n\nEach load has %d days, and a number as its seed.\n\n", workload.Days)
	for _, g := range workload.All() {
		fmt.Fprintf(&b, "- *%s*: %s\n", g.Name, g.Description)
	}
	b.WriteString("\n" + renderRows(all, false))
	return b.String()
}

// renderRows renders the table of the recorded or of the generated loads.
func renderRows(all []loadResult, fromRecording bool) string {
	var b strings.Builder
	b.WriteString("| load | overloaded | cost | disruptions | Atlas's disruptions | best affordable on RDS | at most half? | " +
		"best affordable on any platform | at most half? |\n")
	b.WriteString("| --- | ---: | ---: | ---: | ---: | --- | :---: | --- | :---: |\n")
	for _, l := range all {
		if (l.kind == recorded) == fromRecording {
			b.WriteString(renderRow(l))
		}
	}
	return b.String()
}

// renderRow renders the row of a load.
func renderRow(l loadResult) string {
	policy, oracle := l.Runs[0], findRun(l.Comparison, "oracle")
	text := fmt.Sprintf("| %s | %d min | %s | %d | %d |", l.name, policy.Score.OverloadedMinutes,
		report.FormatOracleRatio(l.Comparison, policy), policy.Score.Disruptions, findRun(l.Comparison, "atlas").Score.Disruptions)
	for _, onRDS := range []bool{true, false} {
		best := bestAffordable(l.Comparison, onRDS)
		if best == nil {
			text += " none | yes |"
			continue
		}
		text += fmt.Sprintf(" %s: %d min at %.2f × | %s |", report.DisplayName(*best), best.Score.OverloadedMinutes,
			best.Score.CostRatio(oracle.Score), formatYesNo(isAtMostHalf(policy.Score.OverloadedMinutes, best.Score.OverloadedMinutes)))
	}
	return text + "\n"
}

// renderTotals renders the table of the sums over all loads, and the acceptance criteria.
func renderTotals(all []loadResult) string {
	var b strings.Builder
	c := sumLoads(all)
	b.WriteString("| | overloaded | unserved | cost | disruptions | changes |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range report.SortRuns(c.Runs) {
		name := report.DisplayName(r)
		if r.Kind == backtest.PolicyRun {
			name = "**" + name + "**"
		}
		fmt.Fprintf(&b, "| %s | %d min | %.0f vCPU min | %s | %d | %d |\n", name, r.Score.OverloadedMinutes, r.Score.UnservedVCPUMinutes,
			report.FormatOracleRatio(c, r), r.Score.Disruptions, r.Score.Changes)
	}
	policy := c.Runs[0].Score
	b.WriteString("\nAcceptance criteria for dbscaler. *Affordable* means: costs no more than dbscaler. " +
		"A constant size (static) counts as a rule, too.\n\n")
	for _, onRDS := range []bool{true, false} {
		platform := map[bool]string{true: "on RDS", false: "on any platform"}[onRDS]
		text := "none is affordable"
		isMet := true
		if best := bestAffordable(c, onRDS); best != nil {
			isMet = isAtMostHalf(policy.OverloadedMinutes, best.Score.OverloadedMinutes)
			text = fmt.Sprintf("%s has %d min", report.DisplayName(*best), best.Score.OverloadedMinutes)
		}
		wins := countWins(all, onRDS)
		fmt.Fprintf(&b, "- At most half of the overloaded minutes of the best affordable rule %s, in the sum: %s (%d min; %s). "+
			"The same in at least three quarters of the loads: %s (%d of %d).\n",
			platform, formatYesNo(isMet), policy.OverloadedMinutes, text, formatYesNo(4*wins >= 3*len(all)), wins, len(all))
	}
	ratio := policy.CostRatio(findRun(c, "oracle").Score)
	fmt.Fprintf(&b, "- A cost of at most 1.25 × the oracle's, in the sum: %s (%.2f ×).\n", formatYesNo(ratio <= 1.25), ratio)
	atlas := findRun(c, "atlas").Score.Disruptions
	fmt.Fprintf(&b, "- No more disruptions than with Atlas's rules, in the sum: %s (%d, Atlas %d).\n",
		formatYesNo(policy.Disruptions <= atlas), policy.Disruptions, atlas)
	return b.String()
}

func formatYesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
