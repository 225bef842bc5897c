package main

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/dbscaler/dbscaler/internal/backtest"
	"github.com/dbscaler/dbscaler/internal/backtest/report"
)

// drawPlot writes a plot of cost against overloaded minutes, summed over all loads. A line joins dbscaler's scores with other
// thresholds.
func drawPlot(path string, all []loadResult, thresholds []thresholdResult) error {
	c := sumLoads(all)
	oracle := findRun(c, "oracle").Score
	p := plot.New()
	p.Title.Text = "Sum of all loads (simulated): lower and further left is better"
	p.X.Label.Text, p.Y.Label.Text = "cost divided by the oracle's (the line joins other thresholds)", "overloaded minutes"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, costTicks{}
	p.Y.Scale, p.Y.Tick.Marker = logScaleWithZero{}, minuteTicks{}
	p.Add(plotter.NewGrid())
	orange, blue, grey := color.RGBA{213, 94, 0, 255}, color.RGBA{0, 114, 178, 255}, color.RGBA{150, 150, 150, 255}
	labels := pointLabels{style: p.X.Tick.Label}
	labels.style.XAlign, labels.style.YAlign = draw.XLeft, draw.YBottom
	for _, t := range thresholds {
		labels.unlabelled = append(labels.unlabelled, plotter.XY{X: t.CostRatio(oracle), Y: float64(t.OverloadedMinutes)})
	}
	curve, dots, err := plotter.NewLinePoints(labels.unlabelled)
	if err != nil {
		return err
	}
	curve.Color, dots.Color, dots.Radius, dots.Shape = orange, orange, vg.Points(2), draw.CircleGlyph{}
	p.Add(curve, dots)
	for _, r := range c.Runs {
		at := plotter.XY{X: r.Score.CostRatio(oracle), Y: float64(r.Score.OverloadedMinutes)}
		points, err := plotter.NewScatter(plotter.XYs{at})
		if err != nil {
			return err
		}
		points.Color, points.Radius, points.Shape = blue, vg.Points(4), draw.CircleGlyph{}
		switch {
		case r.Kind == backtest.PolicyRun:
			points.Color, points.Radius = orange, vg.Points(6)
		case r.Kind == backtest.OracleRun || r.Kind == backtest.ReactiveRun:
			points.Shape = draw.TriangleGlyph{}
		case r.OtherPlatform:
			points.Color = grey
		}
		labels.points, labels.names = append(labels.points, at), append(labels.names, report.DisplayName(r))
		p.Add(points)
	}
	p.Add(labels)
	p.X.Min, p.X.Max, p.Y.Min = math.Min(p.X.Min, 0.8), p.X.Max*1.3, 0
	return p.Save(22*vg.Centimeter, 14*vg.Centimeter, path)
}

// costTicks are the ticks of the cost axis.
type costTicks struct{}

// Ticks implements plot.Ticker.
func (costTicks) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for _, v := range []float64{0.8, 1, 1.25, 1.5, 2, 3, 4, 6, 8} {
		if v >= low && v <= high {
			ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', -1, 64)})
		}
	}
	return ticks
}

// logScaleWithZero is the logarithmic scale of 1 + x, so that zero has a place on it.
type logScaleWithZero struct{}

// Normalize implements plot.Normalizer.
func (logScaleWithZero) Normalize(low, high, x float64) float64 {
	return (math.Log1p(x) - math.Log1p(low)) / (math.Log1p(high) - math.Log1p(low))
}

// minuteTicks are the ticks of the axis of overloaded minutes: zero and the powers of ten.
type minuteTicks struct{}

// Ticks implements plot.Ticker.
func (minuteTicks) Ticks(_, high float64) []plot.Tick {
	ticks := []plot.Tick{{Value: 0, Label: "0"}}
	for v := 1.0; v <= high; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return ticks
}

// burstColors are the colours of the runs in the picture of a burst, dbscaler's first; the last one is the demand's. They remain distinct
// with colour vision deficiencies.
var burstColors = []color.Color{
	color.RGBA{213, 94, 0, 255}, color.RGBA{0, 114, 178, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{204, 121, 167, 255},
	color.RGBA{120, 120, 120, 255},
}
