package awsx

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

const (
	testTopic = "arn:aws:sns:eu-west-1:111122223333:dbscaler"
	testBus   = "arn:aws:events:eu-west-1:111122223333:event-bus/dbscaler"
)

// notificationsIAMPolicy reads the optional IAM policy for notifications, which allows testTopic and testBus.
func notificationsIAMPolicy(t *testing.T) *rdssim.Policy {
	t.Helper()
	document, err := os.ReadFile("../../config/iam/notifications.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(document)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func testPublication() Publication {
	return Publication{
		ID: "0a1b2c3d-started", Type: "io.dbscaler.operation.started.v1", Group: "/namespaces/payments/dbscalingpolicies/orders",
		Subject:  "payments/orders: operation started. Readers: 2 × db.r6g.large → 2 × db.r6g.xlarge. " + strings.Repeat("x", 100),
		Resource: "arn:aws:rds:eu-west-1:123456789012:cluster:orders", Time: time.Date(2026, 2, 5, 10, 0, 0, 0, time.UTC), Body: []byte(`{"id":"0a1b2c3d"}`),
	}
}

// mustPublisher returns a publisher.
func mustPublisher(t *testing.T, p Publisher, err error) Publisher {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPublish_OverTheWire publishes with the SDK to the simulated SNS and EventBridge under the shipped optional IAM policy, of which each
// statement is needed.
func TestPublish_OverTheWire(t *testing.T) {
	policy := notificationsIAMPolicy(t)
	aws := simulateScenario(t, "all-kinds", policy)
	topic, err := aws.client.NewTopicPublisher(testTopic)
	topic = mustPublisher(t, topic, err)
	bus, err := aws.client.NewEventBusPublisher(testBus)
	bus = mustPublisher(t, bus, err)
	p := testPublication()
	for _, publisher := range []Publisher{topic, bus} {
		if err := publisher.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	want := []rdssim.PublishedMessage{
		{
			Destination: testTopic, Body: string(p.Body), Attributes: map[string]string{"type": p.Type, "policy": p.Group},
			Subject: "payments/orders: operation started. Readers: 2 x db.r6g.large -> 2 x db.r6g.xlarge. " + strings.Repeat("x", 15),
		},
		{Destination: testBus, Body: string(p.Body), Source: "io.dbscaler", DetailType: p.Type, Resources: []string{p.Resource}},
	}
	if got := aws.Published(); !reflect.DeepEqual(got, want) {
		t.Errorf("published\n%+v\nwant\n%+v", got, want)
	}
	if unused := policy.Unused(); len(unused) > 0 {
		t.Errorf("config/iam/notifications.json grants what was not needed: %v", unused)
	}
	for _, c := range aws.Calls() {
		if c.Region != "eu-west-1" {
			t.Errorf("%s was called in %s, want the region of the ARN", c.Operation, c.Region)
		}
	}
}

func TestPublish_FIFOTopic(t *testing.T) {
	aws := simulateAllKinds(t)
	topic, err := aws.client.NewTopicPublisher(testTopic + ".fifo")
	topic = mustPublisher(t, topic, err)
	first, second := testPublication(), testPublication()
	second.ID = "0a1b2c3d-succeeded"
	for _, p := range []Publication{first, second, second} {
		if err := topic.Publish(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	got := aws.Published()
	if len(got) != 3 || got[0].Group != got[1].Group || got[0].Group == "" || got[0].DeduplicationID == got[1].DeduplicationID ||
		got[1].DeduplicationID != got[2].DeduplicationID || len(got[1].DeduplicationID) > 128 {
		t.Errorf("published %+v", got)
	}
}

// TestPublish_Errors: what will never be accepted is final, and everything else is retried by the caller.
func TestPublish_Errors(t *testing.T) {
	tooLarge := testPublication()
	tooLarge.Body = []byte(`{"text":"` + strings.Repeat("x", 256<<10) + `"}`)
	malformed := testPublication()
	malformed.Body = []byte(`no JSON`)
	for _, test := range []struct {
		name         string
		onTopic      bool
		destination  string
		publication  Publication
		fault        *rdssim.Fault
		want         error
		wantContains string
	}{
		{name: "SNS: too large", onTopic: true, destination: testTopic, publication: tooLarge, want: scaling.ErrInvalid, wantContains: "sns:Publish: InvalidParameter: Invalid parameter: Message too long"},
		{name: "SNS: denied", onTopic: true, destination: testTopic + "-2", publication: testPublication(), want: scaling.ErrDenied, wantContains: "not authorized to perform: SNS:Publish"},
		{name: "SNS: throttled", onTopic: true, destination: testTopic, publication: testPublication(), fault: &rdssim.Fault{Kind: rdssim.Throttle, Service: "sns"}, want: scaling.ErrThrottled},
		{name: "SNS: unavailable", onTopic: true, destination: testTopic, publication: testPublication(), fault: &rdssim.Fault{Kind: rdssim.Unavailable, Service: "sns"}, want: scaling.ErrUnavailable},
		{name: "SNS: lost response", onTopic: true, destination: testTopic, publication: testPublication(), fault: &rdssim.Fault{Kind: rdssim.LostResponse, Service: "sns"}, want: scaling.ErrUnavailable},
		{name: "EventBridge: too large", destination: testBus, publication: tooLarge, want: scaling.ErrInvalid, wantContains: "events:PutEvents: ValidationException: Total size of the entries"},
		{name: "EventBridge: failed entry", destination: testBus, publication: malformed, want: scaling.ErrInvalid, wantContains: "events:PutEvents: MalformedDetail: Detail is malformed."},
		{name: "EventBridge: denied", destination: testBus + "-2", publication: testPublication(), want: scaling.ErrDenied, wantContains: "not authorized to perform: events:PutEvents"},
		{name: "EventBridge: throttled", destination: testBus, publication: testPublication(), fault: &rdssim.Fault{Kind: rdssim.Throttle, Service: "events"}, want: scaling.ErrThrottled},
	} {
		t.Run(test.name, func(t *testing.T) {
			aws := simulateScenario(t, "all-kinds", notificationsIAMPolicy(t))
			if test.fault != nil {
				aws.InjectFault(*test.fault)
			}
			create := aws.client.NewEventBusPublisher
			if test.onTopic {
				create = aws.client.NewTopicPublisher
			}
			publisher, err := create(test.destination)
			err = mustPublisher(t, publisher, err).Publish(t.Context(), test.publication)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.wantContains) {
				t.Errorf("got %v, want %v with %q", err, test.want, test.wantContains)
			}
			if calls := len(aws.Calls()); calls != 1 {
				t.Errorf("%d calls, want 1: the caller retries", calls)
			}
		})
	}
}

func TestNewPublisher_RefusesWrongNames(t *testing.T) {
	aws := simulateAllKinds(t)
	for _, topic := range []string{
		"", "dbscaler", testBus, "arn:aws:sns:eu-west-1:123456789012:dbscaler:0a1b2c3d-0000-0000-0000-000000000000", "arn:aws:sns::123456789012:dbscaler",
	} {
		if _, err := aws.client.NewTopicPublisher(topic); err == nil || !strings.Contains(err.Error(), "is not the ARN of an SNS topic") {
			t.Errorf("topic %q: %v", topic, err)
		}
	}
	for _, bus := range []string{"", "a b", testTopic, "arn:aws:events:eu-west-1:123456789012:rule/x"} {
		if _, err := aws.client.NewEventBusPublisher(bus); err == nil || !strings.Contains(err.Error(), "neither the name nor the ARN") {
			t.Errorf("bus %q: %v", bus, err)
		}
	}
	aws.client.factory.config.Region = ""
	if _, err := aws.client.NewEventBusPublisher("dbscaler"); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("without a region: %v", err)
	}
	aws.client.factory.config.Region = "eu-central-1"
	bus, err := aws.client.NewEventBusPublisher("dbscaler")
	if err := mustPublisher(t, bus, err).Publish(t.Context(), testPublication()); err != nil {
		t.Error(err)
	}
	if got := aws.Published(); len(got) != 1 || got[0].Destination != "arn:aws:events:eu-central-1:123456789012:event-bus/dbscaler" {
		t.Errorf("published %+v", got)
	}
}
