package main

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/backtest/workload"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// page is the content of the scoreboard.
type page struct {
	policy         scaling.Policy
	all            []loadResult
	thresholds     []thresholdResult
	configurations []configurationResult
	// plot is the file name of the plot, and bursts that of the page with the pictures of bursts.
	plot, bursts string
}

// render renders the page in Markdown.
func (p page) render() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Scoreboard

<!-- Written by make scoreboard. -->

For platform engineers who compare dbscaler with other autoscalers, and for developers who change its rules.

The scoreboard compares dbscaler with other autoscalers, each with its own published rule, and with two bounds: the *reactive limit*, which
knows the present exactly and nothing of the future, and the *oracle*, which knows the future. Every figure is simulated: each recorded or
generated load runs against the simulator's model of Aurora. [backtest.md](backtest.md) describes the simulation, the rules and the bounds.
All autoscalers start with one %s and can use the same instance classes (%s)
and one to %d readers. dbscaler runs with its default settings for every load. They were tuned on seeds %s of the generated loads, and
not on the loads below ([0016](decisions/0016-classes-for-the-day-readers-for-the-hours.md)).

- *Overloaded*: minutes in which an instance in service was at %d %% CPU or more, or work was not served when it was requested.
- *Unserved*: that work.
- *Cost*: vCPU hours divided by the oracle's. For rules that run on another platform (†), each minute costs the size in that minute.
- *Slack*: the share of the vCPU hours that served no work.
- *Time to capacity*: from the first minute that was short of vCPUs or overloaded until enough vCPUs served, mean and longest.
- *Disruptions*: restarts of instances in service, and failovers.
- †: runs on another platform, which changes a size within about a minute and without an interruption. No RDS instance can do that: a
  change takes 8 to 45 minutes. These rules show what better decisions alone could achieve; they cannot run on RDS.

`, recordedClass, strings.Join(p.policy.Readers.InstanceClasses, ", "), p.policy.Readers.Max, tunedSeeds, backtest.OverloadedPercent)
	b.WriteString("## All loads\n\n")
	b.WriteString(renderTotals(p.all))
	fmt.Fprintf(&b, "\n![Cost against overloaded minutes](%s)\n\n[Bursts minute by minute](%s), under the loads with the most overload.\n",
		p.plot, p.bursts)
	b.WriteString(renderThresholds(sumLoads(p.all), p.policy.CPU, p.thresholds))
	fmt.Fprintf(&b, "\n## Recorded loads\n\nPercentages count as recorded on one %s. twitter_volume_amzn counts posts: each post "+
		"counts as %g vCPUs.\n\n", recordedClass, vcpusPerPost)
	b.WriteString(renderComparedLoads(ofKind(p.all, recorded)))
	for _, kind := range []workload.Kind{workload.Smooth, workload.Bursty} {
		fmt.Fprintf(&b, "\n## Generated loads: %s\n\nEach load has %d days, except where noted, and a number as its seed.\n\n",
			kind, workload.Days)
		for _, g := range workload.All() {
			switch {
			case g.Kind != kind:
			case g.Days != workload.Days:
				fmt.Fprintf(&b, "- *%s*: %s (%d days)\n", g.Name, g.Description, g.Days)
			default:
				fmt.Fprintf(&b, "- *%s*: %s\n", g.Name, g.Description)
			}
		}
		b.WriteString("\n" + renderComparedLoads(ofKind(p.all, kind)))
	}
	b.WriteString(renderConfigurations(p.configurations))
	return b.String()
}

// renderTotals renders the table of the sums over all loads, and the acceptance criteria.
func renderTotals(all []loadResult) string {
	var b strings.Builder
	c := sumLoads(all)
	b.WriteString("| | overloaded | unserved | cost | slack | time to capacity | disruptions | changes |\n" +
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range report.SortRuns(c.Runs) {
		name := report.DisplayName(r)
		if r.Kind == backtest.PolicyRun {
			name = "**" + name + "**"
		}
		fmt.Fprintf(&b, "| %s | %d min | %.0f vCPU min | %s | %s | %s | %d | %d |\n", name, r.Score.OverloadedMinutes,
			r.Score.UnservedVCPUMinutes, report.FormatOracleRatio(c, r), report.FormatSlack(r.Score), report.FormatTimeToCapacity(r.Score),
			r.Score.Disruptions, r.Score.Changes)
	}
	fmt.Fprintf(&b, "\n%s\n\n%s\n\n%s\n\n## Acceptance criteria\n\n%s", report.DescribeForesight(c.Runs[0].Score),
		report.DescribeQuiet(c.Runs[0].Score), renderLimitExceptions(all), renderCriteria(all))
	return b.String()
}

func formatYesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
