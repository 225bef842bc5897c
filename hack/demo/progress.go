package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// barWidth is how many cells a bar of CPU has.
const barWidth = 10

// progressPrinter prints the day as it goes: a line every now and then, and a line when the operator does something.
type progressPrinter struct {
	out        io.Writer
	interval   time.Duration
	nextLineAt time.Time
	printed    struct {
		operation, decision string
		ended               int
	}
}

// printHeader explains the columns.
func (s *progressPrinter) printHeader() {
	fmt.Fprintf(s.out, "\n%-6s %-22s %-22s %-24s %s\n", "time", "readers (hottest)", "writer", "readers run on", "the operator says")
}

// printState prints the state, when it is time for one.
func (s *progressPrinter) printState(now time.Time, reader, writer cpuUsage, p *v1alpha1.DBScalingPolicy) {
	if now.Before(s.nextLineAt) {
		return
	}
	s.nextLineAt = now.Truncate(s.interval).Add(s.interval)
	shape, reason := "?", "…"
	if p.Status.Readers != nil {
		shape = p.Status.Readers.Shape
	}
	if p.Status.Decision != nil {
		reason = p.Status.Decision.Reason
	}
	fmt.Fprintf(s.out, "%-6s %-22s %-22s %-24s %s\n", now.Format("15:04"), reader, writer, shape, reason)
}

// printChanges prints what the operator has begun, done or given up since the last call.
func (s *progressPrinter) printChanges(now time.Time, p *v1alpha1.DBScalingPolicy) {
	status := p.Status
	printLine := func(format string, args ...any) {
		fmt.Fprintf(s.out, "%-6s   ▸ %s\n", now.Format("15:04"), fmt.Sprintf(format, args...))
	}
	if op := status.Operation; op != nil && op.ID != s.printed.operation {
		s.printed.operation = op.ID
		printLine("%s: %s → %s, because: %s", op.Pool, formatShape(op.From), formatShape(op.To), op.Reason)
	}
	if d := status.Decision; d != nil && d.Message != s.printed.decision {
		s.printed.decision = d.Message
		if strings.HasPrefix(d.Message, "Step ") || d.HeldBackBy != "" || d.Reason == "AtMaximum" {
			printLine("%s", d.Message)
		}
	}
	if n := len(status.History); n > s.printed.ended {
		s.printed.ended = n
		finished := status.History[0]
		printLine("%s", strings.TrimSpace(fmt.Sprintf("operation %s %s after %s %s", finished.ID, strings.ToLower(string(finished.Outcome)),
			formatMinutes(finished.CompletionTime.Sub(finished.StartTime.Time)), finished.Message)))
	}
}

// formatMinutes writes a duration in whole minutes.
func formatMinutes(d time.Duration) string { return fmt.Sprintf("%.0f min", d.Minutes()) }

func formatShape(s v1alpha1.Shape) string {
	class := s.InstanceClass
	if class == "" {
		class = "mixed classes"
	}
	return fmt.Sprintf("%d × %s", *s.Replicas, class)
}

// cpuUsage is a CPU percentage as CloudWatch shows it; it may be missing.
type cpuUsage struct {
	percent float64
	known   bool
}

// String draws it.
func (u cpuUsage) String() string {
	if !u.known {
		return "  no data"
	}
	full := int(u.percent/100*barWidth + 0.5)
	return fmt.Sprintf("%4.0f %% %s%s", u.percent, strings.Repeat("█", full), strings.Repeat("░", barWidth-full))
}
