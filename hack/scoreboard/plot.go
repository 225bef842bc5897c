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
)

// drawPlot writes cost against overloaded minutes, summed over all loads. A line joins what other thresholds come to.
func drawPlot(path string, all []loadResult, thresholds []thresholdResult) error {
	c := sumLoads(all)
	oracle := findRun(c, "oracle").Score
	p := plot.New()
	p.Title.Text = "All loads together (simulated): lower and further left is better"
	p.X.Label.Text, p.Y.Label.Text = "cost, times the oracle's (the line joins other thresholds)", "overloaded minutes"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, costTicks{}
	p.Y.Scale, p.Y.Tick.Marker = logScaleWithZero{}, minuteTicks{}
	p.Add(plotter.NewGrid())
	dbscaler, blue, grey := color.RGBA{213, 94, 0, 255}, color.RGBA{0, 114, 178, 255}, color.RGBA{150, 150, 150, 255}
	names := pointLabels{style: p.X.Tick.Label}
	names.style.XAlign, names.style.YAlign = draw.XLeft, draw.YBottom
	for _, t := range thresholds {
		names.unlabelled = append(names.unlabelled, plotter.XY{X: t.CostRatio(oracle), Y: float64(t.OverloadedMinutes)})
	}
	curve, dots, err := plotter.NewLinePoints(names.unlabelled)
	if err != nil {
		return err
	}
	curve.Color, dots.Color, dots.Radius, dots.Shape = dbscaler, dbscaler, vg.Points(2), draw.CircleGlyph{}
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
			points.Color, points.Radius = dbscaler, vg.Points(6)
		case r.Kind == backtest.OracleRun:
			points.Shape = draw.TriangleGlyph{}
		case r.OtherPlatform:
			points.Color = grey
		}
		names.points, names.names = append(names.points, at), append(names.names, displayName(r))
		p.Add(points)
	}
	p.Add(names)
	p.X.Min, p.X.Max, p.Y.Min = math.Min(p.X.Min, 0.8), p.X.Max*1.3, 0
	return p.Save(22*vg.Centimeter, 14*vg.Centimeter, path)
}

// costTicks are the ticks of the costs.
type costTicks struct{}

// Ticks implements plot.Ticker.
func (costTicks) Ticks(least, most float64) []plot.Tick {
	var ticks []plot.Tick
	for _, v := range []float64{0.8, 1, 1.25, 1.5, 2, 3, 4, 6, 8} {
		if v >= least && v <= most {
			ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', -1, 64)})
		}
	}
	return ticks
}

// logScaleWithZero is a logarithmic scale that has a place for zero.
type logScaleWithZero struct{}

// Normalize implements plot.Normalizer.
func (logScaleWithZero) Normalize(least, most, x float64) float64 {
	return (math.Log1p(x) - math.Log1p(least)) / (math.Log1p(most) - math.Log1p(least))
}

// minuteTicks are the ticks of symlog.
type minuteTicks struct{}

// Ticks implements plot.Ticker.
func (minuteTicks) Ticks(_, most float64) []plot.Tick {
	ticks := []plot.Tick{{Value: 0, Label: "0"}}
	for v := 1.0; v <= most; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return ticks
}
