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

// columns is what a header may be.
const columns = "timestamp,value or timestamp,value,dbload"

// rows reads the rows of a CSV file one by one.
type rows struct {
	file
	*csv.Reader
	measure
	columns int
}

func readCSV(f file, in *bufio.Reader, m measure) (*Recording, error) {
	r := &rows{file: f, Reader: csv.NewReader(in), measure: m}
	r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = -1, true, true
	if err := r.header(); err != nil {
		return nil, err
	}
	var points []point
	for {
		p, err := r.point()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(points) > 0 {
			if err := f.inOrder(points[len(points)-1], p); err != nil {
				return nil, err
			}
		}
		if points = append(points, p); len(points) > mostIntervals {
			return nil, f.wrong(p.line, "is one row more than the %d that a recording may have: %s", mostIntervals, fewer)
		}
	}
	switch len(points) {
	case 0:
		return nil, f.wrong(0, "has a header and no rows: give two rows or more")
	case 1:
		return nil, f.wrong(points[0].line, "is the only row, so that the interval is not known: give two rows or more")
	}
	return f.grid(points)
}

// next is the next row and its line.
func (r *rows) next() ([]string, int, error) {
	row, err := r.Read()
	var broken *csv.ParseError
	if errors.As(err, &broken) {
		return nil, 0, r.wrong(broken.Line, "has a quotation mark that does not belong there or is not closed: values need none")
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

func (r *rows) header() error {
	row, line, err := r.next()
	if errors.Is(err, io.EOF) {
		return r.wrong(0, "is empty: "+formats)
	}
	if err != nil {
		return err
	}
	joined := strings.Join(row, ",")
	switch strings.ToLower(joined) {
	case "timestamp,value", "timestamp,value,dbload":
		r.columns = len(row)
		return nil
	}
	if _, ok := parseTime(row[0]); ok {
		return r.wrong(line, "is a row of values, and the header is missing: put %s above it", columns)
	}
	return r.wrong(line, "the columns are %s: they must be %s", quote(joined), columns)
}

func (r *rows) point() (point, error) {
	row, line, err := r.next()
	if err != nil {
		return point{}, err
	}
	if len(row) != r.columns {
		return point{}, r.wrong(line, "has %d field(s), and the header has %d: every row must have as many", len(row), r.columns)
	}
	at, ok := parseTime(row[0])
	if !ok {
		return point{}, r.wrong(line, noTime, quote(row[0]))
	}
	value, problem := r.read(row[1])
	load := math.NaN()
	if problem == "" && r.columns > 2 {
		load, problem = readLoad(row[2])
	}
	if problem != "" {
		return point{}, r.wrong(line, "%s", problem)
	}
	p := point{at: at, line: line}
	p.demand, p.censored = r.demand(value, load)
	return p, nil
}

// inOrder says whether a row may follow another.
func (f file) inOrder(before, p point) error {
	switch {
	case p.at == before.at:
		return f.wrong(p.line, "the timestamp %s is that of line %d too: keep one of the rows", stamp(p.at), before.line)
	case p.at < before.at:
		return f.wrong(p.line, "the timestamp %s is before that of line %d: sort the rows, oldest first", stamp(p.at), before.line)
	}
	return nil
}

const noTime = "%s is no time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z"

// parseTime reads a time of whole seconds, in seconds since 1970.
func parseTime(text string) (int64, bool) {
	layout := time.DateTime
	if len(text) > 10 && text[10] == 'T' {
		layout = time.RFC3339
	}
	at, err := time.Parse(layout, text)
	if err != nil || at.Nanosecond() != 0 {
		return 0, false
	}
	return at.Unix(), true
}
