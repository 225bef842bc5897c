package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// summary is the result of one simulated run.
type summary struct {
	saturatedMinutes int // minutes with a saturated reader in service
	peakPercent      float64
	firstActionAt    time.Time
	firstAction      string
	shapeChanges     int
	finalReaders     string
	// initialReaderVCPUs are the vCPUs of the readers in service in the first minute, minReaderVCPUs the fewest since the first
	// action.
	initialReaderVCPUs, minReaderVCPUs float64
}

// recordMinReaderVCPUs sets the initial vCPUs of readers in service and the fewest since the first action. Without an action the
// two are equal.
func (s *summary) recordMinReaderVCPUs(minutes []model.MinuteSummary) {
	if len(minutes) == 0 {
		return
	}
	s.initialReaderVCPUs = minutes[0].ReaderVCPUs
	s.minReaderVCPUs = s.initialReaderVCPUs
	for _, m := range minutes {
		if !s.firstActionAt.IsZero() && !m.Time.Before(s.firstActionAt.Truncate(time.Minute)) {
			s.minReaderVCPUs = min(s.minReaderVCPUs, m.ReaderVCPUs)
		}
	}
}

// addMinutes adds minutes of the model's record to the saturated minutes and the peak.
func (s *summary) addMinutes(minutes []model.MinuteSummary) {
	for _, m := range minutes {
		s.peakPercent = max(s.peakPercent, m.HottestReaderPercent)
		if m.ReadersSaturated {
			s.saturatedMinutes++
		}
	}
}

// addShapeChange counts a change of shape and remembers the first.
func (s *summary) addShapeChange(at time.Time, what string) {
	if s.firstActionAt.IsZero() {
		s.firstActionAt, s.firstAction = at, what
	}
	s.shapeChanges++
}

// printComparison prints the results of two runs side by side.
func printComparison(out io.Writer, without, with summary) {
	row := func(label, left, right string) { fmt.Fprintf(out, "  %-33s %-40s %s\n", label, left, right) }
	fmt.Fprintln(out)
	row("", "without dbscaler (simulated)", "with dbscaler (simulated)")
	row("minutes with a saturated reader", fmt.Sprint(without.saturatedMinutes), fmt.Sprint(with.saturatedMinutes))
	row("highest reader CPU", fmt.Sprintf("%.0f %%", without.peakPercent), fmt.Sprintf("%.0f %%", with.peakPercent))
	row("first change", without.formatFirstAction(), with.formatFirstAction())
	row("lowest reader vCPUs after it", without.formatMinReaderVCPUs(), with.formatMinReaderVCPUs())
	row("shape changes", fmt.Sprint(without.shapeChanges), fmt.Sprint(with.shapeChanges))
	row("readers at the end", without.finalReaders, with.finalReaders)
	fmt.Fprintln(out)
}

func (s summary) formatMinReaderVCPUs() string {
	return fmt.Sprintf("%g (initially %g)", s.minReaderVCPUs, s.initialReaderVCPUs)
}

func (s summary) formatFirstAction() string {
	if s.firstActionAt.IsZero() {
		return "none"
	}
	return s.firstActionAt.Format("15:04") + " " + s.firstAction
}

// describeReaders returns the number and the classes of the cluster's readers.
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

// manualResize is the change that a person made in the incident: at 10:45 they resized the reader.
type manualResize struct {
	after time.Duration // since the start of the scenario
	class string
}

// simulateWithoutOperator runs the scenario on the model alone. Only the manual resize, if any, changes the database.
func simulateWithoutOperator(scenario model.Scenario, duration time.Duration, resize *manualResize) (summary, error) {
	var result summary
	w, err := model.New(scenario)
	if err != nil {
		return result, err
	}
	if resize != nil && resize.after < duration {
		at := scenario.Start.Add(resize.after)
		w.Advance(at)
		cluster, err := w.Cluster(region, clusterName)
		if err != nil {
			return result, err
		}
		for _, i := range w.Instances(region) {
			if i.Cluster != clusterName || i.Identifier == cluster.Writer {
				continue
			}
			request := model.ModifyInstanceRequest{Class: &resize.class, ApplyImmediately: true}
			if _, err := w.ModifyInstance(region, i.Identifier, request); err != nil {
				return result, err
			}
			result.addShapeChange(at, "manual resize to "+resize.class)
		}
	}
	w.Advance(scenario.Start.Add(duration))
	result.addMinutes(w.Minutes(region, clusterName))
	result.recordMinReaderVCPUs(w.Minutes(region, clusterName))
	result.finalReaders = describeReaders(w)
	return result, nil
}
