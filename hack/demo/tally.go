package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// tally is what a day came to.
type tally struct {
	saturated   int // minutes in which a reader in service was saturated
	peak        float64
	firstAction time.Time
	firstWhat   string
	changes     int
	readers     string
	// start is the vCPUs of the readers in service in the first minute, and fewest the least since the first action.
	start, fewest float64
}

// lowest finds the least vCPUs of readers in service since the first action; those of the start where there was none.
func (t *tally) lowest(minutes []model.MinuteSummary) {
	if len(minutes) == 0 {
		return
	}
	t.start = minutes[0].ReaderVCPUs
	t.fewest = t.start
	for _, m := range minutes {
		if !t.firstAction.IsZero() && !m.Time.Before(t.firstAction.Truncate(time.Minute)) {
			t.fewest = min(t.fewest, m.ReaderVCPUs)
		}
	}
}

// count adds up the truth about the readers, minute by minute.
func (t *tally) count(minutes []model.MinuteSummary) {
	for _, m := range minutes {
		t.peak = max(t.peak, m.HottestReaderPercent)
		if m.ReadersSaturated {
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
	row := func(what, a, b string) { fmt.Fprintf(out, "  %-36s %-34s %s\n", what, a, b) }
	fmt.Fprintln(out)
	row("", "without dbscaler (modelled)", "with dbscaler (simulated)")
	row("minutes a reader was saturated", fmt.Sprint(without.saturated), fmt.Sprint(with.saturated))
	row("highest CPU of a reader", fmt.Sprintf("%.0f %%", without.peak), fmt.Sprintf("%.0f %%", with.peak))
	row("first action", without.first(), with.first())
	row("fewest vCPUs of readers since then", without.lowestOf(), with.lowestOf())
	row("changes of shape", fmt.Sprint(without.changes), fmt.Sprint(with.changes))
	row("readers at the end", without.readers, with.readers)
	fmt.Fprintln(out)
}

func (t tally) lowestOf() string { return fmt.Sprintf("%g, and %g at the start", t.fewest, t.start) }

func (t tally) first() string {
	if t.firstAction.IsZero() {
		return "none"
	}
	return t.firstAction.Format("15:04") + " " + t.firstWhat
}

// readersOf says what the readers of the cluster run on.
func readersOf(w *model.World) string {
	classes := map[string]int{}
	cluster, err := w.Cluster(region, clusterName)
	if err != nil {
		return err.Error()
	}
	for _, i := range w.Instances(region) {
		if i.Cluster == clusterName && i.Identifier != cluster.Writer {
			classes[i.Class]++
		}
	}
	var parts []string
	for class, count := range classes {
		parts = append(parts, fmt.Sprintf("%d × %s", count, class))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// byHand is what somebody did on the day, when nobody else had: at 10:45 they resized the reader.
type byHand struct {
	at    time.Duration // since the start
	class string
}

// without plays the day on the model alone, with nobody acting but by hand.
func without(s model.Scenario, length time.Duration, hand *byHand) (tally, error) {
	var t tally
	w, err := model.New(s)
	if err != nil {
		return t, err
	}
	if hand != nil && hand.at < length {
		at := s.Start.Add(hand.at)
		w.Advance(at)
		cluster, err := w.Cluster(region, clusterName)
		if err != nil {
			return t, err
		}
		for _, i := range w.Instances(region) {
			if i.Cluster != clusterName || i.Identifier == cluster.Writer {
				continue
			}
			if _, err := w.ModifyInstance(region, i.Identifier, model.ModifyInstanceRequest{Class: &hand.class, ApplyImmediately: true}); err != nil {
				return t, err
			}
			t.act(at, "by hand, to "+hand.class)
		}
	}
	w.Advance(s.Start.Add(length))
	t.count(w.Minutes(region, clusterName))
	t.lowest(w.Minutes(region, clusterName))
	t.readers = readersOf(w)
	return t, nil
}
