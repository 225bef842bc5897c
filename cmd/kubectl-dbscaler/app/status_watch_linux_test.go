package app

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
	"github.com/dbscaler/dbscaler/internal/convert"
)

// colors are the sequences of ECMA-48 for colours.
var colors = regexp.MustCompile("\x1b\\[[0-9]*m")

// startWatch runs status --watch on a pseudo-terminal, and returns the frames and the result.
func (h *operatorHarness) startWatch(t *testing.T, args ...string) (frames <-chan string, result <-chan error) {
	t.Helper()
	terminal := openPseudoTerminal(t, 80, 60)
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: terminal.user, ErrOut: terminal.user}, h.clock)
	root.SetArgs(append([]string{"status", "orders", "--watch", "--kubeconfig", h.kubeconfig, "-n", h.namespace}, args...))
	done := make(chan error, 1)
	go func() {
		err := root.ExecuteContext(t.Context())
		_ = terminal.user.Close() // ends the frames
		done <- err
	}()
	return terminal.frames, done
}

// waitForFrame returns the first frame that has a text. It moves the clock, so that the terminal is drawn again.
func (h *operatorHarness) waitForFrame(t *testing.T, frames <-chan string, want string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	last := ""
	for {
		select {
		case frame, open := <-frames:
			if !open {
				t.Fatalf("the frames ended without %q; the last one is\n%s", want, last)
			}
			if last = frame; strings.Contains(frame, want) {
				return frame
			}
		case <-ctx.Done():
			t.Fatalf("no frame has %q; the last one is\n%s", want, last)
		}
	}
}

// TestStatus_WatchOnTerminal watches a whole operation through a pseudo-terminal: each of its steps is drawn in progress and done, in place,
// within 80 columns, and the command ends with the operation.
func TestStatus_WatchOnTerminal(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.runUntil(t, "scaling the readers up", 4*time.Hour, isChanging)
	frames, result := h.startWatch(t)
	h.waitForFrame(t, frames, "0 of 3 steps done")
	seen := map[string]bool{}
	for done, progress := range []string{"1 of 3 steps done", "2 of 3 steps done"} {
		h.runUntil(t, progress, 3*time.Hour, func(p *v1alpha1.DBScalingPolicy) bool {
			return convert.Operation(p.Status.Operation).CurrentStep() > done
		})
		frame := h.waitForFrame(t, frames, progress)
		if !strings.Contains(frame, "\x1b[32m✔\x1b[0m") {
			t.Errorf("the frame has no colours:\n%q", frame)
		}
		frame = colors.ReplaceAllString(frame, "")
		expectNarrow(t, frame)
		for line := range strings.Lines(frame) {
			for _, mark := range []string{"▶", "✔", "○"} {
				if _, text, found := strings.Cut(line, mark+" "); found {
					seen[mark+strings.Fields(text)[0]] = true
				}
			}
		}
	}
	h.runUntil(t, "idle", 3*time.Hour, isIdle)
	last := ""
	for frame := range frames {
		last = frame
	}
	if err := <-result; err != nil {
		t.Errorf("a watch of an operation that succeeded ends with %v", err)
	}
	for _, want := range []string{"✔create", "✔resize", "○delete"} {
		if !seen[want] {
			t.Errorf("no frame shows %s; got %v", want, seen)
		}
	}
	// The operator records the event after the status: it may be missing.
	if !strings.Contains(colors.ReplaceAllString(last, ""), "─ Succeeded ") {
		t.Errorf("the last frame is\n%s", last)
	}
}

// TestStatus_WatchPrintsLines: without a terminal each change is a line.
func TestStatus_WatchPrintsLines(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.runUntil(t, "scaling the readers up", 4*time.Hour, isChanging)
	reader, writer := io.Pipe()
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: writer, ErrOut: writer}, h.clock)
	root.SetArgs([]string{"status", "orders", "--watch", "--kubeconfig", h.kubeconfig, "-n", h.namespace})
	result := make(chan error, 1)
	go func() {
		result <- root.ExecuteContext(t.Context())
		_ = writer.Close()
	}()
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(reader); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	for line := range lines {
		if strings.Contains(line, "step 1 of 3 started: create surge reader") {
			break
		}
	}
	h.runUntil(t, "idle", 3*time.Hour, isIdle)
	var rest []string
	for line := range lines {
		rest = append(rest, line)
	}
	if err := <-result; err != nil {
		t.Error(err)
	}
	text := strings.Join(rest, "\n")
	if !strings.Contains(text, " Succeeded after ") || strings.Contains(text, "\x1b") {
		t.Errorf("the lines are\n%s", text)
	}
}

// TestStatus_WatchTimesOut: an operation that does not end within --timeout has exit code 1.
func TestStatus_WatchTimesOut(t *testing.T) {
	h := newOperatorHarness(t, incident, incidentPolicy)
	h.runUntil(t, "scaling the readers up", 4*time.Hour, isChanging)
	var out bytes.Buffer
	root := New(genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, clock.RealClock{})
	root.SetArgs([]string{"status", "orders", "-w", "--timeout", "100ms", "--kubeconfig", h.kubeconfig, "-n", h.namespace})
	err := root.ExecuteContext(t.Context())
	var failed *StalledError
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "--timeout 100ms passed") || !strings.Contains(out.String(), "operation") {
		t.Errorf("%v\n%s", err, out.String())
	}
}
