package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	// drawnLoads is the number of loads with a picture.
	drawnLoads = 3
	// burstMargin is the time that is drawn before the burst, and burstLength the time after that.
	burstMargin, burstLength = 30 * time.Minute, 150 * time.Minute
	// maxListedEvents is the maximum number of decisions in a list.
	maxListedEvents = 12
)

// writeBursts writes a page with a picture of one burst for each of the loads with the most overload of dbscaler: the demand, and the vCPUs
// in service and the decisions of dbscaler, the best affordable peer, the reactive limit and the oracle. The pictures are beside the page.
func writeBursts(ctx context.Context, path string, all []loadResult, policy scaling.Policy) error {
	var b strings.Builder
	b.WriteString("# Bursts minute by minute\n\n<!-- Written by make scoreboard. -->\n\nFor developers who change the decisions. " +
		"For each of the loads of the [scoreboard](scoreboard.md) with the most overload of dbscaler: the burst in which it " +
		"was overloaded most. " +
		"Circles are decisions. A line drops where an instance restarts. Times are in UTC.\n")
	worst := slices.Clone(all)
	slices.SortStableFunc(worst, func(a, b loadResult) int {
		return cmp.Compare(b.Runs[0].Score.OverloadedMinutes, a.Runs[0].Score.OverloadedMinutes)
	})
	for n, l := range worst[:min(drawnLoads, len(worst))] {
		setup := newSetup(l.load, policy)
		setup.TimelineFrom = worstBurst(l.Runs[0].Timeline)
		setup.TimelineUntil = setup.TimelineFrom.Add(burstMargin + burstLength)
		against := []string{"reactive", "oracle"}
		if best := bestAffordable(l.Comparison); best != nil {
			against = append(against, best.ID)
		}
		c, err := backtest.Compare(ctx, setup, against, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		picture := fmt.Sprintf("%s-%d.svg", strings.TrimSuffix(path, filepath.Ext(path)), n+1)
		if err := drawBurst(picture, l.name, c); err != nil {
			return err
		}
		fmt.Fprintf(&b, "\n## %s, %s\n\n![Demand and vCPUs in service](%s)\n", l.name,
			setup.TimelineFrom.Format("2 January, 15:04"), filepath.Base(picture))
		for _, r := range c.Runs {
			b.WriteString(renderDecisions(r))
		}
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

// worstBurst is the start of the picture of the time in which a run was overloaded most, not before the timeline.
func worstBurst(t backtest.Timeline) time.Time {
	length := max(1, int(burstLength/t.BucketLength))
	worst, most := 0, -1
	for n := range t.OverloadedMinutes {
		minutes := 0
		for _, v := range t.OverloadedMinutes[n:min(n+length, len(t.OverloadedMinutes))] {
			minutes += v
		}
		if minutes > most || minutes == most && t.OverloadedMinutes[worst] == 0 { // begin with an overloaded bucket
			worst, most = n, minutes
		}
	}
	from := t.Start.Add(time.Duration(worst)*t.BucketLength - burstMargin)
	if from.Before(t.Start) {
		return t.Start
	}
	return from
}

// renderDecisions lists the decisions of a run.
func renderDecisions(r backtest.Run) string {
	var b strings.Builder
	overloaded := 0
	for _, minutes := range r.Timeline.OverloadedMinutes {
		overloaded += minutes
	}
	fmt.Fprintf(&b, "\n%s, overloaded for %d min:\n\n", report.DisplayName(r), overloaded)
	events := r.Events
	if r.Kind == backtest.ReactiveRun { // it follows the noise before the burst
		burst := r.Timeline.Start.Add(burstMargin - 10*time.Minute)
		events = slices.DeleteFunc(slices.Clone(events), func(e backtest.Event) bool { return e.Time.Before(burst) })
	}
	if len(events) == 0 {
		b.WriteString("- no decision\n")
	}
	for n, e := range events {
		if n == maxListedEvents {
			fmt.Fprintf(&b, "- and %d more\n", len(events)-n)
			break
		}
		fmt.Fprintf(&b, "- %s %s: %s\n", e.Time.UTC().Format("15:04"), e.Kind, strings.ReplaceAll(e.Message, "\n", " "))
	}
	return b.String()
}

// drawBurst writes the picture of a burst.
func drawBurst(path, title string, c backtest.Comparison) error {
	p := plot.New()
	p.Title.Text = title + " (simulated)"
	p.X.Label.Text, p.Y.Label.Text = "UTC", "vCPUs"
	p.X.Tick.Marker = halfHourTicks{}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	demand, err := plotter.NewLine(timelinePoints(c.Runs[0].Timeline, c.Runs[0].Timeline.DemandVCPUs))
	if err != nil {
		return err
	}
	demand.Color, demand.Width = burstColors[len(burstColors)-1], vg.Points(1)
	p.Add(demand)
	p.Legend.Add("demand", demand)
	for n, r := range c.Runs {
		points := timelinePoints(r.Timeline, r.Timeline.CapacityVCPUs)
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.StepStyle, line.Color, line.Width = plotter.PostStep, burstColors[n%len(burstColors)], vg.Points(1.5)
		switch r.Kind {
		case backtest.PolicyRun:
			line.Width = vg.Points(2.5)
		case backtest.ReactiveRun:
			line.Dashes = []vg.Length{vg.Points(2), vg.Points(2)}
		case backtest.OracleRun:
			line.Dashes = []vg.Length{vg.Points(6), vg.Points(3)}
		case backtest.BaselineRun, backtest.StaticRun:
		}
		decisions, err := plotter.NewScatter(decisionPoints(r))
		if err != nil {
			return err
		}
		decisions.Color, decisions.Radius, decisions.Shape = line.Color, vg.Points(3), draw.RingGlyph{}
		p.Add(line, decisions)
		p.Legend.Add(report.DisplayName(r), line)
	}
	p.Y.Min = 0
	return p.Save(22*vg.Centimeter, 12*vg.Centimeter, path)
}

// timelinePoints are the points of a timeline. Gaps are left out.
func timelinePoints(t backtest.Timeline, values []float64) plotter.XYs {
	var out plotter.XYs
	for n, v := range values {
		if !math.IsNaN(v) {
			out = append(out, plotter.XY{X: float64(t.Start.Add(time.Duration(n) * t.BucketLength).Unix()), Y: v})
		}
	}
	return out
}

// decisionPoints are the changes of a run, on its line.
func decisionPoints(r backtest.Run) plotter.XYs {
	var out plotter.XYs
	for _, e := range r.Events {
		n := int(e.Time.Sub(r.Timeline.Start) / r.Timeline.BucketLength)
		if isChange := e.Kind == backtest.EventScaleUp || e.Kind == backtest.EventScaleDown; isChange && n < len(r.Timeline.CapacityVCPUs) {
			out = append(out, plotter.XY{X: float64(e.Time.Unix()), Y: r.Timeline.CapacityVCPUs[n]})
		}
	}
	return out
}

// halfHourTicks are ticks at each half hour of an axis in seconds since the Unix epoch.
type halfHourTicks struct{}

// Ticks implements plot.Ticker.
func (halfHourTicks) Ticks(low, high float64) []plot.Tick {
	const halfHour = 1800
	var ticks []plot.Tick
	for at := math.Ceil(low/halfHour) * halfHour; at <= high; at += halfHour {
		ticks = append(ticks, plot.Tick{Value: at, Label: time.Unix(int64(at), 0).UTC().Format("15:04")})
	}
	return ticks
}
