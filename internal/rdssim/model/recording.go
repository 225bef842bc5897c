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

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// Recording is a load that was measured: a CSV file with the columns timestamp,value.
type Recording struct {
	// File is the path, from the folder of the scenario when it is relative.
	File string `json:"file"`
	// Class makes the values percent of this class; without it they are counts.
	Class string `json:"class,omitempty"`
	// Scale multiplies the values; for counts it is the vCPUs of one. 0 means 1.
	Scale float64 `json:"scale,omitempty"`
	// From is how far into the recording the scenario begins.
	From metav1.Duration `json:"from,omitempty"`
}

// timestamp is how recordings write time, in UTC.
const timestamp = "2006-01-02 15:04:05"

// resolve turns a recording into points.
func (c Curve) resolve(s Scenario) (Curve, error) {
	if c.Recording == nil {
		return c, nil
	}
	r := *c.Recording
	path := r.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	points, err := r.read(bytes.NewReader(data))
	if err != nil {
		return c, fmt.Errorf("%s: %w", r.File, err)
	}
	return Curve{Points: points, NoisePercent: c.NoisePercent}, nil
}

// read turns rows into points from the recording's beginning, less From.
func (r Recording) read(in io.Reader) ([]CurvePoint, error) {
	factor := r.Scale
	if factor == 0 {
		factor = 1
	}
	if r.Class != "" {
		class, err := catalog.Lookup(r.Class)
		if err != nil {
			return nil, err
		}
		factor *= float64(class.VCPU) / 100
	}
	rows := csv.NewReader(in)
	rows.FieldsPerRecord = 2
	header, err := rows.Read()
	if err != nil || header[0] != "timestamp" || header[1] != "value" {
		return nil, errors.New("line 1: want the columns timestamp,value")
	}
	var points []CurvePoint
	var first, last time.Time
	for line := 2; ; line++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at, errTime := time.Parse(timestamp, row[0])
		value, errValue := strconv.ParseFloat(row[1], 64)
		switch {
		case errTime != nil:
			return nil, fmt.Errorf("line %d: %q is not a time such as %s", line, row[0], timestamp)
		case errValue != nil || math.IsNaN(value) || math.IsInf(value, 0) || value < 0:
			return nil, fmt.Errorf("line %d: %q is not a number from 0", line, row[1])
		case line > 2 && !at.After(last):
			return nil, fmt.Errorf("line %d: %s does not come after the row before it", line, row[0])
		}
		if line == 2 {
			first = at
		}
		last = at
		points = append(points, CurvePoint{At: metav1.Duration{Duration: at.Sub(first) - r.From.Duration}, VCPUs: value * factor})
	}
	if len(points) == 0 || last.Sub(first) <= r.From.Duration {
		return nil, fmt.Errorf("there is nothing %s into the recording", r.From.Duration)
	}
	return points, nil
}
