package operator

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
)

// maxEntryBytes is the greatest length of one line of a ledger, in bytes.
const maxEntryBytes = 64 << 20

// Replay decides every entry of a ledger again and says for each whether the same bytes come out. The error says which
// entries differ, or cannot be read.
func Replay(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxEntryBytes)
	var problems []error
	same := 0
	for n := 1; lines.Scan(); n++ {
		again, err := ledger.Replay(lines.Bytes())
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("line %d: %w", n, err))
		case !bytes.Equal(again, lines.Bytes()):
			problems = append(problems, fmt.Errorf("line %d: this version of dbscaler decides otherwise: %s", n, again))
		default:
			same++
		}
	}
	fmt.Fprintf(out, "%d entries were decided again in the same way\n", same)
	return errors.Join(append(problems, lines.Err())...)
}
