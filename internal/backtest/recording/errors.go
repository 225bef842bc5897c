package recording

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// InputError says what is wrong with a recording, where, and what to do about it, in one line. Read and Open return it as a pointer.
type InputError struct {
	// File is the name that the recording was read under.
	File string
	// Line counts from 1; zero where the whole file is meant.
	Line int
	// Problem is for people.
	Problem string
}

// Error is "file:line: problem", or "file: problem" where the whole file is meant.
func (e *InputError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Problem
}

// inputFile makes the errors of one file.
type inputFile string

// errorAt is an error about a line, or about the whole file when the line is zero.
func (f inputFile) errorAt(line int, format string, args ...any) error {
	return &InputError{File: string(f), Line: line, Problem: fmt.Sprintf(format, args...)}
}

// quote shows a piece of input in one short line, whatever is in it.
func quote(text string) string {
	const maxLength = 40
	if runes := []rune(text[:min(len(text), 4*maxLength)]); len(runes) > maxLength {
		text = string(runes[:maxLength]) + "…"
	}
	return strconv.Quote(text)
}

// formatTime shows a time as recordings have it.
func formatTime(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.DateTime) }

// formatSeconds shows a distance in seconds; one that no time.Duration can hold is shown as the longest.
func formatSeconds(seconds int64) string {
	text := time.Unix(seconds, 0).Sub(time.Unix(0, 0)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
