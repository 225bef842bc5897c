package operator

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// maxEntryBytes is the maximum length of one line of a ledger, in bytes.
const maxEntryBytes = 64 << 20

// Replay repeats every decision of a ledger and compares the entries byte by byte. The error names the lines that differ or
// cannot be read.
func Replay(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxEntryBytes)
	var problems []error
	same := 0
	for n := 1; lines.Scan(); n++ {
		entry, err := ledger.Replay(lines.Bytes())
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("line %d: %w", n, err))
		case !bytes.Equal(entry, lines.Bytes()):
			problems = append(problems, fmt.Errorf("line %d: this version of dbscaler decides differently: %s", n, entry))
		default:
			same++
		}
	}
	fmt.Fprintf(out, "%d entries have the same decision\n", same)
	return errors.Join(append(problems, lines.Err())...)
}
