package recording

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"
)

// maxFileBytes is the maximum size of a file. A year of minutes has a tenth of it.
const maxFileBytes = 200 << 20

// supportedFormats describes the supported formats.
const supportedFormats = "give a CSV file with the columns timestamp,value or what aws cloudwatch get-metric-data prints"

var errTooLarge = errors.New("too large")

// Open reads a recording from a file. It fails as Read does, and if the file cannot be opened.
func Open(path string, o Options) (*Recording, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // nothing was written
	return Read(path, in, o)
}

// Read reads a recording: CSV with the header timestamp,value or timestamp,value,dbload, or the JSON output of aws cloudwatch
// get-metric-data. The name is used in errors only. An error in the input is an *InputError. An error in the options names the
// flags of the command line.
func Read(name string, in io.Reader, o Options) (*Recording, error) {
	return read(name, in, o, maxFileBytes)
}

func read(name string, in io.Reader, o Options, maxBytes int64) (*Recording, error) {
	c, err := o.newConverter()
	if err != nil {
		return nil, err
	}
	f := inputFile(name)
	buffered := bufio.NewReaderSize(&limitedReader{in: in, remaining: maxBytes}, 64<<10)
	isJSON, err := f.detectFormat(buffered)
	var r *Recording
	switch {
	case err != nil:
	case isJSON:
		r, err = readMetricData(f, buffered, c)
	default:
		r, err = readCSV(f, buffered, c)
	}
	var inputErr *InputError
	switch {
	case err == nil:
		return r, nil
	case errors.As(err, &inputErr):
		return nil, err
	case errors.Is(err, errTooLarge):
		return nil, f.errorAt(0, "is larger than %d MB: give fewer values, or longer intervals", maxBytes>>20)
	}
	return nil, fmt.Errorf("%s: %w", name, err)
}

// detectFormat detects the format from the first bytes, and skips a byte order mark.
func (f inputFile) detectFormat(in *bufio.Reader) (isJSON bool, err error) {
	const headBytes = 4 << 10
	head, err := in.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return false, f.errorAt(0, "is UTF-16 text: save it as UTF-8")
	}
	if mark := []byte("\ufeff"); bytes.HasPrefix(head, mark) {
		if _, err := in.Discard(len(mark)); err != nil {
			return false, err
		}
		head = head[len(mark):]
	}
	if !isText(head) {
		return false, f.errorAt(0, "is binary or compressed, not UTF-8 text: "+supportedFormats)
	}
	trimmed := bytes.TrimSpace(head)
	return len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '['), nil
}

// isText reports whether the first bytes of a file are UTF-8 text. The last character may be incomplete.
func isText(head []byte) bool {
	if bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	for cut := range min(utf8.UTFMax, len(head)+1) {
		if utf8.Valid(head[:len(head)-cut]) {
			return true
		}
	}
	return false
}

// limitedReader fails with errTooLarge at its limit, where io.LimitReader would report the end of the file.
type limitedReader struct {
	in        io.Reader
	remaining int64
}

func (b *limitedReader) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	if b.remaining -= int64(n); b.remaining < 0 {
		return 0, errTooLarge
	}
	return n, err
}
