package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newRepository returns a git repository with a commit of 2026-11-28 10:00:00 UTC.
func newRepository(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, value := range map[string]string{
		"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "2026-11-28T11:00:00+01:00",
		"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_COMMITTER_DATE": "2026-11-28T11:00:00+01:00",
		"SOURCE_DATE_EPOCH": "", "REVISION": "",
	} {
		t.Setenv(name, value)
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "."}, {"commit", "-q", "-m", "Add a file"}} {
		runGit(t, folder, args...)
	}
	return folder
}

func runGit(t *testing.T, folder string, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", args...)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, output)
	}
}

func TestReadStamp(t *testing.T) {
	folder := newRepository(t)
	check := func(title, version, want string) {
		t.Helper()
		s, err := readStamp(t.Context(), folder, version)
		if err != nil {
			t.Fatalf("%s: %v", title, err)
		}
		if !s.time.Equal(time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)) || len(s.revision) != 40 {
			t.Errorf("%s: got time %s and revision %q", title, s.time, s.revision)
		}
		if got := strings.ReplaceAll(s.version, s.revision[:12], "HASH"); got != want {
			t.Errorf("%s: got version %s, want %s", title, got, want)
		}
	}
	check("no tag", "", "v0.0.0-20261128100000-HASH")
	check("given version", "v9.9.9", "v9.9.9")
	runGit(t, folder, "tag", "v0.9.0")
	runGit(t, folder, "tag", "v0.10.0")
	runGit(t, folder, "tag", "latest")
	check("several tags", "", "v0.10.0")
	if err := os.WriteFile(filepath.Join(folder, "file"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("changed file", "", "v0.10.0+dirty")
}

func TestReadStamp_WithoutGit(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("SOURCE_DATE_EPOCH", "")
	t.Setenv("REVISION", "")
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(folder))
	if _, err := readStamp(t.Context(), folder, "v1.0.0"); err == nil || !strings.Contains(err.Error(), "set VERSION and SOURCE_DATE_EPOCH") {
		t.Errorf("without git: %v", err)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "1764201600")
	s, err := readStamp(t.Context(), folder, "v1.0.0")
	if err != nil || s.version != "v1.0.0" || s.time.Unix() != 1764201600 {
		t.Errorf("with both variables: %+v, %v", s, err)
	}
}
