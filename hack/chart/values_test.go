package main

import (
	"slices"
	"strings"
	"testing"
)

const sampleValues = `# About the file.

# How many.
replicas: 2
image:
  # The name,
  # in full.
  repository: "dbscaler"
# All of it, or | nothing.
resources:
  # not a value of its own
  limits: {memory: 256Mi}
  # another
  list:
  - a
`

func TestParseValues(t *testing.T) {
	got, err := parseValues([]byte(sampleValues))
	if err != nil {
		t.Fatal(err)
	}
	want := []value{
		{"replicas", "2", "How many."},
		{"image.repository", `"dbscaler"`, "The name, in full."},
		{"resources", "{limits: {memory: 256Mi}, list: [a]}", "All of it, or | nothing."},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if row := "| `resources` | `{limits: {memory: 256Mi}, list: [a]}` | All of it, or \\| nothing. |\n"; !strings.Contains(table(got), row) {
		t.Errorf("the table lacks %q:\n%s", row, table(got))
	}
}

func TestParseValues_FirstValueWithoutCommentAboutFile(t *testing.T) {
	got, err := parseValues([]byte("# Keeps it.\nkeep: true\n"))
	if err != nil || len(got) != 1 || got[0].description != "Keeps it." {
		t.Errorf("got %q and error %v, want the comment before the first value", got, err)
	}
}

func TestParseValues_WithoutComment(t *testing.T) {
	for _, text := range []string{"# Why.\na: 1\nb: 2\n", "b: {}\n", "# Why.\na: 1\nc:\n  # Why.\n  a: 1\n  b: 2\n"} {
		if _, err := parseValues([]byte(text)); err == nil || !strings.Contains(err.Error(), "b has no comment: describe it in the lines before it") {
			t.Errorf("%q: got error %v, want one that names b", text, err)
		}
	}
}
