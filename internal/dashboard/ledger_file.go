package dashboard

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/ledger"
	"github.com/dbscaler/dbscaler/internal/view"
)

// ledgerFile follows a ledger that the operator may still write. It keeps where the records of each policy are, and reads only those that
// are asked for.
type ledgerFile struct {
	path string

	mu   sync.Mutex // guards the rest
	info os.FileInfo
	// offset is the end of the last complete line that was read, and line its number.
	offset int64
	line   int
	// records are by the namespace/name of the policy, and days the decoded ones.
	records map[string][]recordPlace
	days    map[string]*decodedDay
	// unreadable counts lines that are no records; firstUnreadable is the first of them.
	unreadable, firstUnreadable int
}

// recordPlace is where a record is.
type recordPlace struct {
	at             time.Time
	offset, length int64
}

// decodedDay is the records of a policy that were decoded: those before next that are not older than from.
type decodedDay struct {
	day  *view.LedgerDay
	from time.Time
	next int
}

// maxLedgerLine is the maximum length of one record in bytes, and daySlack how much longer than a day decoded records are kept.
const maxLedgerLine, daySlack = 64 << 20, time.Hour

// refresh reads the lines that were added. A file that was rotated is read from its beginning.
func (l *ledgerFile) refresh() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read()
}

// withDay calls use with what the ledger has about a policy since a time, and with a note about lines that cannot be read. Nobody else uses
// it meanwhile.
func (l *ledgerFile) withDay(policy string, since time.Time, use func(day *view.LedgerDay, note string)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.read(); err != nil {
		return err
	}
	day, err := l.decode(policy, since)
	if err != nil {
		return err
	}
	note := ""
	if l.unreadable > 0 {
		note = fmt.Sprintf("Lines of the ledger that are no records: %d, the first one is line %d", l.unreadable, l.firstUnreadable)
	}
	use(day, note)
	return nil
}

// read reads the lines that were added.
func (l *ledgerFile) read() error {
	file, err := os.Open(l.path)
	if err != nil {
		return fmt.Errorf("the ledger cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("the ledger cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the ledger %s is no regular file: copy the ledger of the operator to a file", l.path)
	}
	if l.info == nil || !os.SameFile(l.info, info) || info.Size() < l.offset {
		l.offset, l.line, l.unreadable = 0, 0, 0
		l.records, l.days = map[string][]recordPlace{}, map[string]*decodedDay{}
	}
	l.info = info
	if info.Size() == l.offset {
		return nil
	}
	if _, err := file.Seek(l.offset, io.SeekStart); err != nil {
		return fmt.Errorf("the ledger cannot be read: %w", err)
	}
	in := bufio.NewReaderSize(file, 1<<20)
	if start, err := in.Peek(2); err == nil && l.offset == 0 && bytes.Equal(start, []byte{0x1f, 0x8b}) {
		return fmt.Errorf("the ledger %s is compressed: decompress it first, with gunzip", l.path)
	}
	return l.readLines(in)
}

func (l *ledgerFile) readLines(in *bufio.Reader) error {
	for {
		text, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return nil // the operator is writing the last line
		}
		if err != nil {
			return fmt.Errorf("the ledger %s cannot be read: %w", l.path, err)
		}
		l.line++
		policy, at, err := view.LedgerHeader(text)
		if err != nil && len(l.records) == 0 {
			return fmt.Errorf("%s:%d: %w", l.path, l.line, err)
		}
		if err != nil {
			if l.unreadable++; l.unreadable == 1 {
				l.firstUnreadable = l.line
			}
		} else {
			l.records[policy] = append(l.records[policy], recordPlace{at, l.offset, int64(len(text))})
		}
		l.offset += int64(len(text))
	}
}

// readLine reads a line with its end. An incomplete one is io.EOF.
func readLine(in *bufio.Reader) ([]byte, error) {
	var out []byte
	for {
		part, err := in.ReadSlice('\n')
		out = append(out, part...)
		switch {
		case err == nil:
			return out, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(out) > maxLedgerLine:
			return nil, fmt.Errorf("a line is longer than %d bytes", maxLedgerLine)
		}
	}
}

// decode decodes the records of a policy since a time, and the one before, which was in force then.
func (l *ledgerFile) decode(policy string, since time.Time) (*view.LedgerDay, error) {
	d := l.days[policy]
	if d == nil || since.Sub(d.from) > daySlack || since.Before(d.from) {
		d = &decodedDay{day: view.NewLedgerDay(), from: since}
		places := l.records[policy]
		for d.next < len(places) && places[d.next].at.Before(since) {
			d.next++
		}
		d.next = max(0, d.next-1)
		l.days[policy] = d
	}
	places := l.records[policy][d.next:]
	if len(places) == 0 {
		return d.day, nil
	}
	file, err := os.Open(l.path)
	if err != nil {
		return nil, fmt.Errorf("the ledger cannot be read: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	for _, place := range places {
		text := make([]byte, place.length)
		if _, err := file.ReadAt(text, place.offset); err != nil {
			return nil, fmt.Errorf("the ledger cannot be read: %w", err)
		}
		var header struct{ Format int }
		entry := ledger.Entry{}
		err := json.Unmarshal(text, &header)
		if err == nil && header.Format == ledger.Format {
			err = json.Unmarshal(text, &entry)
		} else {
			entry.Format = header.Format // its inputs may have other types
		}
		if err != nil {
			return nil, fmt.Errorf("a record of %s in %s cannot be decoded: %w", policy, l.path, err)
		}
		d.day.AddEntry(&entry)
		d.next++
	}
	return d.day, nil
}
