package operator

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// Notifications say where what happens to policies is reported. The zero value reports nothing.
type Notifications struct {
	// URL receives CloudEvents over HTTP; KeyFile has the key of their signature, and AllowPlainHTTP allows http://.
	URL, KeyFile   string
	AllowPlainHTTP bool
	// TopicARN is the ARN of an SNS topic, and EventBus the name or the ARN of an event bus of EventBridge.
	TopicARN, EventBus string
}

// Validate returns an error that names the option that is invalid. The topic and the event bus are validated with the AWS client.
func (n Notifications) Validate() error {
	if n.URL == "" {
		if n.KeyFile != "" || n.AllowPlainHTTP {
			return errors.New("--notification-hmac-key-file and --notification-allow-http need --notification-url")
		}
		return nil
	}
	return n.httpOptions("").Validate()
}

func (n Notifications) httpOptions(version string) notify.HTTPOptions {
	return notify.HTTPOptions{URL: n.URL, KeyFile: n.KeyFile, AllowPlainHTTP: n.AllowPlainHTTP, UserAgent: "dbscaler/" + version}
}

// addSender adds the sender of notifications to the manager; nil when there is no receiver.
func addSender(mgr manager.Manager, o Options, client *awsx.Client) (*notify.Sender, error) {
	var sinks []notify.Sink
	if o.Notifications.URL != "" {
		sink, err := notify.NewHTTPSink(o.Notifications.httpOptions(o.Version))
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, sink)
	}
	if topic := o.Notifications.TopicARN; topic != "" {
		publisher, err := client.NewTopicPublisher(topic)
		if err != nil {
			return nil, fmt.Errorf("--notification-sns-topic-arn: %w", err)
		}
		sinks = append(sinks, newPublisherSink("sns", publisher))
	}
	if bus := o.Notifications.EventBus; bus != "" {
		publisher, err := client.NewEventBusPublisher(bus)
		if err != nil {
			return nil, fmt.Errorf("--notification-event-bus: %w", err)
		}
		sinks = append(sinks, newPublisherSink("eventbridge", publisher))
	}
	if len(sinks) == 0 {
		return nil, nil
	}
	sender, err := notify.NewSender(sinks, o.Clock, metrics.Registry, o.Log.WithName("notifications"))
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of notifications: %w", err)
	}
	return sender, mgr.Add(sender)
}

// newPublisherSink returns a sink that publishes with AWS.
func newPublisherSink(name string, publisher awsx.Publisher) notify.Sink {
	return notify.NewSinkFunc(name, func(ctx context.Context, e notify.Event, body []byte) error {
		err := publisher.Publish(ctx, awsx.Publication{
			ID: e.ID, Type: e.Type, Group: e.Source, Subject: e.Data.Text, Resource: e.Data.Target.ARN, Time: e.Time, Body: body,
		})
		if errors.Is(err, scaling.ErrInvalid) {
			return fmt.Errorf("%w: %w", notify.ErrRefused, err)
		}
		return err
	})
}
