package report

import (
	_ "embed" // for the page
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

// What the page is made of. Nothing in it is loaded from anywhere; see assets/README.md.
var (
	//go:embed assets/page.html
	pageHTML string
	//go:embed assets/page.css
	pageCSS string
	//go:embed assets/page.js
	pageScript string
	//go:embed assets/uPlot.iife.min.js
	plotScript string
	//go:embed assets/uPlot.min.css
	plotCSS string
)

// page is what the template shows.
type page struct {
	Policy, Source, Notes, Doubt string
	Priced                       bool
	Rows                         []row
	Data                         drawing
	CSS, PlotCSS                 template.CSS
	Script, Plot                 template.JS
}

type row struct {
	Name, Source, Class             string
	Overloaded, Unserved, VCPUHours string
	Cost, OfOracle                  string
	Disruptions, Changes            int
}

// drawing is what the page's script draws. Times are seconds since 1970.
type drawing struct {
	Start  int64   `json:"start"`
	Bucket int64   `json:"bucket"`
	Demand series  `json:"demand"`
	Unit   string  `json:"unit"`
	Runs   []drawn `json:"runs"`
}

type drawn struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	// First says that it is shown at first.
	First      bool     `json:"first"`
	Capacity   series   `json:"capacity"`
	Overloaded []int    `json:"overloaded"`
	Events     []marked `json:"events"`
	Cost       float64  `json:"cost"`
	Minutes    int      `json:"minutes"`
	Summary    string   `json:"summary"`
}

type marked struct {
	At   int64  `json:"at"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// series is written with three decimals, and null for what is not known.
type series []float64

// MarshalJSON implements json.Marshaler.
func (s series) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for n, v := range s {
		if n > 0 {
			out = append(out, ',')
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			out = append(out, "null"...)
			continue
		}
		out = strconv.AppendFloat(out, math.Round(v*1000)/1000, 'f', -1, 64)
	}
	return append(out, ']'), nil
}

// HTML writes a comparison as one page that a browser opens from disk, without a network. The error is the writer's.
func HTML(w io.Writer, c backtest.Comparison) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	runs := Sorted(c.Runs)
	p := page{
		Policy: c.Policy, Source: c.Source, Notes: period(c), Doubt: doubt(c), Data: draw(c, runs),
		CSS: template.CSS(pageCSS), PlotCSS: template.CSS(plotCSS), //nolint:gosec // they are embedded
		Script: template.JS(pageScript), Plot: template.JS(plotScript), //nolint:gosec // they are embedded
	}
	for _, run := range runs {
		p.Priced = p.Priced || run.Score.Priced
		p.Rows = append(p.Rows, row{
			Name: label(run), Source: run.Source, Class: map[backtest.Kind]string{backtest.Ours: "ours", backtest.Oracle: "oracle"}[run.Kind],
			Overloaded: duration(run.Score.Overloaded), Unserved: unserved(run.Score.Unserved),
			VCPUHours: strconv.FormatFloat(run.Score.VCPUHours, 'f', 0, 64), Cost: Cost(run.Score), OfOracle: OfOracle(c, run),
			Disruptions: run.Score.Disruptions, Changes: run.Score.Changes,
		})
	}
	return t.Execute(w, p)
}

// label is the name of a run, with a mark where it is of another platform.
func label(run backtest.Run) string {
	if run.Elsewhere {
		return run.Name + " †"
	}
	return run.Name
}

// atFirst is how many of those that RDS can have are shown at first, beside the policy's own run and the oracle.
const atFirst = 2

// draw collects what is drawn.
func draw(c backtest.Comparison, runs []backtest.Run) drawing {
	d := drawing{Unit: "vCPU hours"}
	priced := len(runs) > 0 && !slices.ContainsFunc(runs, func(r backtest.Run) bool { return !r.Score.Priced })
	if priced {
		d.Unit = "US dollars"
	}
	others := 0
	for n, run := range runs {
		if n == 0 {
			d.Start, d.Bucket, d.Demand = run.Track.Start.Unix(), int64(run.Track.Bucket/time.Second), run.Track.Demand
		}
		one := drawn{
			ID: run.ID, Name: label(run), Kind: string(run.Kind), Capacity: run.Track.Capacity, Overloaded: run.Track.Overloaded,
			Cost: run.Score.VCPUHours, Minutes: run.Score.Overloaded, Events: []marked{},
			Summary: duration(run.Score.Overloaded) + " overloaded, " + Cost(run.Score) + ", " + OfOracle(c, run) + " the oracle's cost, " +
				strconv.Itoa(run.Score.Disruptions) + " disruptions, " + strconv.Itoa(run.Score.Changes) + " changes",
		}
		if priced {
			one.Cost = math.Round(float64(run.Score.Cost)/1e4) / 100
		}
		rival := run.Kind == backtest.Peer && !run.Elsewhere
		if rival {
			others++
		}
		one.First = run.Kind == backtest.Ours || run.Kind == backtest.Oracle || rival && others <= atFirst
		for _, e := range run.Events {
			one.Events = append(one.Events, marked{e.At.Unix(), string(e.Kind), e.Text})
		}
		d.Runs = append(d.Runs, one)
	}
	return d
}
