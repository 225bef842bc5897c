package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// pointLabels draws names beside points, so that no name covers another name or a point. A thin line connects a distant name to its
// point.
type pointLabels struct {
	points plotter.XYs
	names  []string
	style  draw.TextStyle
	// unlabelled are points without a name, which no name may cover.
	unlabelled plotter.XYs
}

// labelGap is the distance between a point and its name, and between two names.
const labelGap = vg.Length(7)

// widthMargin is a factor for the width of a name, since the browser's font may be wider than the plot's.
const widthMargin = 1.25

// Plot implements plot.Plotter.
func (l pointLabels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, at := range append(append(plotter.XYs{}, l.points...), l.unlabelled...) {
		taken = append(taken, squareAround(vg.Point{X: x(at.X), Y: y(at.Y)}, labelGap/2))
	}
	for n, at := range l.points {
		point := vg.Point{X: x(at.X), Y: y(at.Y)}
		size := l.style.Rectangle(l.names[n]).Size()
		size.X *= widthMargin
		box := l.findPlace(point, size, c.Rectangle, taken)
		taken = append(taken, box)
		c.FillText(l.style, box.Min, l.names[n])
		end := vg.Point{X: min(max(point.X, box.Min.X), box.Max.X), Y: min(max(point.Y, box.Min.Y), box.Max.Y)}
		if d := end.Sub(point); d.Dot(d) > 4*labelGap*labelGap {
			c.StrokeLine2(draw.LineStyle{Color: l.style.Color, Width: vg.Points(0.3)}, point.X, point.Y, end.X, end.Y)
		}
	}
}

// findPlace is the nearest free place for a box beside a point: to the right, to the left, then further up and down.
func (l pointLabels) findPlace(point, size vg.Point, page vg.Rectangle, taken []vg.Rectangle) vg.Rectangle {
	var box vg.Rectangle
	for away := vg.Length(0); away < page.Size().Y; away += labelGap / 2 {
		for _, up := range []vg.Length{away, -away} {
			for _, left := range []vg.Length{point.X + labelGap, point.X - labelGap - size.X} {
				corner := vg.Point{X: left, Y: point.Y - size.Y/2 + up}
				box = vg.Rectangle{Min: corner, Max: corner.Add(size)}
				if isFree(box, page, taken) {
					return box
				}
			}
		}
	}
	return box
}

// isFree says that a box is on the page and covers no taken rectangle.
func isFree(box, page vg.Rectangle, taken []vg.Rectangle) bool {
	if box.Min.X < page.Min.X || box.Max.X > page.Max.X || box.Min.Y < page.Min.Y || box.Max.Y > page.Max.Y {
		return false
	}
	for _, t := range taken {
		if box.Min.X < t.Max.X && t.Min.X < box.Max.X && box.Min.Y < t.Max.Y && t.Min.Y < box.Max.Y {
			return false
		}
	}
	return true
}

// squareAround is the square with a center and half of its side.
func squareAround(center vg.Point, half vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: center.X - half, Y: center.Y - half}, Max: vg.Point{X: center.X + half, Y: center.Y + half}}
}
