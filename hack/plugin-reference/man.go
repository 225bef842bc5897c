package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// writeManPages writes the man page of each command into a folder. Only that of the plugin lists the flags of kubectl, which would bury
// those of the other commands.
func writeManPages(root *cobra.Command, folder string, date time.Time) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	root.DisableAutoGenTag = true // it has the date of the build
	for _, c := range visibleCommands(root) {
		c.DisableAutoGenTag = true
	}
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "dbscaler", Manual: "Commands of dbscaler"}
	setInheritedFlagsHidden(root, true)
	if err := doc.GenManTree(root, header, folder); err != nil {
		return err
	}
	setInheritedFlagsHidden(root, false)
	file, err := os.Create(filepath.Join(folder, "kubectl-dbscaler.1"))
	if err != nil {
		return err
	}
	return errors.Join(doc.GenMan(root, header, file), file.Close())
}
