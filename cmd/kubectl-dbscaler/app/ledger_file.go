package app

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// maxEntryBytes is the maximum length of one line of a ledger, in bytes.
const maxEntryBytes = 64 << 20

// openLedger opens a ledger file, or standard input for -. The operator compresses the files that it rotates.
func openLedger(name string, stdin io.Reader) (io.Reader, func() error, error) {
	in, closeFile := stdin, func() error { return nil }
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, nil, asInputError(err)
		}
		in, closeFile = file, file.Close
	}
	buffered := bufio.NewReader(in)
	start, err := buffered.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) { // a file with fewer bytes has no entry, which is reported where entries are counted
		return nil, nil, errors.Join(asInputError(fmt.Errorf("%s cannot be read: %w", name, err)), closeFile())
	}
	if !bytes.Equal(start, []byte{0x1f, 0x8b}) {
		return buffered, closeFile, nil
	}
	plain, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, nil, errors.Join(asInputError(fmt.Errorf("%s: %w", name, err)), closeFile())
	}
	return plain, closeFile, nil
}

// ledgerCounts counts the lines of ledger files.
type ledgerCounts struct {
	// entries could be replayed, and different of them have another decision. unreadable lines could not be replayed, firstProblem says
	// why the first of them could not.
	entries, different, unreadable int
	firstProblem                   error
}

// compareLedger replays each line of a ledger. report is called for each entry, with the number of its line.
func compareLedger(name string, stdin io.Reader, counts *ledgerCounts, report func(line int, c ledger.Comparison, err error)) (err error) {
	in, closeFile, err := openLedger(name, stdin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeFile()) }()
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxEntryBytes)
	for n := 1; lines.Scan(); n++ {
		comparison, err := ledger.Compare(lines.Bytes())
		switch {
		case err != nil:
			counts.unreadable++
			if counts.firstProblem == nil {
				counts.firstProblem = fmt.Errorf("%s:%d: %w", name, n, err)
			}
		case len(comparison.Differences) > 0:
			counts.different++
			fallthrough
		default:
			counts.entries++
		}
		report(n, comparison, err)
	}
	if err := lines.Err(); err != nil {
		return asInputError(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// result is the error of the counts, or nil when every entry has the same decision. A file without a single entry is invalid input.
func (c ledgerCounts) result() error {
	switch {
	case c.entries == 0 && c.firstProblem != nil:
		return asInputError(shortenError(c.firstProblem))
	case c.entries == 0:
		return asInputError(errors.New("no ledger entry: the operator writes them with --ledger-file"))
	case c.different > 0 && c.unreadable > 0:
		return fmt.Errorf("%d of %d entries differ, and %d lines cannot be replayed", c.different, c.entries, c.unreadable)
	case c.different > 0:
		return fmt.Errorf("%d of %d entries differ: this version of dbscaler decides otherwise than the one that wrote them", c.different,
			c.entries)
	case c.unreadable > 0:
		return fmt.Errorf("%d lines cannot be replayed", c.unreadable)
	}
	return nil
}
