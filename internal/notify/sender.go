package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

const (
	// queueSize is how many events wait for one sink at most: a thousand of 2 KB are 2 MB, 1 % of the memory of the container, and more
	// than a fleet of ten thousand policies reports within the longest backoff. What finds no room stays in status and is offered again.
	queueSize = 1000
	// MaxAge is for how long an event is offered to a sink. An older one is of no use to whoever would be called by it.
	MaxAge = 24 * time.Hour
	// firstBackoff and maxBackoff are the waits after the first failure and after many. Each is multiplied by 0.5 to 1.5 at random, so that
	// the events of an interruption do not all return at once.
	firstBackoff, maxBackoff = time.Second, 5 * time.Minute
	// sendTimeout limits one attempt.
	sendTimeout = 10 * time.Second
	// drainTimeout limits what is sent after the process was told to stop. Kubernetes kills it after 30 seconds.
	drainTimeout = 5 * time.Second
	// settledRetention is how long it is remembered that every sink has an event. The policy is reconciled within minutes, and then removes
	// the event from status.
	settledRetention = time.Hour
)

// ErrRefused says that a sink will never accept an event.
var ErrRefused = errors.New("the receiver refuses the event")

// Sink delivers events to one receiver.
type Sink interface {
	// Name is the value of the label sink of the metrics.
	Name() string
	// Send delivers an event, whose JSON is body. An error that matches ErrRefused is final; any other is retried. An error contains no
	// secret.
	Send(ctx context.Context, e Event, body []byte) error
}

// key identifies an event.
type key struct{ source, id string }

// progress is how far an event is with one sink.
type progress int

const (
	notQueued progress = iota
	queued
	settled
)

// item is an event that waits for a sink.
type item struct {
	key      key
	event    Event
	body     []byte
	attempts int
	// dueAt is when the next attempt may be made.
	dueAt time.Time
}

// queue are the events that wait for one sink, in the order in which they were offered.
type queue struct {
	sink  Sink
	index int
	items []*item
	// wake has an element when items were added.
	wake chan struct{}
}

// settledEvent is an event that every sink has.
type settledEvent struct {
	key key
	at  time.Time
}

// Sender delivers events to sinks, each with a queue and a worker of its own, so that one sink delays neither another one nor a reconcile.
// It is safe for concurrent use.
type Sender struct {
	clock   clock.Clock
	log     logr.Logger
	metrics *senderMetrics
	// jitter returns a factor from 0.5 to 1.5.
	jitter func() float64

	mu     sync.Mutex
	queues []*queue
	events map[key][]progress // by the index of the sink
	// settled are in the order of time.
	settled []settledEvent
}

// NewSender returns a Sender for sinks. It registers its metrics; the error says which one exists already.
func NewSender(sinks []Sink, c clock.Clock, registerer prometheus.Registerer, log logr.Logger) (*Sender, error) {
	s := &Sender{
		clock: c, log: log, events: map[key][]progress{},
		jitter: func() float64 { return 0.5 + rand.Float64() }, //nolint:gosec // only spreads retries
	}
	for n, sink := range sinks {
		s.queues = append(s.queues, &queue{sink: sink, index: n, wake: make(chan struct{}, 1)})
	}
	var err error
	s.metrics, err = newSenderMetrics(s, registerer)
	return s, err
}

// Offer queues an event for each sink that neither has it nor has it queued. It never waits. A sink whose queue is full is left out: the
// caller offers the event again at the next reconcile. It is the new event that is left out, not the oldest one, so that a receiver gets
// the events of an interruption in their order, and none is retried and then displaced shortly before its delivery.
func (s *Sender) Offer(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetSettled()
	k := key{e.Source, e.ID}
	state := s.events[k]
	if state == nil {
		state = make([]progress, len(s.queues))
	}
	var body []byte
	for _, q := range s.queues {
		if state[q.index] != notQueued {
			continue
		}
		if len(q.items) >= queueSize {
			s.metrics.deferred.WithLabelValues(q.sink.Name()).Inc()
			continue
		}
		if body == nil {
			var err error
			if body, err = e.Encode(); err != nil { // no value of an Event can fail to be encoded
				s.log.Error(err, "a notification cannot be encoded", "id", e.ID)
				return
			}
		}
		state[q.index] = queued
		s.events[k] = state
		q.items = append(q.items, &item{key: k, event: e, body: body, dueAt: s.clock.Now()})
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// IsSettled says whether every sink has an event, or has refused it, or had it for longer than MaxAge.
func (s *Sender) IsSettled(source, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.isSettled(key{source, id})
}

func (s *Sender) isSettled(k key) bool {
	state, known := s.events[k]
	for _, p := range state {
		known = known && p == settled
	}
	return known
}

// CountDropped counts events that were dropped before they were offered.
func (s *Sender) CountDropped(count int) {
	if count > 0 {
		for _, q := range s.queues {
			s.metrics.dropped.WithLabelValues(q.sink.Name(), reasonStatusFull).Add(float64(count))
		}
	}
}

// forgetSettled forgets what was settled long ago.
func (s *Sender) forgetSettled() {
	for len(s.settled) > 0 && s.clock.Since(s.settled[0].at) > settledRetention {
		delete(s.events, s.settled[0].key)
		s.settled = s.settled[1:]
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: only the leader reconciles, and sends.
func (*Sender) NeedLeaderElection() bool { return true }

// Start sends until the context ends, and then for drainTimeout what is left, once. It implements manager.Runnable.
func (s *Sender) Start(ctx context.Context) error {
	sendCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var workers sync.WaitGroup
	for _, q := range s.queues {
		workers.Go(func() { s.run(ctx, sendCtx, q) })
	}
	<-ctx.Done()
	done := make(chan struct{})
	go func() {
		workers.Wait()
		close(done)
	}()
	timer := s.clock.NewTimer(drainTimeout)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C():
		cancel()
		<-done
	}
	return nil
}

// run is the worker of one sink. It stops when ctx has ended and each event that is left was tried once more, or sendCtx has ended.
func (s *Sender) run(ctx, sendCtx context.Context, q *queue) {
	for ctx.Err() == nil {
		next, wait := s.nextDue(q)
		if next != nil {
			s.attempt(sendCtx, q, next)
			continue
		}
		timer := s.clock.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-q.wake:
		case <-timer.C():
		}
		timer.Stop()
	}
	s.mu.Lock()
	left := append([]*item(nil), q.items...)
	s.mu.Unlock()
	for _, it := range left {
		if sendCtx.Err() != nil {
			break
		}
		s.attempt(sendCtx, q, it)
	}
}

// nextDue returns the first event that is due, or how long to wait for one.
func (s *Sender) nextDue(q *queue) (*item, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, wait := s.clock.Now(), maxBackoff
	for _, it := range q.items {
		if !it.dueAt.After(now) {
			return it, 0
		}
		wait = min(wait, it.dueAt.Sub(now))
	}
	return nil, wait
}

// attempt sends an event once.
func (s *Sender) attempt(ctx context.Context, q *queue, it *item) {
	name := q.sink.Name()
	log := s.log.WithValues("sink", name, "type", it.event.Type, "id", it.event.ID, "policy", it.event.Source)
	if age := s.clock.Since(it.event.Time); age > MaxAge {
		log.Error(nil, "dropped a notification, because it could not be delivered in time", "age", age, "attempts", it.attempts)
		s.metrics.dropped.WithLabelValues(name, reasonExpired).Inc()
		s.settle(q, it)
		return
	}
	attemptCtx, cancel := context.WithTimeout(ctx, sendTimeout)
	err := q.sink.Send(attemptCtx, it.event, it.body)
	cancel()
	switch {
	case err == nil:
		log.V(1).Info("delivered a notification", "attempts", it.attempts+1)
		s.metrics.sent.WithLabelValues(name).Inc()
		s.settle(q, it)
	case errors.Is(err, ErrRefused):
		log.Error(err, "dropped a notification, because the receiver refuses it")
		s.metrics.dropped.WithLabelValues(name, reasonRefused).Inc()
		s.settle(q, it)
	default:
		s.mu.Lock()
		it.attempts++
		wait := s.backoff(it.attempts)
		var late *RetryAfterError
		if errors.As(err, &late) {
			wait = min(max(wait, late.After), maxBackoff)
		}
		it.dueAt = s.clock.Now().Add(wait)
		s.mu.Unlock()
		log.Info("a notification was not delivered, and will be sent again", "error", err.Error(), "attempts", it.attempts, "wait", wait)
	}
}

// backoff is the wait after a number of failures.
func (s *Sender) backoff(attempts int) time.Duration {
	const maxDoublings = 9 // 2^9 seconds are more than maxBackoff
	wait := min(firstBackoff<<min(attempts-1, maxDoublings), maxBackoff)
	return min(time.Duration(float64(wait)*s.jitter()), maxBackoff)
}

// settle removes an event from the queue of a sink.
func (s *Sender) settle(q *queue, it *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := range q.items {
		if q.items[n] == it {
			q.items = append(q.items[:n], q.items[n+1:]...)
			break
		}
	}
	s.events[it.key][q.index] = settled
	if s.isSettled(it.key) {
		s.settled = append(s.settled, settledEvent{it.key, s.clock.Now()})
	}
}

// oldestAge is the age of the oldest event that waits for a sink; zero when none does.
func (s *Sender) oldestAge(q *queue) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := time.Duration(0)
	for _, it := range q.items {
		oldest = max(oldest, s.clock.Since(it.event.Time))
	}
	return oldest
}

// RetryAfterError is a failure after which the receiver asks to wait.
type RetryAfterError struct {
	Err error
	// After is how long.
	After time.Duration
}

// Error implements error.
func (e *RetryAfterError) Error() string {
	return fmt.Sprintf("%v; it asks to wait for %s", e.Err, e.After)
}

// Unwrap returns the failure.
func (e *RetryAfterError) Unwrap() error { return e.Err }
