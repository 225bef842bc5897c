package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// labels writes names beside points so that none covers another, nor a point; a thin line leads to what has to stand apart.
type labels struct {
	points plotter.XYs
	names  []string
	style  draw.TextStyle
	// others are points without a name that are not to be covered either.
	others plotter.XYs
}

// gap is between a point and its name, or two names.
const gap = vg.Length(7)

// wider is by how much a name may be wider than it should, since a browser takes the font that it has.
const wider = 1.25

// Plot implements plot.Plotter.
func (l labels) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, at := range append(append(plotter.XYs{}, l.points...), l.others...) {
		taken = append(taken, around(vg.Point{X: x(at.X), Y: y(at.Y)}, gap/2))
	}
	for n, at := range l.points {
		point := vg.Point{X: x(at.X), Y: y(at.Y)}
		size := l.style.Rectangle(l.names[n]).Size()
		size.X *= wider
		box := l.place(point, size, c.Rectangle, taken)
		taken = append(taken, box)
		c.FillText(l.style, box.Min, l.names[n])
		end := vg.Point{X: min(max(point.X, box.Min.X), box.Max.X), Y: min(max(point.Y, box.Min.Y), box.Max.Y)}
		if d := end.Sub(point); d.Dot(d) > 4*gap*gap {
			c.StrokeLine2(draw.LineStyle{Color: l.style.Color, Width: vg.Points(0.3)}, point.X, point.Y, end.X, end.Y)
		}
	}
}

// place is the nearest free place for a box beside a point: to the right, to the left, then further and further up and down.
func (l labels) place(point, size vg.Point, page vg.Rectangle, taken []vg.Rectangle) vg.Rectangle {
	var box vg.Rectangle
	for away := vg.Length(0); away < page.Size().Y; away += gap / 2 {
		for _, up := range []vg.Length{away, -away} {
			for _, left := range []vg.Length{point.X + gap, point.X - gap - size.X} {
				corner := vg.Point{X: left, Y: point.Y - size.Y/2 + up}
				box = vg.Rectangle{Min: corner, Max: corner.Add(size)}
				if free(box, page, taken) {
					return box
				}
			}
		}
	}
	return box
}

func free(box, page vg.Rectangle, taken []vg.Rectangle) bool {
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

func around(at vg.Point, by vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: at.X - by, Y: at.Y - by}, Max: vg.Point{X: at.X + by, Y: at.Y + by}}
}
