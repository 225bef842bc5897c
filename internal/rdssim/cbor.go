package rdssim

import (
	"cmp"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// epochTag is CBOR's tag of a time in seconds since 1970 (RFC 8949, section 3.4.2).
const epochTag = 1

// cborProtocol is smithy's rpc-v2-cbor, which the Go SDK speaks to CloudWatch.
type cborProtocol struct{}

func (cborProtocol) answer(r *request, answer any) {
	body := cbor.Map{}
	switch a := answer.(type) {
	case metricAnswer:
		results := cbor.List{}
		for _, result := range a.results {
			timestamps, values := cbor.List{}, cbor.List{}
			for _, p := range result.points {
				timestamps = append(timestamps, &cbor.Tag{ID: epochTag, Value: cbor.Float64(p.At.Unix())})
				values = append(values, cbor.Float64(p.Value))
			}
			results = append(results, cbor.Map{
				"Id": cbor.String(result.id), "Label": cbor.String(result.label), "StatusCode": cbor.String(result.status),
				"Timestamps": timestamps, "Values": values,
			})
		}
		body["MetricDataResults"] = results
		if a.token != "" {
			body["NextToken"] = cbor.String(a.token)
		}
	case metricNames:
		metrics := cbor.List{}
		for _, m := range a.metrics {
			metrics = append(metrics, cbor.Map{
				"Namespace": cbor.String(rdsNamespace), "MetricName": cbor.String(m.metric),
				"Dimensions": cbor.List{cbor.Map{"Name": cbor.String(m.dimension), "Value": cbor.String(m.value)}},
			})
		}
		body["Metrics"] = metrics
	}
	writeCBOR(r, http.StatusOK, body)
}

// shapes are the names that CloudWatch's model gives to codes of the Query protocol, where the two differ.
var shapes = map[string]string{
	"InvalidParameterCombination": "InvalidParameterCombinationException",
	"InvalidParameterValue":       "InvalidParameterValueException",
	"Throttling":                  "ThrottlingException",
}

// refuse answers an error. Query-compatible clients take the code from a header.
func (cborProtocol) refuse(r *request, f *model.Fault) {
	kind := "Sender"
	if f.HTTPStatus >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	r.out.Header().Set("x-amzn-query-error", f.Code+";"+kind)
	writeCBOR(r, f.HTTPStatus, cbor.Map{
		"__type":  cbor.String("com.amazonaws.cloudwatch.v2010_08_01#" + cmp.Or(shapes[f.Code], f.Code)),
		"message": cbor.String(f.Message),
	})
}

func writeCBOR(r *request, status int, body cbor.Value) {
	r.out.Header().Set("Content-Type", "application/cbor")
	r.out.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	r.out.WriteHeader(status)
	_, _ = r.out.Write(cbor.Encode(body)) // a caller that has gone away gets nothing
}

// mapFromCBOR reads a request.
func mapFromCBOR(r *request) (cbor.Map, *model.Fault) {
	body, err := io.ReadAll(r.in.Body)
	if err != nil {
		return nil, invalidMetric("reading the request: %v", err)
	}
	value, err := cbor.Decode(body)
	in, isMap := value.(cbor.Map)
	if err != nil || !isMap {
		return nil, &model.Fault{Code: "SerializationException", Message: "The request is not a CBOR map.", HTTPStatus: http.StatusBadRequest}
	}
	return in, nil
}

// metricRequestFromCBOR reads GetMetricData.
func metricRequestFromCBOR(r *request) (metricRequest, *model.Fault) {
	in, failed := mapFromCBOR(r)
	if failed != nil {
		return metricRequest{}, failed
	}
	out := metricRequest{
		token: text(in["NextToken"]), ascending: text(in["ScanBy"]) == "TimestampAscending", maxDatapoints: whole(in["MaxDatapoints"]),
		start: moment(in["StartTime"]), end: moment(in["EndTime"]),
	}
	queries, _ := in["MetricDataQueries"].(cbor.List)
	for _, each := range queries {
		q, _ := each.(cbor.Map)
		stat, _ := q["MetricStat"].(cbor.Map)
		metric, _ := stat["Metric"].(cbor.Map)
		returned, given := q["ReturnData"].(cbor.Bool)
		query := metricQuery{
			id: text(q["Id"]), label: text(q["Label"]), hidden: given && !bool(returned), period: whole(stat["Period"]),
			namespace: text(metric["Namespace"]), metric: text(metric["MetricName"]), stat: text(stat["Stat"]),
			dimensions: dimensionsOf(metric),
		}
		out.queries = append(out.queries, query)
	}
	return out, nil
}

// metricFilterFromCBOR reads ListMetrics.
func metricFilterFromCBOR(r *request) (metricFilter, *model.Fault) {
	in, failed := mapFromCBOR(r)
	return metricFilter{namespace: text(in["Namespace"]), metric: text(in["MetricName"]), dimensions: dimensionsOf(in)}, failed
}

func dimensionsOf(in cbor.Map) map[string]string {
	out := map[string]string{}
	dimensions, _ := in["Dimensions"].(cbor.List)
	for _, each := range dimensions {
		d, _ := each.(cbor.Map)
		out[text(d["Name"])] = text(d["Value"])
	}
	return out
}

func text(v cbor.Value) string {
	s, _ := v.(cbor.String)
	return string(s)
}

func whole(v cbor.Value) int {
	n, isUint := v.(cbor.Uint)
	if !isUint || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// moment reads a timestamp; what is not one gives the zero time, which validation refuses.
func moment(v cbor.Value) time.Time {
	tag, isTag := v.(*cbor.Tag)
	if !isTag || tag.ID != epochTag {
		return time.Time{}
	}
	switch seconds := tag.Value.(type) {
	case cbor.Float64:
		whole, part := math.Modf(float64(seconds))
		return time.Unix(int64(whole), int64(part*float64(time.Second))).UTC()
	case cbor.Uint:
		if seconds < math.MaxInt32 {
			return time.Unix(int64(seconds), 0).UTC()
		}
	}
	return time.Time{}
}
