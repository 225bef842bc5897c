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

// metricQuery asks for one series from a minute on.
type metricQuery struct {
	requiredSeries
	start, end time.Time
	// isFullRange says that the start is as far back as samples are wanted.
	isFullRange bool
}

// queryResult is what a query brought.
type queryResult struct {
	samples []scaling.Sample
	err     error
}

// queryBatch is the queries of one request, all of one period.
type queryBatch struct {
	start, end time.Time
	queries    []metricQuery
}

// batchQueries divides queries into as few requests as CloudWatch's limits allow. All queries of a request have one start, so
// those of other periods have requests of their own, and those that reach far back come last: most requests stay small.
func batchQueries(queries []metricQuery) []queryBatch {
	queries = slices.Clone(queries)
	slices.SortStableFunc(queries, func(a, b metricQuery) int {
		return cmp.Or(cmp.Compare(a.metric.period, b.metric.period), b.start.Compare(a.start))
	})
	var out []queryBatch
	for _, q := range queries {
		if n := len(out) - 1; n >= 0 && out[n].queries[0].metric.period == q.metric.period && fitsRequestLimits(len(out[n].queries)+1, q) {
			out[n].start, out[n].queries = q.start, append(out[n].queries, q)
		} else {
			out = append(out, queryBatch{start: q.start, end: q.end, queries: []metricQuery{q}})
		}
	}
	return out
}

// fitsRequestLimits says whether one request can have so many queries when they reach as far back as the last of them.
func fitsRequestLimits(queries int, last metricQuery) bool {
	return queries <= maxQueries && queries*int(last.end.Sub(last.start)/last.metric.period) <= maxDatapoints
}

// fetchBatch makes a batch's request, page by page, and gives one answer a query. What came before an error is kept.
func fetchBatch(ctx context.Context, client cloudwatch.GetMetricDataAPIClient, b queryBatch) []queryResult {
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(b.start), EndTime: aws.Time(b.end),
		// Oldest first: when the answer is cut short, the next read goes on where it ended.
		ScanBy: types.ScanByTimestampAscending,
	}
	for n, q := range b.queries {
		input.MetricDataQueries = append(input.MetricDataQueries, newMetricDataQuery(n, q))
	}
	answers := make([]queryResult, len(b.queries))
	pages := cloudwatch.NewGetMetricDataPaginator(client, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			err = asTimeoutError(Classify(err), readTimeout)
			for n := range answers {
				answers[n].err = err
			}
			return answers
		}
		for _, result := range page.MetricDataResults {
			n, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(result.Id), queryIDPrefix))
			if err == nil && n >= 0 && n < len(answers) {
				answers[n].addPage(result, b.queries[n])
			}
		}
	}
	return answers
}

// queryIDPrefix begins the id of each query, which must begin with a lower-case letter.
const queryIDPrefix = "m"

func newMetricDataQuery(n int, q metricQuery) types.MetricDataQuery {
	dimensions := []types.Dimension{{Name: aws.String("DBInstanceIdentifier"), Value: aws.String(q.identifier)}}
	if q.metric.role != "" {
		dimensions = []types.Dimension{
			{Name: aws.String("DBClusterIdentifier"), Value: aws.String(q.identifier)},
			{Name: aws.String("Role"), Value: aws.String(q.metric.role)},
		}
	}
	return types.MetricDataQuery{
		Id: aws.String(queryIDPrefix + strconv.Itoa(n)),
		MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("AWS/RDS"), MetricName: aws.String(q.metric.name), Dimensions: dimensions},
			Period: aws.Int32(int32(q.metric.period / time.Second)),
			Stat:   aws.String(string(q.metric.statistic)),
		},
	}
}

// addPage takes in one page's result of a query.
func (a *queryResult) addPage(result types.MetricDataResult, q metricQuery) {
	for n := range min(len(result.Timestamps), len(result.Values)) {
		if at := result.Timestamps[n]; !at.Before(q.createdAt) {
			a.samples = append(a.samples, scaling.Sample{Time: at.UTC(), Value: result.Values[n]})
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
		cause, result.StatusCode, q.metric.name, q.identifier, text)
}
