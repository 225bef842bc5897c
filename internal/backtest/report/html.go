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

// pageData is what the template shows.
type pageData struct {
	Policy, Source, Notes, Doubt string
	Priced                       bool
	Rows                         []tableRow
	Data                         chartData
	CSS, PlotCSS                 template.CSS
	Script, Plot                 template.JS
}

type tableRow struct {
	Name, Source, Class             string
	Overloaded, Unserved, VCPUHours string
	Cost, OfOracle                  string
	Disruptions, Changes            int
}

// chartData is what the page's script draws. Times are seconds since 1970.
type chartData struct {
	Start         int64      `json:"start"`
	BucketSeconds int64      `json:"bucket"`
	DemandVCPUs   jsonSeries `json:"demand"`
	Unit          string     `json:"unit"`
	Runs          []chartRun `json:"runs"`
}

type chartRun struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	// ShownInitially says that it is shown at first.
	ShownInitially         bool         `json:"first"`
	CapacityVCPUs          jsonSeries   `json:"capacity"`
	OverloadedMinutes      []int        `json:"overloaded"`
	Events                 []chartEvent `json:"events"`
	Cost                   float64      `json:"cost"`
	TotalOverloadedMinutes int          `json:"minutes"`
	Summary                string       `json:"summary"`
}

type chartEvent struct {
	UnixSeconds int64  `json:"at"`
	Kind        string `json:"kind"`
	Message     string `json:"text"`
}

// jsonSeries is written with three decimals, and null for what is not known.
type jsonSeries []float64

// MarshalJSON implements json.Marshaler.
func (s jsonSeries) MarshalJSON() ([]byte, error) {
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

// WriteHTML writes a comparison as one page that a browser opens from disk, without a network. The error is the writer's.
func WriteHTML(w io.Writer, c backtest.Comparison) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	runs := SortRuns(c.Runs)
	p := pageData{
		Policy: c.PolicyName, Source: c.RecordingSource, Notes: describePeriod(c), Doubt: describeUncertainty(c), Data: newChartData(c, runs),
		CSS: template.CSS(pageCSS), PlotCSS: template.CSS(plotCSS), //nolint:gosec // they are embedded
		Script: template.JS(pageScript), Plot: template.JS(plotScript), //nolint:gosec // they are embedded
	}
	for _, run := range runs {
		p.Priced = p.Priced || run.Score.CostKnown
		p.Rows = append(p.Rows, tableRow{
			Name: displayName(run), Source: run.Source, Class: map[backtest.RunKind]string{backtest.PolicyRun: "ours", backtest.OracleRun: "oracle"}[run.Kind],
			Overloaded: formatMinutes(run.Score.OverloadedMinutes), Unserved: formatUnserved(run.Score.UnservedVCPUMinutes),
			VCPUHours: strconv.FormatFloat(run.Score.VCPUHours, 'f', 0, 64), Cost: FormatCost(run.Score), OfOracle: FormatOracleRatio(c, run),
			Disruptions: run.Score.Disruptions, Changes: run.Score.Changes,
		})
	}
	return t.Execute(w, p)
}

// displayName is the name of a run, with a mark where it is of another platform.
func displayName(run backtest.Run) string {
	if run.OtherPlatform {
		return run.Name + " †"
	}
	return run.Name
}

// initialBaselines is how many of those that RDS can have are shown at first, beside the policy's own run and the oracle.
const initialBaselines = 2

// newChartData collects what is drawn.
func newChartData(c backtest.Comparison, runs []backtest.Run) chartData {
	d := chartData{Unit: "vCPU hours"}
	priced := len(runs) > 0 && !slices.ContainsFunc(runs, func(r backtest.Run) bool { return !r.Score.CostKnown })
	if priced {
		d.Unit = "US dollars"
	}
	others := 0
	for n, run := range runs {
		if n == 0 {
			d.Start, d.BucketSeconds, d.DemandVCPUs = run.Timeline.Start.Unix(), int64(run.Timeline.BucketLength/time.Second), run.Timeline.DemandVCPUs
		}
		one := chartRun{
			ID: run.ID, Name: displayName(run), Kind: string(run.Kind), CapacityVCPUs: run.Timeline.CapacityVCPUs, OverloadedMinutes: run.Timeline.OverloadedMinutes,
			Cost: run.Score.VCPUHours, TotalOverloadedMinutes: run.Score.OverloadedMinutes, Events: []chartEvent{},
			Summary: formatMinutes(run.Score.OverloadedMinutes) + " overloaded, " + FormatCost(run.Score) + ", " + FormatOracleRatio(c, run) + " the oracle's cost, " +
				strconv.Itoa(run.Score.Disruptions) + " disruptions, " + strconv.Itoa(run.Score.Changes) + " changes",
		}
		if priced {
			one.Cost = math.Round(float64(run.Score.Cost)/1e4) / 100
		}
		rival := run.Kind == backtest.BaselineRun && !run.OtherPlatform
		if rival {
			others++
		}
		one.ShownInitially = run.Kind == backtest.PolicyRun || run.Kind == backtest.OracleRun || rival && others <= initialBaselines
		for _, e := range run.Events {
			one.Events = append(one.Events, chartEvent{e.Time.Unix(), string(e.Kind), e.Message})
		}
		d.Runs = append(d.Runs, one)
	}
	return d
}
