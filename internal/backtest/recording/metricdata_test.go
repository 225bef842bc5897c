package recording

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// newResultJSON is a result with one value a minute from 00:00 on, each on its own line.
func newResultJSON(id, label, status string, values ...string) string {
	var times []string
	for n := range values {
		times = append(times, fmt.Sprintf(`"2024-01-01T00:%02d:00+00:00"`, n))
	}
	return fmt.Sprintf("{\"Id\":%q,\"Label\":%q,\n\"Timestamps\":[\n%s],\n\"Values\":[\n%s],\n\"StatusCode\":%q}",
		id, label, strings.Join(times, ",\n"), strings.Join(values, ",\n"), status)
}

// newOutputJSON is the output of get-metric-data.
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
		"one instance":                         {in: newOutputJSON(newResultJSON("m1", "CPUUtilization", "Complete", "50", "25")), options: large, demand: []float64{1, 0.5}},
		"the mean of a pool":                   {in: newOutputJSON(newResultJSON("cpu", "reader", "Complete", "50", "25")), options: three, demand: []float64{3, 1.5}},
		"sum of instances":                     {in: newOutputJSON(newResultJSON("a", "db-1 CPUUtilization", "Complete", "50", "25"), newResultJSON("b", "db-2 cpuutilization", "Complete", "10", "20")), options: large, demand: []float64{1.2, 0.9}},
		"count equals the number of instances": {in: newOutputJSON(newResultJSON("cpu1", "", "Complete", "50", "25"), newResultJSON("cpu2", "", "Complete", "50", "25"), newResultJSON("cpu3", "", "Complete", "50", "25")), options: three, demand: []float64{3, 1.5}},
		"dbload of each instance":              {in: newOutputJSON(newResultJSON("cpu1", "", "", "98", "25"), newResultJSON("cpu2", "", "", "50", "99"), newResultJSON("l1", "DBLoadCPU", "", "7", "1"), newResultJSON("l2", "DBLoadCPU", "", "1")), options: large, demand: []float64{8, 2.48}, censored: []bool{false, true}},
		"gap where an instance is missing": {
			in:      newOutputJSON(newResultJSON("cpu1", "", "", "50", "50", "50"), `{"Id":"cpu2","Timestamps":["2024-01-01T00:02:00Z","2024-01-01T00:00:00Z"],"Values":[10,20]}`),
			options: large, demand: []float64{1.4, nan, 1.2},
		},
		"instances missing at both ends": {
			in: newOutputJSON(newResultJSON("cpu1", "", "", "50", "50", "50", "50"), `{"Id":"cpu2","Timestamps":["2023-12-31T23:59:00Z","2024-01-01T00:00:00Z","2024-01-01T00:01:00Z"],"Values":[9,10,20]}`),
			// 23:59 and 00:02 on have but one instance each.
			options: large, demand: []float64{1.2, 1.4},
		},
		"descending times with offsets": {
			in:      newOutputJSON(`{"Label":"CPUUtilization","Timestamps":["2024-01-01T02:02:00+02:00","2024-01-01T00:00:00.000Z","2023-12-31T19:01:00-05:00"],"Values":[1e1,5e1,2.5E1]}`),
			options: large, demand: []float64{1, 0.5, 0.2},
		},
		"pages of one series": {
			in: newOutputJSON(newResultJSON("cpu", "", "PartialData", "50", "25"), `{"Id":"cpu","Label":"","StatusCode":"Complete","Timestamps":["2024-01-01T00:03:00Z"],"Values":[75]}`,
				`{"Id":"load","Label":"DBLoad","Timestamps":[],"Values":null}`),
			options: large, demand: []float64{1, 0.5, nan, 1.5},
		},
		"pages in separate documents": {
			in:      `{"MetricDataResults":[` + newResultJSON("cpu", "", "PartialData", "50", "25") + `],"NextToken":"more"}` + "\n" + newOutputJSON(`{"Id":"cpu","Timestamps":["2024-01-01T00:02:00Z"],"Values":[75]}`),
			options: large, demand: []float64{1, 0.5, 1.5},
		},
		"scale":                          {in: newOutputJSON(newResultJSON("q", "Queries", "Complete", "50", "2500")), options: Options{Scale: 0.01}, demand: []float64{0.5, 25}},
		"unknown members are ignored":    {in: "\ufeff \n" + strings.Replace(newOutputJSON(newResultJSON("cpu", "", "", "50", "25")), `"Id"`, `"New":{"deep":[1,{}]},"Id"`, 1), options: large, demand: []float64{1, 0.5}},
		"mean dbload of three instances": {in: newOutputJSON(newResultJSON("cpu", "CPUUtilization", "", "50", "99"), newResultJSON("l", "DBLoadCPU", "", "1", "5")), options: Options{Class: "db.r6g.large", Count: 3}, demand: []float64{3, 15}},
		"label takes precedence over ID": {in: newOutputJSON(newResultJSON("cpu1", "DBLoadCPU", "", "9", "9"), newResultJSON("cpu2", "CPUUtilization", "", "50", "95")), options: large, demand: []float64{1, 9}},
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
		"output of another command":               {`{"Label":"CPUUtilization","Datapoints":[]}`, noResults},
		"top-level list":                          {`[1]`, noResults},
		"second value not an object":              {good + "5", noResults},
		"extra comma":                             {strings.Replace(good, "],\n\"Values", "],,\n\"Values", 1), "x:5: broken JSON: invalid character ',' looking for beginning of object key string: " + unedited},
		"NaN":                                     {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "NaN")), "x:8: broken JSON: invalid character 'N' looking for beginning of value: " + unedited},
		"result without braces":                   {strings.Replace(good, "[\n{", "[\n", 1), "x:2: MetricDataResults has an element that is not a result: " + unedited},
		"invalid second document":                 {good + "{\n\n!}", "x:13: broken JSON: invalid character '!' looking for beginning of object key string: " + unedited},
		"text after the document":                 {good + "\nrubbish", "x:12: broken JSON: invalid character 'r' looking for beginning of value: " + unedited},
		"truncated":                               {good[:len(good)-20], "x:9: the JSON ends too early: the file is truncated, so fetch it again"},
		"truncated in a string":                   {good[:30], "x:2: the JSON ends too early: the file is truncated, so fetch it again"},
		"single brace":                            {"{", "x:1: the JSON ends too early: the file is truncated, so fetch it again"},
		"results not a list":                      {`{"MetricDataResults":5}`, "x:1: MetricDataResults is not a list: " + unedited},
		"element not a result":                    {`{"MetricDataResults":[5]}`, "x:1: MetricDataResults has an element that is not a result: " + unedited},
		"numeric ID":                              {"{\"MetricDataResults\":[{\n\"Id\":5}]}", "x:2: Id is not a string: " + unedited},
		"no results":                              {newOutputJSON(), "x: has no datapoints: check the instance's name, the region and the times; " + retentionHint},
		"results without values":                  {newOutputJSON(newResultJSON("cpu", "", "Complete")), "x: has no datapoints: check the instance's name, the region and the times; " + retentionHint},
		"single value":                            {newOutputJSON(newResultJSON("cpu", "", "Complete", "1")), "x:4: is the only value, so the interval is unknown: give two or more"},
		"status PartialData":                      {newOutputJSON(newResultJSON("cpu", "", "PartialData", "1", "2")), `x:9: the result "cpu" is PartialData, so values are missing: fetch it again, with all pages or with a later start`},
		"status Forbidden":                        {newOutputJSON(newResultJSON("a", "CPUUtilization", "Forbidden")), `x:7: the result "CPUUtilization" is Forbidden: fetch it again with credentials that may read the metric (cloudwatch:GetMetricData)`},
		"status InternalError":                    {newOutputJSON(newResultJSON("cpu", "", "InternalError", "1", "2")), `x:9: the result "cpu" is InternalError: CloudWatch failed, so fetch it again`},
		"unknown status":                          {newOutputJSON(newResultJSON("cpu", "", "Fine", "1", "2")), `x:9: the result "cpu" has the unknown status "Fine": fetch it again`},
		"NextToken without a next page":           {`{"MetricDataResults":[],` + "\n" + `"NextToken":"abc"}`, "x:2: has a NextToken, so values are missing: fetch the other pages too, or omit --max-items"},
		"numbers of timestamps and values differ": {strings.Replace(good, "1,\n2]", "1]", 1), `x:2: the result "cpu" has 2 timestamps and 1 values: fetch it again`},
		"timestamp not a string":                  {strings.Replace(good, `"2024-01-01T00:01:00+00:00"`, "5", 1), "x:5: Timestamps has an element that is not a time: write times as 2006-01-02T15:04:05Z"},
		"invalid time":                            {strings.Replace(good, `"2024-01-01T00:01:00+00:00"`, `"noon"`, 1), `x:5: "noon" is not a time: write 2006-01-02 15:04:05 in UTC, or 2006-01-02T15:04:05Z`},
		"value null":                              {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "null")), "x:8: Values has an element that is not a number: omit the time and the value where nothing was recorded"},
		"negative value":                          {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "-2")), "x:8: the value -2 is negative: it must be 0 or more (2024-01-01 00:01:00)"},
		"above 100 percent":                       {newOutputJSON(newResultJSON("cpu", "", "Complete", "101", "2")), "x:7: the value 101 is above 100 percent: give --scale instead of --class if it is not a percentage (2024-01-01 00:00:00)"},
		"value beyond floating point":             {newOutputJSON(newResultJSON("cpu", "", "Complete", "1", "1e999")), "x:8: the value is +Inf: omit it where nothing was recorded (2024-01-01 00:01:00)"},
		"negative dbload":                         {newOutputJSON(newResultJSON("cpu", "", "", "1", "2"), newResultJSON("l", "dbload", "", "-1", "2")), "x:15: the dbload -1 is negative: it must be 0 or more sessions (2024-01-01 00:00:00)"},
		"duplicate timestamp":                     {strings.Replace(good, "00:01:00", "00:00:00", 1), `x:5: the result "cpu" has the timestamp 2024-01-01 00:00:00 in line 4 already: give each value once`},
		"mixed intervals":                         {strings.Replace(newOutputJSON(newResultJSON("cpu", "", "", "1", "2", "3", "4")), "00:03:00", "00:03:30", 1), "x:7: mixed intervals: 2024-01-01 00:03:30 is 1m30s after the value before it, and most values are 1m apart: give all values the same interval, and omit whole intervals only"},
		"no common time of all instances":         {newOutputJSON(newResultJSON("cpu1", "", "", "1"), `{"Id":"cpu2","Timestamps":["2024-02-01T00:00:00Z"],"Values":[1]}`), "x: has no time at which every instance has a value: fetch all of them for the same time and period"},
		"another metric":                          {newOutputJSON(newResultJSON("cpu", "", "", "1", "2"), newResultJSON("m", "FreeableMemory", "", "1", "2")), `x:10: the result "FreeableMemory" is neither CPUUtilization nor DBLoadCPU (results: "cpu", "FreeableMemory"): fetch only these, or give --scale if it is another metric`},
		"DBLoadNonCPU":                            {newOutputJSON(newResultJSON("a", "DBLoadNonCPU", "", "1", "2")), `x:2: the result "DBLoadNonCPU" is neither CPUUtilization nor DBLoadCPU (results: "DBLoadNonCPU"): fetch only these, or give --scale if it is another metric`},
		"long list of labels is shortened":        {newOutputJSON(newResultJSON("a", "A", "", "1"), newResultJSON("b", "B", ""), newResultJSON("c", "C", ""), newResultJSON("d", "D", ""), newResultJSON("e", "E", ""), newResultJSON("f", "F", "")), `x:2: the result "A" is neither CPUUtilization nor DBLoadCPU (results: "A", "B", "C", "D", "E", …): fetch only these, or give --scale if it is another metric`},
		"dbload without CPU":                      {newOutputJSON(newResultJSON("a", "DBLoadCPU", "", "1", "2")), `x: has no CPUUtilization (results: "DBLoadCPU"): fetch it too`},
		"dbload of some instances only":           {newOutputJSON(newResultJSON("cpu1", "", "", "1"), newResultJSON("cpu2", "", "", "1"), newResultJSON("l", "DBLoad", "", "1")), `x: has 1 DBLoad result(s) for 2 instance(s) (results: "cpu1", "cpu2", "DBLoad"): fetch one for each instance, or none`},
	} {
		t.Run(name, func(t *testing.T) { wantInputError(t, test.in, large, test.want) })
	}
	two := newOutputJSON(newResultJSON("cpu1", "", "", "1"), newResultJSON("cpu2", "", "", "1"))
	wantInputError(t, two, Options{Class: "db.r6g.large", Count: 3},
		`x: has CPUUtilization of 2 instances, and --count is 3: omit --count (results: "cpu1", "cpu2")`)
	wantInputError(t, two, Options{Scale: 1}, `x: has 2 results ("cpu1", "cpu2"), and --scale needs exactly one: fetch only one metric`)
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
