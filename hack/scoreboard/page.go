package main

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// renderPage is the scoreboard in Markdown.
func renderPage(all []loadResult, p scaling.Policy, plot string, others []thresholdResult) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Scoreboard

<!-- Written by make scoreboard. -->

How dbscaler decides beside other autoscalers, each by its own published rule, and beside an oracle that knows the future. Every
figure is simulated: a recorded or generated load is played against the simulator's model of Aurora ([backtest.md](backtest.md) says how,
and what each rule is). All begin with one %s and may use the same ladder, %s, one to %d readers. dbscaler runs with its default settings,
which do not depend on a load. Nothing was tuned on the loads below: that was done on seeds 1 to 3 of the generated ones
([0016](decisions/0016-classes-for-the-day-readers-for-the-hours.md)).

- *Overloaded* is the minutes in which an instance in service was at %d %% CPU or more, or work was not served when it was asked for.
- *Cost* is vCPU hours, compared with the oracle's. A seamless platform (†) pays for what it has in each minute.
- *Disruptions* are restarts of instances in service, and failovers.
- † is of another platform, which changes a size within a minute or so and without an interruption. No RDS instance can do that: a
  change takes 8 to 45 minutes. Such rules are shown as a limit of what deciding alone could bring; nobody can run them on RDS.

`, recordedClass, strings.Join(p.Readers.InstanceClasses, ", "), p.Readers.Max, backtest.OverloadedPercent)
	b.WriteString("## All loads together\n\n")
	b.WriteString(renderTotals(all))
	fmt.Fprintf(&b, "\n![Cost against overloaded minutes](%s)\n", plot)
	b.WriteString(renderThresholds(sumLoads(all), p.CPU, others))
	for _, recorded := range []bool{true, false} {
		heading := map[bool]string{true: "Recorded loads", false: "Generated loads"}[recorded]
		fmt.Fprintf(&b, "\n## %s\n\n", heading)
		b.WriteString("| load | overloaded | cost | disruptions | Atlas's | best on RDS that costs no more | half? | " +
			"best of all that costs no more | half? |\n")
		b.WriteString("| --- | ---: | ---: | ---: | ---: | --- | :---: | --- | :---: |\n")
		for _, l := range all {
			if l.isRecorded == recorded {
				b.WriteString(renderRow(l))
			}
		}
	}
	return b.String()
}

func renderRow(l loadResult) string {
	dbscaler, oracle := l.Runs[0], findRun(l.Comparison, "oracle")
	text := fmt.Sprintf("| %s | %d min | %s | %d | %d |", l.name, dbscaler.Score.OverloadedMinutes, report.FormatOracleRatio(l.Comparison, dbscaler),
		dbscaler.Score.Disruptions, findRun(l.Comparison, "atlas").Score.Disruptions)
	for _, onRDS := range []bool{true, false} {
		best := bestAffordable(l.Comparison, onRDS)
		if best == nil {
			text += " none | yes |"
			continue
		}
		text += fmt.Sprintf(" %s: %d min at %.2f × | %s |", displayName(*best), best.Score.OverloadedMinutes, best.Score.CostRatio(oracle.Score),
			formatYesNo(isAtMostHalf(dbscaler.Score.OverloadedMinutes, best.Score.OverloadedMinutes)))
	}
	return text + "\n"
}

// renderTotals is the table of sums, and what it comes to.
func renderTotals(all []loadResult) string {
	var b strings.Builder
	c := sumLoads(all)
	b.WriteString("| | overloaded | unserved | cost | disruptions | changes |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range report.SortRuns(c.Runs) {
		n := displayName(r)
		if r.Kind == backtest.PolicyRun {
			n = "**" + n + "**"
		}
		fmt.Fprintf(&b, "| %s | %d min | %.0f vCPU min | %s | %d | %d |\n", n, r.Score.OverloadedMinutes, r.Score.UnservedVCPUMinutes,
			report.FormatOracleRatio(c, r), r.Score.Disruptions, r.Score.Changes)
	}
	dbscaler := c.Runs[0].Score
	b.WriteString("\n")
	for _, onRDS := range []bool{true, false} {
		of := map[bool]string{true: "that RDS can have", false: "of all"}[onRDS]
		text := "there is none that costs no more"
		ok := true
		if best := bestAffordable(c, onRDS); best != nil {
			ok = isAtMostHalf(dbscaler.OverloadedMinutes, best.Score.OverloadedMinutes)
			text = fmt.Sprintf("%s has %d min", displayName(*best), best.Score.OverloadedMinutes)
		}
		fmt.Fprintf(&b, "- At most half the overloaded minutes of the best %s that costs no more: on the sum %s (%d min; %s); on %d of %d "+
			"loads, three quarters wanted: %s.\n",
			of, formatYesNo(ok), dbscaler.OverloadedMinutes, text, countWins(all, onRDS), len(all), formatYesNo(4*countWins(all, onRDS) >= 3*len(all)))
	}
	ratio := dbscaler.CostRatio(findRun(c, "oracle").Score)
	fmt.Fprintf(&b, "- Cost at most 1.25 × the oracle's on the sum: %s (%.2f ×).\n", formatYesNo(ratio <= 1.25), ratio)
	atlas := findRun(c, "atlas").Score.Disruptions
	fmt.Fprintf(&b, "- Disruptions no more than Atlas's rules make: %s (%d, and %d).\n",
		formatYesNo(dbscaler.Disruptions <= atlas), dbscaler.Disruptions, atlas)
	return b.String()
}

func displayName(r backtest.Run) string {
	if r.OtherPlatform {
		return r.Name + " †"
	}
	return r.Name
}

func formatYesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
