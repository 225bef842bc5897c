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

// timestampLayout is the format of timestamps in recordings, in UTC. RFC 3339 is accepted too.
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
	points, err := r.parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.File, err)
	}
	return points, nil
}

// vcpusPerUnit returns the vCPUs that a recorded value of 1 stands for.
func (r Recording) vcpusPerUnit() (float64, error) {
	factor := r.Scale
	if factor == 0 {
		factor = 1
	}
	if r.Class == "" {
		return factor, nil
	}
	class, err := catalog.Lookup(r.Class)
	return factor * class.VCPU / 100, err
}

// parse converts the rows into points with offsets from the start of the scenario, which begins at From in the recording.
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
	var points []demandPoint
	var first, last time.Time
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // the error names the line
			return nil, err
		}
		at, value, err := parseRow(row)
		switch {
		case len(points) == 0:
			first = at
		case err == nil && !at.After(last):
			err = fmt.Errorf("%s is not after the timestamp of the previous row", row[0])
		}
		if err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		last = at
		points = append(points, demandPoint{offset: at.Sub(first) - r.From.Duration, vcpus: value * factor})
	}
	if len(points) == 0 || last.Sub(first) < r.From.Duration {
		return nil, fmt.Errorf("the recording ends before from: %s after its beginning", r.From.Duration)
	}
	return points, nil
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
		return at, 0, fmt.Errorf("%q is not a number >= 0", row[1])
	}
	return at, value, nil
}
