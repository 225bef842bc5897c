package recording

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strings"
	"time"
)

// supportedHeaders are the supported headers.
const supportedHeaders = "timestamp,value or timestamp,value,dbload"

// csvRows reads the rows of a CSV file.
type csvRows struct {
	inputFile
	*csv.Reader
	converter
	columnCount int
}

func readCSV(f inputFile, in *bufio.Reader, c converter) (*Recording, error) {
	r := &csvRows{inputFile: f, Reader: csv.NewReader(in), converter: c}
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = -1, true, true
	if err := r.readHeader(); err != nil {
		return nil, err
	}
	var points []point
	for {
		p, err := r.readPoint()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(points) > 0 {
			if err := f.checkOrder(points[len(points)-1], p); err != nil {
				return nil, err
			}
		}
		if points = append(points, p); len(points) > maxIntervals {
			return nil, f.errorAt(p.line, "exceeds the maximum of %d rows: %s", maxIntervals, reduceIntervalsHint)
		}
	}
	switch len(points) {
	case 0:
		return nil, f.errorAt(0, "has a header and no rows: give two rows or more")
	case 1:
		return nil, f.errorAt(points[0].line, "is the only row, so the interval is unknown: give two rows or more")
	}
	return f.alignToGrid(points)
}

// nextRow reads the next row and its line number.
func (r *csvRows) nextRow() ([]string, int, error) {
	row, err := r.Read()
	var parseErr *csv.ParseError
	if errors.As(err, &parseErr) {
		return nil, 0, r.errorAt(parseErr.Line, "has a misplaced or unclosed quotation mark: values need none")
	}
	if err != nil {
		return nil, 0, err
	}
	line, _ := r.FieldPos(0)
	for n := range row {
		row[n] = strings.TrimSpace(row[n])
	}
	return row, line, nil
}

func (r *csvRows) readHeader() error {
	row, line, err := r.nextRow()
	if errors.Is(err, io.EOF) {
		return r.errorAt(0, "is empty: "+supportedFormats)
	}
	if err != nil {
		return err
	}
	joined := strings.Join(row, ",")
	switch strings.ToLower(joined) {
	case "timestamp,value", "timestamp,value,dbload":
		r.columnCount = len(row)
		return nil
	}
	if _, ok := parseTime(row[0]); ok {
		return r.errorAt(line, "is a row of values, and the header is missing: put %s above it", supportedHeaders)
	}
	return r.errorAt(line, "the columns are %s: they must be %s", quote(joined), supportedHeaders)
}

func (r *csvRows) readPoint() (point, error) {
	row, line, err := r.nextRow()
	if err != nil {
		return point{}, err
	}
	if len(row) != r.columnCount {
		return point{}, r.errorAt(line, "has %d field(s), and the header has %d: every row must have as many", len(row), r.columnCount)
	}
	unixSeconds, ok := parseTime(row[0])
	if !ok {
		return point{}, r.errorAt(line, invalidTimeFormat, quote(row[0]))
	}
	value, problem := r.parse(row[1])
	dbLoad := math.NaN()
	if problem == "" && r.columnCount > 2 {
		dbLoad, problem = parseDBLoad(row[2])
	}
	if problem != "" {
		return point{}, r.errorAt(line, "%s", problem)
	}
	p := point{unixSeconds: unixSeconds, line: line}
	p.demandVCPUs, p.censored = r.demand(value, dbLoad)
	return p, nil
}

// checkOrder returns an error if a row is not later than the row before.
func (f inputFile) checkOrder(previous, p point) error {
	switch {
	case p.unixSeconds == previous.unixSeconds:
		return f.errorAt(p.line, "the timestamp %s is also in line %d: keep one of the rows", formatTime(p.unixSeconds), previous.line)
	case p.unixSeconds < previous.unixSeconds:
		return f.errorAt(p.line, "the timestamp %s is before that of line %d: sort the rows, oldest first", formatTime(p.unixSeconds),
			previous.line)
	}
	return nil
}

const invalidTimeFormat = "%s is not a time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z"

// parseTime parses a time of whole seconds, to seconds since 1970.
func parseTime(text string) (int64, bool) {
	layout := time.DateTime
	if len(text) > 10 && text[10] == 'T' {
		layout = time.RFC3339
	}
	parsed, err := time.Parse(layout, text)
	if err != nil || parsed.Nanosecond() != 0 {
		return 0, false
	}
	return parsed.Unix(), true
}
