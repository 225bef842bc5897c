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

func (cborProtocol) writeResponse(r *request, response any) {
	body := cbor.Map{}
	switch a := response.(type) {
	case metricDataResponse:
		results := cbor.List{}
		for _, result := range a.results {
			timestamps, values := cbor.List{}, cbor.List{}
			for _, p := range result.points {
				timestamps = append(timestamps, &cbor.Tag{ID: epochTag, Value: cbor.Float64(p.Time.Unix())})
				values = append(values, cbor.Float64(p.Value))
			}
			results = append(results, cbor.Map{
				"Id": cbor.String(result.id), "Label": cbor.String(result.label), "StatusCode": cbor.String(result.status),
				"Timestamps": timestamps, "Values": values,
			})
		}
		body["MetricDataResults"] = results
		if a.nextToken != "" {
			body["NextToken"] = cbor.String(a.nextToken)
		}
	case metricListResponse:
		metrics := cbor.List{}
		for _, m := range a.series {
			metrics = append(metrics, cbor.Map{
				"Namespace": cbor.String(rdsNamespace), "MetricName": cbor.String(m.metric),
				"Dimensions": cbor.List{cbor.Map{"Name": cbor.String(m.dimension), "Value": cbor.String(m.value)}},
			})
		}
		body["Metrics"] = metrics
	}
	writeCBOR(r, http.StatusOK, body)
}

// cloudWatchErrorNames are the names that CloudWatch's model gives to codes of the Query protocol, where the two differ.
var cloudWatchErrorNames = map[string]string{
	"InvalidParameterCombination": "InvalidParameterCombinationException",
	"InvalidParameterValue":       "InvalidParameterValueException",
	"Throttling":                  "ThrottlingException",
}

// writeError answers an error. Query-compatible clients take the code from a header.
func (cborProtocol) writeError(r *request, apiErr *model.APIError) {
	faultType := "Sender"
	if apiErr.HTTPStatus >= http.StatusInternalServerError {
		faultType = "Receiver"
	}
	r.responseWriter.Header().Set("x-amzn-query-error", apiErr.Code+";"+faultType)
	writeCBOR(r, apiErr.HTTPStatus, cbor.Map{
		"__type":  cbor.String("com.amazonaws.cloudwatch.v2010_08_01#" + cmp.Or(cloudWatchErrorNames[apiErr.Code], apiErr.Code)),
		"message": cbor.String(apiErr.Message),
	})
}

func writeCBOR(r *request, status int, body cbor.Value) {
	r.responseWriter.Header().Set("Content-Type", "application/cbor")
	r.responseWriter.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	r.responseWriter.WriteHeader(status)
	_, _ = r.responseWriter.Write(cbor.Encode(body)) // a caller that has gone away gets nothing
}

// decodeCBORMap reads a request.
func decodeCBORMap(r *request) (cbor.Map, *model.APIError) {
	body, err := io.ReadAll(r.httpRequest.Body)
	if err != nil {
		return nil, validationError("reading the request: %v", err)
	}
	value, err := cbor.Decode(body)
	in, isMap := value.(cbor.Map)
	if err != nil || !isMap {
		return nil, &model.APIError{Code: "SerializationException", Message: "The request is not a CBOR map.", HTTPStatus: http.StatusBadRequest}
	}
	return in, nil
}

// decodeMetricRequestCBOR reads GetMetricData.
func decodeMetricRequestCBOR(r *request) (metricDataRequest, *model.APIError) {
	in, failed := decodeCBORMap(r)
	if failed != nil {
		return metricDataRequest{}, failed
	}
	out := metricDataRequest{
		nextToken: cborString(in["NextToken"]), ascending: cborString(in["ScanBy"]) == "TimestampAscending", maxDatapoints: cborInt(in["MaxDatapoints"]),
		start: cborTime(in["StartTime"]), end: cborTime(in["EndTime"]),
	}
	queries, _ := in["MetricDataQueries"].(cbor.List)
	for _, each := range queries {
		q, _ := each.(cbor.Map)
		stat, _ := q["MetricStat"].(cbor.Map)
		metric, _ := stat["Metric"].(cbor.Map)
		returned, given := q["ReturnData"].(cbor.Bool)
		query := metricQuery{
			id: cborString(q["Id"]), label: cborString(q["Label"]), omitData: given && !bool(returned), periodSeconds: cborInt(stat["Period"]),
			namespace: cborString(metric["Namespace"]), metric: cborString(metric["MetricName"]), stat: cborString(stat["Stat"]),
			dimensions: cborDimensions(metric),
		}
		out.queries = append(out.queries, query)
	}
	return out, nil
}

// decodeMetricFilterCBOR reads ListMetrics.
func decodeMetricFilterCBOR(r *request) (metricFilter, *model.APIError) {
	in, failed := decodeCBORMap(r)
	return metricFilter{namespace: cborString(in["Namespace"]), metric: cborString(in["MetricName"]), dimensions: cborDimensions(in)}, failed
}

func cborDimensions(in cbor.Map) map[string]string {
	out := map[string]string{}
	dimensions, _ := in["Dimensions"].(cbor.List)
	for _, each := range dimensions {
		d, _ := each.(cbor.Map)
		out[cborString(d["Name"])] = cborString(d["Value"])
	}
	return out
}

func cborString(v cbor.Value) string {
	s, _ := v.(cbor.String)
	return string(s)
}

func cborInt(v cbor.Value) int {
	n, isUint := v.(cbor.Uint)
	if !isUint || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// cborTime reads a timestamp; what is not one gives the zero time, which validation refuses.
func cborTime(v cbor.Value) time.Time {
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
