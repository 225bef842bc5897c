package rdssim

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	// maxQueries and maxDatapoints bound a GetMetricData request (CloudWatch API reference, GetMetricData).
	maxQueries    = 500
	maxDatapoints = 100800
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

// cloudwatch carries out an operation of CloudWatch.
func (s *Server) cloudwatch(r *request) (any, *model.Fault) {
	switch r.operation {
	case "GetMetricData":
		if denied := s.allow(r, "cloudwatch:GetMetricData", "*", nil, nil); denied != nil {
			return nil, denied
		}
		in, failed := readMetricRequest(r)
		if failed != nil {
			return nil, failed
		}
		answer, failed := s.metricData(r, in)
		if failed != nil {
			return nil, failed
		}
		if _, isQuery := r.protocol.(queryProtocol); isQuery {
			return answer.xml(), nil
		}
		return answer, nil
	case "ListMetrics":
		if denied := s.allow(r, "cloudwatch:ListMetrics", "*", nil, nil); denied != nil {
			return nil, denied
		}
		names := s.listMetrics(r)
		if _, isQuery := r.protocol.(queryProtocol); isQuery {
			return names.xml(), nil
		}
		return names, nil
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
		case !slices.Contains([]string{"Average", "Maximum", "Minimum", "Sum", "SampleCount", "p50", "p90", "p95", "p99"}, q.stat):
			return invalidMetric("The value %q for the parameter MetricDataQueries.member.MetricStat.Stat is not one that the simulator knows.", q.stat)
		}
		seen[q.id] = true
		points += math.Ceil(in.end.Sub(in.start).Seconds() / float64(q.period))
	}
	if points > maxDatapoints && in.maxDatapoints == 0 {
		return invalidMetric("The request asks for %.0f datapoints, more than %d.", points, maxDatapoints)
	}
	return nil
}

// metricData works out the answer. With MaxDatapoints it is cut into pages, query by query.
func (s *Server) metricData(r *request, in metricRequest) (metricAnswer, *model.Fault) {
	if failed := in.validate(); failed != nil {
		return metricAnswer{}, failed
	}
	skip := 0
	if in.token != "" {
		decoded, err := base64.StdEncoding.DecodeString(in.token)
		if skip, err = strconv.Atoi(string(decoded)); err != nil {
			return metricAnswer{}, invalidMetric("Invalid NextToken")
		}
	}
	limit := cmp.Or(in.maxDatapoints, maxDatapoints)
	var answer metricAnswer
	given := 0
	for n, q := range in.queries {
		if n < skip || q.hidden {
			continue
		}
		result := metricResult{id: q.id, label: cmp.Or(q.label, q.metric), status: "Complete"}
		if q.namespace == "AWS/RDS" {
			result.points = aggregate(s.points(r, q, in.start.Truncate(time.Minute), in.end), q.stat, q.period)
		}
		if !in.ascending {
			slices.Reverse(result.points)
		}
		if given > 0 && given+len(result.points) > limit {
			answer.token = base64.StdEncoding.EncodeToString(strconv.AppendInt(nil, int64(n), 10))
			break
		}
		given += len(result.points)
		answer.results = append(answer.results, result)
	}
	return answer, nil
}

func (s *Server) points(r *request, q metricQuery, from, to time.Time) []model.Point {
	for _, f := range s.faults {
		if f.Kind == MetricGap && f.active(s.options.World.Now()) && f.Instance == q.dimensions["DBInstanceIdentifier"] {
			return nil
		}
	}
	if id := q.dimensions["DBInstanceIdentifier"]; id != "" {
		if i, err := s.options.World.Instance(r.caller.region, id); err == nil && i.AccountID != r.caller.account {
			return nil
		}
	}
	return s.options.World.Points(r.caller.region, q.dimensions, q.metric, from, to)
}

// aggregate turns one-minute points into those of a longer period.
func aggregate(points []model.Point, stat string, period int) []model.Point {
	length := time.Duration(period) * time.Second
	var out []model.Point
	var values []float64
	flush := func(at time.Time) {
		if len(values) > 0 {
			out = append(out, model.Point{At: at, Value: statistic(values, stat)})
			values = nil
		}
	}
	var current time.Time
	for _, p := range points {
		if at := p.At.Truncate(length); !at.Equal(current) {
			flush(current)
			current = at
		}
		values = append(values, p.Value)
	}
	flush(current)
	return out
}

func statistic(values []float64, stat string) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	switch stat {
	case "Average":
		return sum / float64(len(values))
	case "Maximum":
		return slices.Max(values)
	case "Minimum":
		return slices.Min(values)
	case "Sum":
		return sum
	case "SampleCount":
		return float64(len(values))
	}
	percent, err := strconv.ParseFloat(strings.TrimPrefix(stat, "p"), 64)
	if err != nil {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(percent/100*float64(len(sorted))))]
}

// listMetrics lists the series of the caller's instances.
func (s *Server) listMetrics(r *request) metricNames {
	var out metricNames
	for _, i := range s.instances(r) {
		for _, metric := range []string{"CPUUtilization", "DatabaseConnections", "FreeableMemory", "AuroraReplicaLag", "EngineUptime", "DBLoad", "DBLoadCPU"} {
			dimensions := map[string]string{"DBInstanceIdentifier": i.Identifier}
			if len(s.options.World.Points(r.caller.region, dimensions, metric, time.Time{}, s.options.World.Now())) > 0 {
				out.metrics = append(out.metrics, metricName{metric, "DBInstanceIdentifier", i.Identifier})
			}
		}
	}
	return out
}

// readMetricRequest reads GetMetricData in the protocol that it came in.
func readMetricRequest(r *request) (metricRequest, *model.Fault) {
	if r.operation != "GetMetricData" {
		return metricRequest{}, invalidAction(r.operation)
	}
	if _, isQuery := r.protocol.(queryProtocol); isQuery {
		return metricRequestFromForm(r.form)
	}
	return metricRequestFromCBOR(r)
}

func metricRequestFromForm(f form) (metricRequest, *model.Fault) {
	in := metricRequest{token: f.Get("NextToken"), ascending: f.Get("ScanBy") == "TimestampAscending"}
	var errStart, errEnd error
	in.start, errStart = time.Parse(time.RFC3339, f.Get("StartTime"))
	in.end, errEnd = time.Parse(time.RFC3339, f.Get("EndTime"))
	if errStart != nil || errEnd != nil {
		return in, invalidMetric("StartTime and EndTime must be timestamps of ISO 8601.")
	}
	if n, failed := f.number("MaxDatapoints"); failed != nil {
		return in, failed
	} else if n != nil {
		in.maxDatapoints = *n
	}
	for _, item := range f.items("MetricDataQueries.member") {
		stat := item + "MetricStat."
		period, failed := f.number(stat + "Period")
		if failed != nil || period == nil {
			return in, invalidMetric("The parameter Period is required: the simulator has no expressions.")
		}
		q := metricQuery{
			id: f.Get(item + "Id"), label: f.Get(item + "Label"), hidden: f.Get(item+"ReturnData") == "false", period: *period,
			namespace: f.Get(stat + "Metric.Namespace"), metric: f.Get(stat + "Metric.MetricName"), stat: f.Get(stat + "Stat"),
			dimensions: map[string]string{},
		}
		for _, d := range f.items(stat + "Metric.Dimensions.member") {
			q.dimensions[f.Get(d+"Name")] = f.Get(d + "Value")
		}
		in.queries = append(in.queries, q)
	}
	return in, nil
}

type metricResultElement struct {
	ID         string    `xml:"Id"`
	Label      string    `xml:"Label"`
	StatusCode string    `xml:"StatusCode"`
	Timestamps []string  `xml:"Timestamps>member"`
	Values     []float64 `xml:"Values>member"`
}

type getMetricDataResult struct {
	Results   []metricResultElement `xml:"MetricDataResults>member"`
	NextToken string                `xml:"NextToken,omitempty"`
}

func (a metricAnswer) xml() *getMetricDataResult {
	out := &getMetricDataResult{NextToken: a.token}
	for _, result := range a.results {
		e := metricResultElement{ID: result.id, Label: result.label, StatusCode: result.status}
		for _, p := range result.points {
			e.Timestamps = append(e.Timestamps, p.At.UTC().Format(time.RFC3339))
			e.Values = append(e.Values, p.Value)
		}
		out.Results = append(out.Results, e)
	}
	return out
}

type dimensionElement struct {
	Name  string `xml:"Name"`
	Value string `xml:"Value"`
}

type metricElement struct {
	Namespace  string             `xml:"Namespace"`
	MetricName string             `xml:"MetricName"`
	Dimensions []dimensionElement `xml:"Dimensions>member"`
}

type listMetricsResult struct {
	Metrics []metricElement `xml:"Metrics>member"`
}

func (n metricNames) xml() *listMetricsResult {
	out := &listMetricsResult{}
	for _, m := range n.metrics {
		out.Metrics = append(out.Metrics, metricElement{"AWS/RDS", m.metric, []dimensionElement{{m.dimension, m.value}}})
	}
	return out
}
