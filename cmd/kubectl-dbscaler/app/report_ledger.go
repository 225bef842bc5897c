package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dbscaler/dbscaler/api/v1alpha1"
)

// The end of a ledger that a report includes: so many records, and so many bytes.
const maxReportRecords, maxReportLedgerBytes = 200, 32 << 20

// addLedger adds the last records of the ledger about the policies of the report.
func (r *reportCommand) addLedger(archive *reportArchive, policies []v1alpha1.DBScalingPolicy) (err error) {
	in, closeFile, err := openLedger(r.ledgerFile, r.streams.In)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeFile()) }()
	included := map[string]bool{}
	for n := range policies {
		included[policies[n].Namespace+"/"+policies[n].Name] = true
	}
	var tail []string
	size := 0
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxEntryBytes)
	for n := 1; lines.Scan(); n++ {
		var header struct {
			Inputs struct{ Policy struct{ Name string } }
		}
		if err := json.Unmarshal(lines.Bytes(), &header); err != nil || header.Inputs.Policy.Name == "" {
			return asInputError(fmt.Errorf("%s:%d: the line is no record of a ledger: write one with --ledger-file of the operator",
				r.ledgerFile, n))
		}
		if !included[header.Inputs.Policy.Name] {
			continue
		}
		tail, size = append(tail, lines.Text()), size+len(lines.Bytes())
		for len(tail) > maxReportRecords || size > maxReportLedgerBytes && len(tail) > 1 {
			size -= len(tail[0])
			tail = tail[1:]
		}
	}
	if err := lines.Err(); err != nil {
		return asInputError(fmt.Errorf("%s: %w", r.ledgerFile, err))
	}
	if len(tail) == 0 {
		archive.addProblem("the ledger: %s has no record about these policies", r.ledgerFile)
		return nil
	}
	archive.add("ledger.jsonl", strings.Join(tail, "\n")+"\n")
	return nil
}
