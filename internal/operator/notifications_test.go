package operator

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dbscaler/dbscaler/internal/awsx"
	"github.com/dbscaler/dbscaler/internal/notify"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// fixedPublisher answers with an error, and records what it gets.
type fixedPublisher struct {
	err error
	got awsx.Publication
}

func (f *fixedPublisher) Publish(_ context.Context, p awsx.Publication) error {
	f.got = p
	return f.err
}

// TestNewPublisherSink: only what AWS will never accept is final.
func TestNewPublisherSink(t *testing.T) {
	e := notify.Event{ID: "1", Type: "t", Source: "/namespaces/a/dbscalingpolicies/b", Data: notify.Data{Text: "text", Target: notify.TargetReference{ARN: "arn"}}}
	for _, test := range []struct {
		err     error
		refused bool
	}{{nil, false}, {fmt.Errorf("too large: %w", scaling.ErrInvalid), true}, {scaling.ErrDenied, false}, {scaling.ErrThrottled, false}} {
		publisher := &fixedPublisher{err: test.err}
		sink := newPublisherSink("sns", publisher)
		err := sink.Send(t.Context(), e, []byte("{}"))
		if errors.Is(err, notify.ErrRefused) != test.refused || !errors.Is(err, test.err) || sink.Name() != "sns" {
			t.Errorf("%v became %v, refused %t", test.err, err, test.refused)
		}
		if g := publisher.got; g.ID != e.ID || g.Type != e.Type || g.Group != e.Source || g.Subject != "text" || g.Resource != "arn" || string(g.Body) != "{}" {
			t.Errorf("published %+v", g)
		}
	}
}
