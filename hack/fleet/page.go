package main

import (
	"fmt"
	"os"
	"strings"
)

// endMarker is the line of the page before which new sections are inserted.
const endMarker = "<!-- end of the figures -->"

// writePage replaces the section of this fleet in a Markdown page, or adds one before the end of the figures.
func (r *results) writePage(path string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replaceSection(string(page), r.title(), r.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o600) // the mode of a page that exists stays
}

// replaceSection replaces the section with a title of the third level, which ends at the next title or at the end of the figures.
func replaceSection(page, title, section string) (string, error) {
	end := strings.Index(page, endMarker)
	if end < 0 {
		return "", fmt.Errorf("want the line %s", endMarker)
	}
	figures, rest := page[:end], page[end:]
	heading := "### " + title + "\n"
	begin := strings.Index(figures, heading)
	if begin < 0 {
		return figures + section + "\n" + rest, nil
	}
	after := figures[begin+len(heading):]
	if next := strings.Index(after, "\n### "); next >= 0 {
		return figures[:begin] + section + "\n" + after[next+1:] + rest, nil
	}
	return figures[:begin] + section + "\n" + rest, nil
}
