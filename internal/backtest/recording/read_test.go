package recording

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

// large has two vCPUs.
var large = Options{Class: "db.r6g.large"}

var nan = math.NaN()

// equalDemand compares demands with a tolerance. NaN equals NaN.
func equalDemand(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.IsNaN(x) && math.IsNaN(y) || math.Abs(x-y) < 1e-9 })
}

func TestRead_CSV(t *testing.T) {
	for name, test := range map[string]struct {
		in       string
		options  Options
		start    string
		interval time.Duration
		demand   []float64
		censored []bool
	}{
		"percent of a class": {
			in:      "timestamp,value\n2024-01-01 00:00:00,50\n2024-01-01 00:05:00,25\n2024-01-01 00:10:00,0\n",
			options: large, interval: 5 * time.Minute, demand: []float64{1, 0.5, 0},
		},
		"several instances": {
			in:      "timestamp,value\n2024-01-01 00:00:00,50\n2024-01-01 00:01:00,25\n",
			options: Options{Class: "db.r6g.large", Count: 3}, interval: time.Minute, demand: []float64{3, 1.5},
		},
		"half the vCPUs on SQL Server": {
			in:      "timestamp,value\n2024-01-01 00:00:00,50\n2024-01-01 00:01:00,25\n",
			options: Options{Class: "db.r7i.2xlarge", Engine: "sqlserver-se"}, interval: time.Minute, demand: []float64{2, 1},
		},
		"values with a scale are not censored": {
			in:      "timestamp,value\n2024-01-01 00:00:00,500\n2024-01-01 00:01:00,97\n",
			options: Options{Scale: 0.01}, interval: time.Minute, demand: []float64{5, 0.97},
		},
		"time zone offsets": {
			in:      "timestamp,value\n2024-01-01T01:00:00+01:00,50\n2024-01-01T00:01:00Z,25\n",
			options: large, interval: time.Minute, demand: []float64{1, 0.5},
		},
		"byte order mark, CRLF, spaces, quotation marks and empty lines": {
			in:      "\ufeff\"timestamp\", Value\r\n\r\n2024-01-01 00:00:00 , 50 \r\n\"2024-01-01 00:01:00\",\"25\"\r\n\r\n",
			options: large, interval: time.Minute, demand: []float64{1, 0.5},
		},
		"gaps are NaN": {
			in: "timestamp,value\n2024-01-01 00:00:00,50\n2024-01-01 00:01:00,50\n2024-01-01 00:04:00,50\n" +
				"2024-01-01 00:05:00,50\n2024-01-01 00:07:00,50\n2024-01-01 00:08:00,50\n",
			options: large, interval: time.Minute, demand: []float64{1, 1, nan, nan, 1, 1, nan, 1, 1},
		},
		"saturated values are censored": {
			in:      "timestamp,value\n2024-01-01 00:00:00,94.9\n2024-01-01 00:01:00,95\n2024-01-01 00:02:00,100.5\n2024-01-01 00:03:00,1\n",
			options: large, interval: time.Minute, demand: []float64{1.898, 1.9, 2, 0.02}, censored: []bool{false, true, true, false},
		},
		"dbload is the demand at saturation": {
			in: "timestamp,value,dbload\n2024-01-01 00:00:00,50,9\n2024-01-01 00:01:00,96,7.5\n2024-01-01 00:02:00,96,\n" +
				"2024-01-01 00:03:00,100,1\n",
			options: large, interval: time.Minute, demand: []float64{1, 7.5, 1.92, 2}, censored: []bool{false, false, true, false},
		},
		"mean dbload of three instances": {
			in:      "timestamp,value,dbload\n2024-01-01 00:00:00,50,1\n2024-01-01 00:01:00,99,5\n",
			options: Options{Class: "db.r6g.large", Count: 3}, interval: time.Minute, demand: []float64{3, 15}, censored: nil,
		},
		"hourly values": {
			in:      "timestamp,value\n2024-01-01 00:00:00,50\n2024-01-01 01:00:00,25\n",
			options: large, interval: time.Hour, demand: []float64{1, 0.5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Read("load.csv", strings.NewReader(test.in), test.options)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
			if !r.Start.Equal(start) || r.Start.Location() != time.UTC || r.Interval != test.interval {
				t.Errorf("got %v every %v, want %v every %v", r.Start, r.Interval, start, test.interval)
			}
			if !equalDemand(r.Demand, test.demand) || !slices.Equal(r.Censored, test.censored) {
				t.Errorf("got %v censored %v, want %v censored %v", r.Demand, r.Censored, test.demand, test.censored)
			}
			if want := start.Add(time.Duration(len(test.demand)) * test.interval); !r.End().Equal(want) {
				t.Errorf("ends at %v, want %v", r.End(), want)
			}
		})
	}
}

func TestRead_RefusesInvalidCSV(t *testing.T) {
	const (
		head = "timestamp,value\n"
		one  = "2024-01-01 00:00:00,1\n"
		two  = "2024-01-01 00:05:00,2\n"
		loud = "timestamp,value,dbload\n"
	)
	scale := Options{Scale: 2}
	for name, test := range map[string]struct {
		in      string
		options Options
		want    string
	}{
		"empty":                         {"", large, "x: is empty: give a CSV file with the columns timestamp,value or what aws cloudwatch get-metric-data prints"},
		"blank":                         {"\r\n\n", large, "x: is empty: give a CSV file with the columns timestamp,value or what aws cloudwatch get-metric-data prints"},
		"binary":                        {"\x1f\x8b\x08\x00\x00", large, "x: is binary or compressed, not UTF-8 text: give a CSV file with the columns timestamp,value or what aws cloudwatch get-metric-data prints"},
		"not UTF-8":                     {"timestamp,gr\xf6\xdfe\n", large, "x: is binary or compressed, not UTF-8 text: give a CSV file with the columns timestamp,value or what aws cloudwatch get-metric-data prints"},
		"UTF-16":                        {"\xff\xfet\x00i\x00", large, "x: is UTF-16 text: save it as UTF-8"},
		"binary after the first 4 KiB":  {head + strings.Repeat("\n", 4998) + "\x00\xff\x01,2\n", large, `x:5000: "\x00\xff\x01" is not a time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z`},
		"header only":                   {head, large, "x: has a header and no rows: give two rows or more"},
		"one row":                       {head + one, large, "x:2: is the only row, so the interval is unknown: give two rows or more"},
		"no header":                     {one + two, large, "x:1: is a row of values, and the header is missing: put timestamp,value or timestamp,value,dbload above it"},
		"wrong columns":                 {"time,cpu\n" + one, large, `x:1: the columns are "time,cpu": they must be timestamp,value or timestamp,value,dbload`},
		"semicolons":                    {"timestamp;value\n", large, `x:1: the columns are "timestamp;value": they must be timestamp,value or timestamp,value,dbload`},
		"long header is shortened":      {strings.Repeat("ä,", 99) + "\n", large, `x:1: the columns are "` + strings.Repeat("ä,", 20) + `…": they must be timestamp,value or timestamp,value,dbload`},
		"too many fields":               {head + one + "2024-01-01 00:05:00,2,3\n", large, "x:3: has 3 field(s), and the header has 2: every row must have as many"},
		"too few fields":                {loud + one, large, "x:2: has 2 field(s), and the header has 3: every row must have as many"},
		"one field":                     {head + "\r\n2024-01-01 00:00:00\r\n", large, "x:3: has 1 field(s), and the header has 2: every row must have as many"},
		"stray quotation mark":          {head + one + "2024-01-01 00:05:00,2\"\n", large, "x:3: has a misplaced or unclosed quotation mark: values need none"},
		"invalid time":                  {head + "yesterday,1\n", large, `x:2: "yesterday" is not a time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z`},
		"epoch time":                    {head + "1704067200,1\n", large, `x:2: "1704067200" is not a time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z`},
		"fraction of a second":          {head + "2024-01-01 00:00:00.5,1\n", large, `x:2: "2024-01-01 00:00:00.5" is not a time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z`},
		"unsorted rows":                 {head + two + one, large, "x:3: the timestamp 2024-01-01 00:00:00 is before that of line 2: sort the rows, oldest first"},
		"duplicate timestamp":           {head + one + one, large, "x:3: the timestamp 2024-01-01 00:00:00 is also in line 2: keep one of the rows"},
		"mixed intervals":               {head + one + two + "2024-01-01 00:10:00,1\n2024-01-01 00:17:00,1\n", large, "x:5: mixed intervals: 2024-01-01 00:17:00 is 7m after the value before it, and most values are 5m apart: give all values the same interval, and omit whole intervals only"},
		"finer interval at the end":     {head + one + two + "2024-01-01 00:10:00,1\n2024-01-01 00:11:00,1\n", large, "x:5: mixed intervals: 2024-01-01 00:11:00 is 1m after the value before it, and most values are 5m apart: give all values the same interval, and omit whole intervals only"},
		"interval below a minute":       {head + one + "2024-01-01 00:00:10,1\n", large, "x:3: the values are 10s apart: give one value every 1 to 60 whole minutes"},
		"interval not in whole minutes": {head + one + "2024-01-01 00:01:30,1\n", large, "x:3: the values are 1m30s apart: give one value every 1 to 60 whole minutes"},
		"interval above an hour":        {head + one + "2024-01-02 00:00:00,1\n", large, "x:3: the values are 24h apart: give one value every 1 to 60 whole minutes"},
		"interval beyond time.Duration": {head + "0001-01-01 00:00:00,1\n9999-01-01 00:00:00,1\n", large, "x:3: the values are 2562047h47m16.854775807s apart: give one value every 1 to 60 whole minutes"},
		"gap too long":                  {head + one + "2024-01-01 00:01:00,1\n2044-01-01 00:00:00,1\n", large, "x:4: 2044-01-01 00:00:00 is 10519200 intervals after the first value, and the maximum is 2000000: check the dates, or give a shorter time, or longer intervals"},
		"value not a number":            {head + "2024-01-01 00:00:00,much\n", large, `x:2: the value "much" is not a number`},
		"decimal comma":                 {head + "2024-01-01 00:00:00,\"1,5\"\n", large, `x:2: the value "1,5" is not a number`},
		"empty value":                   {head + one + "2024-01-01 00:05:00,\n", large, "x:3: the value is empty: omit the row where nothing was recorded"},
		"NaN":                           {head + one + "2024-01-01 00:05:00,NaN\n", large, "x:3: the value is NaN: omit it where nothing was recorded"},
		"infinite value":                {head + one + "2024-01-01 00:05:00,-Inf\n", large, "x:3: the value is -Inf: omit it where nothing was recorded"},
		"value beyond floating point":   {head + one + "2024-01-01 00:05:00,1e999\n", large, "x:3: the value is +Inf: omit it where nothing was recorded"},
		"negative value":                {head + one + "2024-01-01 00:05:00,-1\n", large, "x:3: the value -1 is negative: it must be 0 or more"},
		"above 100 percent":             {head + one + "2024-01-01 00:05:00,100.6\n", large, "x:3: the value 100.6 is above 100 percent: give --scale instead of --class if it is not a percentage"},
		"too large for the scale":       {head + "2024-01-01 00:05:00,1e9\n", scale, "x:2: the value 1e+09 is more than 1e+09 vCPUs: give a smaller --scale"},
		"dbload not a number":           {loud + "2024-01-01 00:00:00,1,x\n", large, `x:2: the dbload "x" is not a number: leave it empty where nothing was recorded`},
		"dbload NaN":                    {loud + "2024-01-01 00:00:00,1,NaN\n", large, "x:2: the dbload is NaN: leave it empty where nothing was recorded"},
		"negative dbload":               {loud + "2024-01-01 00:00:00,1,-2\n", large, "x:2: the dbload -2 is negative: it must be 0 or more sessions"},
		"dbload too large":              {loud + "2024-01-01 00:00:00,1,1e300\n", large, "x:2: the dbload 1e+300 is more than any database has: it must be in sessions"},
	} {
		t.Run(name, func(t *testing.T) { wantInputError(t, test.in, test.options, test.want) })
	}
}

// wantInputError checks that reading fails with an InputError.
func wantInputError(t *testing.T, in string, o Options, want string) {
	t.Helper()
	r, err := Read("x", strings.NewReader(in), o)
	if err == nil {
		t.Fatalf("got %+v, want %s", r, want)
	}
	if err.Error() != want {
		t.Errorf("\ngot  %s\nwant %s", err, want)
	}
	var bad *InputError
	if !errors.As(err, &bad) || bad.File != "x" {
		t.Errorf("got %#v, want an *InputError of x", err)
	}
}

func TestRead_RefusesInvalidOptions(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"neither class nor scale":   {Options{}, "give --class if the values are percent of an instance class, or --scale if they are anything else"},
		"both class and scale":      {Options{Class: "db.r6g.large", Scale: 1}, "give --class or --scale, not both: values are percent of a class, or have a scale"},
		"negative count":            {Options{Class: "db.r6g.large", Count: -1}, "--count is -1: it must be 1 or more"},
		"count too large":           {Options{Class: "db.r6g.large", Count: 1e9}, "--count is 1000000000: no pool has that many instances"},
		"count with scale":          {Options{Count: 2, Scale: 1}, "--count needs --class: omit it with --scale"},
		"negative scale":            {Options{Scale: -1}, "--scale is -1: it must be more than 0, in vCPUs for a value of 1"},
		"scale NaN":                 {Options{Scale: nan}, "--scale is NaN: it must be more than 0, in vCPUs for a value of 1"},
		"infinite scale":            {Options{Scale: math.Inf(1)}, "--scale is +Inf: it must be more than 0, in vCPUs for a value of 1"},
		"class with a typing error": {Options{Class: "db.r6g.larg"}, `--class: unknown instance class "db.r6g.larg": did you mean "db.r6g.large"?`},
		"class without db.":         {Options{Class: "r6g.4xlarge"}, `--class: unknown instance class "r6g.4xlarge": did you mean "db.r6g.4xlarge"?`},
		"class in capitals":         {Options{Class: "DB.R6G.LARGE"}, `--class: unknown instance class "DB.R6G.LARGE": did you mean "db.r6g.large"?`},
		"no similar class":          {Options{Class: "a-big-machine"}, `--class: unknown instance class "a-big-machine": write it as RDS does, for example db.r6g.large`},
		"long class name":           {Options{Class: strings.Repeat("y", 41)}, `--class: unknown instance class "` + strings.Repeat("y", 41) + `": write it as RDS does, for example db.r6g.large`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("x", strings.NewReader(""), test.options)
			if err == nil || err.Error() != test.want {
				t.Errorf("\ngot  %v\nwant %s", err, test.want)
			}
			if unknown := strings.Contains(test.want, "unknown instance class"); errors.Is(err, catalog.ErrUnknownClass) != unknown {
				t.Errorf("%v wraps ErrUnknownClass: %v", err, !unknown)
			}
		})
	}
}

// failingReader returns an error.
type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("unplugged") }

func TestRead_ReportsUnreadableInput(t *testing.T) {
	in := "timestamp,value\n2024-01-01 00:00:00,1\n2024-01-01 00:01:00,1\n" + strings.Repeat("\n", 1<<20)
	for name, in := range map[string]string{"CSV": in, "JSON": "{" + in, "limit of 10 bytes": in} {
		most := int64(1 << 20)
		if name == "limit of 10 bytes" {
			most = 10
		}
		_, err := read("x", strings.NewReader(in), large, most)
		want := fmt.Sprintf("x: is larger than %d MB: give fewer values, or longer intervals", most>>20)
		if err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
	if _, err := Read("x", failingReader{}, large); err == nil || err.Error() != "x: unplugged" {
		t.Errorf("got %v", err)
	}
	broken := io.MultiReader(strings.NewReader(in[:100_000]), failingReader{})
	if _, err := Read("x", broken, large); err == nil || err.Error() != "x: unplugged" {
		t.Errorf("got %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent.csv"), large); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// tracesDir is the folder of the public traces.
const tracesDir = "../../../../shared/traces"

func TestOpen_ReadsPublicTraces(t *testing.T) {
	for name, test := range map[string]struct {
		options                Options
		values, gaps, censored int
	}{
		"asg_cpu_misconfiguration.csv": {large, 18050, 0, 431},
		"ec2_cpu_5f5533.csv":           {large, 4032, 0, 0},
		"ec2_cpu_ac20cd.csv":           {large, 4032, 2, 456},
		"rds_cpu_e47b3b.csv":           {large, 4032, 0, 0},
		"twitter_volume_amzn.csv":      {Options{Scale: 0.01}, 15831, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(tracesDir, name)
			if _, err := os.Stat(tracesDir); err != nil {
				t.Skipf("NOT TESTED: the recorded traces, since %s is absent", tracesDir)
			}
			r, err := Open(path, test.options)
			if err != nil {
				t.Fatal(err)
			}
			values, gaps, censored := 0, 0, 0
			for n, d := range r.Demand {
				if !math.IsNaN(d) {
					values++
				} else if !math.IsNaN(r.Demand[n-1]) {
					gaps++
				}
				if r.Censored != nil && r.Censored[n] {
					censored++
				}
			}
			if values != test.values || gaps != test.gaps || censored != test.censored || r.Interval != 5*time.Minute {
				t.Errorf("got %d values, %d gaps, %d censored every %v, want %+v", values, gaps, censored, r.Interval, test)
			}
		})
	}
}

// twoMonthsOfCSV has two months of minutes.
func twoMonthsOfCSV() string {
	var b strings.Builder
	b.WriteString("timestamp,value\n")
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range 88_000 {
		fmt.Fprintf(&b, "%s,%.3f\n", at.Add(time.Duration(n)*time.Minute).Format(time.DateTime), float64(n%1000)/10)
	}
	return b.String()
}

func BenchmarkReadCSV(b *testing.B) {
	in := twoMonthsOfCSV()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read("x", strings.NewReader(in), large); err != nil {
			b.Fatal(err)
		}
	}
}

// CloudWatch keeps only five-minute values of an older time. Eleven consecutive distances of five minutes may be gaps; twelve are a coarser
// interval.
func TestRead_RefusesLongCoarserRun(t *testing.T) {
	with := func(coarse int) string {
		var b strings.Builder
		b.WriteString("timestamp,value\n")
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
		for n := range 100 + coarse {
			b.WriteString(at.Format(time.DateTime) + ",50\n")
			if at = at.Add(time.Minute); n >= 50 && n < 50+coarse {
				at = at.Add(4 * time.Minute)
			}
		}
		return b.String()
	}
	if _, err := Read("x", strings.NewReader(with(11)), Options{Class: "db.r6g.large"}); err != nil {
		t.Errorf("eleven in a row: %v", err)
	}
	_, err := Read("x", strings.NewReader(with(12)), Options{Class: "db.r6g.large"})
	if err == nil || !strings.HasPrefix(err.Error(), "x:53: mixed intervals: 2024-01-01 00:55:00 is 5m after the value before it") {
		t.Errorf("twelve in a row: %v", err)
	}
}
