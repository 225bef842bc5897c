package rdssim

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// jsonProtocol is awsJson1_1, which the price list and Application Auto Scaling speak.
type jsonProtocol struct{}

func (jsonProtocol) writeResponse(r *request, response any) { writeAWSJSON(r, http.StatusOK, response) }

// jsonErrorNames are the names that JSON services give to codes of the Query protocol, where the two differ.
var jsonErrorNames = map[string]string{
	"AccessDenied":       "AccessDeniedException",
	"InternalFailure":    "InternalErrorException",
	"InvalidAction":      "UnknownOperationException",
	"ServiceUnavailable": "ServiceUnavailableException",
	"Throttling":         "ThrottlingException",
}

func (jsonProtocol) writeError(r *request, apiErr *model.APIError) {
	writeAWSJSON(r, apiErr.HTTPStatus, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{cmp.Or(jsonErrorNames[apiErr.Code], apiErr.Code), apiErr.Message})
}

func writeAWSJSON(r *request, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(r.responseWriter, err.Error(), http.StatusInternalServerError)
		return
	}
	r.responseWriter.Header().Set("Content-Type", "application/x-amz-json-1.1")
	r.responseWriter.WriteHeader(status)
	_, _ = r.responseWriter.Write(text) // a caller that has gone away gets nothing
}
