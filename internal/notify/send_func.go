package notify

import "context"

// SinkFunc is a sink that calls a function.
type SinkFunc struct {
	name string
	send func(context.Context, Event, []byte) error
}

// NewSinkFunc returns a sink of a name that calls send.
func NewSinkFunc(name string, send func(context.Context, Event, []byte) error) *SinkFunc {
	return &SinkFunc{name, send}
}

// Name implements Sink.
func (s *SinkFunc) Name() string { return s.name }

// Send implements Sink.
func (s *SinkFunc) Send(ctx context.Context, e Event, body []byte) error { return s.send(ctx, e, body) }
