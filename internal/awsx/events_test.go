package awsx

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dbscaler/dbscaler/internal/rdssim"
	"github.com/dbscaler/dbscaler/internal/rdssim/model"
	"github.com/dbscaler/dbscaler/internal/scaling"
)

// restartAll restarts every instance that is available, and waits until they are again.
func (s *simulatedAWS) restartAll(t *testing.T) {
	t.Helper()
	s.WithWorld(func(w *model.World) {
		for _, i := range w.Instances(euWest1.Region) {
			if _, err := w.RebootInstance(euWest1.Region, i.Identifier, false); err != nil {
				t.Fatal(err)
			}
		}
	})
	s.clock.Step(2 * time.Minute)
}

// TestReadEvents_AllPagesSinceATime: AWS returns only the last hour, and 100 events, unless it is asked for more.
func TestReadEvents_AllPagesSinceATime(t *testing.T) {
	s := simulateScenario(t, "all-kinds", shippedIAMPolicy(t))
	s.clock.Step(4 * time.Hour)
	from := s.clock.Now()
	for range 20 {
		s.restartAll(t)
	}
	s.clock.Step(45 * time.Minute) // most are older than an hour
	var want []model.Event
	s.WithWorld(func(w *model.World) { want = w.Events(euWest1.Region, from, w.Now()) })
	got, err := s.client.ReadEvents(t.Context(), ordersCluster, from, s.clock.Now())
	if err != nil || len(got) != len(want) || len(got) <= 100 {
		t.Fatalf("got %d events, %v; want %d, more than a page", len(got), err, len(want))
	}
	for n, e := range got {
		w := want[n]
		if !e.Time.Equal(w.Time.Truncate(time.Millisecond)) || e.SourceType != w.SourceType || e.SourceIdentifier != w.SourceIdentifier ||
			e.SourceARN != w.ARN || !slices.Equal(e.Categories, []string{w.Category}) || e.Message != w.Message {
			t.Errorf("event %d is %+v, want %+v", n, e, w)
		}
	}
	if calls := s.CountCalls("DescribeEvents"); calls != (len(want)+99)/100 {
		t.Errorf("%d requests for %d events", calls, len(want))
	}
}

// TestReadEvents_SharedByPolicies: policies that observe the same snapshot share the events, a later one reads them again.
func TestReadEvents_SharedByPolicies(t *testing.T) {
	s := simulateAllKinds(t)
	observedAt := s.clock.Now()
	from := observedAt.Add(-scaling.EventLookBack)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.client.ReadEvents(t.Context(), ordersCluster, from, observedAt); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if calls := s.CountCalls("DescribeEvents"); calls != 1 {
		t.Errorf("%d requests for one snapshot, want 1", calls)
	}
	s.restartAll(t)
	events, err := s.client.ReadEvents(t.Context(), ordersCluster, from, s.clock.Now())
	if err != nil || len(events) == 0 {
		t.Errorf("after a restart got %v, %v", events, err)
	}
	if _, err := s.client.ReadEvents(t.Context(), ordersCluster, from.Add(-time.Hour), observedAt); err != nil || s.CountCalls("DescribeEvents") != 3 {
		t.Errorf("a longer span: %v, %d requests; want another one", err, s.CountCalls("DescribeEvents"))
	}
}

// TestReadEvents_Denied: the error matches ErrDenied, and is not requested again at once.
func TestReadEvents_Denied(t *testing.T) {
	shipped, err := os.ReadFile("../../config/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := rdssim.ParsePolicy(bytes.Replace(shipped, []byte(`"rds:DescribeEvents"`), []byte(`"rds:Nothing"`), 1))
	if err != nil {
		t.Fatal(err)
	}
	s := simulateScenario(t, "all-kinds", policy)
	for range 3 {
		if _, err := s.client.ReadEvents(t.Context(), ordersCluster, s.clock.Now().Add(-time.Hour), s.clock.Now()); !errors.Is(err, scaling.ErrDenied) {
			t.Errorf("got %v, want access denied", err)
		}
	}
	if calls := s.CountCalls("DescribeEvents"); calls != 1 {
		t.Errorf("%d requests, want 1", calls)
	}
}

// TestReadEvents_ThrottledOnce: the SDK retries a request that AWS throttles.
func TestReadEvents_ThrottledOnce(t *testing.T) {
	s := simulateAllKinds(t)
	s.restartAll(t)
	s.InjectFault(rdssim.Fault{Kind: rdssim.Throttle, Operation: "DescribeEvents", Times: 1})
	events, err := s.client.ReadEvents(t.Context(), ordersCluster, s.clock.Now().Add(-time.Hour), s.clock.Now())
	if err != nil || len(events) == 0 {
		t.Errorf("got %d events, %v", len(events), err)
	}
}

// TestReadEvents_CallerGaveUp: an ended context ends the wait.
func TestReadEvents_CallerGaveUp(t *testing.T) {
	s := simulateAllKinds(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.client.ReadEvents(ctx, ordersCluster, s.clock.Now().Add(-time.Hour), s.clock.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
