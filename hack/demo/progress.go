package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// barWidth is the number of characters of a bar of CPU utilization.
const barWidth = 10

// progressPrinter prints the state at intervals of simulated time, and each action of the operator.
type progressPrinter struct {
	out        io.Writer
	interval   time.Duration
	nextLineAt time.Time
	// printed is what was printed last: the operation's id, the decision's message and the number of completed operations.
	printed struct {
		operationID, decisionMessage string
		completed                    int
	}
}

// newProgressPrinter returns a printer with an interval that suits the simulated duration: at most 40 lines up to ten days.
func newProgressPrinter(out io.Writer, duration time.Duration) *progressPrinter {
	for _, interval := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour} {
		if duration/interval <= 40 {
			return &progressPrinter{out: out, interval: interval}
		}
	}
	return &progressPrinter{out: out, interval: 24 * time.Hour}
}

// printHeader prints the names of the columns.
func (s *progressPrinter) printHeader() {
	fmt.Fprintf(s.out, "\n%-6s %-22s %-22s %-24s %s\n", "time", "reader CPU (hottest)", "writer CPU", "readers", "status")
}

// printState prints the state once per interval.
func (s *progressPrinter) printState(now time.Time, reader, writer cpuUsage, p *v1alpha1.DBScalingPolicy) {
	if now.Before(s.nextLineAt) {
		return
	}
	s.nextLineAt = now.Truncate(s.interval).Add(s.interval)
	shape, reason := "unknown", "-"
	if p.Status.Readers != nil {
		shape = p.Status.Readers.Shape
	}
	if p.Status.Decision != nil {
		reason = p.Status.Decision.Reason
	}
	fmt.Fprintf(s.out, "%-6s %-22s %-22s %-24s %s\n", now.Format("15:04"), reader, writer, shape, reason)
}

// printChanges prints the operations and steps that started or ended since the last call, and changes that a guard blocks.
func (s *progressPrinter) printChanges(now time.Time, p *v1alpha1.DBScalingPolicy) {
	status := p.Status
	printLine := func(format string, args ...any) {
		fmt.Fprintf(s.out, "%-6s   ▸ %s\n", now.Format("15:04"), fmt.Sprintf(format, args...))
	}
	if op := status.Operation; op != nil && op.ID != s.printed.operationID {
		s.printed.operationID = op.ID
		printLine("Operation %s started: %s %s → %s. Cause: %s", op.ID, strings.ToLower(string(op.Pool)), formatShape(op.From),
			formatShape(op.To), op.Cause)
	}
	if d := status.Decision; d != nil && d.Message != s.printed.decisionMessage {
		s.printed.decisionMessage = d.Message
		if strings.HasPrefix(d.Message, "Step ") || d.FirstBlocker() != "" || d.Reason == "AtMaximum" {
			printLine("%s", d.Message)
		}
	}
	if n := len(status.History); n > s.printed.completed {
		s.printed.completed = n
		finished := status.History[0]
		printLine("%s", strings.TrimSpace(fmt.Sprintf("Operation %s %s after %s %s", finished.ID, strings.ToLower(string(finished.Outcome)),
			formatMinutes(finished.CompletionTime.Sub(finished.StartTime.Time)), finished.Message)))
	}
}

// formatMinutes formats a duration in whole minutes.
func formatMinutes(d time.Duration) string { return fmt.Sprintf("%.0f min", d.Minutes()) }

func formatShape(s v1alpha1.Shape) string {
	class := s.InstanceClass
	if class == "" {
		class = "mixed classes"
	}
	return fmt.Sprintf("%d × %s", *s.Replicas, class)
}

// cpuUsage is a CPU utilization in percent, which may be unknown.
type cpuUsage struct {
	percent float64
	known   bool
}

// String returns the percentage and a bar.
func (u cpuUsage) String() string {
	if !u.known {
		return "  no data"
	}
	full := int(u.percent/100*barWidth + 0.5)
	return fmt.Sprintf("%4.0f %% %s%s", u.percent, strings.Repeat("█", full), strings.Repeat("░", barWidth-full))
}
