package recording

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

// FuzzRead checks that every input gives a one-line error or a recording that a backtest can simulate.
func FuzzRead(f *testing.F) {
	cpu := newOutputJSON(newResultJSON("cpu", "", "Complete", "50", "99"), newResultJSON("l", "DBLoadCPU", "Complete", "3", "4"))
	for _, in := range []string{
		"", "{", "timestamp,value\n", "timestamp,value\n2024-01-01 00:00:00,1\n2024-01-01 00:01:00,99\n2024-01-01 00:05:00,2\n",
		"\ufefftimestamp,value,dbload\r\n2024-01-01T00:00:00+01:00,96,5\r\n2024-01-01T00:05:00+01:00,97,\r\n",
		"timestamp,value\n0001-01-01 00:00:00,1\n9999-01-01 00:01:00,99\n",
		cpu, cpu + cpu, strings.ReplaceAll(cpu, "DBLoad", "CPUUtilization"), newOutputJSON(),
	} {
		f.Add([]byte(in), uint8(0))
		f.Add([]byte(in), uint8(1))
	}
	f.Fuzz(func(t *testing.T, in []byte, which uint8) {
		options := []Options{large, {Scale: 3}, {Class: "db.t3.micro", Count: 2}}
		r, err := Read("x", bytes.NewReader(in), options[int(which)%len(options)])
		if err != nil {
			var bad *InputError
			if !errors.As(err, &bad) || bad.Line < 0 || bad.Problem == "" {
				t.Fatalf("got %#v, want an *InputError", err)
			}
			if text := err.Error(); strings.ContainsAny(text, "\n\r") || len(text) > 2000 {
				t.Fatalf("not one line: %q", text)
			}
			if lines := bytes.Count(in, []byte("\n")) + 1; bad.Line > lines {
				t.Fatalf("line %d of %d: %v", bad.Line, lines, err)
			}
			return
		}
		if r.Interval < time.Minute || r.Interval > time.Hour || r.Interval%time.Minute != 0 || r.Start.Location() != time.UTC {
			t.Fatalf("the recording starts at %v with an interval of %v", r.Start, r.Interval)
		}
		if len(r.Demand) < 2 || len(r.Demand) > maxIntervals || r.Censored != nil && len(r.Censored) != len(r.Demand) {
			t.Fatalf("%d values, %d marks", len(r.Demand), len(r.Censored))
		}
		for n, d := range r.Demand {
			if d < 0 || math.IsInf(d, 0) || math.IsNaN(d) && r.Censored != nil && r.Censored[n] {
				t.Fatalf("demand %v at %d", d, n)
			}
		}
		if math.IsNaN(r.Demand[0]) || math.IsNaN(r.Demand[len(r.Demand)-1]) {
			t.Fatal("begins or ends with a gap")
		}
	})
}
