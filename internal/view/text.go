package view

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// style is the colour of a text.
type style string

// The styles, as SGR parameters of ECMA-48.
const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// Options say how text is written.
type Options struct {
	// Width is the number of columns; zero for DefaultWidth.
	Width int
	// Color says whether the text has colours, for a terminal.
	Color bool
	// Wide shows more: all conditions, endpoints, and the whole history.
	Wide bool
}

// DefaultWidth is the number of columns that text is wrapped at.
const DefaultWidth = 80

func (o Options) width() int {
	if o.Width == 0 {
		return DefaultWidth
	}
	return o.Width
}

// paint adds the colour of a style.
func (o Options) paint(s style, text string) string {
	if !o.Color || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// wrap breaks a text into lines of at most a number of columns, between words. A longer word has its own line. Runs of spaces within a
// line stay.
func wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for _, word := range strings.SplitAfter(paragraph, " ") {
			if line != "" && columns(line)+columns(strings.TrimRight(word, " ")) > width {
				lines = append(lines, strings.TrimRight(line, " "))
				line = ""
				if word == " " {
					continue // a line does not start with the rest of a run
				}
			}
			line += word
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// columns is the width of a text, each rune of which has one column.
func columns(text string) int { return utf8.RuneCountInString(text) }

// pad fills a text with spaces up to a number of columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// barWidth is the number of characters of a bar.
const barWidth = 10

// bar shows a percentage: "████░░░░░░".
func bar(percent float64) string {
	full := min(max(int(math.Round(percent/100*barWidth)), 0), barWidth)
	return strings.Repeat("█", full) + strings.Repeat("░", barWidth-full)
}

// formatAge writes a duration in one or two units: "45 s", "12 min", "3 h 20 min", "5 d 2 h".
func formatAge(d time.Duration) string {
	d = max(0, d)
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 2*day:
		return joinUnits(fmt.Sprintf("%d h", d/time.Hour), int(d%time.Hour/time.Minute), "min")
	}
	return joinUnits(fmt.Sprintf("%d d", d/day), int(d%day/time.Hour), "h")
}

func joinUnits(large string, small int, unit string) string {
	if small == 0 {
		return large
	}
	return fmt.Sprintf("%s %d %s", large, small, unit)
}

// formatTime writes a time: without the date when it is less than half a day away.
func formatTime(t, now time.Time) string {
	if d := t.Sub(now); d < 12*time.Hour && d > -12*time.Hour {
		return t.UTC().Format("15:04:05Z")
	}
	return t.UTC().Format("2006-01-02T15:04Z")
}

// formatUSD writes an amount in dollars, with cents and at most four decimals.
func formatUSD(v float64) string {
	text := fmt.Sprintf("%.4f", math.Abs(v))
	for strings.HasSuffix(text, "0") && !strings.HasSuffix(text[:len(text)-1], ".0") && len(text)-strings.Index(text, ".") > 3 {
		text = text[:len(text)-1]
	}
	if v < 0 {
		return "-$" + text
	}
	return "$" + text
}

// formatLag writes a replica lag.
func formatLag(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.0f ms", 1000*s)
	}
	return fmt.Sprintf("%.0f s", s)
}
