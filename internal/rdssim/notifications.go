package rdssim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/dbscaler/dbscaler/internal/rdssim/model"
)

const (
	// maxNotificationBytes is the maximum size of a message with its attributes (SNS API reference, Publish), and of an entry (EventBridge
	// user guide, "Calculating PutEvents event entry size").
	maxNotificationBytes = 256 << 10
	// maxEntries is the maximum number of entries in a request (EventBridge API reference, PutEvents).
	maxEntries = 10
	// timeEntryBytes is what the time of an entry counts for.
	timeEntryBytes = 14
)

// PublishedMessage is a message that a topic or an event bus has accepted.
type PublishedMessage struct {
	// Destination is the ARN of the topic or of the event bus.
	Destination string
	// Subject is that of SNS; Source, DetailType and Resources are those of EventBridge.
	Subject, Source, DetailType string
	Resources                   []string
	// Attributes are the message attributes of SNS.
	Attributes map[string]string
	// Group and DeduplicationID are those of a FIFO topic.
	Group, DeduplicationID string
	// Body is the message or the detail.
	Body string
}

// Published returns the messages that topics and event buses have accepted, oldest first.
func (s *Server) Published() []PublishedMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.published)
}

// publishResult is the result of Publish.
type publishResult struct {
	MessageID string `xml:"MessageId"`
}

// invalidSNSParameter is the error of SNS for an invalid parameter.
func invalidSNSParameter(parameter string) *model.APIError {
	return badRequest("InvalidParameter", "Invalid parameter: %s", parameter)
}

// subjectPattern matches a subject: ASCII that starts with a letter, a number or a punctuation mark, of less than 100 characters (SNS API
// reference, Publish).
var subjectPattern = regexp.MustCompile(`^[!-~][ -~]{0,98}$`)

// handleSNS executes an operation of SNS (API version 2010-03-31).
func (s *Server) handleSNS(r *request) (any, *model.APIError) {
	if r.operation != "Publish" {
		return nil, invalidAction(r.operation)
	}
	topic := r.form.Get("TopicArn")
	parts := strings.Split(topic, ":")
	if len(parts) != 6 || parts[2] != serviceSNS || parts[3] != r.caller.region || parts[5] == "" {
		return nil, invalidSNSParameter("TopicArn")
	}
	if denied := s.authorize(r, "SNS:Publish", topic, nil); denied != nil {
		denied.Code = "AuthorizationError" // the code of SNS
		return nil, denied
	}
	if s.options.Topics != nil && !slices.Contains(s.options.Topics, topic) {
		return nil, &model.APIError{Code: "NotFound", Message: "Topic does not exist", HTTPStatus: http.StatusNotFound}
	}
	m := PublishedMessage{
		Destination: topic, Subject: r.form.Get("Subject"), Body: r.form.Get("Message"), Attributes: map[string]string{},
		Group: r.form.Get("MessageGroupId"), DeduplicationID: r.form.Get("MessageDeduplicationId"),
	}
	size := len(m.Body)
	for _, item := range r.form.itemPrefixes("MessageAttributes.entry") {
		name, kind, value := r.form.Get(item+"Name"), r.form.Get(item+"Value.DataType"), r.form.Get(item+"Value.StringValue")
		if name == "" || kind != "String" || value == "" {
			return nil, badRequest("ParameterValueInvalid",
				"The simulator wants a name, the type String and a value of each message attribute, not %q of type %q", name, kind)
		}
		m.Attributes[name] = value
		size += len(name) + len(kind) + len(value)
	}
	if apiErr := checkMessage(m, size); apiErr != nil {
		return nil, apiErr
	}
	s.published = append(s.published, m)
	return &publishResult{MessageID: r.id}, nil
}

// checkMessage checks a message for a topic.
func checkMessage(m PublishedMessage, size int) *model.APIError {
	isFIFO := strings.HasSuffix(m.Destination, ".fifo")
	switch {
	case m.Body == "":
		return invalidSNSParameter("Empty message")
	case size > maxNotificationBytes:
		return invalidSNSParameter("Message too long")
	case m.Subject != "" && !subjectPattern.MatchString(m.Subject):
		return invalidSNSParameter("Subject")
	case isFIFO && m.Group == "":
		return invalidSNSParameter("The MessageGroupId parameter is required for FIFO topics")
	case isFIFO && m.DeduplicationID == "":
		return invalidSNSParameter("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	}
	return nil
}

// putEventsEntry is an entry of PutEvents. Time is in seconds since 1970.
type putEventsEntry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
	Time                                     *float64
}

// putEventsResult is the result of one entry.
type putEventsResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

// putEventsResponse is the response of PutEvents.
type putEventsResponse struct {
	FailedEntryCount int
	Entries          []putEventsResult
}

// handleEventBridge executes an operation of EventBridge (API version 2015-10-07).
func (s *Server) handleEventBridge(r *request) (any, *model.APIError) {
	if r.operation != "PutEvents" {
		return nil, invalidAction(r.operation)
	}
	var in struct{ Entries []putEventsEntry }
	if apiErr := decodeJSON(r, &in); apiErr != nil {
		return nil, apiErr
	}
	if len(in.Entries) == 0 || len(in.Entries) > maxEntries {
		return nil, validationException("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have "+
			"length from 1 to %d", maxEntries)
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total > maxNotificationBytes {
		return nil, validationException("Total size of the entries in the request is over the limit.")
	}
	out := putEventsResponse{}
	for n, e := range in.Entries {
		bus := s.eventBusARN(r, e.EventBusName)
		if denied := s.authorize(r, "events:PutEvents", bus, nil); denied != nil {
			return nil, denied
		}
		code, message := e.check()
		if code != "" {
			out.FailedEntryCount++
			out.Entries = append(out.Entries, putEventsResult{ErrorCode: code, ErrorMessage: message})
			continue
		}
		out.Entries = append(out.Entries, putEventsResult{EventID: fmt.Sprintf("%s-%d", r.id, n)})
		// EventBridge accepts an event for a bus that does not exist, and drops it (EventBridge user guide, "Sending events with PutEvents").
		if s.options.EventBuses == nil || slices.Contains(s.options.EventBuses, bus) {
			s.published = append(s.published, PublishedMessage{
				Destination: bus, Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Body: e.Detail,
			})
		}
	}
	return &out, nil
}

// eventBusARN is the ARN of a bus, whether named or given by its ARN; "default" without a name.
func (s *Server) eventBusARN(r *request, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	if name == "" {
		name = "default"
	}
	return fmt.Sprintf("arn:aws:events:%s:%s:event-bus/%s", r.caller.region, r.caller.account, name)
}

// size is what an entry counts for in the limit.
func (e putEventsEntry) size() int {
	size := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, resource := range e.Resources {
		size += len(resource)
	}
	if e.Time != nil {
		size += timeEntryBytes
	}
	return size
}

// check returns the error code and message of an entry, or empty ones.
func (e putEventsEntry) check() (code, message string) {
	const maxDetailType = 128
	var object map[string]any
	switch {
	case e.Source == "":
		return "InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument."
	case e.DetailType == "":
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument."
	case e.Detail == "":
		return "InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument."
	case len(e.DetailType) > maxDetailType:
		return "InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType must have at most 128 characters."
	case strings.HasPrefix(e.Source, "aws."):
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	case json.Unmarshal([]byte(e.Detail), &object) != nil:
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}
