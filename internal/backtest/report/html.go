package report

import (
	_ "embed" // for the assets of the page
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

// The assets are inlined into the page, which loads nothing; see assets/README.md.
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

// pageData is the data of the page's template.
type pageData struct {
	Policy, Recording, Period, Foresight, Uncertainty string
	CostKnown                                         bool
	Rows                                              []tableRow
	Chart                                             chartData
	CSS, PlotCSS                                      template.CSS
	Script, PlotScript                                template.JS
}

// tableRow is a row of the page's table.
type tableRow struct {
	Name, Source, CSSClass                                 string
	Overloaded, Unserved, VCPUHours, Slack, TimeToCapacity string
	Cost, OracleRatio                                      string
	Disruptions, Changes                                   int
}

// chartData is the data of the page's script. Times are in seconds since 1970.
type chartData struct {
	Start         int64      `json:"start"`
	BucketSeconds int64      `json:"bucketSeconds"`
	DemandVCPUs   jsonSeries `json:"demandVCPUs"`
	CostUnit      string     `json:"costUnit"`
	Runs          []chartRun `json:"runs"`
}

// chartRun is a run in the charts.
type chartRun struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
	// ShownInitially says that the time chart shows the run when the page opens.
	ShownInitially bool       `json:"shownInitially"`
	CapacityVCPUs  jsonSeries `json:"capacityVCPUs"`
	// OverloadedMinutes is the number in each bucket, TotalOverloadedMinutes that of the run.
	OverloadedMinutes      []int        `json:"overloadedMinutes"`
	Events                 []chartEvent `json:"events"`
	Cost                   float64      `json:"cost"`
	TotalOverloadedMinutes int          `json:"totalOverloadedMinutes"`
	Summary                string       `json:"summary"`
}

// chartEvent is an event in the time chart.
type chartEvent struct {
	Time    int64  `json:"time"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// jsonSeries is written with three decimals; NaN and infinity are null.
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
		Policy: c.PolicyName, Recording: c.RecordingSource, Period: describePeriod(c), Uncertainty: describeUncertainty(c),
		Foresight: describePolicyForesight(c),
		Chart:     newChartData(c, runs),
		CSS:       template.CSS(pageCSS), PlotCSS: template.CSS(plotCSS), //nolint:gosec // they are embedded
		Script: template.JS(pageScript), PlotScript: template.JS(plotScript), //nolint:gosec // they are embedded
	}
	cssClasses := map[backtest.RunKind]string{backtest.PolicyRun: "policy", backtest.ReactiveRun: "oracle", backtest.OracleRun: "oracle"}
	for _, run := range runs {
		score := run.Score
		p.CostKnown = p.CostKnown || score.CostKnown
		p.Rows = append(p.Rows, tableRow{
			Name: DisplayName(run), Source: run.Source, CSSClass: cssClasses[run.Kind],
			Overloaded: formatMinutes(score.OverloadedMinutes), Unserved: formatUnserved(score.UnservedVCPUMinutes),
			Slack: FormatSlack(score), TimeToCapacity: FormatTimeToCapacity(score),
			VCPUHours: strconv.FormatFloat(score.VCPUHours, 'f', 0, 64), Cost: FormatCost(score), OracleRatio: FormatOracleRatio(c, run),
			Disruptions: score.Disruptions, Changes: score.Changes,
		})
	}
	return t.Execute(w, p)
}

// DisplayName is the name of a run, with a † if it belongs to another platform.
func DisplayName(run backtest.Run) string {
	if run.OtherPlatform {
		return run.Name + " †"
	}
	return run.Name
}

// initialBaselines is the number of baselines on RDS that the time chart shows when the page opens, besides the policy's run and the
// oracle.
const initialBaselines = 2

// newChartData converts the runs to the data of the charts. Costs are in dollars if every run has a known cost.
func newChartData(c backtest.Comparison, runs []backtest.Run) chartData {
	d := chartData{CostUnit: "vCPU hours"}
	costKnown := len(runs) > 0 && !slices.ContainsFunc(runs, func(r backtest.Run) bool { return !r.Score.CostKnown })
	if costKnown {
		d.CostUnit = "US dollars"
	}
	if len(runs) > 0 {
		timeline := runs[0].Timeline
		d.Start, d.BucketSeconds = timeline.Start.Unix(), int64(timeline.BucketLength/time.Second)
		d.DemandVCPUs = timeline.DemandVCPUs
	}
	baselinesOnRDS := 0
	for _, run := range runs {
		score, timeline := run.Score, run.Timeline
		drawn := chartRun{
			ID: run.ID, Name: DisplayName(run), Kind: string(run.Kind), CapacityVCPUs: timeline.CapacityVCPUs,
			OverloadedMinutes: timeline.OverloadedMinutes, Cost: score.VCPUHours, TotalOverloadedMinutes: score.OverloadedMinutes,
			Events: []chartEvent{},
			Summary: fmt.Sprintf("%s overloaded, %s, %s the oracle's cost, %d disruptions, %d changes", formatMinutes(score.OverloadedMinutes),
				FormatCost(score), FormatOracleRatio(c, run), score.Disruptions, score.Changes),
		}
		if costKnown {
			drawn.Cost = math.Round(float64(score.Cost)/1e4) / 100
		}
		switch {
		case run.Kind == backtest.PolicyRun || run.Kind == backtest.ReactiveRun || run.Kind == backtest.OracleRun:
			drawn.ShownInitially = true
		case run.Kind == backtest.BaselineRun && !run.OtherPlatform:
			baselinesOnRDS++
			drawn.ShownInitially = baselinesOnRDS <= initialBaselines
		}
		for _, e := range run.Events {
			drawn.Events = append(drawn.Events, chartEvent{e.Time.Unix(), string(e.Kind), e.Message})
		}
		d.Runs = append(d.Runs, drawn)
	}
	return d
}
