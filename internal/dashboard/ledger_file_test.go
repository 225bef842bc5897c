package dashboard

import (
	"bytes"
	"compress/gzip"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/dbscaler/dbscaler/internal/view"
)

func listenerPort(l net.Listener) int {
	if a, isTCP := l.Addr().(*net.TCPAddr); isTCP {
		return a.Port
	}
	return 0
}

// TestLedgerFile_FollowsTheOperator: complete lines are read once, an incomplete one when it is complete, and a rotated file from its
// beginning.
func TestLedgerFile_FollowsTheOperator(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(recordings, "ledger.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimRight(text, "\n"), []byte("\n"))
	path := filepath.Join(t.TempDir(), "ledger.jsonl")
	write := func(flag int, parts ...[]byte) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		_, err = file.Write(bytes.Join(parts, nil))
		if closeErr := file.Close(); err != nil || closeErr != nil {
			t.Fatal(err, closeErr)
		}
	}
	entry := lastEntry(t)
	since := entry.Inputs.Now.Add(-dayLength)
	l := &ledgerFile{path: path}
	expect := func(decisions int, noteParts ...string) {
		t.Helper()
		err := l.withDay("shop/orders", since, func(day *view.LedgerDay, note string) {
			if got := len(day.Decisions()); got != decisions {
				t.Errorf("got %d decisions, want %d", got, decisions)
			}
			if len(noteParts) == 0 && note != "" {
				t.Errorf("got the note %q", note)
			}
			for _, part := range noteParts {
				if !strings.Contains(note, part) {
					t.Errorf("got the note %q, want %q", note, part)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	half := len(lines[1]) / 2
	write(0, lines[0], lines[1][:half])
	expect(1)
	write(os.O_APPEND, lines[1][half:])
	expect(2)
	expect(2)
	write(os.O_APPEND, []byte("no record\n"), lines[2])
	expect(3, "no records: 1", "line 3")
	if err := l.withDay("shop/none", since, func(day *view.LedgerDay, _ string) {
		if len(day.Decisions()) != 0 {
			t.Error("another policy has decisions")
		}
	}); err != nil {
		t.Error(err)
	}
	// A day that begins after the records has the last one, which was in force.
	if err := l.withDay("shop/orders", entry.Inputs.Now.Add(dayLength), func(day *view.LedgerDay, _ string) {
		if len(day.Decisions()) != 1 {
			t.Errorf("got %d decisions, want the one in force", len(day.Decisions()))
		}
	}); err != nil {
		t.Error(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := l.refresh(); err == nil || !strings.Contains(err.Error(), "the ledger cannot be read") {
		t.Errorf("without the file: %v", err)
	}
	write(0, lines[3])
	expect(1)
}

func TestNew_RejectsLedgers(t *testing.T) {
	var compressed bytes.Buffer
	zip := gzip.NewWriter(&compressed)
	if _, err := zip.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, want := range map[string]string{
		"compressed": "is compressed: decompress it first", "policy.yaml": "policy.yaml:1: the line is no record of a ledger", "none": "no such file",
		".": "is no regular file",
	} {
		if text, found := map[string][]byte{"compressed": compressed.Bytes(), "policy.yaml": []byte("kind: Config\n")}[name]; found {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := New(Options{Clock: clocktesting.NewFakePassiveClock(time.Unix(0, 0)), LedgerFile: filepath.Join(dir, name)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
