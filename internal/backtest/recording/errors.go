package recording

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// InputError is an error in a recording, with its place and what to do about it, in one line. Read and Open return it as a pointer.
type InputError struct {
	// File is the name of the recording.
	File string
	// Line counts from 1; zero is the whole file.
	Line int
	// Problem describes the error and what to do.
	Problem string
}

// Error is "file:line: problem", or "file: problem" for the whole file.
func (e *InputError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Problem
	}
	return e.File + ":" + strconv.Itoa(e.Line) + ": " + e.Problem
}

// inputFile is the name of the input, for errors.
type inputFile string

// errorAt is an InputError about a line, or about the whole file if the line is zero.
func (f inputFile) errorAt(line int, format string, args ...any) error {
	return &InputError{File: string(f), Line: line, Problem: fmt.Sprintf(format, args...)}
}

// quote quotes a part of the input, shortened to 40 characters.
func quote(text string) string {
	const maxLength = 40
	if runes := []rune(text[:min(len(text), 4*maxLength)]); len(runes) > maxLength {
		text = string(runes[:maxLength]) + "…"
	}
	return strconv.Quote(text)
}

// formatTime formats a time as in CSV recordings.
func formatTime(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.DateTime) }

// formatSeconds formats a duration in seconds. It is limited to the longest time.Duration.
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
