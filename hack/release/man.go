package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
)

const (
	// referencePackage writes the man pages of the plugin.
	referencePackage = "./hack/plugin-reference"
	// manFolder is the folder of the man pages in the archives, as man wants it below a folder of MANPATH.
	manFolder = "man/man1"
)

// buildManPages returns the man pages of the plugin, which have the time of the stamp.
func buildManPages(ctx context.Context, s settings) ([]archiveFile, error) {
	folder, err := os.MkdirTemp("", "dbscaler-man-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	environment, err := buildEnvironment(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, "go", "run", "-buildvcs=false", referencePackage, "--man", folder, "--date",
		strconv.FormatInt(s.stamp.time.Unix(), 10))
	command.Dir, command.Env = s.source, environment
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("writing the man pages with %s: %w\n%s", referencePackage, err, output)
	}
	pages, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return nil, err
	}
	var files []archiveFile
	for _, page := range pages {
		content, err := os.ReadFile(filepath.Join(folder, page.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, archiveFile{name: path.Join(manFolder, page.Name()), mode: 0o644, content: content})
	}
	return files, nil
}
