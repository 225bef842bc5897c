package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// writeRecording writes a CSV recording with the same value every five minutes and returns its path.
func writeRecording(t *testing.T, hours int, percent string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "recording.csv")
	var text strings.Builder
	text.WriteString("timestamp,value\n")
	for at := time.Date(2014, 2, 14, 14, 27, 0, 0, time.UTC); hours*12 > strings.Count(text.String(), "\n")-1; at = at.Add(5 * time.Minute) {
		text.WriteString(at.Format(time.DateTime) + "," + percent + "\n")
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSimulateWithoutOperator_Recording: 30 % of a db.r6g.large times 3 is a demand of 1.8 of 2 vCPUs: 90 % and the overhead, never
// saturated. Times 4 it is 2.4 vCPUs, saturated in every minute.
func TestSimulateWithoutOperator_Recording(t *testing.T) {
	path := writeRecording(t, 6, "30")
	for _, test := range []struct {
		scale            float64
		saturatedMinutes int
		peakPercent      float64
	}{{3, 0, 91.5}, {4, 120, 100}} {
		scenario, resize, err := newScenario("../..", settings{trace: path, class: "db.r6g.large", scale: test.scale})
		if err != nil {
			t.Fatal(err)
		}
		got, err := simulateWithoutOperator(scenario, 2*time.Hour, resize)
		if err != nil {
			t.Fatal(err)
		}
		if got.saturatedMinutes != test.saturatedMinutes || got.peakPercent < test.peakPercent-1 || got.peakPercent > test.peakPercent+1 || got.shapeChanges != 0 || got.finalReaders != "1 × db.r6g.large" {
			t.Errorf("scale %g: %+v, want %d minutes saturated and a peak of %g %%", test.scale, got, test.saturatedMinutes, test.peakPercent)
		}
	}
}

// TestSimulateWithoutOperator_ManualResize: the reader saturates before the manual resize at 10:45.
func TestSimulateWithoutOperator_ManualResize(t *testing.T) {
	scenario, resize, err := newScenario("../..", settings{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := simulateWithoutOperator(scenario, 9*time.Hour, resize)
	if err != nil {
		t.Fatal(err)
	}
	if got.saturatedMinutes < 45 || got.formatFirstAction() != "10:45 manual resize to db.r6g.2xlarge" || got.shapeChanges != 1 || got.finalReaders != "1 × db.r6g.2xlarge" {
		t.Errorf("got %+v", got)
	}
}

func TestPrintComparison(t *testing.T) {
	var got summary
	got.addMinutes([]model.MinuteSummary{{HottestReaderPercent: 40}, {HottestReaderPercent: 100, ReadersSaturated: true}, {HottestReaderPercent: 60}})
	at := time.Date(2024, 2, 5, 8, 30, 0, 0, time.UTC)
	got.addShapeChange(at, "a → b")
	got.addShapeChange(at.Add(time.Hour), "b → c")
	got.finalReaders = "1 × c"
	got.recordMinReaderVCPUs([]model.MinuteSummary{{Time: at.Add(-time.Hour), ReaderVCPUs: 4}, {Time: at.Add(-time.Minute), ReaderVCPUs: 1}, {Time: at, ReaderVCPUs: 3}})
	var out bytes.Buffer
	printComparison(&out, summary{finalReaders: "1 × a"}, got)
	for _, line := range []string{
		"minutes with a saturated reader   0                                        1",
		"highest reader CPU                0 %                                      100 %",
		"first change                      none                                     08:30 a → b",
		"lowest reader vCPUs after it      0 (initially 0)                          3 (initially 4)",
		"shape changes                     0                                        2",
		"readers at the end                1 × a                                    1 × c",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the table lacks the line %q:\n%s", line, out.String())
		}
	}
}

func TestClassLadder(t *testing.T) {
	got, err := classLadder("db.r6g.xlarge")
	if want := "db.r6g.xlarge db.r6g.2xlarge db.r6g.4xlarge db.r6g.8xlarge db.r6g.12xlarge db.r6g.16xlarge"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := classLadder("db.r99g.large"); err == nil {
		t.Error("db.r99g.large: got a ladder, want an error for an unknown class")
	}
}

func TestParseFlags(t *testing.T) {
	for _, test := range []struct{ args, wantError string }{
		{"--hours 9999", "--hours from 0 to 744"},
		{"--scale 0", "--scale must be above 0"},
		{"now", `unexpected argument "now"`},
		{"--past 9h", "--past must be at least 0 and below the simulated 9h0m0s"},
		{"--empty --web", "--empty can be combined with --past and --without-insights only"},
		{"--past 7h30m --speed 480", ""},
		{"--trace x --hours 48", ""},
	} {
		s, err := parseFlags(strings.Fields(test.args))
		if (err == nil) != (test.wantError == "") || err != nil && !strings.Contains(err.Error(), test.wantError) {
			t.Errorf("%s: got %v, want %q", test.args, err, test.wantError)
		}
		if err == nil && s.speed != 480 {
			t.Errorf("%s: speed is %g, want the maximum of 480", test.args, s.speed)
		}
	}
}

func TestDrawKillTimes_WithinSimulatedTime(t *testing.T) {
	start := time.Date(2024, 2, 5, 3, 0, 0, 0, time.UTC)
	times := drawKillTimes(50, 1, start, 9*time.Hour)
	for _, at := range times {
		if at.Before(start) || !at.Before(start.Add(9*time.Hour)) {
			t.Errorf("%s is outside the simulated time", at)
		}
	}
	if len(times) != 50 {
		t.Errorf("got %d times, want 50", len(times))
	}
}
