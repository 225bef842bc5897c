package rdssim

import (
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// decodeMetricRequest decodes a GetMetricData request of either protocol.
func decodeMetricRequest(r *request) (metricDataRequest, *model.APIError) {
	if _, isQuery := r.protocol.(queryProtocol); isQuery {
		return decodeMetricRequestForm(r.form)
	}
	return decodeMetricRequestCBOR(r)
}

// decodeMetricFilter decodes a ListMetrics request of either protocol.
func decodeMetricFilter(r *request) (metricFilter, *model.APIError) {
	if _, isQuery := r.protocol.(queryProtocol); isQuery {
		return metricFilter{
			namespace: r.form.Get("Namespace"), metric: r.form.Get("MetricName"), dimensions: r.form.dimensions("Dimensions.member"),
		}, nil
	}
	return decodeMetricFilterCBOR(r)
}

// dimensions returns the values of a list of dimensions, by name.
func (f form) dimensions(prefix string) map[string]string {
	out := map[string]string{}
	for _, item := range f.itemPrefixes(prefix) {
		out[f.Get(item+"Name")] = f.Get(item + "Value")
	}
	return out
}

// decodeMetricRequestForm decodes a GetMetricData request of the Query protocol.
func decodeMetricRequestForm(f form) (metricDataRequest, *model.APIError) {
	in := metricDataRequest{nextToken: f.Get("NextToken"), ascending: f.Get("ScanBy") == "TimestampAscending"}
	var errStart, errEnd error
	in.start, errStart = time.Parse(time.RFC3339, f.Get("StartTime"))
	in.end, errEnd = time.Parse(time.RFC3339, f.Get("EndTime"))
	if errStart != nil || errEnd != nil {
		return in, validationError("StartTime and EndTime must be timestamps of ISO 8601.")
	}
	if n, apiErr := f.optionalInt("MaxDatapoints"); apiErr != nil {
		return in, apiErr
	} else if n != nil {
		in.maxDatapoints = *n
	}
	for _, item := range f.itemPrefixes("MetricDataQueries.member") {
		stat := item + "MetricStat."
		period, apiErr := f.optionalInt(stat + "Period")
		if apiErr != nil || period == nil {
			return in, validationError("The parameter Period is required: the simulator does not support expressions.")
		}
		q := metricQuery{
			id: f.Get(item + "Id"), label: f.Get(item + "Label"), omitData: f.Get(item+"ReturnData") == "false", periodSeconds: *period,
			namespace: f.Get(stat + "Metric.Namespace"), metric: f.Get(stat + "Metric.MetricName"), stat: f.Get(stat + "Stat"),
			dimensions: f.dimensions(stat + "Metric.Dimensions.member"),
		}
		in.queries = append(in.queries, q)
	}
	return in, nil
}

// memberList is an XML list whose element is present even if the list is empty.
type memberList[T any] struct {
	Member []T `xml:"member"`
}

type metricResultElement struct {
	ID         string              `xml:"Id"`
	Label      string              `xml:"Label"`
	StatusCode string              `xml:"StatusCode"`
	Timestamps memberList[string]  `xml:"Timestamps"`
	Values     memberList[float64] `xml:"Values"`
}

type getMetricDataResult struct {
	Results   memberList[metricResultElement] `xml:"MetricDataResults"`
	NextToken string                          `xml:"NextToken,omitempty"`
}

// toXML implements xmlConverter.
func (a metricDataResponse) toXML() any {
	out := getMetricDataResult{NextToken: a.nextToken}
	for _, result := range a.results {
		e := metricResultElement{ID: result.id, Label: result.label, StatusCode: result.status}
		for _, p := range result.points {
			e.Timestamps.Member = append(e.Timestamps.Member, p.Time.UTC().Format(time.RFC3339))
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
	Namespace  string                       `xml:"Namespace"`
	MetricName string                       `xml:"MetricName"`
	Dimensions memberList[dimensionElement] `xml:"Dimensions"`
}

type listMetricsResult struct {
	Metrics memberList[metricElement] `xml:"Metrics"`
}

// toXML implements xmlConverter.
func (n metricListResponse) toXML() any {
	var out listMetricsResult
	for _, m := range n.series {
		out.Metrics.Member = append(out.Metrics.Member, metricElement{
			rdsNamespace, m.metric, memberList[dimensionElement]{[]dimensionElement{{m.dimension, m.value}}},
		})
	}
	return out
}
