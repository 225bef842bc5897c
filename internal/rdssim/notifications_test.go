package rdssim

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// post sends a signed request to the simulator.
func post(t *testing.T, s *Server, service, target, body string) string {
	t.Helper()
	server := httptest.NewServer(s)
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=KEY/20240205/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	if target != "" {
		request.Header.Set("X-Amz-Target", target)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.Status[:3] + " " + string(text)
}

func TestSNS_RefusesWhatAWSRefuses(t *testing.T) {
	const topic = "arn:aws:sns:eu-west-1:123456789012:known"
	s := newTestServer(t).Server
	s.options.Policy, s.options.Topics = nil, []string{topic, topic + ".fifo"}
	for _, test := range []struct {
		name   string
		values url.Values
		want   string
	}{
		{"accepted", url.Values{"TopicArn": {topic}, "Message": {"x"}, "Subject": {"y"}}, "200 "},
		{"unknown topic", url.Values{"TopicArn": {topic + "2"}, "Message": {"x"}}, "<Code>NotFound</Code><Message>Topic does not exist"},
		{"topic of another region", url.Values{"TopicArn": {strings.Replace(topic, "eu-west-1", "us-east-1", 1)}, "Message": {"x"}}, "Invalid parameter: TopicArn"},
		{"no message", url.Values{"TopicArn": {topic}}, "Invalid parameter: Empty message"},
		{"largest message", url.Values{"TopicArn": {topic}, "Message": {strings.Repeat("x", 256<<10)}}, "200 "},
		{"too large", url.Values{"TopicArn": {topic}, "Message": {strings.Repeat("x", 256<<10+1)}}, "Invalid parameter: Message too long"},
		{"subject of 100 characters", url.Values{"TopicArn": {topic}, "Message": {"x"}, "Subject": {strings.Repeat("x", 100)}}, "Invalid parameter: Subject"},
		{"subject with an arrow", url.Values{"TopicArn": {topic}, "Message": {"x"}, "Subject": {"a → b"}}, "Invalid parameter: Subject"},
		{"FIFO without a group", url.Values{"TopicArn": {topic + ".fifo"}, "Message": {"x"}}, "MessageGroupId parameter is required"},
		{"FIFO without deduplication", url.Values{"TopicArn": {topic + ".fifo"}, "Message": {"x"}, "MessageGroupId": {"g"}}, "MessageDeduplicationId provided explicitly"},
		{"attribute of another type", url.Values{
			"TopicArn": {topic}, "Message": {"x"}, "MessageAttributes.entry.1.Name": {"n"}, "MessageAttributes.entry.1.Value.DataType": {"Number"},
		}, "ParameterValueInvalid"},
	} {
		test.values.Set("Action", "Publish")
		if got := post(t, s, "sns", "", test.values.Encode()); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %.300s, want %q", test.name, got, test.want)
		}
	}
	if got := post(t, s, "sns", "", "Action=CreateTopic"); !strings.Contains(got, "InvalidAction") {
		t.Errorf("another operation: %s", got)
	}
	if n := len(s.Published()); n != 2 {
		t.Errorf("%d messages were published, want 2", n)
	}
}

func TestEventBridge_RefusesWhatAWSRefuses(t *testing.T) {
	s := newTestServer(t).Server
	s.options.Policy, s.options.EventBuses = nil, []string{"arn:aws:events:eu-west-1:" + s.options.AccountID + ":event-bus/default"}
	entry := func(detail string) string {
		return `{"Source":"io.dbscaler","DetailType":"t","Detail":"` + detail + `"}`
	}
	for _, test := range []struct{ name, entries, want string }{
		{"accepted", entry("{}"), `200 {"FailedEntryCount":0,"Entries":[{"EventId"`},
		{"a bus that does not exist is no error", `{"Source":"s","DetailType":"t","Detail":"{}","EventBusName":"other"}`, `200 {"FailedEntryCount":0`},
		{"no source", `{"DetailType":"t","Detail":"{}"}`, `"FailedEntryCount":1,"Entries":[{"ErrorCode":"InvalidArgument"`},
		{"source of AWS", `{"Source":"aws.rds","DetailType":"t","Detail":"{}"}`, "NotAuthorizedForSourceException"},
		{"detail is no object", entry("[]"), "MalformedDetail"},
		{"one of two fails", entry("{}") + "," + entry("x"), `200 {"FailedEntryCount":1,"Entries":[{"EventId"`},
		{"detail type too long", `{"Source":"s","DetailType":"` + strings.Repeat("t", 129) + `","Detail":"{}"}`, "InvalidArgument"},
		{"too large", entry(`{\"a\":\"` + strings.Repeat("x", 256<<10) + `\"}`), "400 {\"__type\":\"ValidationException\""},
		{"no entry", "", "400 {\"__type\":\"ValidationException\""},
		{"11 entries", strings.TrimSuffix(strings.Repeat(entry("{}")+",", 11), ","), "400 {\"__type\":\"ValidationException\""},
	} {
		if got := post(t, s, "events", "AWSEvents.PutEvents", `{"Entries":[`+test.entries+`]}`); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %.300s, want %q", test.name, got, test.want)
		}
	}
	if n := len(s.Published()); n != 2 {
		t.Errorf("%d events were published, want 2", n)
	}
}
