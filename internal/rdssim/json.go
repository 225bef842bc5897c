package rdssim

import (
	"cmp"
	"encoding/json"
	"net/http"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// jsonProtocol is awsJson1_1, which the price list and Application Auto Scaling speak.
type jsonProtocol struct{}

func (jsonProtocol) answer(r *request, answer any) { writeAWSJSON(r, http.StatusOK, answer) }

// exceptions are the names that JSON services give to codes of the Query protocol, where the two differ.
var exceptions = map[string]string{
	"AccessDenied":       "AccessDeniedException",
	"InternalFailure":    "InternalErrorException",
	"InvalidAction":      "UnknownOperationException",
	"ServiceUnavailable": "ServiceUnavailableException",
	"Throttling":         "ThrottlingException",
}

func (jsonProtocol) refuse(r *request, f *model.Fault) {
	writeAWSJSON(r, f.HTTPStatus, struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{cmp.Or(exceptions[f.Code], f.Code), f.Message})
}

func writeAWSJSON(r *request, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(r.out, err.Error(), http.StatusInternalServerError)
		return
	}
	r.out.Header().Set("Content-Type", "application/x-amz-json-1.1")
	r.out.WriteHeader(status)
	_, _ = r.out.Write(text) // a caller that has gone away gets nothing
}
