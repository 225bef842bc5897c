package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// checkReproducible builds the image from the source and from a copy of it in another folder, and compares the digests. The copies have
// other times, permissions and, with s.fresh, no build cache.
func checkReproducible(ctx context.Context, s settings, out io.Writer) error {
	folder, err := os.MkdirTemp("", "dbscaler-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	source := filepath.Join(folder, "another", "place")
	if err := copySource(s.source, source); err != nil {
		return fmt.Errorf("copying the source: %w", err)
	}
	cache := ""
	if s.fresh {
		cache = filepath.Join(folder, "cache")
	}
	var results [2]digests
	for n, b := range []struct{ folder, cache string }{{s.source, ""}, {source, cache}} {
		started := time.Now()
		index, err := buildIndex(ctx, s, b.folder, b.cache)
		if err != nil {
			return err
		}
		if results[n], err = readDigests(index); err != nil {
			return err
		}
		fmt.Fprintf(out, "check: %s in %.0f s\n", results[n].Image, time.Since(started).Seconds())
	}
	if results[0].Image != results[1].Image {
		return fmt.Errorf("the image depends on where or when it is built: its digest is %s, and %s in another folder",
			results[0].Image, results[1].Image)
	}
	return nil
}

// ignoredFolders have nothing that a build reads.
var ignoredFolders = []string{".git", ".cache", "bin"}

// copySource copies the files of a module, without those that no build reads.
func copySource(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if slices.Contains(ignoredFolders, relative) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil // .git of a second working tree is a file
		}
		target := filepath.Join(to, relative)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		case entry.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, content, 0o600)
		default:
			return nil
		}
	})
}
