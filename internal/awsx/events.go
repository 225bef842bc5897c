package awsx

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/dbscaler/dbscaler/internal/scaling"
)

// cachedEvents are the RDS events of a scope as they were read last, or the error. The policies that are applied together share them.
type cachedEvents struct {
	// from is the time since which they were read, and readAt when.
	from, readAt time.Time
	events       []scaling.DatabaseEvent
	err          error
}

// ReadEvents implements scaling.EventReader. Events of all resources are read with the same requests, since the event of a deleted reader
// does not name its cluster.
func (c *Client) ReadEvents(ctx context.Context, t scaling.Target, from, notBefore time.Time) ([]scaling.DatabaseEvent, error) {
	s := c.clientForScope(t.Scope)
	now := s.clock.Now()
	if notBefore.After(now) {
		notBefore = now // written by a clock ahead of this one
	}
	for ctx.Err() == nil {
		if cached, valid := s.cachedEventsSince(from, notBefore, now); valid {
			return cached.events, cached.err
		}
		done := s.refreshes.DoChan("events", func() (any, error) {
			s.refreshEvents(context.WithoutCancel(ctx), from, readTimeout)
			return nil, nil
		})
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	return nil, fmt.Errorf("waiting for the RDS events of %s to be read: %w", s.scope, ctx.Err())
}

// cachedEventsSince returns the events from memory, and false when they must be read first. An error is kept for maxErrorAge.
func (s *scopeClient) cachedEventsSince(from, notBefore, requestedAt time.Time) (cachedEvents, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	cached := s.events
	if cached.err != nil {
		return cached, !cached.readAt.Before(requestedAt.Add(-maxErrorAge))
	}
	return cached, !cached.readAt.Before(notBefore) && !cached.readAt.IsZero() && !cached.from.After(from)
}

// refreshEvents reads the events since a time, within a limit.
func (s *scopeClient) refreshEvents(ctx context.Context, from time.Time, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	readAt := s.clock.Now()
	events, err := listEvents(ctx, s.rdsReader, from, readAt)
	if err != nil {
		readAt = s.clock.Now() // an error is kept for maxErrorAge, and a read that fails may take longer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = cachedEvents{from: from, readAt: readAt, events: events, err: classifyRead(err, s.scope, limit)}
}

// listEvents returns the events of all resources of a scope from one time to another. Both are always named: without them AWS returns
// the events of the last hour (RDS API reference, DescribeEvents).
func listEvents(ctx context.Context, client rds.DescribeEventsAPIClient, from, to time.Time) ([]scaling.DatabaseEvent, error) {
	var events []scaling.DatabaseEvent
	pages := rds.NewDescribeEventsPaginator(client, &rds.DescribeEventsInput{
		StartTime: aws.Time(from), EndTime: aws.Time(to), MaxRecords: aws.Int32(describePageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			events = append(events, scaling.DatabaseEvent{
				Time: aws.ToTime(e.Date).UTC(), SourceType: string(e.SourceType), SourceIdentifier: aws.ToString(e.SourceIdentifier),
				SourceARN: aws.ToString(e.SourceArn), Categories: e.EventCategories, Message: aws.ToString(e.Message),
			})
		}
	}
	return events, nil
}
