package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/utils/clock"
)

// recordingSink answers each attempt as respond says, and records the attempts.
type recordingSink struct {
	respond func(ctx context.Context, id string, attempt int) error
	start   time.Time

	mu       sync.Mutex
	attempts []string // "time id"
	counts   map[string]int
}

func (s *recordingSink) Name() string { return "test" }

func (s *recordingSink) Send(ctx context.Context, e Event, _ []byte) error {
	s.mu.Lock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[e.ID]++
	attempt := s.counts[e.ID]
	s.attempts = append(s.attempts, fmt.Sprintf("%s %s", clock.RealClock{}.Since(s.start), e.ID))
	s.mu.Unlock()
	if s.respond == nil {
		return nil
	}
	return s.respond(ctx, e.ID, attempt)
}

func (s *recordingSink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.attempts)
}

// runningSender is a sender that runs in a bubble of synctest, whose time passes when all of its goroutines wait.
type runningSender struct {
	*Sender
	sink     *recordingSink
	registry *prometheus.Registry
	stop     func()
}

func startSender(t *testing.T, respond func(context.Context, string, int) error) *runningSender {
	t.Helper()
	r := &runningSender{sink: &recordingSink{respond: respond, start: clock.RealClock{}.Now()}, registry: prometheus.NewRegistry()}
	var err error
	if r.Sender, err = NewSender([]Sink{r.sink}, clock.RealClock{}, r.registry, logr.Discard()); err != nil {
		t.Fatal(err)
	}
	r.jitter = func() float64 { return 1 }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Start(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func testEvent(id string) Event {
	return Event{ID: id, Source: "/namespaces/a/dbscalingpolicies/b", Time: clock.RealClock{}.Now()}
}

func (r *runningSender) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := r.sink.all(); !slices.Equal(got, want) {
		t.Errorf("attempts are\n%q\nwant\n%q", got, want)
	}
}

// wait lets time pass in a bubble.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	timer := clock.RealClock{}.NewTimer(d)
	<-timer.C()
	synctest.Wait()
}

func (r *runningSender) metric(name string, labels ...string) float64 {
	switch name {
	case "sent":
		return testutil.ToFloat64(r.metrics.sent.WithLabelValues("test"))
	case "deferred":
		return testutil.ToFloat64(r.metrics.deferred.WithLabelValues("test"))
	case "dropped":
		return testutil.ToFloat64(r.metrics.dropped.WithLabelValues(append([]string{"test"}, labels...)...))
	}
	return testutil.ToFloat64(oldestAge{r.Sender})
}

func TestSender_RetriesWithBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startSender(t, func(_ context.Context, id string, attempt int) error {
			if id == "a" && attempt < 5 {
				return errors.New("HTTP 503")
			}
			return nil
		})
		a := testEvent("a")
		r.Offer(a)
		r.Offer(a)
		wait(t, 2*time.Second)
		r.Offer(testEvent("b")) // a does not hold it up
		if r.IsSettled(a.Source, a.ID) {
			t.Error("an event is settled before it was delivered")
		}
		if age := r.metric("age"); age != 2 {
			t.Errorf("the oldest event is %g s old, want 2", age)
		}
		wait(t, time.Minute)
		r.expect(t, "0s a", "1s a", "2s b", "3s a", "7s a", "15s a")
		r.Offer(a) // the policy is reconciled again
		wait(t, time.Minute)
		r.expect(t, "0s a", "1s a", "2s b", "3s a", "7s a", "15s a")
		if !r.IsSettled(a.Source, a.ID) || r.IsSettled(a.Source, "c") || r.metric("sent") != 2 || r.metric("age") != 0 {
			t.Errorf("settled %t, %g sent", r.IsSettled(a.Source, a.ID), r.metric("sent"))
		}
		wait(t, settledRetention)
		r.Offer(a) // status still has it, because it could not be written for an hour: better twice than never
		wait(t, time.Second)
		if got := len(r.sink.all()); got != 7 {
			t.Errorf("%d attempts, want 7", got)
		}
	})
}

func TestSender_BackoffIsBounded(t *testing.T) {
	s := &Sender{jitter: func() float64 { return 1.5 }}
	for attempts, want := range map[int]time.Duration{1: 1500 * time.Millisecond, 2: 3 * time.Second, 9: maxBackoff, 10: maxBackoff, 1000: maxBackoff} {
		if got := s.backoff(attempts); got != want {
			t.Errorf("after %d failures the wait is %s, want %s", attempts, got, want)
		}
	}
}

func TestSender_GivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startSender(t, func(_ context.Context, id string, attempt int) error {
			switch {
			case id == "refused":
				return fmt.Errorf("HTTP 413: %w", ErrRefused)
			case id == "late" && attempt == 1:
				return &RetryAfterError{Err: errors.New("HTTP 429"), After: 90 * time.Second}
			case id == "late":
				return nil
			}
			return errors.New("HTTP 401")
		})
		refused, expired := testEvent("refused"), testEvent("expired")
		r.Offer(refused)
		r.Offer(testEvent("late"))
		wait(t, 2*time.Minute)
		r.expect(t, "0s refused", "0s late", "1m30s late")
		if !r.IsSettled(refused.Source, refused.ID) || r.metric("dropped", reasonRefused) != 1 {
			t.Error("a refused event is not dropped and counted")
		}
		r.Offer(expired)
		wait(t, MaxAge-10*time.Minute)
		if r.IsSettled(expired.Source, expired.ID) {
			t.Error("an event was dropped before its time")
		}
		wait(t, 20*time.Minute)
		if !r.IsSettled(expired.Source, expired.ID) || r.metric("dropped", reasonExpired) != 1 {
			t.Error("an event that was never accepted is not dropped and counted after a day")
		}
		if attempts := len(r.sink.all()); attempts < 280 || attempts > 310 { // one every five minutes
			t.Errorf("%d attempts within a day, want about 290", attempts)
		}
		r.CountDropped(3)
		if got := r.metric("dropped", reasonStatusFull); got != 3 {
			t.Errorf("%g dropped from status, want 3", got)
		}
	})
}

// TestSender_HangingSinkDelaysNobody: a receiver that does not answer delays neither Offer nor another receiver. What finds no room is
// counted, and accepted when it is offered again.
func TestSender_HangingSinkDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := true
		hanging := &recordingSink{start: clock.RealClock{}.Now(), respond: func(ctx context.Context, _ string, _ int) error {
			if !hangs {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}}
		healthy := &recordingSink{start: hanging.start}
		s, err := NewSender([]Sink{hanging, NewSinkFunc("healthy", healthy.Send)}, clock.RealClock{}, prometheus.NewRegistry(), logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Start(ctx) }()
		before := clock.RealClock{}.Now()
		for n := range queueSize + 10 {
			s.Offer(testEvent(fmt.Sprint(n)))
			synctest.Wait() // the healthy sink sends it
		}
		if waited := (clock.RealClock{}).Since(before); waited != 0 {
			t.Errorf("offering took %s", waited)
		}
		if len(healthy.all()) != queueSize+10 {
			t.Errorf("the healthy receiver got %d, want %d", len(healthy.all()), queueSize+10)
		}
		if got := testutil.ToFloat64(s.metrics.deferred.WithLabelValues("test")); got != 10 {
			t.Errorf("%g found no room, want 10", got)
		}
		last := testEvent(fmt.Sprint(queueSize + 9))
		if s.IsSettled(last.Source, last.ID) {
			t.Error("an event that one receiver never saw is settled")
		}
		hangs = false
		wait(t, 2*maxBackoff)
		s.Offer(last)
		wait(t, time.Second)
		if !s.IsSettled(last.Source, last.ID) || len(healthy.all()) != queueSize+10 {
			t.Error("an event that found no room is not delivered once it is offered again, or twice to the healthy receiver")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestSender_Stop: what is left is tried once more within a bounded time, also by a receiver that hangs.
func TestSender_Stop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := false
		r := startSender(t, func(ctx context.Context, _ string, attempt int) error {
			if hangs {
				<-ctx.Done()
				return ctx.Err()
			}
			if attempt < 5 {
				return errors.New("HTTP 503")
			}
			return nil
		})
		r.Offer(testEvent("a"))
		wait(t, 8*time.Second)
		r.stop()
		r.expect(t, "0s a", "1s a", "3s a", "7s a", "8s a")
		if r.metric("sent") != 1 {
			t.Error("the event was not delivered before the end")
		}
		hangs = true
		second := startSender(t, r.sink.respond)
		for n := range 20 {
			second.Offer(testEvent(fmt.Sprint(n)))
		}
		wait(t, time.Second)
		before := clock.RealClock{}.Now()
		second.stop()
		if waited := (clock.RealClock{}).Since(before); waited > drainTimeout {
			t.Errorf("stopping took %s, want at most %s", waited, drainTimeout)
		}
	})
}
