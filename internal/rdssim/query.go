package rdssim

import (
	"encoding/xml"
	"net/http"
	"reflect"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// xmlNamespaces are the XML namespaces of responses of the Query protocol, by service.
var xmlNamespaces = map[string]string{
	serviceRDS:        "http://rds.amazonaws.com/doc/2014-10-31/",
	serviceCloudWatch: "http://monitoring.amazonaws.com/doc/2010-08-01/",
	serviceSTS:        "https://sts.amazonaws.com/doc/2011-06-15/",
	serviceIAM:        "https://iam.amazonaws.com/doc/2010-05-08/",
	serviceSNS:        "https://sns.amazonaws.com/doc/2010-03-31/",
}

// queryProtocol is the AWS Query protocol: form parameters in the request, XML in the response.
type queryProtocol struct{}

// xmlConverter is a response that needs a conversion for the Query protocol.
type xmlConverter interface{ toXML() any }

type queryResponse struct {
	XMLName   xml.Name
	Result    resultElement
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// resultElement is the response element, named after the operation.
type resultElement struct {
	name  string
	value any
}

// MarshalXML implements xml.Marshaler.
func (e resultElement) MarshalXML(out *xml.Encoder, _ xml.StartElement) error {
	return out.EncodeElement(e.value, xml.StartElement{Name: xml.Name{Local: e.name}})
}

type queryErrorResponse struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr,omitempty"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

// writeResponse implements protocol.
func (queryProtocol) writeResponse(r *request, response any) {
	if converter, convertible := response.(xmlConverter); convertible {
		response = converter.toXML()
	}
	body := queryResponse{
		XMLName:   xml.Name{Space: xmlNamespaces[r.service], Local: r.operation + "Response"},
		Result:    resultElement{r.operation + "Result", reflect.Indirect(reflect.ValueOf(response)).Interface()},
		RequestID: r.id,
	}
	writeXML(r, http.StatusOK, body)
}

// writeError implements protocol.
func (queryProtocol) writeError(r *request, apiErr *model.APIError) {
	faultType := "Sender"
	if apiErr.HTTPStatus >= http.StatusInternalServerError {
		faultType = "Receiver"
	}
	writeXML(r, apiErr.HTTPStatus, queryErrorResponse{
		Namespace: xmlNamespaces[r.service], Type: faultType, Code: apiErr.Code, Message: apiErr.Message, RequestID: r.id,
	})
}

func writeXML(r *request, status int, body any) {
	data, err := xml.Marshal(body)
	if err != nil {
		http.Error(r.responseWriter, err.Error(), http.StatusInternalServerError)
		return
	}
	r.responseWriter.Header().Set("Content-Type", "text/xml")
	r.responseWriter.WriteHeader(status)
	_, _ = r.responseWriter.Write([]byte(xml.Header)) // ignore that the client has disconnected
	_, _ = r.responseWriter.Write(data)
}
