package recording

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newResultJSON is a result with one value a line, from 00:00 on and a minute apart.
func newResultJSON(id, label, status string, values ...string) string {
	var times []string
	for n := range values {
		times = append(times, fmt.Sprintf(`"2024-01-01T00:%02d:00+00:00"`, n))
	}
	return fmt.Sprintf("{\"Id\":%q,\"Label\":%q,\n\"Timestamps\":[\n%s],\n\"Values\":[\n%s],\n\"StatusCode\":%q}",
		id, label, strings.Join(times, ",\n"), strings.Join(values, ",\n"), status)
}

// newOutputJSON is what get-metric-data prints.
func newOutputJSON(entries ...string) string {
	return "{\"MetricDataResults\":[\n" + strings.Join(entries, ",\n") + "],\n\"Messages\":[]}\n"
}

func TestRead_MetricData(t *testing.T) {
	three := Options{Class: "db.r6g.large", Count: 3}
	for name, test := range map[string]struct {
		in       string
		options  Options
		demand   []float64
		censored []bool
	}{
		"one instance":          {in: newOutputJSON(newResultJSON("m1", "CPUUtilization", "Complete", "50", "25")), options: large, demand: []float64{1, 0.5}},
		"the mean of a pool":    {in: newOutputJSON(newResultJSON("cpu", "reader", "Complete", "50", "25")), options: three, demand: []float64{3, 1.5}},
		"instances":             {in: newOutputJSON(newResultJSON("a", "db-1 CPUUtilization", "Complete", "50", "25"), newResultJSON("b", "db-2 cpuutilization", "Complete", "10", "20")), options: large, demand: []float64{1.2, 0.9}},
		"counted instances":     {in: newOutputJSON(newResultJSON("cpu1", "", "Complete", "50", "25"), newResultJSON("cpu2", "", "Complete", "50", "25"), newResultJSON("cpu3", "", "Complete", "50", "25")), options: three, demand: []float64{3, 1.5}},
		"the load of instances": {in: newOutputJSON(newResultJSON("cpu1", "", "", "98", "25"), newResultJSON("cpu2", "", "", "50", "99"), newResultJSON("l1", "DBLoadCPU", "", "7", "1"), newResultJSON("l2", "DBLoadCPU", "", "1")), options: large, demand: []float64{8, 2.48}, censored: []bool{false, true}},
		"an instance is missing": {
			in:      newOutputJSON(newResultJSON("cpu1", "", "", "50", "50", "50"), `{"Id":"cpu2","Timestamps":["2024-01-01T00:02:00Z","2024-01-01T00:00:00Z"],"Values":[10,20]}`),
			options: large, demand: []float64{1.4, nan, 1.2},
		},
		"missing at both ends": {
			in: newOutputJSON(newResultJSON("cpu1", "", "", "50", "50", "50", "50"), `{"Id":"cpu2","Timestamps":["2023-12-31T23:59:00Z","2024-01-01T00:00:00Z","2024-01-01T00:01:00Z"],"Values":[9,10,20]}`),
			// 23:59 and 00:02 on have but one instance each.
			options: large, demand: []float64{1.2, 1.4},
		},
		"descending, with offsets": {
			in:      newOutputJSON(`{"Label":"CPUUtilization","Timestamps":["2024-01-01T02:02:00+02:00","2024-01-01T00:00:00.000Z","2023-12-31T19:01:00-05:00"],"Values":[1e1,5e1,2.5E1]}`),
			options: large, demand: []float64{1, 0.5, 0.2},
		},
		"pages": {
			in: newOutputJSON(newResultJSON("cpu", "", "PartialData", "50", "25"), `{"Id":"cpu","Label":"","StatusCode":"Complete","Timestamps":["2024-01-01T00:03:00Z"],"Values":[75]}`,
				`{"Id":"load","Label":"DBLoad","Timestamps":[],"Values":null}`),
			options: large, demand: []float64{1, 0.5, nan, 1.5},
		},
		"pages in documents of their own": {
			in:      `{"MetricDataResults":[` + newResultJSON("cpu", "", "PartialData", "50", "25") + `],"NextToken":"more"}` + "\n" + newOutputJSON(`{"Id":"cpu","Timestamps":["2024-01-01T00:02:00Z"],"Values":[75]}`),
			options: large, demand: []float64{1, 0.5, 1.5},
		},
		"a scale":                         {in: newOutputJSON(newResultJSON("q", "Queries", "Complete", "50", "2500")), options: Options{Scale: 0.01}, demand: []float64{0.5, 25}},
		"what is not known is left out":   {in: "\ufeff \n" + strings.Replace(newOutputJSON(newResultJSON("cpu", "", "", "50", "25")), `"Id"`, `"New":{"deep":[1,{}]},"Id"`, 1), options: large, demand: []float64{1, 0.5}},
		"one load of three":               {in: newOutputJSON(newResultJSON("cpu", "CPUUtilization", "", "50", "99"), newResultJSON("l", "DBLoadCPU", "", "1", "5")), options: Options{Class: "db.r6g.large", Count: 3}, demand: []float64{3, 15}},
		"the label says more than the id": {in: newOutputJSON(newResultJSON("cpu1", "DBLoadCPU", "", "9", "9"), newResultJSON("cpu2", "CPUUtilization", "", "50", "95")), options: large, demand: []float64{1, 9}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Read("x", strings.NewReader(test.in), test.options)
			if err != nil {
				t.Fatal(err)
			}
			if start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); !r.Start.Equal(start) || r.Interval != time.Minute {
				t.Errorf("got %v every %v, want %v every minute", r.Start, r.Interval, start)
			}
			if !equalDemand(r.Demand, test.demand) || !slices.Equal(r.Censored, test.censored) {
				t.Errorf("got %v censored %v, want %v censored %v", r.Demand, r.Censored, test.demand, test.censored)
			}
		})
	}
}

func TestRead_RefusesInvalidMetricData(t *testing.T) {
	const (
		noResults = "x: is JSON without MetricDataResults: give what aws cloudwatch get-metric-data prints"
		unedited  = "give what aws cloudwatch get-metric-data prints, unedited"
	)
	good := newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "2"))
	for name, test := range map[string]struct {
		in   string
		want string
	}{
		"another command":       {`{"Label":"CPUUtilization","Datapoints":[]}`, noResults},
		"a list":                {`[1]`, noResults},
		"a second value":        {good + "5", noResults},
		"a comma too many":      {strings.Replace(good, "],\n\"Values", "],,\n\"Values", 1), "x:5: broken JSON: invalid character ',' looking for beginning of object key string: " + unedited},
		"NaN":                   {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "NaN")), "x:8: broken JSON: invalid character 'N' looking for beginning of value: " + unedited},
		"no braces":             {strings.Replace(good, "[\n{", "[\n", 1), "x:2: MetricDataResults has something else than results: " + unedited},
		"broken second":         {good + "{\n\n!}", "x:13: broken JSON: invalid character '!' looking for beginning of object key string: " + unedited},
		"rubbish behind":        {good + "\nrubbish", "x:12: broken JSON: invalid character 'r' looking for beginning of value: " + unedited},
		"cut short":             {good[:len(good)-20], "x:9: the JSON ends in the middle: the file is cut short, so fetch it again"},
		"cut in a string":       {good[:30], "x:2: the JSON ends in the middle: the file is cut short, so fetch it again"},
		"one brace":             {"{", "x:1: the JSON ends in the middle: the file is cut short, so fetch it again"},
		"no list":               {`{"MetricDataResults":5}`, "x:1: MetricDataResults is no list: " + unedited},
		"no results in it":      {`{"MetricDataResults":[5]}`, "x:1: MetricDataResults has something else than results: " + unedited},
		"a numeric id":          {"{\"MetricDataResults\":[{\n\"Id\":5}]}", "x:2: Id is no string: " + unedited},
		"nothing":               {newOutputJSON(), "x: has no datapoints: check the instance's name, the region and the times; " + retentionHint},
		"nothing but names":     {newOutputJSON(newResultJSON("cpu", "", "Complete")), "x: has no datapoints: check the instance's name, the region and the times; " + retentionHint},
		"one value":             {newOutputJSON(newResultJSON("cpu", "", "Complete", "1")), "x:4: is the only value, so that the interval is not known: give two or more"},
		"partial":               {newOutputJSON(newResultJSON("cpu", "", "PartialData", "1", "2")), `x:9: the result "cpu" is PartialData, so that values are missing: fetch it again, with all pages or with a later start`},
		"forbidden":             {newOutputJSON(newResultJSON("a", "CPUUtilization", "Forbidden")), `x:7: the result "CPUUtilization" is Forbidden: fetch it again with credentials that may read the metric (cloudwatch:GetMetricData)`},
		"internal":              {newOutputJSON(newResultJSON("cpu", "", "InternalError", "1", "2")), `x:9: the result "cpu" is InternalError: CloudWatch failed, so fetch it again`},
		"another status":        {newOutputJSON(newResultJSON("cpu", "", "Fine", "1", "2")), `x:9: the result "cpu" has the unknown status "Fine": fetch it again`},
		"more pages":            {`{"MetricDataResults":[],` + "\n" + `"NextToken":"abc"}`, "x:2: has a NextToken, so that values are missing: fetch the other pages too, or leave --max-items out"},
		"lengths":               {strings.Replace(good, "1,\n2]", "1]", 1), `x:2: the result "cpu" has 2 timestamps and 1 values: fetch it again`},
		"a number as time":      {strings.Replace(good, `"2024-01-01T00:01:00+00:00"`, "5", 1), "x:5: Timestamps has something else than times: write them as 2006-01-02T15:04:05Z"},
		"no time":               {strings.Replace(good, `"2024-01-01T00:01:00+00:00"`, `"noon"`, 1), `x:5: "noon" is no time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z`},
		"null":                  {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "null")), "x:8: Values has something else than numbers: leave out time and value where nothing was recorded"},
		"negative":              {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "-2")), "x:8: the value -2 is negative: it must be 0 or more (2024-01-01 00:01:00)"},
		"above 100 percent":     {newOutputJSON(newResultJSON("cpu", "", "Complete", "101", "2")), "x:7: the value 101 is above 100 percent: give --scale instead of --class if it is no percentage (2024-01-01 00:00:00)"},
		"beyond floating point": {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "1e999")), "x:8: the value is +Inf: leave it out where nothing was recorded (2024-01-01 00:01:00)"},
		"a negative load":       {newOutputJSON(newResultJSON("cpu", "", "", "1", "2"), newResultJSON("l", "dbload", "", "-1", "2")), "x:15: the dbload -1 is negative: it must be 0 or more sessions (2024-01-01 00:00:00)"},
		"twice":                 {strings.Replace(good, "00:01:00", "00:00:00", 1), `x:5: the result "cpu" has the timestamp 2024-01-01 00:00:00 in line 4 already: give each value once`},
		"mixed":                 {strings.Replace(newOutputJSON(newResultJSON("cpu", "", "", "1", "2", "3", "4")), "00:03:00", "00:03:30", 1), "x:7: mixed intervals: 2024-01-01 00:03:30 is 1m30s after the value before it, and most values are 1m apart: give all of them the same interval, and leave out whole ones alone"},
		"not of one time":       {newOutputJSON(newResultJSON("cpu1", "", "", "1"), `{"Id":"cpu2","Timestamps":["2024-02-01T00:00:00Z"],"Values":[1]}`), "x: has no time at which every instance has a value: fetch all of them for the same time and period"},
		"other measures":        {newOutputJSON(newResultJSON("cpu", "", "", "1", "2"), newResultJSON("m", "FreeableMemory", "", "1", "2")), `x:10: the result "FreeableMemory" is neither CPUUtilization nor DBLoadCPU (results: "cpu", "FreeableMemory"): fetch these alone, or give --scale if it is another measure`},
		"a load of disks":       {newOutputJSON(newResultJSON("a", "DBLoadNonCPU", "", "1", "2")), `x:2: the result "DBLoadNonCPU" is neither CPUUtilization nor DBLoadCPU (results: "DBLoadNonCPU"): fetch these alone, or give --scale if it is another measure`},
		"many measures":         {newOutputJSON(newResultJSON("a", "A", "", "1"), newResultJSON("b", "B", ""), newResultJSON("c", "C", ""), newResultJSON("d", "D", ""), newResultJSON("e", "E", ""), newResultJSON("f", "F", "")), `x:2: the result "A" is neither CPUUtilization nor DBLoadCPU (results: "A", "B", "C", "D", "E", …): fetch these alone, or give --scale if it is another measure`},
		"a load alone":          {newOutputJSON(newResultJSON("a", "DBLoadCPU", "", "1", "2")), `x: has no CPUUtilization (results: "DBLoadCPU"): fetch it too`},
		"fewer loads":           {newOutputJSON(newResultJSON("cpu1", "", "", "1"), newResultJSON("cpu2", "", "", "1"), newResultJSON("l", "DBLoad", "", "1")), `x: has 1 DBLoad result(s) for 2 instance(s) (results: "cpu1", "cpu2", "DBLoad"): fetch one for each instance, or none`},
	} {
		t.Run(name, func(t *testing.T) { wantInputError(t, test.in, large, test.want) })
	}
	two := newOutputJSON(newResultJSON("cpu1", "", "", "1"), newResultJSON("cpu2", "", "", "1"))
	wantInputError(t, two, Options{Class: "db.r6g.large", Count: 3},
		`x: has CPUUtilization of 2 instances, and --count is 3: leave --count out (results: "cpu1", "cpu2")`)
	wantInputError(t, two, Options{Scale: 1}, `x: has 2 results ("cpu1", "cpu2"), and with --scale there must be one: fetch it alone`)
}

func BenchmarkReadMetricData(b *testing.B) {
	var times, values []string
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range 88_000 {
		times = append(times, `"`+at.Add(time.Duration(n)*time.Minute).Format(time.RFC3339)+`"`)
		values = append(values, fmt.Sprint(float64(n%1000)/10))
	}
	in := newOutputJSON(fmt.Sprintf("{\"Id\":\"cpu\",\"Timestamps\":[\n%s],\"Values\":[\n%s]}", strings.Join(times, ",\n"), strings.Join(values, ",\n")))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read("x", strings.NewReader(in), large); err != nil {
			b.Fatal(err)
		}
	}
}
