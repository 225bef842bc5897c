package rdssim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// rdsNamespace is that of every metric, instanceDimension the one dimension that each has.
const (
	rdsNamespace      = "AWS/RDS"
	instanceDimension = "DBInstanceIdentifier"
	clusterDimension  = "DBClusterIdentifier"
)

const (
	// maxMetricQueries and maxDatapoints bound a GetMetricData request (CloudWatch API reference, GetMetricData).
	maxMetricQueries = 500
	maxDatapoints    = 100800

	// oneMinuteRetention is how long one-minute points are kept, and longTermPeriodSeconds the seconds of those that are kept for longer.
	oneMinuteRetention    = 15 * 24 * time.Hour
	longTermPeriodSeconds = 300
)

// queryIDPattern is what CloudWatch takes as the id of a query.
var queryIDPattern = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// metricDataRequest is GetMetricData, whatever protocol it came in.
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

// metricFilter is ListMetrics. What is empty is not asked for.
type metricFilter struct {
	namespace, metric string
	dimensions        map[string]string
}

// metricDataResponse is what GetMetricData gives.
type metricDataResponse struct {
	results   []metricResult
	nextToken string
}

type metricResult struct {
	id, label, status string
	points            []model.Point
}

// metricListResponse is what ListMetrics gives.
type metricListResponse struct{ series []metricSeries }

type metricSeries struct{ metric, dimension, value string }

// handleCloudWatch carries out an operation of CloudWatch (API version 2010-08-01).
func (s *Server) handleCloudWatch(r *request) (any, *model.APIError) {
	switch r.operation {
	case "GetMetricData":
		if denied := s.authorize(r, "cloudwatch:GetMetricData", "*", nil); denied != nil {
			return nil, denied
		}
		in, failed := decodeMetricRequest(r)
		if failed != nil {
			return nil, failed
		}
		return s.getMetricData(r, in)
	case "ListMetrics":
		if denied := s.authorize(r, "cloudwatch:ListMetrics", "*", nil); denied != nil {
			return nil, denied
		}
		in, failed := decodeMetricFilter(r)
		if failed != nil {
			return nil, failed
		}
		return s.listMetrics(r, in), nil
	}
	return nil, invalidAction(r.operation)
}

func validationError(format string, args ...any) *model.APIError {
	return &model.APIError{Code: "ValidationError", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}

// validate says what is wrong with a request, in the order in which CloudWatch looks.
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
			return validationError("The simulator does not know the value %q for the parameter MetricDataQueries.member.MetricStat.Stat.", q.stat)
		}
		seen[q.id] = true
		points += math.Ceil(in.end.Sub(in.start).Seconds() / float64(q.periodSeconds))
	}
	if points > maxDatapoints {
		return validationError("The request asks for %.0f datapoints, more than %d.", points, maxDatapoints)
	}
	return nil
}

// getMetricData works out the answer. MaxDatapoints cuts it into pages, within a query if need be.
func (s *Server) getMetricData(r *request, in metricDataRequest) (metricDataResponse, *model.APIError) {
	if failed := in.validate(); failed != nil {
		return metricDataResponse{}, failed
	}
	firstQuery, offset, failed := decodePageToken(in.nextToken)
	if failed != nil {
		return metricDataResponse{}, failed
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

// encodePageToken says at which query, and at which of its points, the next page begins. It is opaque to callers.
func encodePageToken(query, point int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:%d", query, point))
}

func decodePageToken(token string) (query, point int, failed *model.APIError) {
	if token == "" {
		return 0, 0, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(token)
	_, scanned := fmt.Sscanf(string(decoded), "%d:%d", &query, &point)
	if err != nil || scanned != nil || query < 0 || point < 0 {
		return 0, 0, &model.APIError{Code: "InvalidNextToken", Message: "The next token is not valid.", HTTPStatus: http.StatusBadRequest}
	}
	return query, point, nil
}

// queryPoints are a query's, in the order that was asked for. Those of another account's databases are none.
func (s *Server) queryPoints(r *request, q metricQuery, in metricDataRequest) []model.Point {
	instance, cluster := q.dimensions[instanceDimension], q.dimensions[clusterDimension]
	if q.namespace != rdsNamespace || s.hasMetricFault(MetricGap, instance) {
		return nil
	}
	if i, err := s.options.World.Instance(r.caller.region, instance); err == nil && i.AccountID != r.caller.account {
		return nil
	}
	if c, err := s.options.World.Cluster(r.caller.region, cluster); err == nil && c.AccountID != r.caller.account {
		return nil
	}
	points := aggregate(s.options.World.MetricSamples(r.caller.region, q.dimensions, q.metric, q.effectiveStart(in.start, s.options.World.Now()), in.end),
		q.stat, q.periodSeconds)
	if !in.ascending {
		slices.Reverse(points)
	}
	return points
}

// effectiveStart is where a query begins: at a whole period, and no earlier than CloudWatch keeps points of that period. One-minute
// points are kept for 15 days and after that as five-minute points (CloudWatch user guide, "Metrics retention").
func (q metricQuery) effectiveStart(start, now time.Time) time.Time {
	from := start.Truncate(time.Duration(q.periodSeconds) * time.Second)
	if oldest := now.Add(-oneMinuteRetention); q.periodSeconds%longTermPeriodSeconds != 0 && from.Before(oldest) {
		return oldest
	}
	return from
}

// publishedMetrics are the metrics that instances have.
var publishedMetrics = []string{
	"CPUUtilization", "DatabaseConnections", "FreeableMemory", "AuroraReplicaLag", "EngineUptime", "DBLoad", "DBLoadCPU",
}

// listMetrics lists the series of the caller's instances, all in one page.
func (s *Server) listMetrics(r *request, in metricFilter) metricListResponse {
	var out metricListResponse
	if in.namespace != "" && in.namespace != rdsNamespace {
		return out
	}
	for _, i := range s.listInstances(r) {
		for _, metric := range publishedMetrics {
			name := metricSeries{metric, instanceDimension, i.Identifier}
			dimensions := map[string]string{name.dimension: name.value}
			if in.matches(name) &&
				len(s.options.World.MetricAverages(r.caller.region, dimensions, metric, time.Time{}, s.options.World.Now())) > 0 {
				out.series = append(out.series, name)
			}
		}
	}
	return out
}

// matches says whether a series has what is asked for. A dimension without a value is asked for by its name alone.
func (in metricFilter) matches(name metricSeries) bool {
	for dimension, value := range in.dimensions {
		if dimension != name.dimension || value != "" && value != name.value {
			return false
		}
	}
	return in.metric == "" || in.metric == name.metric
}
