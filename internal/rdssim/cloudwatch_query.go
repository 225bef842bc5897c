package rdssim

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// readMetricRequest reads GetMetricData in the protocol that it came in.
func readMetricRequest(r *request) (metricRequest, *model.Fault) {
	if _, isQuery := r.protocol.(queryProtocol); isQuery {
		return metricRequestFromForm(r.form)
	}
	return metricRequestFromCBOR(r)
}

// readMetricFilter reads ListMetrics in the protocol that it came in.
func readMetricFilter(r *request) (metricFilter, *model.Fault) {
	if _, isQuery := r.protocol.(queryProtocol); isQuery {
		return metricFilter{
			namespace: r.form.Get("Namespace"), metric: r.form.Get("MetricName"), dimensions: r.form.dimensions("Dimensions.member"),
		}, nil
	}
	return metricFilterFromCBOR(r)
}

// dimensions reads a list of dimensions.
func (f form) dimensions(prefix string) map[string]string {
	out := map[string]string{}
	for _, item := range f.items(prefix) {
		out[f.Get(item+"Name")] = f.Get(item + "Value")
	}
	return out
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
			dimensions: f.dimensions(stat + "Metric.Dimensions.member"),
		}
		in.queries = append(in.queries, q)
	}
	return in, nil
}

// members is a list that is there when it is empty, too.
type members[T any] struct {
	Member []T `xml:"member"`
}

type metricResultElement struct {
	ID         string           `xml:"Id"`
	Label      string           `xml:"Label"`
	StatusCode string           `xml:"StatusCode"`
	Timestamps members[string]  `xml:"Timestamps"`
	Values     members[float64] `xml:"Values"`
}

type getMetricDataResult struct {
	Results   members[metricResultElement] `xml:"MetricDataResults"`
	NextToken string                       `xml:"NextToken,omitempty"`
}

// xml implements queryAnswerer.
func (a metricAnswer) xml() any {
	out := getMetricDataResult{NextToken: a.token}
	for _, result := range a.results {
		e := metricResultElement{ID: result.id, Label: result.label, StatusCode: result.status}
		for _, p := range result.points {
			e.Timestamps.Member = append(e.Timestamps.Member, p.At.UTC().Format(time.RFC3339))
			e.Values.Member = append(e.Values.Member, p.Value)
		}
		out.Results.Member = append(out.Results.Member, e)
	}
	return out
}

type dimensionElement struct {
	Name  string `xml:"Name"`
	Value string `xml:"Value"`
}

type metricElement struct {
	Namespace  string                    `xml:"Namespace"`
	MetricName string                    `xml:"MetricName"`
	Dimensions members[dimensionElement] `xml:"Dimensions"`
}

type listMetricsResult struct {
	Metrics members[metricElement] `xml:"Metrics"`
}

// xml implements queryAnswerer.
func (n metricNames) xml() any {
	var out listMetricsResult
	for _, m := range n.metrics {
		out.Metrics.Member = append(out.Metrics.Member, metricElement{
			rdsNamespace, m.metric, members[dimensionElement]{[]dimensionElement{{m.dimension, m.value}}},
		})
	}
	return out
}
