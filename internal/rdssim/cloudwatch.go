package rdssim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// The namespace and the dimensions of the metrics.
const (
	rdsNamespace      = "AWS/RDS"
	instanceDimension = "DBInstanceIdentifier"
	clusterDimension  = "DBClusterIdentifier"
)

const (
	// maxMetricQueries and maxDatapoints limit a GetMetricData request (CloudWatch API reference, GetMetricData).
	maxMetricQueries = 500
	maxDatapoints    = 100800

	// oneMinuteRetention is how long one-minute datapoints are kept. Datapoints of longTermPeriodSeconds are kept for longer.
	oneMinuteRetention    = 15 * 24 * time.Hour
	longTermPeriodSeconds = 300
)

// queryIDPattern matches the query IDs that CloudWatch accepts.
var queryIDPattern = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// metricDataRequest is a GetMetricData request of either protocol.
type metricDataRequest struct {
	queries       []metricQuery
	start, end    time.Time
	nextToken     string
	maxDatapoints int
	ascending     bool
}

type metricQuery struct {
	id, namespace, metric, stat, label string
	dimensions                         map[string]string
	periodSeconds                      int
	omitData                           bool
}

// metricFilter is a ListMetrics request. Empty fields match everything.
type metricFilter struct {
	namespace, metric string
	dimensions        map[string]string
}

// metricDataResponse is the response of GetMetricData.
type metricDataResponse struct {
	results   []metricResult
	nextToken string
}

type metricResult struct {
	id, label, status string
	points            []model.Point
}

// metricListResponse is the response of ListMetrics.
type metricListResponse struct{ series []metricSeries }

type metricSeries struct{ metric, dimension, value string }

// handleCloudWatch executes an operation of CloudWatch (API version 2010-08-01).
func (s *Server) handleCloudWatch(r *request) (any, *model.APIError) {
	switch r.operation {
	case "GetMetricData":
		if denied := s.authorize(r, "cloudwatch:GetMetricData", "*", nil); denied != nil {
			return nil, denied
		}
		in, apiErr := decodeMetricRequest(r)
		if apiErr != nil {
			return nil, apiErr
		}
		r.metrics = len(in.queries)
		return s.getMetricData(r, in)
	case "ListMetrics":
		if denied := s.authorize(r, "cloudwatch:ListMetrics", "*", nil); denied != nil {
			return nil, denied
		}
		in, apiErr := decodeMetricFilter(r)
		if apiErr != nil {
			return nil, apiErr
		}
		return s.listMetrics(r, in), nil
	}
	return nil, invalidAction(r.operation)
}

// validationError is the error of CloudWatch and STS for an invalid request.
func validationError(format string, args ...any) *model.APIError {
	return badRequest("ValidationError", format, args...)
}

// validate checks a request in the order in which CloudWatch does.
func (in metricDataRequest) validate() *model.APIError {
	seen := map[string]bool{}
	switch {
	case len(in.queries) == 0 || len(in.queries) > maxMetricQueries:
		return validationError("The collection MetricDataQueries must have from 1 to %d members, not %d.", maxMetricQueries, len(in.queries))
	case !in.start.Before(in.end):
		return validationError("The parameter StartTime must be less than the parameter EndTime.")
	}
	points := 0.0
	for _, q := range in.queries {
		switch {
		case !queryIDPattern.MatchString(q.id):
			return validationError("The value %q for the parameter MetricDataQueries.member.Id is not matching the expected pattern.", q.id)
		case seen[q.id]:
			return validationError("The values for parameter id in MetricDataQueries are not unique.")
		case q.periodSeconds < 60 || q.periodSeconds%60 != 0:
			return validationError("The parameter Period must be a multiple of 60.")
		case !isKnownStatistic(q.stat):
			return validationError("The simulator does not support the value %q for the parameter MetricDataQueries.member.MetricStat.Stat.", q.stat)
		}
		seen[q.id] = true
		points += math.Ceil(in.end.Sub(in.start).Seconds() / float64(q.periodSeconds))
	}
	if points > maxDatapoints {
		return validationError("The request asks for %.0f datapoints, more than %d.", points, maxDatapoints)
	}
	return nil
}

// getMetricData returns one page of datapoints. MaxDatapoints limits the page, which may end within a query.
func (s *Server) getMetricData(r *request, in metricDataRequest) (metricDataResponse, *model.APIError) {
	if apiErr := in.validate(); apiErr != nil {
		return metricDataResponse{}, apiErr
	}
	firstQuery, offset, apiErr := decodePageToken(in.nextToken)
	if apiErr != nil {
		return metricDataResponse{}, apiErr
	}
	var response metricDataResponse
	remaining := cmp.Or(in.maxDatapoints, maxDatapoints)
	for n, q := range in.queries {
		if n < firstQuery || q.omitData {
			continue
		}
		result := metricResult{id: q.id, label: cmp.Or(q.label, q.metric), status: "Complete"}
		points := s.queryPoints(r, q, in)
		if s.hasMetricFault(PartialData, q.dimensions[instanceDimension]) {
			result.status, points = "PartialData", points[:len(points)/2]
		}
		if n == firstQuery {
			points = points[min(offset, len(points)):]
		}
		if len(points) > 0 && remaining == 0 {
			response.nextToken = encodePageToken(n, 0)
			break
		}
		result.points = points[:min(remaining, len(points))]
		remaining -= len(result.points)
		response.results = append(response.results, result)
		if unsent := len(points) - len(result.points); unsent > 0 {
			sent := len(result.points)
			if n == firstQuery {
				sent += offset
			}
			response.results[len(response.results)-1].status = "PartialData"
			response.nextToken = encodePageToken(n, sent)
			break
		}
	}
	return response, nil
}

// encodePageToken returns a token for a page that begins at a query and at one of its datapoints. It is opaque to clients.
func encodePageToken(query, point int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:%d", query, point))
}

// decodePageToken returns what encodePageToken encoded; 0 and 0 for an empty token.
func decodePageToken(token string) (query, point int, apiErr *model.APIError) {
	if token == "" {
		return 0, 0, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(token)
	_, scanErr := fmt.Sscanf(string(decoded), "%d:%d", &query, &point)
	if err != nil || scanErr != nil || query < 0 || point < 0 {
		return 0, 0, badRequest("InvalidNextToken", "The next token is not valid.")
	}
	return query, point, nil
}

// queryPoints returns the datapoints of a query in the requested order. There are none for databases of another account.
func (s *Server) queryPoints(r *request, q metricQuery, in metricDataRequest) []model.Point {
	instance, cluster := q.dimensions[instanceDimension], q.dimensions[clusterDimension]
	if q.namespace != rdsNamespace || s.hasMetricFault(MetricGap, instance) {
		return nil
	}
	if i, found := s.options.World.ViewInstance(r.caller.region, instance); found && i.AccountID != r.caller.account {
		return nil
	}
	if c, found := s.options.World.ViewCluster(r.caller.region, cluster); found && c.AccountID != r.caller.account {
		return nil
	}
	start := q.effectiveStart(in.start, s.options.World.Now())
	period := time.Minute
	if slices.Contains(sparseStatistics, q.stat) {
		period = time.Duration(q.periodSeconds) * time.Second
	}
	samples := s.options.World.MetricSamplesOfPeriods(r.caller.region, q.dimensions, q.metric, start, in.end, period)
	points := aggregate(samples, q.stat, q.periodSeconds)
	if !in.ascending {
		slices.Reverse(points)
	}
	return points
}

// sparseStatistics are those that do not need each sample of a steady database.
var sparseStatistics = []string{"Average", "Minimum", "Maximum"}

// effectiveStart returns the start of a query's datapoints: the start of a period, within the retention time of that period.
// One-minute datapoints are kept for 15 days, and after that as five-minute datapoints (CloudWatch user guide, "Metrics
// retention").
func (q metricQuery) effectiveStart(start, now time.Time) time.Time {
	from := start.Truncate(time.Duration(q.periodSeconds) * time.Second)
	if oldest := now.Add(-oneMinuteRetention); q.periodSeconds%longTermPeriodSeconds != 0 && from.Before(oldest) {
		return oldest
	}
	return from
}

// publishedMetrics are the metrics that ListMetrics lists.
var publishedMetrics = []string{
	"CPUUtilization", "DatabaseConnections", "FreeableMemory", "AuroraReplicaLag", "EngineUptime", "DBLoad", "DBLoadCPU",
	"ReadIOPS", "WriteIOPS", "ReadThroughput", "WriteThroughput", "DiskQueueDepth", "EBSIOBalance%", "EBSByteBalance%",
	"BufferCacheHitRatio", "CPUCreditBalance", "CPUSurplusCreditsCharged",
	"ServerlessDatabaseCapacity", "ACUUtilization",
}

// listMetrics returns the series of the caller's instances that have datapoints, all in one page.
func (s *Server) listMetrics(r *request, in metricFilter) metricListResponse {
	var out metricListResponse
	if in.namespace != "" && in.namespace != rdsNamespace {
		return out
	}
	for _, i := range s.listInstances(r) {
		for _, metric := range publishedMetrics {
			series := metricSeries{metric, instanceDimension, i.Identifier}
			dimensions := map[string]string{series.dimension: series.value}
			if in.matches(series) &&
				len(s.options.World.MetricAverages(r.caller.region, dimensions, metric, time.Time{}, s.options.World.Now())) > 0 {
				out.series = append(out.series, series)
			}
		}
	}
	return out
}

// matches reports whether a series matches the filter. A dimension without a value matches any value.
func (in metricFilter) matches(series metricSeries) bool {
	for dimension, value := range in.dimensions {
		if dimension != series.dimension || value != "" && value != series.value {
			return false
		}
	}
	return in.metric == "" || in.metric == series.metric
}
