package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestPage_IsUpToDate: the page has the present commands. make generate writes it.
func TestPage_IsUpToDate(t *testing.T) {
	want, err := os.ReadFile("../../docs/reference/plugin.md")
	if err != nil {
		t.Fatal(err)
	}
	got := renderPage(newRoot())
	if got != string(want) {
		t.Errorf("docs/reference/plugin.md is out of date: run make generate")
	}
	for _, c := range visibleCommands(newRoot()) {
		if c.GroupID == "" && c.Parent() == c.Root() && c.Name() != "help" {
			t.Errorf("%s is in no group, so that the page lacks it: setUpHelp lists the commands", c.Name())
		}
	}
	before, last, found := strings.Cut(got, "## Flags of kubectl")
	if !found || strings.Contains(before, "--as-uid") || !strings.Contains(last, "--as-uid") || strings.Contains(last, os.Getenv("HOME")+"/") {
		t.Errorf("the flags of kubectl are not in the last section only, or name a folder of this machine")
	}
}

// TestManPages: each command has a page with its flags; two builds have the same bytes, whatever the time.
func TestManPages(t *testing.T) {
	date := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	folders := []string{t.TempDir(), t.TempDir()}
	for _, folder := range folders {
		if err := writeManPages(newRoot(), folder, date); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := os.ReadDir(folders[0])
	if want := len(visibleCommands(newRoot())) + 1; err != nil || len(pages) != want {
		t.Fatalf("got %d pages, %v, want %d", len(pages), err, want)
	}
	for _, page := range pages {
		first, firstErr := os.ReadFile(filepath.Join(folders[0], page.Name()))
		second, secondErr := os.ReadFile(filepath.Join(folders[1], page.Name()))
		if firstErr != nil || secondErr != nil || !bytes.Equal(first, second) {
			t.Errorf("%s differs between two builds (%v, %v)", page.Name(), firstErr, secondErr)
		}
		if !bytes.Contains(first, []byte("Jan 2026")) || bytes.Contains(first, []byte(".SH HISTORY")) {
			t.Errorf("%s has another date:\n%s", page.Name(), first)
		}
		if hasFlags := bytes.Contains(first, []byte("as-uid")); hasFlags != (page.Name() == "kubectl-dbscaler.1") {
			t.Errorf("%s lists the flags of kubectl: %t", page.Name(), hasFlags)
		}
	}
	status, err := os.ReadFile(filepath.Join(folders[0], "kubectl-dbscaler-status.1"))
	if err != nil || !bytes.Contains(status, []byte("watch")) || !bytes.Contains(status, []byte("EXAMPLE")) {
		t.Errorf("the page of status is %v\n%s", err, status)
	}
}
