package awsx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// EventSource is the source of the events on an event bus. Sources that start with "aws." belong to AWS (EventBridge user guide, "Events").
const EventSource = "io.dbscaler"

// Publication is a JSON document to publish.
type Publication struct {
	// ID identifies it, Type is what it reports, and Group is what it belongs to.
	ID, Type, Group string
	// Subject is one line for people. E-mail subscriptions of a topic show its start.
	Subject string
	// Resource is the ARN of the database; empty when it is not known.
	Resource string
	Time     time.Time
	Body     []byte
}

// Publisher publishes documents with the operator's own identity. It makes one attempt; the caller repeats it. An error that matches
// scaling.ErrInvalid is final.
type Publisher interface {
	Publish(ctx context.Context, p Publication) error
}

// permanentCodes are the error codes with which SNS and EventBridge say that a document will never be accepted, for example because it is
// too large (SNS API reference, Publish; EventBridge API reference, PutEvents and PutEventsResultEntry).
var permanentCodes = map[string]bool{
	"InvalidParameter": true, "InvalidParameterValue": true, "ParameterValueInvalid": true, "ValidationException": true,
	"ValidationError": true, "InvalidArgument": true, "MalformedDetail": true,
}

// busNamePattern matches the name of an event bus (EventBridge API reference, CreateEventBus; "aws." and slashes are those of partners).
var busNamePattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,256}$`)

// NewTopicPublisher returns a publisher to an SNS topic. Its region is that of the ARN.
func (c *Client) NewTopicPublisher(topicARN string) (Publisher, error) {
	parsed, err := arn.Parse(topicARN)
	if err != nil || parsed.Service != "sns" || parsed.Region == "" || parsed.Resource == "" || strings.Contains(parsed.Resource, ":") {
		return nil, fmt.Errorf("%q is not the ARN of an SNS topic, such as arn:aws:sns:eu-west-1:123456789012:dbscaler", topicARN)
	}
	cfg := c.factory.config.Copy()
	cfg.Region, cfg.Credentials = parsed.Region, credentialsProvider{cfg.Credentials}
	return &topicPublisher{arn: topicARN, client: sns.NewFromConfig(cfg, func(o *sns.Options) {
		overrideEndpoint(&o.BaseEndpoint, c.factory.endpoint)
		o.Retryer = aws.NopRetryer{}
	})}, nil
}

// topicPublisher publishes to an SNS topic.
type topicPublisher struct {
	arn    string
	client *sns.Client
}

// maxSubjectRunes is the maximum length of a subject: less than 100 characters, ASCII, without line breaks (SNS API reference, Publish).
const maxSubjectRunes = 99

// Publish implements Publisher. The attributes type and group let a subscription filter.
func (t *topicPublisher) Publish(ctx context.Context, p Publication) error {
	text := func(s string) snstypes.MessageAttributeValue {
		return snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
	}
	in := &sns.PublishInput{
		TopicArn: aws.String(t.arn), Message: aws.String(string(p.Body)), Subject: aws.String(snsSubject(p.Subject)),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{"type": text(p.Type), "policy": text(p.Group)},
	}
	if strings.HasSuffix(t.arn, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(hashedName(p.Group)), aws.String(hashedName(p.Group+" "+p.ID))
	}
	_, err := t.client.Publish(ctx, in)
	return publishError(err)
}

// hashedName is a name in the characters of a MessageGroupId and a MessageDeduplicationId, of at most 128 of them.
func hashedName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// snsSubject turns a text into a subject: it replaces what is not printable ASCII, and cuts it.
func snsSubject(text string) string {
	text = strings.NewReplacer("→", "->", "×", "x").Replace(text)
	subject := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return strings.TrimSpace(subject[:min(len(subject), maxSubjectRunes)])
}

// NewEventBusPublisher returns a publisher to an event bus of EventBridge, by name in the operator's home region or by ARN.
func (c *Client) NewEventBusPublisher(bus string) (Publisher, error) {
	cfg := c.factory.config.Copy()
	parsed, err := arn.Parse(bus)
	switch {
	case err == nil && parsed.Service == "events" && parsed.Region != "" && strings.HasPrefix(parsed.Resource, "event-bus/"):
		cfg.Region = parsed.Region
	case err == nil || !busNamePattern.MatchString(bus):
		return nil, fmt.Errorf("%q is neither the name nor the ARN of an event bus, such as "+
			"arn:aws:events:eu-west-1:123456789012:event-bus/default",
			bus)
	case cfg.Region == "":
		return nil, fmt.Errorf("the region of the event bus %q is not known: set AWS_REGION, or use the ARN of the bus", bus)
	}
	cfg.Credentials = credentialsProvider{cfg.Credentials}
	return &busPublisher{bus: bus, client: eventbridge.NewFromConfig(cfg, func(o *eventbridge.Options) {
		overrideEndpoint(&o.BaseEndpoint, c.factory.endpoint)
		o.Retryer = aws.NopRetryer{}
	})}, nil
}

// busPublisher publishes to an event bus.
type busPublisher struct {
	bus    string
	client *eventbridge.Client
}

// Publish implements Publisher. EventBridge reports the failure of an entry in a successful response.
func (b *busPublisher) Publish(ctx context.Context, p Publication) error {
	entry := eventbridgetypes.PutEventsRequestEntry{
		EventBusName: aws.String(b.bus), Source: aws.String(EventSource), DetailType: aws.String(p.Type), Detail: aws.String(string(p.Body)),
		Time: aws.Time(p.Time),
	}
	if p.Resource != "" {
		entry.Resources = []string{p.Resource}
	}
	out, err := b.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{entry}})
	if err != nil {
		return publishError(err)
	}
	if out.FailedEntryCount == 0 {
		return nil
	}
	if len(out.Entries) != 1 {
		return fmt.Errorf("events:PutEvents: EventBridge answers about %d entries, not the one that was sent", len(out.Entries))
	}
	code := aws.ToString(out.Entries[0].ErrorCode)
	failed := &awsError{
		operation: "events:PutEvents", detail: code + ": " + aws.ToString(out.Entries[0].ErrorMessage), cause: publishCause(code, 0),
	}
	return failed
}

// publishError classifies an error of a publisher.
func publishError(err error) error {
	if err = Classify(err); err == nil {
		return nil
	}
	var classified *awsError
	if errors.As(err, &classified) && classified.cause == nil {
		code, _, _ := strings.Cut(classified.detail, ":")
		classified.cause = publishCause(code, httpStatus(classified.err))
	}
	return err
}

// publishCause is causeForCode for the codes of SNS and EventBridge.
func publishCause(code string, status int) error {
	switch {
	case permanentCodes[code]:
		return scaling.ErrInvalid
	case code == "AuthorizationError": // SNS
		return scaling.ErrDenied
	}
	return causeForCode(code, status)
}
