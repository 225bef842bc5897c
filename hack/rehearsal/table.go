package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/dbscaler/dbscaler/hack/rehearsal/fixture"
)

//go:embed known-differences.yaml
var knownDifferencesFile []byte

// errDiffers is the error for new differences.
var errDiffers = errors.New("AWS and the simulator differ, see the table: extend the simulator (internal/rdssim), or add the difference " +
	"to hack/rehearsal/known-differences.yaml with the reason why it does not matter")

// compare shows the differences between the recordings from AWS and from the simulator. It returns errDiffers if some are new.
func (r *rehearsal) compare(aws, simulator map[string][]fixture.Exchange) error {
	rows, err := compareRecordings(aws, simulator)
	if err != nil {
		return err
	}
	newCount, requests := 0, 0
	for _, exchanges := range aws {
		requests += len(exchanges)
	}
	for _, row := range rows {
		if row.Reason == "" {
			newCount++
		}
	}
	writeTable(r.out, rows, r.showKnown)
	fmt.Fprintf(r.out, "%d requests compared: %d new differences, %d known ones%s\n", requests, newCount, len(rows)-newCount,
		map[bool]string{true: "", false: " (--all lists them)"}[r.showKnown || newCount == len(rows)])
	if newCount > 0 {
		return errDiffers
	}
	return nil
}

// row is a difference of one database.
type row struct {
	database string
	fixture.Difference
}

// compareRecordings compares the recordings of each database.
func compareRecordings(aws, simulator map[string][]fixture.Exchange) ([]row, error) {
	known, err := fixture.ParseKnownDifferences(knownDifferencesFile)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, name := range slices.Sorted(maps.Keys(aws)) {
		differences, err := fixture.Compare(aws[name], simulator[name], known)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, d := range differences {
			rows = append(rows, row{name, d})
		}
	}
	return rows, nil
}

// writeTable writes a table of the differences that are new, or of all.
func writeTable(out io.Writer, rows []row, all bool) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	hasHeader := false
	for _, d := range rows {
		verdict := "new"
		if d.Reason != "" {
			verdict = "known: " + d.Reason
			if !all {
				continue
			}
		}
		if !hasHeader {
			fmt.Fprintln(table, "DATABASE\tSTEP\tOPERATION\tPATH\tAWS\tSIMULATOR\tVERDICT")
			hasHeader = true
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.database, d.Step, d.Operation, d.Path, d.AWS, d.Simulator, verdict)
	}
	_ = table.Flush() // nothing can be done when the terminal is gone
}
