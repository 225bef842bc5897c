package recording

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/dbscaler/dbscaler/internal/scaling/catalog"
)

var startOfDay = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// fakeCloudWatch has samples by name, such as "CPUUtilization of db-1", one a period from startOfDay on. NaN is no sample.
type fakeCloudWatch struct {
	t       *testing.T
	samples map[string][]float64
	// pageSize is the number of datapoints of a page; zero is all.
	pageSize int
	// editResult changes each result before it is returned.
	editResult func(name string, last bool, r *types.MetricDataResult)
	err        error
	// requests and pages count the calls; maxQueries and maxDatapoints are those of the largest request.
	requests, pages, maxQueries, maxDatapoints int
}

func (w *fakeCloudWatch) GetMetricData(
	ctx context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options),
) (*cloudwatch.GetMetricDataOutput, error) {
	w.t.Helper()
	if w.err != nil {
		return nil, w.err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.pages++
	skip, _ := strconv.Atoi(aws.ToString(in.NextToken))
	if in.NextToken == nil {
		w.requests++
	}
	out := &cloudwatch.GetMetricDataOutput{}
	left, passed, asked := w.pageSize, 0, 0
	for _, q := range in.MetricDataQueries {
		stat := q.MetricStat
		if *stat.Metric.Namespace != "AWS/RDS" || *stat.Stat != "Average" || *stat.Metric.Dimensions[0].Name != "DBInstanceIdentifier" {
			w.t.Errorf("unexpected query %+v", stat)
		}
		name := *stat.Metric.MetricName + " of " + *stat.Metric.Dimensions[0].Value
		period := time.Duration(*stat.Period) * time.Second
		asked += int(in.EndTime.Sub(*in.StartTime) / period)
		result := types.MetricDataResult{Id: q.Id, Label: aws.String("whatever"), StatusCode: types.StatusCodeComplete}
		for n, value := range w.samples[name] {
			at := startOfDay.Add(time.Duration(n) * period)
			if value != value || at.Before(*in.StartTime) || !at.Before(*in.EndTime) {
				continue
			}
			if passed++; passed <= skip {
				continue
			}
			if w.pageSize > 0 && left == 0 {
				result.StatusCode = types.StatusCodePartialData
				out.NextToken = aws.String(strconv.Itoa(skip + w.pageSize))
				break
			}
			left--
			result.Timestamps, result.Values = append(result.Timestamps, at), append(result.Values, value)
		}
		if w.editResult != nil {
			w.editResult(name, out.NextToken == nil, &result)
		}
		out.MetricDataResults = append(out.MetricDataResults, result)
	}
	w.maxQueries, w.maxDatapoints = max(w.maxQueries, len(in.MetricDataQueries)), max(w.maxDatapoints, asked)
	return out, nil
}

func newTwoInstanceQuery(minutes int) Query {
	return Query{
		Instances: []Instance{{"db-1", "db.r6g.large"}, {"db-2", "db.r6g.xlarge"}},
		From:      startOfDay, To: startOfDay.Add(time.Duration(minutes) * time.Minute), Period: time.Minute,
	}
}

func TestFetch(t *testing.T) {
	samples := map[string][]float64{
		// minute                     0    1    2    3   4    5    6
		"CPUUtilization of db-1": {nan, 50, 50, nan, 96, 96, 50},
		"CPUUtilization of db-2": {99, 25, 99, 99, 25, 99, nan},
		"DBLoadCPU of db-1":      {1, 9, 1, 1, 5, nan, 1},
		"DBLoadCPU of db-2":      {1, 1, 1, 1, 1, 7, 1},
	}
	for _, page := range []int{0, 1, 3, 100} {
		t.Run(fmt.Sprint("pages of ", page), func(t *testing.T) {
			w := &fakeCloudWatch{t: t, samples: samples, pageSize: page}
			q := newTwoInstanceQuery(7)
			q.From, q.To = q.From.Add(20*time.Second), q.To.Add(30*time.Second)
			r, err := Fetch(t.Context(), w, q)
			if err != nil {
				t.Fatal(err)
			}
			// db-1 has two vCPUs and db-2 four. Minutes 0 and 6 lack an instance, at the ends; minute 3 in between.
			want, censored := []float64{2, 4.96, nan, 6, 8.92}, []bool{false, false, false, false, true}
			if !equalDemand(r.Demand, want) || !slices.Equal(r.Censored, censored) {
				t.Errorf("got %v censored %v, want %v censored %v", r.Demand, r.Censored, want, censored)
			}
			if !r.Start.Equal(startOfDay.Add(time.Minute)) || r.Interval != time.Minute || w.requests != 1 || page == 1 && w.pages < 20 {
				t.Errorf("got %v every %v in %d requests, %d pages", r.Start, r.Interval, w.requests, w.pages)
			}
		})
	}
}

func TestFetch_StaysWithinRequestLimits(t *testing.T) {
	for name, test := range map[string]struct {
		instances, minutes, requests int
	}{
		"long time":                    {1, 110_000, 3},
		"exactly one request":          {1, 50_400, 1},
		"many instances":               {251, 201, 2},
		"many instances and long time": {300, 250, 4},
	} {
		t.Run(name, func(t *testing.T) {
			w := &fakeCloudWatch{t: t, samples: map[string][]float64{}}
			q := Query{From: startOfDay, To: startOfDay.Add(time.Duration(test.minutes) * time.Minute), Period: time.Minute}
			want := make([]float64, test.minutes)
			for i := range test.instances {
				id := fmt.Sprint("db-", i)
				q.Instances = append(q.Instances, Instance{id, "db.r6g.large"})
				samples := make([]float64, test.minutes)
				for n := range samples {
					samples[n] = float64((n + i) % 90)
					want[n] += samples[n] / 50
				}
				w.samples["CPUUtilization of "+id] = samples
			}
			r, err := Fetch(t.Context(), w, q)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(r.Demand, want, func(a, b float64) bool { return a-b < 1e-6 && b-a < 1e-6 }) || r.Censored != nil {
				t.Errorf("the demand differs, with %d values and censored %v", len(r.Demand), r.Censored)
			}
			if w.maxQueries > maxQueries || w.maxDatapoints > maxDatapoints || w.requests != test.requests {
				t.Errorf("%d requests of up to %d queries and %d datapoints, want %d requests within the limits", w.requests, w.maxQueries,
					w.maxDatapoints, test.requests)
			}
		})
	}
}

func TestFetch_MarksEveryIntervalWhenOneIsCensored(t *testing.T) {
	samples := make([]float64, 60_000)
	samples[7] = 99
	w := &fakeCloudWatch{t: t, samples: map[string][]float64{"CPUUtilization of db-1": samples}}
	q := newTwoInstanceQuery(len(samples))
	q.Instances = q.Instances[:1]
	r, err := Fetch(t.Context(), w, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Censored) != len(r.Demand) || !r.Censored[7] || len(r.Demand) != len(samples) || w.requests != 2 {
		t.Errorf("got %d marks of %d values in %d requests", len(r.Censored), len(r.Demand), w.requests)
	}
}

func TestFetch_ReportsErrors(t *testing.T) {
	refused := errors.New("refused")
	ofFirst := func(change func(r *types.MetricDataResult)) func(string, bool, *types.MetricDataResult) {
		return func(name string, last bool, r *types.MetricDataResult) {
			if name == "CPUUtilization of db-1" && last {
				change(r)
			}
		}
	}
	status := func(s types.StatusCode) func(string, bool, *types.MetricDataResult) {
		return ofFirst(func(r *types.MetricDataResult) { r.StatusCode = s })
	}
	value := func(v float64) func(string, bool, *types.MetricDataResult) {
		return ofFirst(func(r *types.MetricDataResult) { r.Values[0] = v })
	}
	none := "CloudWatch has no CPUUtilization of every instance from 2024-01-01 00:00:00 to 2024-01-01 00:02:00: " +
		"check the names, the region and the period; " + retentionHint
	for name, test := range map[string]struct {
		query  func(*Query)
		change func(string, bool, *types.MetricDataResult)
		err    error
		want   string
	}{
		"no instance":                 {query: func(q *Query) { q.Instances = nil }, want: "name one instance or more to read from CloudWatch"},
		"instance named twice":        {query: func(q *Query) { q.Instances[1].ID = "db-1" }, want: `the instance "db-1" is named twice or has no name: name each instance once`},
		"instance without a name":     {query: func(q *Query) { q.Instances[0].ID = "" }, want: `the instance "" is named twice or has no name: name each instance once`},
		"unknown class":               {query: func(q *Query) { q.Instances[0].Class = "db.r6g.huge" }, want: `instance db-1: unknown instance class "db.r6g.huge": did you mean "db.r6g.large"?`},
		"period below a minute":       {query: func(q *Query) { q.Period = 30 * time.Second }, want: "the period is 30s: it must be whole minutes, 1 to 60"},
		"period not in whole minutes": {query: func(q *Query) { q.Period = 90 * time.Second }, want: "the period is 1m30s: it must be whole minutes, 1 to 60"},
		"period above an hour":        {query: func(q *Query) { q.Period = 24 * time.Hour }, want: "the period is 24h0m0s: it must be whole minutes, 1 to 60"},
		"time shorter than a period":  {query: func(q *Query) { q.To = q.From.Add(59 * time.Second) }, want: "the time to read is shorter than a period: give an earlier start or a later end"},
		"too many periods":            {query: func(q *Query) { q.From = q.From.AddDate(-4, 0, 0) }, want: "the time to read is 2103842 periods, and the maximum is 2000000: give a shorter time, or longer intervals"},
		"request fails":               {err: refused, want: "CloudWatch GetMetricData: refused"},
		"no values":                   {change: func(_ string, _ bool, r *types.MetricDataResult) { r.Values, r.Timestamps = nil, nil }, want: none},
		"one instance without values": {change: ofFirst(func(r *types.MetricDataResult) { r.Values, r.Timestamps = nil, nil }), want: none},
		"unknown result ID":           {change: func(_ string, _ bool, r *types.MetricDataResult) { r.Id = aws.String("m99") }, want: none},
		"values outside the requested time": {change: ofFirst(func(r *types.MetricDataResult) {
			r.Timestamps[0], r.Timestamps[1] = startOfDay.Add(-1), startOfDay.Add(2*time.Minute)
		}), want: none},
		"status Forbidden":                        {change: status(types.StatusCodeForbidden), want: "CloudWatch GetMetricData: CPUUtilization of db-1 is Forbidden: fetch it again with credentials that may read the metric (cloudwatch:GetMetricData)"},
		"status InternalError":                    {change: status(types.StatusCodeInternalError), want: "CloudWatch GetMetricData: CPUUtilization of db-1 is InternalError: CloudWatch failed, so fetch it again"},
		"last page PartialData":                   {change: status(types.StatusCodePartialData), want: "CloudWatch GetMetricData: CPUUtilization of db-1 is PartialData, so values are missing: fetch it again, with all pages or with a later start"},
		"numbers of timestamps and values differ": {change: ofFirst(func(r *types.MetricDataResult) { r.Values = r.Values[:1] }), want: "CloudWatch GetMetricData: CPUUtilization of db-1 has 2 timestamps and 1 values"},
		"value NaN":                               {change: value(nan), want: "CloudWatch GetMetricData: CPUUtilization of db-1 at 2024-01-01 00:00:00: the value is NaN: omit it where nothing was recorded"},
		"negative value":                          {change: value(-1), want: "CloudWatch GetMetricData: CPUUtilization of db-1 at 2024-01-01 00:00:00: the value -1 is negative: it must be 0 or more"},
	} {
		t.Run(name, func(t *testing.T) {
			q := newTwoInstanceQuery(2)
			if test.query != nil {
				test.query(&q)
			}
			w := &fakeCloudWatch{t: t, editResult: test.change, err: test.err, samples: map[string][]float64{
				"CPUUtilization of db-1": {1, 2}, "CPUUtilization of db-2": {1, 2},
			}}
			_, err := Fetch(t.Context(), w, q)
			if err == nil || err.Error() != test.want {
				t.Fatalf("\ngot  %v\nwant %s", err, test.want)
			}
			if test.err != nil && !errors.Is(err, test.err) || strings.Contains(test.want, "unknown") != errors.Is(err, catalog.ErrUnknownClass) {
				t.Errorf("%v does not wrap its cause", err)
			}
		})
	}
}

func TestFetch_StopsWhenContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	w := &fakeCloudWatch{t: t, pageSize: 1, samples: map[string][]float64{"CPUUtilization of db-1": {1, 2, 3, 4}, "CPUUtilization of db-2": {1, 2, 3, 4}}}
	w.editResult = func(string, bool, *types.MetricDataResult) { cancel() }
	if _, err := Fetch(ctx, w, newTwoInstanceQuery(4)); !errors.Is(err, context.Canceled) || w.pages != 1 {
		t.Errorf("got %v after %d pages", err, w.pages)
	}
}
