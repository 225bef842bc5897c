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

// hostileText is a text that would end a script, were it not escaped.
const hostileText = `</script><script>document.title="owned"</script><img src=x onerror=alert(1)>`

// newComparison is two weeks of several runs with events and a gap.
func newComparison() backtest.Comparison {
	const buckets = 2000
	c := backtest.Comparison{
		PolicyName: "shop/orders", RecordingSource: "cpu.csv " + hostileText, Start: startTime, End: startTime.Add(14 * 24 * time.Hour), Interval: 5 * time.Minute,
		GapMinutes: 25, UncertainMinutes: 180,
	}
	run := func(id, name string, kind backtest.RunKind, size float64, overloaded int) {
		r := backtest.Run{ID: id, Name: name, Kind: kind, Source: "by its rule", Timeline: backtest.Timeline{Start: startTime, BucketLength: 10 * time.Minute}}
		for n := range buckets {
			demand := 4 + 3*math.Sin(float64(n)/144*2*math.Pi)
			if n > 900 && n < 920 {
				demand = math.NaN()
			}
			r.Timeline.DemandVCPUs = append(r.Timeline.DemandVCPUs, demand)
			r.Timeline.CapacityVCPUs = append(r.Timeline.CapacityVCPUs, size+float64(n/100%3)*2)
			over := 0
			if overloaded > 0 && n%400 == 100 {
				over = 5
			}
			r.Timeline.OverloadedMinutes = append(r.Timeline.OverloadedMinutes, over)
		}
		r.Score = backtest.Score{ScoredMinutes: 20000, OverloadedMinutes: overloaded, UnservedVCPUMinutes: float64(overloaded) / 2, VCPUHours: size * 300, Changes: 12, Disruptions: 3}
		for n, kind := range []backtest.EventKind{backtest.EventScaleUp, backtest.EventScaleDown, backtest.EventDisruption, backtest.EventBlocked} {
			r.Events = append(r.Events, backtest.Event{Time: startTime.Add(time.Duration(n+1) * 24 * time.Hour), Kind: kind, Message: "because " + hostileText})
		}
		c.Runs = append(c.Runs, r)
	}
	run("dbscaler", "dbscaler", backtest.PolicyRun, 8, 20)
	run("aurora-h3", "Aurora Auto Scaling (H=3)", backtest.BaselineRun, 9, 300)
	run("atlas", hostileText, backtest.BaselineRun, 7, 900)
	run("static-peak", "Static, for the peak", backtest.StaticRun, 16, 0)
	run("oracle", "Oracle", backtest.OracleRun, 6, 0)
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

// The page loads nothing, and what names and reasons contain stays text.
func TestWriteHTML_IsSelfContained(t *testing.T) {
	text := renderHTML(t, newComparison())
	for _, pattern := range []string{
		`(?i)<(script|img|iframe|source|video|audio|embed)[^>]+src=`, `(?i)<link[^>]+href="?https?:`, `@import`, `(?i)url\(\s*['"]?https?:`, `\bfetch\(`,
		`XMLHttpRequest`, `WebSocket`, `onerror=alert\(1\)>`,
	} {
		if found := regexp.MustCompile(pattern).FindString(text); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	if n := strings.Count(text, "<script"); n != 3 {
		t.Errorf("the page has %d scripts, and three are its own", n)
	}
	if !strings.Contains(text, "default-src 'none'") {
		t.Error("nothing forbids the page to load something")
	}
}

// What is drawn is what was compared: missing values are null, and infinite ones too.
func TestWriteHTML_EmbedsChartData(t *testing.T) {
	c := newComparison()
	c.Runs[0].Timeline.DemandVCPUs[3] = math.Inf(1)
	text := renderHTML(t, c)
	_, rest, _ := strings.Cut(text, `id="data">`)
	raw, _, _ := strings.Cut(rest, "</script>")
	var d struct {
		Start, Bucket int64
		Demand        []*float64
		Unit          string
		Runs          []struct {
			ID, Name   string
			First      bool
			Capacity   []float64
			Overloaded []int
			Events     []struct {
				At         int64
				Kind, Text string
			}
		}
	}
	if err := json.Unmarshal([]byte(raw), &d); err != nil {
		t.Fatal(err)
	}
	if d.Start != startTime.Unix() || d.Bucket != 600 || len(d.Demand) != 2000 || d.Demand[3] != nil || d.Demand[910] != nil || *d.Demand[0] != 4 ||
		d.Unit != "vCPU hours" {
		t.Errorf("drawn is %d, %d, %d values of %s", d.Start, d.Bucket, len(d.Demand), d.Unit)
	}
	var shown []string
	for n, r := range d.Runs {
		if len(r.Capacity) != 2000 || len(r.Overloaded) != 2000 || len(r.Events) != 4 || r.Events[3].Kind != "held back" {
			t.Errorf("run %d is drawn with %d, %d, %d", n, len(r.Capacity), len(r.Overloaded), len(r.Events))
		}
		if r.First {
			shown = append(shown, r.ID)
		}
	}
	if got := fmt.Sprint(shown); got != "[dbscaler aurora-h3 atlas oracle]" || d.Runs[2].Name != "Aurora Auto Scaling (H=3)" || d.Runs[3].Name != hostileText {
		t.Errorf("shown at first are %s", got)
	}
}

// A comparison without the oracle, without tracks or without any run is a page all the same; a writer's error is told.
func TestWriteHTML_AcceptsIncompleteComparison(t *testing.T) {
	c := newComparison()
	c.Runs = c.Runs[:1]
	c.Runs[0].Timeline, c.Runs[0].Events = backtest.Timeline{}, nil
	if text := renderHTML(t, c); !strings.Contains(text, "<td>–</td>") {
		t.Error("without an oracle there is something to compare the cost with")
	}
	renderHTML(t, backtest.Comparison{})
	if err := WriteHTML(fullWriter{}, c); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("a full disk: %v", err)
	}
}

// fullWriter is a disk that is.
type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestWriteTable(t *testing.T) {
	c := newComparison()
	c.Runs[2].Name, c.Runs[1].OtherPlatform = "Atlas", true
	var b bytes.Buffer
	if err := WriteTable(&b, c); err != nil {
		t.Fatal(err)
	}
	want := `                                OVERLOADED        UNSERVED          COST   OF ORACLE   DISRUPTIONS   CHANGES
   dbscaler                         20 min   10.0 vCPU min   2400 vCPU h      1.33 ×             3        12
   Static, for the peak              0 min               0   4800 vCPU h      2.67 ×             3        12
   Aurora Auto Scaling (H=3) †  5 h 00 min  150.0 vCPU min   2700 vCPU h      1.50 ×             3        12
   Atlas                       15 h 00 min  450.0 vCPU min   2100 vCPU h      1.17 ×             3        12
   Oracle                            0 min               0   1800 vCPU h      1.00 ×             3        12
`
	squeeze := func(s string) string { return regexp.MustCompile(` +`).ReplaceAllString(s, " ") }
	if got := b.String(); !strings.HasPrefix(squeeze(got), squeeze(want)) || !strings.Contains(got, "In 25 min nothing was recorded") ||
		!strings.Contains(got, "In 3 h 00 min the recorded database was saturated") || !strings.Contains(got, "simulated") {
		t.Errorf("got\n%s", got)
	}
	c.Runs[0].Score.CostKnown, c.Runs[0].Score.Cost = true, 1234567890
	if got := FormatCost(c.Runs[0].Score); got != "$1234.57" {
		t.Errorf("it costs %s", got)
	}
}
