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

// epochTag is the CBOR tag of a time in seconds since 1970 (RFC 8949, section 3.4.2).
const epochTag = 1

// cborProtocol is Smithy's rpc-v2-cbor, which the Go SDK uses for CloudWatch.
type cborProtocol struct{}

// writeResponse implements protocol.
func (cborProtocol) writeResponse(r *request, response any) {
	body := cbor.Map{}
	switch typed := response.(type) {
	case metricDataResponse:
		results := cbor.List{}
		for _, result := range typed.results {
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
		if typed.nextToken != "" {
			body["NextToken"] = cbor.String(typed.nextToken)
		}
	case metricListResponse:
		metrics := cbor.List{}
		for _, m := range typed.series {
			metrics = append(metrics, cbor.Map{
				"Namespace": cbor.String(rdsNamespace), "MetricName": cbor.String(m.metric),
				"Dimensions": cbor.List{cbor.Map{"Name": cbor.String(m.dimension), "Value": cbor.String(m.value)}},
			})
		}
		body["Metrics"] = metrics
	}
	writeCBOR(r, http.StatusOK, body)
}

// cloudWatchErrorNames maps error codes of the Query protocol to the error names of CloudWatch's API model, where they differ.
var cloudWatchErrorNames = map[string]string{
	"InvalidParameterCombination": "InvalidParameterCombinationException",
	"InvalidParameterValue":       "InvalidParameterValueException",
	"Throttling":                  "ThrottlingException",
}

// writeError implements protocol. Query-compatible clients read the code from a header.
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
	_, _ = r.responseWriter.Write(cbor.Encode(body)) // ignore that the client has disconnected
}

// decodeCBORMap decodes the body of a request.
func decodeCBORMap(r *request) (cbor.Map, *model.APIError) {
	body, err := io.ReadAll(r.httpRequest.Body)
	if err != nil {
		return nil, validationError("reading the request: %v", err)
	}
	value, err := cbor.Decode(body)
	in, isMap := value.(cbor.Map)
	if err != nil || !isMap {
		return nil, badRequest("SerializationException", "The request is not a CBOR map.")
	}
	return in, nil
}

// decodeMetricRequestCBOR decodes a GetMetricData request.
func decodeMetricRequestCBOR(r *request) (metricDataRequest, *model.APIError) {
	in, apiErr := decodeCBORMap(r)
	if apiErr != nil {
		return metricDataRequest{}, apiErr
	}
	out := metricDataRequest{
		nextToken: cborString(in["NextToken"]), ascending: cborString(in["ScanBy"]) == "TimestampAscending",
		maxDatapoints: cborInt(in["MaxDatapoints"]), start: cborTime(in["StartTime"]), end: cborTime(in["EndTime"]),
	}
	queries, _ := in["MetricDataQueries"].(cbor.List)
	for _, item := range queries {
		q, _ := item.(cbor.Map)
		stat, _ := q["MetricStat"].(cbor.Map)
		metric, _ := stat["Metric"].(cbor.Map)
		returnData, isSet := q["ReturnData"].(cbor.Bool)
		query := metricQuery{
			id: cborString(q["Id"]), label: cborString(q["Label"]), omitData: isSet && !bool(returnData), periodSeconds: cborInt(stat["Period"]),
			namespace: cborString(metric["Namespace"]), metric: cborString(metric["MetricName"]), stat: cborString(stat["Stat"]),
			dimensions: cborDimensions(metric),
		}
		out.queries = append(out.queries, query)
	}
	return out, nil
}

// decodeMetricFilterCBOR decodes a ListMetrics request.
func decodeMetricFilterCBOR(r *request) (metricFilter, *model.APIError) {
	in, apiErr := decodeCBORMap(r)
	return metricFilter{namespace: cborString(in["Namespace"]), metric: cborString(in["MetricName"]), dimensions: cborDimensions(in)}, apiErr
}

// cborDimensions returns the values of the Dimensions of a map, by name.
func cborDimensions(in cbor.Map) map[string]string {
	out := map[string]string{}
	dimensions, _ := in["Dimensions"].(cbor.List)
	for _, item := range dimensions {
		d, _ := item.(cbor.Map)
		out[cborString(d["Name"])] = cborString(d["Value"])
	}
	return out
}

// cborString returns a string, or an empty one for another type.
func cborString(v cbor.Value) string {
	s, _ := v.(cbor.String)
	return string(s)
}

// cborInt returns an integer of at most 32 bits, or 0 for another value.
func cborInt(v cbor.Value) int {
	n, isUint := v.(cbor.Uint)
	if !isUint || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// cborTime returns a timestamp, or for another type the zero time, which validation refuses.
func cborTime(v cbor.Value) time.Time {
	tag, isTag := v.(*cbor.Tag)
	if !isTag || tag.ID != epochTag {
		return time.Time{}
	}
	switch seconds := tag.Value.(type) {
	case cbor.Float64:
		whole, fraction := math.Modf(float64(seconds))
		return time.Unix(int64(whole), int64(fraction*float64(time.Second))).UTC()
	case cbor.Uint:
		if seconds < math.MaxInt32 {
			return time.Unix(int64(seconds), 0).UTC()
		}
	}
	return time.Time{}
}
