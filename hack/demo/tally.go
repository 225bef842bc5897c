package main

import (
	"fmt"
	"io"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// saturatedPercent is the CPU at and above which an instance cannot serve what is asked of it. CloudWatch shows whole
// minutes, so a minute that was saturated from end to end is at 100 less rounding.
const saturatedPercent = 99

// tally is what a day came to.
type tally struct {
	saturated   int // minutes in which a reader in service was saturated
	peak        float64
	firstAction time.Time
	firstWhat   string
	changes     int
	final       string
}

// region of the demonstration's database.
const region = "eu-west-1"

// readerMinutes is the CPU of the hottest reader by minute, as CloudWatch has it. Minutes in which no reader was in
// service have no entry.
func readerMinutes(w *model.World, cluster string, from, to time.Time) map[time.Time]float64 {
	hottest := map[time.Time]float64{}
	points := w.Points(region, map[string]string{"DBClusterIdentifier": cluster, "Role": "READER"}, "CPUUtilization.Maximum", from, to)
	for _, p := range points {
		hottest[p.At] = max(hottest[p.At], p.Value)
	}
	return hottest
}

// count adds up the readers' minutes.
func (t *tally) count(minutes map[time.Time]float64) {
	for _, percent := range minutes {
		t.peak = max(t.peak, percent)
		if percent >= saturatedPercent {
			t.saturated++
		}
	}
}

// act notes a change of shape.
func (t *tally) act(at time.Time, what string) {
	if t.firstAction.IsZero() {
		t.firstAction, t.firstWhat = at, what
	}
	t.changes++
}

// table sets two days side by side.
func table(out io.Writer, without, with tally) {
	row := func(what, a, b string) { fmt.Fprintf(out, "  %-34s %-34s %s\n", what, a, b) }
	fmt.Fprintln(out)
	row("", "without dbscaler (modelled)", "with dbscaler (simulated)")
	row("minutes a reader was saturated", fmt.Sprint(without.saturated), fmt.Sprint(with.saturated))
	row("highest CPU of a reader", fmt.Sprintf("%.0f %%", without.peak), fmt.Sprintf("%.0f %%", with.peak))
	row("first action", without.first(), with.first())
	row("changes of shape", fmt.Sprint(without.changes), fmt.Sprint(with.changes))
	row("readers at the end", without.final, with.final)
	fmt.Fprintln(out)
}

func (t tally) first() string {
	if t.firstAction.IsZero() {
		return "none"
	}
	return t.firstAction.Format("15:04") + " " + t.firstWhat
}
