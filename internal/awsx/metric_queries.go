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

// metricQuery reads one series from start to end.
type metricQuery struct {
	targetSeries
	start, end time.Time
	// keepFrom is how far back samples are kept.
	keepFrom time.Time
	// isFullRange reports that start is as far back as samples are needed.
	isFullRange bool
}

// queryResult holds the samples that a query returned before it failed, if it did: the arrays of the response, since a day of samples of
// hundreds of series is much to copy.
type queryResult struct {
	timestamps []time.Time
	values     []float64
	err        error
}

// queryBatch is the queries of one request. They have the same period.
type queryBatch struct {
	start, end time.Time
	queries    []metricQuery
}

// batchQueries divides queries into as few requests as CloudWatch's limits allow. All queries of a request share one start
// time. Queries of different periods go into separate requests, and those that reach far back come last, so that most
// requests stay small.
func batchQueries(queries []metricQuery) []queryBatch {
	queries = slices.Clone(queries)
	slices.SortStableFunc(queries, func(a, b metricQuery) int {
		return cmp.Or(cmp.Compare(a.metric.period, b.metric.period), b.start.Compare(a.start))
	})
	var batches []queryBatch
	for _, q := range queries {
		last := len(batches) - 1
		if last >= 0 && batches[last].queries[0].metric.period == q.metric.period && fitsRequestLimits(len(batches[last].queries)+1, q) {
			batches[last].start, batches[last].queries = q.start, append(batches[last].queries, q)
		} else {
			batches = append(batches, queryBatch{start: q.start, end: q.end, queries: []metricQuery{q}})
		}
	}
	return batches
}

// fitsRequestLimits reports whether one request can have that number of queries when all reach as far back as the last one.
func fitsRequestLimits(queries int, last metricQuery) bool {
	return queries <= maxQueries && queries*int(last.end.Sub(last.start)/last.metric.period) <= maxDatapoints
}

// fetchBatch makes the request of a batch, page by page, and returns one result per query. After an error it keeps the
// samples of the pages before.
func (s *scopeClient) fetchBatch(ctx context.Context, b queryBatch) []queryResult {
	input := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(b.start), EndTime: aws.Time(b.end),
		// Oldest first, so that the next read continues where an interrupted one ended.
		ScanBy: types.ScanByTimestampAscending,
	}
	for n, q := range b.queries {
		input.MetricDataQueries = append(input.MetricDataQueries, newMetricDataQuery(n, q))
	}
	results := make([]queryResult, len(b.queries))
	pages := cloudwatch.NewGetMetricDataPaginator(s.cloudWatch, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			err = classifyRead(err, s.scope, readTimeout)
			for n := range results {
				results[n].err = err
			}
			return results
		}
		for _, result := range page.MetricDataResults {
			n, err := strconv.Atoi(strings.TrimPrefix(aws.ToString(result.Id), queryIDPrefix))
			if err == nil && n >= 0 && n < len(results) {
				results[n].addPage(result, b.queries[n], s.scope)
			}
		}
	}
	return results
}

// queryIDPrefix starts the id of each query, which must start with a lower-case letter (CloudWatch API reference,
// MetricDataQuery).
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

// addPage adds one page's result of a query.
func (r *queryResult) addPage(result types.MetricDataResult, q metricQuery, scope scaling.Scope) {
	count := min(len(result.Timestamps), len(result.Values))
	if r.timestamps == nil {
		r.timestamps, r.values = result.Timestamps[:count], result.Values[:count]
	} else {
		r.timestamps, r.values = append(r.timestamps, result.Timestamps[:count]...), append(r.values, result.Values[:count]...)
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
	r.err = &awsError{
		cause: cause, operation: "cloudwatch:GetMetricData", scope: scope,
		detail: fmt.Sprintf("%s: %s (%s of %s)", result.StatusCode, text, q.metric.name, q.identifier),
	}
}

// appendSamples appends the samples of a query, without those from before the database was created and after the end of the query.
func (r *queryResult) appendSamples(samples []scaling.Sample, q metricQuery) []scaling.Sample {
	for n, at := range r.timestamps {
		if !at.Before(q.createdAt) && at.Before(q.end) {
			samples = append(samples, scaling.Sample{Time: at.UTC(), Value: r.values[n]})
		}
	}
	return samples
}
