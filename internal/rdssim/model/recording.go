package model

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// timestampLayout is how recordings write time, in UTC. RFC 3339 is read as well.
const timestampLayout = time.DateTime

// readFile reads a recording from its file. The error names the file and the line.
func (r Recording) readFile(dir string) ([]demandPoint, error) {
	path := r.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	knots, err := r.parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	return knots, nil
}

// vcpusPerUnit is the vCPUs of one unit of the recording.
func (r Recording) vcpusPerUnit() (float64, error) {
	factor := r.Scale
	if factor == 0 {
		factor = 1
	}
	if r.Class == "" {
		return factor, nil
	}
	class, err := catalog.Lookup(r.Class)
	return factor * float64(class.VCPU) / 100, err
}

// parse turns rows into knots that count from the recording's beginning, less From.
func (r Recording) parse(in io.Reader) ([]demandPoint, error) {
	factor, err := r.vcpusPerUnit()
	if err != nil {
		return nil, err
	}
	rows := csv.NewReader(in)
	rows.FieldsPerRecord = 2
	header, err := rows.Read()
	if err != nil || header[0] != "timestamp" || header[1] != "value" {
		return nil, errors.New("line 1: want the columns timestamp,value")
	}
	var knots []demandPoint
	var first, last time.Time
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // which names the line
			return nil, err
		}
		at, value, err := parseRow(row)
		switch {
		case len(knots) == 0:
			first = at
		case err == nil && !at.After(last):
			err = fmt.Errorf("%s does not come after the row before it", row[0])
		}
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		last = at
		knots = append(knots, demandPoint{offset: at.Sub(first) - r.From.Duration, vcpus: value * factor})
	}
	if len(knots) == 0 || last.Sub(first) < r.From.Duration {
		return nil, fmt.Errorf("the recording is over %s after its beginning", r.From.Duration)
	}
	return knots, nil
}

func parseRow(row []string) (time.Time, float64, error) {
	at, err := time.Parse(timestampLayout, row[0])
	if err != nil {
		at, err = time.Parse(time.RFC3339, row[0])
	}
	if err != nil {
		return at, 0, fmt.Errorf("%q is not a time such as %s", row[0], timestampLayout)
	}
	value, err := strconv.ParseFloat(row[1], 64)
	if err != nil || math.IsNaN(value) || math.IsInf(value, 0) || value < 0 {
		return at, 0, fmt.Errorf("%q is not a number of at least 0", row[1])
	}
	return at, value, nil
}
