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

// drawPlot writes cost against overloaded minutes, summed over all loads.
func drawPlot(path string, all []played) error {
	c := summed(all)
	oracle := find(c, "oracle").Score
	p := plot.New()
	p.Title.Text = "All loads together (simulated): lower and further left is better"
	p.X.Label.Text, p.Y.Label.Text = "cost, times the oracle's", "overloaded minutes"
	p.Y.Scale, p.Y.Tick.Marker = symlog{}, decades{}
	p.Add(plotter.NewGrid())
	colours := map[bool]color.Color{true: color.RGBA{150, 150, 150, 255}, false: color.RGBA{0, 114, 178, 255}} // elsewhere or not
	var taken []vg.Point
	for _, r := range c.Runs {
		at := plotter.XYs{{X: r.Score.Over(oracle), Y: float64(r.Score.Overloaded)}}
		points, err := plotter.NewScatter(at)
		if err != nil {
			return err
		}
		points.Color, points.Radius, points.Shape = colours[r.Elsewhere], vg.Points(4), draw.CircleGlyph{}
		switch r.Kind {
		case backtest.Ours:
			points.Color, points.Radius = color.RGBA{213, 94, 0, 255}, vg.Points(7)
		case backtest.Oracle:
			points.Shape = draw.TriangleGlyph{}
		case backtest.Peer, backtest.Static:
		}
		labels, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: []string{name(r)}})
		if err != nil {
			return err
		}
		labels.Offset = room(&taken, at[0])
		p.Add(points, labels)
	}
	p.X.Min, p.X.Max, p.Y.Min = math.Min(p.X.Min, 0.9), p.X.Max*1.3, 0
	return p.Save(22*vg.Centimeter, 14*vg.Centimeter, path)
}

// room is where the label of a point goes: beside it, or so far above that it covers no other label. The plot's place on the page is
// known roughly, which will do.
func room(taken *[]vg.Point, at plotter.XY) vg.Point {
	const right, line, wide = 8, 10, 110 // points
	place := vg.Point{X: vg.Length(140 * at.X), Y: vg.Length(32*math.Log1p(at.Y)) - 3}
	up := vg.Length(-3)
	for _, other := range *taken {
		for math.Abs(float64(place.Y+up-other.Y)) < line && math.Abs(float64(place.X-other.X)) < wide {
			up += line
		}
	}
	*taken = append(*taken, vg.Point{X: place.X, Y: place.Y + up})
	return vg.Point{X: right, Y: up}
}

// symlog is a logarithmic scale that has a place for zero.
type symlog struct{}

// Normalize implements plot.Normalizer.
func (symlog) Normalize(least, most, x float64) float64 {
	return (math.Log1p(x) - math.Log1p(least)) / (math.Log1p(most) - math.Log1p(least))
}

// decades are the ticks of symlog.
type decades struct{}

// Ticks implements plot.Ticker.
func (decades) Ticks(_, most float64) []plot.Tick {
	ticks := []plot.Tick{{Value: 0, Label: "0"}}
	for v := 1.0; v <= most; v *= 10 {
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.Itoa(int(v))})
	}
	return ticks
}
