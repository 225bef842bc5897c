package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// width is how many cells a bar of CPU has.
const width = 10

// screen prints the day as it goes: a line every now and then, and a line when the operator does something.
type screen struct {
	out   io.Writer
	every time.Duration
	next  time.Time
	seen  struct {
		operation, decision string
		ended               int
	}
}

// header explains the columns.
func (s *screen) header() {
	fmt.Fprintf(s.out, "\n%-6s %-22s %-22s %-24s %s\n", "time", "readers (hottest)", "writer", "readers run on", "the operator says")
}

// line prints the state, when it is time for one.
func (s *screen) line(now time.Time, reader, writer usage, p *v1alpha1.DBScalingPolicy) {
	if now.Before(s.next) {
		return
	}
	s.next = now.Truncate(s.every).Add(s.every)
	shape, doing := "?", "…"
	if p.Status.Readers != nil {
		shape = p.Status.Readers.Shape
	}
	if p.Status.Decision != nil {
		doing = p.Status.Decision.Reason
	}
	fmt.Fprintf(s.out, "%-6s %-22s %-22s %-24s %s\n", now.Format("15:04"), reader, writer, shape, doing)
}

// changes prints what the operator has begun, done or given up since the last call.
func (s *screen) changes(now time.Time, p *v1alpha1.DBScalingPolicy) {
	status := p.Status
	say := func(format string, args ...any) {
		fmt.Fprintf(s.out, "%-6s   ▸ %s\n", now.Format("15:04"), fmt.Sprintf(format, args...))
	}
	if op := status.Operation; op != nil && op.ID != s.seen.operation {
		s.seen.operation = op.ID
		say("%s: %s → %s, because: %s", op.Pool, shapeOf(op.From), shapeOf(op.To), op.Reason)
	}
	if d := status.Decision; d != nil && d.Message != s.seen.decision {
		s.seen.decision = d.Message
		if strings.HasPrefix(d.Message, "Step ") || d.FirstBlocker() != "" || d.Reason == "AtMaximum" {
			say("%s", d.Message)
		}
	}
	if n := len(status.History); n > s.seen.ended {
		s.seen.ended = n
		done := status.History[0]
		say("%s", strings.TrimSpace(fmt.Sprintf("operation %s %s after %s %s", done.ID, strings.ToLower(string(done.Outcome)),
			minutesOf(done.CompletionTime.Sub(done.StartTime.Time)), done.Message)))
	}
}

// minutesOf writes a duration in whole minutes.
func minutesOf(d time.Duration) string { return fmt.Sprintf("%.0f min", d.Minutes()) }

func shapeOf(s v1alpha1.Shape) string {
	class := s.InstanceClass
	if class == "" {
		class = "mixed classes"
	}
	return fmt.Sprintf("%d × %s", *s.Replicas, class)
}

// usage is a CPU percentage as CloudWatch shows it; it may be missing.
type usage struct {
	percent float64
	known   bool
}

// String draws it.
func (u usage) String() string {
	if !u.known {
		return "  no data"
	}
	full := int(u.percent/100*width + 0.5)
	return fmt.Sprintf("%4.0f %% %s%s", u.percent, strings.Repeat("█", full), strings.Repeat("░", width-full))
}
