package main

import (
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// page is the scoreboard in Markdown.
func page(all []played, p scaling.Policy, plot string, others []traded) string {
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

`, recordedOn, strings.Join(p.Readers.InstanceClasses, ", "), p.Readers.Max, backtest.OverloadedPercent)
	b.WriteString("## All loads together\n\n")
	b.WriteString(totals(all))
	fmt.Fprintf(&b, "\n![Cost against overloaded minutes](%s)\n", plot)
	b.WriteString(tradeTable(summed(all), p.CPU, others))
	for _, recorded := range []bool{true, false} {
		heading := map[bool]string{true: "Recorded loads", false: "Generated loads"}[recorded]
		fmt.Fprintf(&b, "\n## %s\n\n", heading)
		b.WriteString("| load | overloaded | cost | disruptions | Atlas's | best on RDS that costs no more | half? | " +
			"best of all that costs no more | half? |\n")
		b.WriteString("| --- | ---: | ---: | ---: | ---: | --- | :---: | --- | :---: |\n")
		for _, l := range all {
			if l.recorded == recorded {
				b.WriteString(row(l))
			}
		}
	}
	return b.String()
}

func row(l played) string {
	ours, oracle := l.Runs[0], find(l.Comparison, "oracle")
	text := fmt.Sprintf("| %s | %d min | %s | %d | %d |", l.name, ours.Score.Overloaded, report.OfOracle(l.Comparison, ours),
		ours.Score.Disruptions, find(l.Comparison, "atlas").Score.Disruptions)
	for _, onRDS := range []bool{true, false} {
		best := rival(l.Comparison, onRDS)
		if best == nil {
			text += " none | yes |"
			continue
		}
		text += fmt.Sprintf(" %s: %d min at %.2f × | %s |", name(*best), best.Score.Overloaded, best.Score.Over(oracle.Score),
			yes(half(ours.Score.Overloaded, best.Score.Overloaded)))
	}
	return text + "\n"
}

// totals is the table of sums, and what it comes to.
func totals(all []played) string {
	var b strings.Builder
	c := summed(all)
	b.WriteString("| | overloaded | unserved | cost | disruptions | changes |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, r := range report.Sorted(c.Runs) {
		n := name(r)
		if r.Kind == backtest.Ours {
			n = "**" + n + "**"
		}
		fmt.Fprintf(&b, "| %s | %d min | %.0f vCPU min | %s | %d | %d |\n", n, r.Score.Overloaded, r.Score.Unserved,
			report.OfOracle(c, r), r.Score.Disruptions, r.Score.Changes)
	}
	ours := c.Runs[0].Score
	b.WriteString("\n")
	for _, onRDS := range []bool{true, false} {
		of := map[bool]string{true: "that RDS can have", false: "of all"}[onRDS]
		text := "there is none that costs no more"
		ok := true
		if best := rival(c, onRDS); best != nil {
			ok = half(ours.Overloaded, best.Score.Overloaded)
			text = fmt.Sprintf("%s has %d min", name(*best), best.Score.Overloaded)
		}
		fmt.Fprintf(&b, "- At most half the overloaded minutes of the best %s that costs no more: on the sum %s (%d min; %s); on %d of %d "+
			"loads, three quarters wanted: %s.\n",
			of, yes(ok), ours.Overloaded, text, won(all, onRDS), len(all), yes(4*won(all, onRDS) >= 3*len(all)))
	}
	ratio := ours.Over(find(c, "oracle").Score)
	fmt.Fprintf(&b, "- Cost at most 1.25 × the oracle's on the sum: %s (%.2f ×).\n", yes(ratio <= 1.25), ratio)
	atlas := find(c, "atlas").Score.Disruptions
	fmt.Fprintf(&b, "- Disruptions no more than Atlas's rules make: %s (%d, and %d).\n",
		yes(ours.Disruptions <= atlas), ours.Disruptions, atlas)
	return b.String()
}

func name(r backtest.Run) string {
	if r.Elsewhere {
		return r.Name + " †"
	}
	return r.Name
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
