package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/backtest"
)

var startTime = time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)

// hostileText would end a script if it were not escaped.
const hostileText = `</script><script>document.title="owned"</script><img src=x onerror=alert(1)>`

// newComparison has several runs of two weeks, with events and a gap.
func newComparison() backtest.Comparison {
	const buckets = 2000
	c := backtest.Comparison{
		PolicyName: "shop/orders", RecordingSource: "cpu.csv " + hostileText, Start: startTime, End: startTime.Add(14 * 24 * time.Hour),
		Interval: 5 * time.Minute, GapMinutes: 25, UncertainMinutes: 180,
	}
	addRun := func(id, name string, kind backtest.RunKind, size float64, overloaded int) {
		r := backtest.Run{ID: id, Name: name, Kind: kind, Source: "its published rule"}
		r.Timeline.Start, r.Timeline.BucketLength = startTime, 10*time.Minute
		for n := range buckets {
			demand := 4 + 3*math.Sin(float64(n)/144*2*math.Pi)
			if n > 900 && n < 920 {
				demand = math.NaN()
			}
			r.Timeline.DemandVCPUs = append(r.Timeline.DemandVCPUs, demand)
			r.Timeline.CapacityVCPUs = append(r.Timeline.CapacityVCPUs, size+float64(n/100%3)*2)
			minutes := 0
			if overloaded > 0 && n%400 == 100 {
				minutes = 5
			}
			r.Timeline.OverloadedMinutes = append(r.Timeline.OverloadedMinutes, minutes)
		}
		r.Score = backtest.Score{
			ScoredMinutes: 20000, OverloadedMinutes: overloaded, UnservedVCPUMinutes: float64(overloaded) / 2, VCPUHours: size * 300,
			Changes: 12, Disruptions: 3, UsedVCPUHours: 1800, ForeseenGrowths: 4, NeededGrowths: 3, AvertedShortages: 1,
		}
		if overloaded > 0 {
			r.Score.Shortages, r.Score.ShortageMinutes, r.Score.LongestShortage = 2, 14, 9
		}
		kinds := []backtest.EventKind{backtest.EventScaleUp, backtest.EventScaleDown, backtest.EventDisruption, backtest.EventBlocked}
		for n, kind := range kinds {
			at := startTime.Add(time.Duration(n+1) * 24 * time.Hour)
			r.Events = append(r.Events, backtest.Event{Time: at, Kind: kind, Message: "because " + hostileText})
		}
		c.Runs = append(c.Runs, r)
	}
	addRun("dbscaler", "dbscaler", backtest.PolicyRun, 8, 20)
	addRun("aurora-h3", "Aurora Auto Scaling (H=3)", backtest.BaselineRun, 9, 300)
	addRun("atlas", hostileText, backtest.BaselineRun, 7, 900)
	addRun("static-peak", "Static, for the peak", backtest.StaticRun, 16, 0)
	addRun("reactive", "Reactive limit", backtest.ReactiveRun, 7.5, 10)
	addRun("oracle", "Oracle", backtest.OracleRun, 6, 0)
	return c
}

func renderHTML(t *testing.T, c backtest.Comparison) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page loads nothing. Names and messages are escaped.
func TestWriteHTML_IsSelfContained(t *testing.T) {
	text := renderHTML(t, newComparison())
	for _, pattern := range []string{
		`(?i)<(script|img|iframe|source|video|audio|embed)[^>]+src=`, `(?i)<link[^>]+href="?https?:`, `@import`, `(?i)url\(\s*['"]?https?:`, `\bfetch\(`,
		`XMLHttpRequest`, `WebSocket`, `onerror=alert\(1\)>`,
	} {
		if found := regexp.MustCompile(pattern).FindString(text); found != "" {
			t.Errorf("the page contains %q", found)
		}
	}
	if n := strings.Count(text, "<script"); n != 3 {
		t.Errorf("the page has %d scripts, want 3", n)
	}
	if !strings.Contains(text, "default-src 'none'") {
		t.Error("the page has no content security policy that forbids it to load anything")
	}
}

// The chart data equal the comparison. Missing and infinite values are null.
func TestWriteHTML_EmbedsChartData(t *testing.T) {
	c := newComparison()
	c.Runs[0].Timeline.DemandVCPUs[3] = math.Inf(1)
	text := renderHTML(t, c)
	_, rest, _ := strings.Cut(text, `id="data">`)
	raw, _, _ := strings.Cut(rest, "</script>")
	var d struct {
		Start, BucketSeconds int64
		DemandVCPUs          []*float64
		CostUnit             string
		Runs                 []struct {
			ID, Name          string
			ShownInitially    bool
			CapacityVCPUs     []float64
			OverloadedMinutes []int
			Events            []struct {
				Time          int64
				Kind, Message string
			}
		}
	}
	if err := json.Unmarshal([]byte(raw), &d); err != nil {
		t.Fatal(err)
	}
	if demand := d.DemandVCPUs; d.Start != startTime.Unix() || d.BucketSeconds != 600 || len(demand) != 2000 || demand[3] != nil ||
		demand[910] != nil || *demand[0] != 4 || d.CostUnit != "vCPU hours" {
		t.Errorf("start %d, buckets of %d s, %d values of demand, costs in %s", d.Start, d.BucketSeconds, len(demand), d.CostUnit)
	}
	var shown []string
	for n, r := range d.Runs {
		if len(r.CapacityVCPUs) != 2000 || len(r.OverloadedMinutes) != 2000 || len(r.Events) != 4 || r.Events[3].Kind != "blocked" {
			t.Errorf("run %d has %d values of capacity, %d of overload, and the events %+v", n, len(r.CapacityVCPUs),
				len(r.OverloadedMinutes), r.Events)
		}
		if r.ShownInitially {
			shown = append(shown, r.ID)
		}
	}
	if got := fmt.Sprint(shown); got != "[dbscaler aurora-h3 atlas reactive oracle]" {
		t.Errorf("the runs that are shown initially are %s", got)
	}
	if d.Runs[2].Name != "Aurora Auto Scaling (H=3)" || d.Runs[3].Name != hostileText {
		t.Errorf("the third and fourth run are %q and %q", d.Runs[2].Name, d.Runs[3].Name)
	}
}

// A comparison without the oracle, without timelines or without any run gives a page. The error of the writer is returned.
func TestWriteHTML_AcceptsIncompleteComparison(t *testing.T) {
	c := newComparison()
	c.Runs = c.Runs[:1]
	c.Runs[0].Timeline, c.Runs[0].Events = backtest.Timeline{}, nil
	if text := renderHTML(t, c); !strings.Contains(text, "<td>–</td>") {
		t.Error("a comparison without the oracle has a cost ratio")
	}
	renderHTML(t, backtest.Comparison{})
	if err := WriteHTML(fullWriter{}, c); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("failing writer: got error %v", err)
	}
}

// fullWriter fails like a full disk.
type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteTable(t *testing.T) {
	c := newComparison()
	c.Runs[2].Name, c.Runs[1].OtherPlatform = "Atlas", true
	var b bytes.Buffer
	if err := WriteTable(&b, c); err != nil {
		t.Fatal(err)
	}
	want := `                                OVERLOADED        UNSERVED          COST   VS ORACLE   SLACK   TIME TO CAPACITY   DISRUPTIONS   CHANGES
   dbscaler                         20 min   10.0 vCPU min   2400 vCPU h      1.33 ×    25 %   7 min (at most 9)             3        12
   Static, for the peak              0 min               0   4800 vCPU h      2.67 ×    62 %                  –             3        12
   Aurora Auto Scaling (H=3) †  5 h 00 min  150.0 vCPU min   2700 vCPU h      1.50 ×    33 %   7 min (at most 9)             3        12
   Atlas                       15 h 00 min  450.0 vCPU min   2100 vCPU h      1.17 ×    14 %   7 min (at most 9)             3        12
   Reactive limit                   10 min    5.0 vCPU min   2250 vCPU h      1.25 ×    20 %   7 min (at most 9)             3        12
   Oracle                            0 min               0   1800 vCPU h      1.00 ×     0 %                  –             3        12

Foresight: 3 of 4 foreseen growths were needed (precision 75 %); for 1 of 3 shortages the capacity was there in time (recall 33 %).
`
	squeeze := func(s string) string { return regexp.MustCompile(` +`).ReplaceAllString(s, " ") }
	if got := b.String(); !strings.HasPrefix(squeeze(got), squeeze(want)) || !strings.Contains(got, "gaps of 25 min") ||
		!strings.Contains(got, "was saturated for 3 h 00 min") || !strings.Contains(got, "simulated") {
		t.Errorf("got\n%s", got)
	}
	c.Runs[0].Score.CostKnown, c.Runs[0].Score.Cost = true, 1234567890
	if got := FormatCost(c.Runs[0].Score); got != "$1234.57" {
		t.Errorf("the cost is %s, want $1234.57", got)
	}
}
