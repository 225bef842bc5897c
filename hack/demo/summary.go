package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// summary is what a day came to.
type summary struct {
	saturatedMinutes int // minutes in which a reader in service was saturated
	peakPercent      float64
	firstActionAt    time.Time
	firstAction      string
	shapeChanges     int
	finalReaders     string
	// initialReaderVCPUs is the vCPUs of the readers in service in the first minute, and fewest the least since the first action.
	initialReaderVCPUs, minReaderVCPUs float64
}

// recordMinReaderVCPUs finds the least vCPUs of readers in service since the first action; those of the start where there was none.
func (t *summary) recordMinReaderVCPUs(minutes []model.MinuteSummary) {
	if len(minutes) == 0 {
		return
	}
	t.initialReaderVCPUs = minutes[0].ReaderVCPUs
	t.minReaderVCPUs = t.initialReaderVCPUs
	for _, m := range minutes {
		if !t.firstActionAt.IsZero() && !m.Time.Before(t.firstActionAt.Truncate(time.Minute)) {
			t.minReaderVCPUs = min(t.minReaderVCPUs, m.ReaderVCPUs)
		}
	}
}

// addMinutes adds up the truth about the readers, minute by minute.
func (t *summary) addMinutes(minutes []model.MinuteSummary) {
	for _, m := range minutes {
		t.peakPercent = max(t.peakPercent, m.HottestReaderPercent)
		if m.ReadersSaturated {
			t.saturatedMinutes++
		}
	}
}

// addShapeChange notes a change of shape.
func (t *summary) addShapeChange(at time.Time, what string) {
	if t.firstActionAt.IsZero() {
		t.firstActionAt, t.firstAction = at, what
	}
	t.shapeChanges++
}

// printComparison sets two days side by side.
func printComparison(out io.Writer, without, with summary) {
	row := func(what, a, b string) { fmt.Fprintf(out, "  %-36s %-34s %s\n", what, a, b) }
	fmt.Fprintln(out)
	row("", "without dbscaler (modelled)", "with dbscaler (simulated)")
	row("minutes a reader was saturated", fmt.Sprint(without.saturatedMinutes), fmt.Sprint(with.saturatedMinutes))
	row("highest CPU of a reader", fmt.Sprintf("%.0f %%", without.peakPercent), fmt.Sprintf("%.0f %%", with.peakPercent))
	row("first action", without.formatFirstAction(), with.formatFirstAction())
	row("fewest vCPUs of readers since then", without.formatMinReaderVCPUs(), with.formatMinReaderVCPUs())
	row("changes of shape", fmt.Sprint(without.shapeChanges), fmt.Sprint(with.shapeChanges))
	row("readers at the end", without.finalReaders, with.finalReaders)
	fmt.Fprintln(out)
}

func (t summary) formatMinReaderVCPUs() string {
	return fmt.Sprintf("%g, and %g at the start", t.minReaderVCPUs, t.initialReaderVCPUs)
}

func (t summary) formatFirstAction() string {
	if t.firstActionAt.IsZero() {
		return "none"
	}
	return t.firstActionAt.Format("15:04") + " " + t.firstAction
}

// describeReaders says what the readers of the cluster run on.
func describeReaders(w *model.World) string {
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

// manualResize is what somebody did on the day, when nobody else had: at 10:45 they resized the reader.
type manualResize struct {
	after time.Duration // since the start
	class string
}

// simulateWithoutOperator plays the day on the model alone, with nobody acting but by hand.
func simulateWithoutOperator(s model.Scenario, length time.Duration, resize *manualResize) (summary, error) {
	var t summary
	w, err := model.New(s)
	if err != nil {
		return t, err
	}
	if resize != nil && resize.after < length {
		at := s.Start.Add(resize.after)
		w.Advance(at)
		cluster, err := w.Cluster(region, clusterName)
		if err != nil {
			return t, err
		}
		for _, i := range w.Instances(region) {
			if i.Cluster != clusterName || i.Identifier == cluster.Writer {
				continue
			}
			if _, err := w.ModifyInstance(region, i.Identifier, model.ModifyInstanceRequest{Class: &resize.class, ApplyImmediately: true}); err != nil {
				return t, err
			}
			t.addShapeChange(at, "by hand, to "+resize.class)
		}
	}
	w.Advance(s.Start.Add(length))
	t.addMinutes(w.Minutes(region, clusterName))
	t.recordMinReaderVCPUs(w.Minutes(region, clusterName))
	t.finalReaders = describeReaders(w)
	return t, nil
}
