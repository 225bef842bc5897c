package model

import (
	"slices"
	"time"
)

// Event is an RDS event, as DescribeEvents returns it.
type Event struct {
	Time             time.Time
	SourceIdentifier string // identifier of the instance or cluster
	SourceType       string // db-instance or db-cluster
	ARN              string
	Region           string
	Category         string
	Message          string
}

// maxEvents is the number of events that are kept, over all regions.
const maxEvents = 1000

func (w *World) recordInstanceEvent(s *instanceState, category, message string) {
	w.recordEvent(Event{w.now, s.Identifier, "db-instance", s.ARN(), s.Region, category, message})
}

func (w *World) recordClusterEvent(c *Cluster, category, message string) {
	w.recordEvent(Event{w.now, c.Identifier, "db-cluster", c.ARN(), c.Region, category, message})
}

func (w *World) recordEvent(e Event) {
	w.events = append(w.events, e)
	if len(w.events) > maxEvents {
		w.events = slices.Delete(w.events, 0, len(w.events)-maxEvents)
	}
}

// Events returns the events of a region with from <= Time < to, oldest first.
func (w *World) Events(region string, from, to time.Time) []Event {
	var out []Event
	for _, e := range w.events {
		if e.Region == region && !e.Time.Before(from) && e.Time.Before(to) {
			out = append(out, e)
		}
	}
	return out
}
