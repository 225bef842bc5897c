package rdssim

import (
	"encoding/xml"
	"net/http"
	"reflect"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

// namespaces of the Query protocol's answers, by service.
var namespaces = map[string]string{
	serviceRDS:        "http://rds.amazonaws.com/doc/2014-10-31/",
	serviceCloudWatch: "http://monitoring.amazonaws.com/doc/2010-08-01/",
	serviceSTS:        "https://sts.amazonaws.com/doc/2011-06-15/",
}

// queryProtocol is the AWS Query protocol: a form in, XML out.
type queryProtocol struct{}

// queryAnswerer is an answer that looks different in the Query protocol.
type queryAnswerer interface{ xml() any }

type queryAnswer struct {
	XMLName   xml.Name
	Result    resultElement
	RequestID string `xml:"ResponseMetadata>RequestId"`
}

// resultElement is an answer under the name OperationResult.
type resultElement struct {
	name  string
	value any
}

// MarshalXML implements xml.Marshaler.
func (e resultElement) MarshalXML(out *xml.Encoder, _ xml.StartElement) error {
	return out.EncodeElement(e.value, xml.StartElement{Name: xml.Name{Local: e.name}})
}

type queryError struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr,omitempty"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func (queryProtocol) answer(r *request, answer any) {
	if a, differs := answer.(queryAnswerer); differs {
		answer = a.xml()
	}
	body := queryAnswer{
		XMLName:   xml.Name{Space: namespaces[r.service], Local: r.operation + "Response"},
		Result:    resultElement{r.operation + "Result", reflect.Indirect(reflect.ValueOf(answer)).Interface()},
		RequestID: r.id,
	}
	writeXML(r, http.StatusOK, body)
}

func (queryProtocol) refuse(r *request, f *model.Fault) {
	kind := "Sender"
	if f.HTTPStatus >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	writeXML(r, f.HTTPStatus, queryError{Namespace: namespaces[r.service], Type: kind, Code: f.Code, Message: f.Message, RequestID: r.id})
}

func writeXML(r *request, status int, body any) {
	text, err := xml.Marshal(body)
	if err != nil {
		http.Error(r.out, err.Error(), http.StatusInternalServerError)
		return
	}
	r.out.Header().Set("Content-Type", "text/xml")
	r.out.WriteHeader(status)
	_, _ = r.out.Write([]byte(xml.Header)) // a caller that has gone away gets nothing
	_, _ = r.out.Write(text)
}
