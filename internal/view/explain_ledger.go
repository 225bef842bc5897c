package view

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// maxEntryBytes is the maximum length of one line of a ledger, in bytes.
const maxEntryBytes = 64 << 20

// ErrNoRecord says that a ledger has no record of a policy at a time.
var ErrNoRecord = errors.New("no record")

// ledgerHeader is the part of a record by which it is found.
type ledgerHeader struct {
	Format int
	Inputs struct {
		Policy struct{ Name string }
		Now    time.Time
	}
}

// ExplainLedger explains the newest decision about a policy, by its namespace/name, in a ledger at or before a time; the zero time stands
// for the newest of all. name is that of the ledger, for messages. The error wraps ErrNoRecord when there is none.
func ExplainLedger(in io.Reader, name, policy string, at time.Time) (Explanation, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxEntryBytes)
	var found []byte
	var header ledgerHeader
	var others int
	var first time.Time
	line := 0
	for n := 1; lines.Scan(); n++ {
		var h ledgerHeader
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil || h.Inputs.Policy.Name == "" {
			return Explanation{}, fmt.Errorf("%s:%d: the line is no record of a ledger: write one with --ledger-file of the operator", name, n)
		}
		if h.Inputs.Policy.Name != policy {
			others++
			continue
		}
		if first.IsZero() {
			first = h.Inputs.Now
		}
		if !at.IsZero() && h.Inputs.Now.After(at) || h.Inputs.Now.Before(header.Inputs.Now) {
			continue
		}
		found, header, line = append(found[:0], lines.Bytes()...), h, n
	}
	if err := lines.Err(); err != nil {
		return Explanation{}, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	switch {
	case found == nil && !first.IsZero():
		return Explanation{}, fmt.Errorf("%w: %s has no decision about %s at or before %s: its first one is of %s", ErrNoRecord, name, policy,
			at.UTC().Format(time.RFC3339), first.UTC().Format(time.RFC3339))
	case found == nil:
		return Explanation{}, fmt.Errorf("%w: %s has no decision about %s, and %d about other policies: check --namespace and the name",
			ErrNoRecord, name, policy, others)
	case header.Format != ledger.Format:
		return Explanation{}, fmt.Errorf("%s:%d: the record has format %d, and this version of dbscaler reads only format %d: use the plugin of "+
			"the version that wrote it", name, line, header.Format, ledger.Format)
	}
	var entry struct{ Inputs ledger.Inputs }
	if err := json.Unmarshal(found, &entry); err != nil {
		return Explanation{}, fmt.Errorf("%s:%d: the record cannot be decoded: %w", name, line, err)
	}
	e := ExplainInputs(entry.Inputs, fmt.Sprintf("line %d of the ledger %s", line, name))
	e.Unknown = append(e.Unknown,
		"A ledger has the decisions that differ from the one before: until the next record this one held, with other figures")
	return e, nil
}
