package rdssim

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// jsonProtocol is awsJson1_1, the protocol of the price list and of Application Auto Scaling.
type jsonProtocol struct{}

// writeResponse implements protocol.
func (jsonProtocol) writeResponse(r *request, response any) { writeAWSJSON(r, http.StatusOK, response) }

// jsonErrorNames maps error codes of the Query protocol to those of services with the JSON protocol, where they differ.
var jsonErrorNames = map[string]string{
	"AccessDenied":       "AccessDeniedException",
	"InternalFailure":    "InternalErrorException",
	"InvalidAction":      "UnknownOperationException",
	"ServiceUnavailable": "ServiceUnavailableException",
	"Throttling":         "ThrottlingException",
}

// writeError implements protocol.
func (jsonProtocol) writeError(r *request, apiErr *model.APIError) {
	writeAWSJSON(r, apiErr.HTTPStatus, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{cmp.Or(jsonErrorNames[apiErr.Code], apiErr.Code), apiErr.Message})
}

// decodeJSON decodes the body of a request.
func decodeJSON(r *request, in any) *model.APIError {
	if err := json.NewDecoder(r.httpRequest.Body).Decode(in); err != nil {
		return badRequest("SerializationException", "%v", err)
	}
	return nil
}

func writeAWSJSON(r *request, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(r.responseWriter, err.Error(), http.StatusInternalServerError)
		return
	}
	r.responseWriter.Header().Set("Content-Type", "application/x-amz-json-1.1")
	r.responseWriter.WriteHeader(status)
	_, _ = r.responseWriter.Write(data) // ignore that the client has disconnected
}
