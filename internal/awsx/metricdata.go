package awsx

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// The limits of one GetMetricData request (CloudWatch API reference, GetMetricData).
const (
	maxQueries    = 500
	maxDatapoints = 100_800
)

// query asks for one series from a minute on.
type query struct {
	wanted
	start, end time.Time
	// whole says that the start is as far back as samples are wanted.
	whole bool
}

// answer is what a query brought.
type answer struct {
	samples []scaling.Sample
	err     error
}

// batch is the queries of one request, all of one period.
type batch struct {
	start, end time.Time
	queries    []query
}

// batches divides queries into as few requests as CloudWatch's limits allow. All queries of a request have one start, so
// those of other periods have requests of their own, and those that reach far back come last: most requests stay small.
func batches(queries []query) []batch {
	queries = slices.Clone(queries)
	slices.SortStableFunc(queries, func(a, b query) int {
		return cmp.Or(cmp.Compare(a.metric.period, b.metric.period), b.start.Compare(a.start))
	})
	var out []batch
	for _, q := range queries {
		if n := len(out) - 1; n >= 0 && out[n].queries[0].metric.period == q.metric.period && fits(len(out[n].queries)+1, q) {
			out[n].start, out[n].queries = q.start, append(out[n].queries, q)
		} else {
			out = append(out, batch{start: q.start, end: q.end, queries: []query{q}})
		}
	}
	return out
}

// fits says whether one request can have so many queries when they reach as far back as the last of them.
func fits(queries int, last query) bool {
	return queries <= maxQueries && queries*int(last.end.Sub(last.start)/last.metric.period) <= maxDatapoints
}

// fetch makes a batch's request, page by page, and gives one answer a query. What came before an error is kept.
func fetch(ctx context.Context, client cloudwatch.GetMetricDataAPIClient, b batch) []answer {
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(b.start), EndTime: aws.Time(b.end),
		// Oldest first: when the answer is cut short, the next read goes on where it ended.
		ScanBy: types.ScanByTimestampAscending,
	}
	for n, q := range b.queries {
		input.MetricDataQueries = append(input.MetricDataQueries, metricQuery(n, q))
	}
	answers := make([]answer, len(b.queries))
	pages := cloudwatch.NewGetMetricDataPaginator(client, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			err = overdue(Classify(err), readTimeout)
			for n := range answers {
				answers[n].err = err
			}
			return answers
		}
		for _, result := range page.MetricDataResults {
			n, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(result.Id), idPrefix))
			if err == nil && n >= 0 && n < len(answers) {
				answers[n].add(result, b.queries[n])
			}
		}
	}
	return answers
}

// idPrefix begins the id of each query, which must begin with a lower-case letter.
const idPrefix = "m"

func metricQuery(n int, q query) types.MetricDataQuery {
	dimensions := []types.Dimension{{Name: aws.String("DBInstanceIdentifier"), Value: aws.String(q.instance)}}
	if q.metric.role != "" {
		dimensions = []types.Dimension{
			{Name: aws.String("DBClusterIdentifier"), Value: aws.String(q.instance)},
			{Name: aws.String("Role"), Value: aws.String(q.metric.role)},
		}
	}
	return types.MetricDataQuery{
		Id: aws.String(idPrefix + strconv.Itoa(n)),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("AWS/RDS"), MetricName: aws.String(q.metric.name), Dimensions: dimensions},
			Period: aws.Int32(int32(q.metric.period / time.Second)),
			Stat:   aws.String(string(q.metric.stat)),
		},
	}
}

// add takes in one page's result of a query.
func (a *answer) add(result types.MetricDataResult, q query) {
	for n := range min(len(result.Timestamps), len(result.Values)) {
		if at := result.Timestamps[n]; !at.Before(q.created) {
			a.samples = append(a.samples, scaling.Sample{At: at.UTC(), Value: result.Values[n]})
		}
	}
	cause := scaling.ErrUnavailable
	switch result.StatusCode {
	case types.StatusCodeComplete, types.StatusCodePartialData:
		return
	case types.StatusCodeForbidden:
		cause = scaling.ErrDenied
	case types.StatusCodeInternalError:
	}
	text := "no reason given"
	if len(result.Messages) > 0 {
		text = aws.ToString(result.Messages[0].Value)
	}
	a.err = fmt.Errorf("%w: CloudWatch GetMetricData: %s for %s of %s: %s",
		cause, result.StatusCode, q.metric.name, q.instance, text)
}
