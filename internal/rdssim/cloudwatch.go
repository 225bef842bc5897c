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
	// maxQueries and maxDatapoints bound a GetMetricData request (CloudWatch API reference, GetMetricData).
	maxQueries    = 500
	maxDatapoints = 100800

	// minutesKept is how long one-minute points are kept, and coarsePeriod the seconds of those that are kept for longer.
	minutesKept  = 15 * 24 * time.Hour
	coarsePeriod = 300
)

// identifierPattern is what CloudWatch takes as the id of a query.
var identifierPattern = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

// metricRequest is GetMetricData, whatever protocol it came in.
type metricRequest struct {
	queries       []metricQuery
	start, end    time.Time
	token         string
	maxDatapoints int
	ascending     bool
}

type metricQuery struct {
	id, namespace, metric, stat, label string
	dimensions                         map[string]string
	period                             int
	hidden                             bool
}

// metricFilter is ListMetrics. What is empty is not asked for.
type metricFilter struct {
	namespace, metric string
	dimensions        map[string]string
}

// metricAnswer is what GetMetricData gives.
type metricAnswer struct {
	results []metricResult
	token   string
}

type metricResult struct {
	id, label, status string
	points            []model.Point
}

// metricNames is what ListMetrics gives.
type metricNames struct{ metrics []metricName }

type metricName struct{ metric, dimension, value string }

// cloudwatch carries out an operation of CloudWatch (API version 2010-08-01).
func (s *Server) cloudwatch(r *request) (any, *model.Fault) {
	switch r.operation {
	case "GetMetricData":
		if denied := s.allow(r, "cloudwatch:GetMetricData", "*", nil); denied != nil {
			return nil, denied
		}
		in, failed := readMetricRequest(r)
		if failed != nil {
			return nil, failed
		}
		return s.metricData(r, in)
	case "ListMetrics":
		if denied := s.allow(r, "cloudwatch:ListMetrics", "*", nil); denied != nil {
			return nil, denied
		}
		in, failed := readMetricFilter(r)
		if failed != nil {
			return nil, failed
		}
		return s.listMetrics(r, in), nil
	}
	return nil, invalidAction(r.operation)
}

func invalidMetric(format string, args ...any) *model.Fault {
	return &model.Fault{Code: "ValidationError", Message: fmt.Sprintf(format, args...), HTTPStatus: http.StatusBadRequest}
}

// validate says what is wrong with a request, in the order in which CloudWatch looks.
func (in metricRequest) validate() *model.Fault {
	seen := map[string]bool{}
	switch {
	case len(in.queries) == 0 || len(in.queries) > maxQueries:
		return invalidMetric("The collection MetricDataQueries must have from 1 to %d members, not %d.", maxQueries, len(in.queries))
	case !in.start.Before(in.end):
		return invalidMetric("The parameter StartTime must be less than the parameter EndTime.")
	}
	points := 0.0
	for _, q := range in.queries {
		switch {
		case !identifierPattern.MatchString(q.id):
			return invalidMetric("The value %q for the parameter MetricDataQueries.member.Id is not matching the expected pattern.", q.id)
		case seen[q.id]:
			return invalidMetric("The values for parameter id in MetricDataQueries are not unique.")
		case q.period < 60 || q.period%60 != 0:
			return invalidMetric("The parameter Period must be a multiple of 60.")
		case !knownStatistic(q.stat):
			return invalidMetric("The simulator does not know the value %q for the parameter MetricDataQueries.member.MetricStat.Stat.", q.stat)
		}
		seen[q.id] = true
		points += math.Ceil(in.end.Sub(in.start).Seconds() / float64(q.period))
	}
	if points > maxDatapoints {
		return invalidMetric("The request asks for %.0f datapoints, more than %d.", points, maxDatapoints)
	}
	return nil
}

// metricData works out the answer. MaxDatapoints cuts it into pages, within a query if need be.
func (s *Server) metricData(r *request, in metricRequest) (metricAnswer, *model.Fault) {
	if failed := in.validate(); failed != nil {
		return metricAnswer{}, failed
	}
	first, offset, failed := readToken(in.token)
	if failed != nil {
		return metricAnswer{}, failed
	}
	var answer metricAnswer
	room := cmp.Or(in.maxDatapoints, maxDatapoints)
	for n, q := range in.queries {
		if n < first || q.hidden {
			continue
		}
		result := metricResult{id: q.id, label: cmp.Or(q.label, q.metric), status: "Complete"}
		points := s.points(r, q, in)
		if s.ofMetrics(PartialData, q.dimensions[instanceDimension]) {
			result.status, points = "PartialData", points[:len(points)/2]
		}
		if n == first {
			points = points[min(offset, len(points)):]
		}
		if len(points) > 0 && room == 0 {
			answer.token = token(n, 0)
			break
		}
		result.points = points[:min(room, len(points))]
		room -= len(result.points)
		answer.results = append(answer.results, result)
		if rest := len(points) - len(result.points); rest > 0 {
			done := len(result.points)
			if n == first {
				done += offset
			}
			answer.results[len(answer.results)-1].status = "PartialData"
			answer.token = token(n, done)
			break
		}
	}
	return answer, nil
}

// token says at which query, and at which of its points, the next page begins. It is opaque to callers.
func token(query, point int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d:%d", query, point))
}

func readToken(token string) (query, point int, failed *model.Fault) {
	if token == "" {
		return 0, 0, nil
	}
	decoded, err := base64.StdEncoding.DecodeString(token)
	_, scanned := fmt.Sscanf(string(decoded), "%d:%d", &query, &point)
	if err != nil || scanned != nil || query < 0 || point < 0 {
		return 0, 0, &model.Fault{Code: "InvalidNextToken", Message: "The next token is not valid.", HTTPStatus: http.StatusBadRequest}
	}
	return query, point, nil
}

// points are a query's, in the order that was asked for. Those of another account's databases are none.
func (s *Server) points(r *request, q metricQuery, in metricRequest) []model.Point {
	instance, cluster := q.dimensions[instanceDimension], q.dimensions[clusterDimension]
	if q.namespace != rdsNamespace || s.ofMetrics(MetricGap, instance) {
		return nil
	}
	if i, err := s.options.World.Instance(r.caller.region, instance); err == nil && i.AccountID != r.caller.account {
		return nil
	}
	if c, err := s.options.World.Cluster(r.caller.region, cluster); err == nil && c.AccountID != r.caller.account {
		return nil
	}
	points := aggregate(s.options.World.Samples(r.caller.region, q.dimensions, q.metric, q.from(in.start, s.options.World.Now()), in.end),
		q.stat, q.period)
	if !in.ascending {
		slices.Reverse(points)
	}
	return points
}

// from is where a query begins: at a whole period, and no earlier than CloudWatch keeps points of that period. One-minute
// points are kept for 15 days and after that as five-minute points (CloudWatch user guide, "Metrics retention").
func (q metricQuery) from(start, now time.Time) time.Time {
	from := start.Truncate(time.Duration(q.period) * time.Second)
	if kept := now.Add(-minutesKept); q.period%coarsePeriod != 0 && from.Before(kept) {
		return kept
	}
	return from
}

// published are the metrics that instances have.
var published = []string{
	"CPUUtilization", "DatabaseConnections", "FreeableMemory", "AuroraReplicaLag", "EngineUptime", "DBLoad", "DBLoadCPU",
}

// listMetrics lists the series of the caller's instances, all in one page.
func (s *Server) listMetrics(r *request, in metricFilter) metricNames {
	var out metricNames
	if in.namespace != "" && in.namespace != rdsNamespace {
		return out
	}
	for _, i := range s.instances(r) {
		for _, metric := range published {
			name := metricName{metric, instanceDimension, i.Identifier}
			dimensions := map[string]string{name.dimension: name.value}
			if in.passes(name) &&
				len(s.options.World.Points(r.caller.region, dimensions, metric, time.Time{}, s.options.World.Now())) > 0 {
				out.metrics = append(out.metrics, name)
			}
		}
	}
	return out
}

// passes says whether a series has what is asked for. A dimension without a value is asked for by its name alone.
func (in metricFilter) passes(name metricName) bool {
	for dimension, value := range in.dimensions {
		if dimension != name.dimension || value != "" && value != name.value {
			return false
		}
	}
	return in.metric == "" || in.metric == name.metric
}
